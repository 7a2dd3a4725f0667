//! The root as the files of the embedded engine and the lake.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use object_store::ObjectStore;

use super::durable;
use super::root::{OWN_FOLDER, Root};
use crate::engines::EngineError;
use crate::engines::files::{ByteSource, Files, NewFile};
use crate::engines::table::{PinnedFile, StoragePath};
use crate::lake::error::io_error;

/// The files below a root; what is remembered beside them is in its own folder there.
#[derive(Debug, Clone)]
pub struct RootFiles {
    root: Arc<Root>,
}

impl RootFiles {
    /// Makes the files of a root.
    #[must_use]
    pub fn new(root: Arc<Root>) -> Self {
        Self { root }
    }
}

/// A new file below a root.
struct NewRootFile(File);

impl Write for NewRootFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl NewFile for NewRootFile {
    fn seal(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn remembered(name: &str) -> String {
    format!("{OWN_FOLDER}/cache/{name}")
}

impl Files for RootFiles {
    fn open(&self, file: &PinnedFile) -> Result<Arc<dyn ByteSource>, EngineError> {
        self.root.read(file)
    }

    fn pinned(&self, files: &[PinnedFile]) -> Arc<dyn ObjectStore> {
        self.root.pinned_objects(files)
    }

    fn create(&self, path: &StoragePath) -> Result<Box<dyn NewFile>, EngineError> {
        Ok(Box::new(NewRootFile(self.root.create_file(path)?)))
    }

    fn keep_names(&self, folder: &str) -> io::Result<()> {
        self.root.dir().open(folder)?.sync_all()
    }

    fn remove(&self, path: &StoragePath) -> Result<(), EngineError> {
        match self.root.dir().remove_file(path.as_str()) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|source| io_error("remove a file", path.as_str(), source)),
        }
    }

    fn recall(&self, name: &str) -> Option<Vec<u8>> {
        self.root.read_document(&remembered(name)).ok()
    }

    fn remember(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = remembered(name);
        self.root.make_folders(durable::folder_of(&path))?;
        durable::replace_quickly(&self.root, &path, bytes)
    }
}
