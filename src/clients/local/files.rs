//! The root as the files of the embedded engine and the lake.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use object_store::ObjectStore;

use super::durable::{self, sync_folders_above};
use super::listing;
use super::root::{OWN_FOLDER, Root};
use crate::engines::EngineError;
use crate::engines::files::{ByteSource, Entry, EntryKind, Files, NewFile};
use crate::engines::table::{PinnedFile, StoragePath};
use crate::lake::error::io_error;
use crate::lake::listing::folder_of;

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

impl RootFiles {
    fn sync_folder(&self, folder: &str) -> Result<(), EngineError> {
        let synced = self.root.disk().sync_folder(self.root.dir(), folder);
        synced.map_err(|source| io_error("sync a folder", folder, source))
    }

    fn sync_above(&self, path: &str) -> Result<(), EngineError> {
        sync_folders_above(&self.root, path)
            .map_err(|source| io_error("sync a folder", path, source))
    }
}

/// Returns all folders above files, the deepest first: a name is of use only when what it names is kept.
fn folders_above<'a>(files: &[&'a StoragePath]) -> Vec<&'a str> {
    let mut folders = BTreeSet::new();
    for file in files {
        let mut folder = folder_of(file.as_str());
        while !folder.is_empty() && folders.insert(folder) {
            folder = folder_of(folder);
        }
    }
    let mut deepest_first: Vec<_> = folders.into_iter().collect();
    deepest_first.sort_by_key(|folder| std::cmp::Reverse(folder.matches('/').count()));
    deepest_first
}

impl Files for RootFiles {
    fn pin(&self, path: &StoragePath) -> Result<PinnedFile, EngineError> {
        self.root.pin(path)
    }

    fn kind(&self, path: &StoragePath) -> Result<Option<EntryKind>, EngineError> {
        match self.root.dir().metadata(path.as_str()) {
            Ok(found) if found.is_dir() => Ok(Some(EntryKind::Folder)),
            Ok(_) => Ok(Some(EntryKind::File)),
            Err(source)
                if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory]
                    .contains(&source.kind()) =>
            {
                Ok(None)
            }
            Err(source) => Err(io_error("look at a file", path.as_str(), source)),
        }
    }

    /// A name of a disk is one or the other.
    fn is_folder_too(&self, _file: &StoragePath) -> Result<bool, EngineError> {
        Ok(false)
    }

    fn walk(
        &self,
        folder: Option<&StoragePath>,
        take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        listing::walk_below(&self.root, folder, take)
    }

    fn level(&self, folder: Option<&StoragePath>) -> Result<Vec<Entry>, EngineError> {
        listing::level(&self.root, folder)
    }

    fn read(&self, path: &StoragePath) -> Result<Vec<u8>, EngineError> {
        let read = self.root.read_document(path.as_str());
        read.map_err(|source| io_error("read a document", path.as_str(), source))
    }

    fn publish(&self, path: &StoragePath, bytes: &[u8]) -> Result<bool, EngineError> {
        durable::publish_new(&self.root, path.as_str(), bytes)
            .map_err(|source| io_error("publish a document", path.as_str(), source))
    }

    /// A link never replaces a file.
    fn check_publishing(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn replace(&self, path: &StoragePath, bytes: &[u8]) -> Result<(), EngineError> {
        durable::publish(&self.root, path.as_str(), bytes)
            .map_err(|source| io_error("write a document", path.as_str(), source))
    }

    fn keep(&self, files: &[&StoragePath]) -> Result<(), EngineError> {
        for file in files {
            let synced = self.root.disk().sync_file(self.root.dir(), file.as_str());
            synced.map_err(|source| io_error("sync a file", file.as_str(), source))?;
        }
        for folder in folders_above(files) {
            self.sync_folder(folder)?;
        }
        match files.first() {
            Some(file) => self.sync_above(file.as_str().split('/').next().unwrap_or_default()),
            None => Ok(()),
        }
    }

    fn make_folder(&self, path: &StoragePath) -> Result<(), EngineError> {
        let made = self.root.make_folders(path.as_str());
        made.map_err(|source| io_error("make a folder", path.as_str(), source))?;
        self.sync_above(path.as_str())
    }

    fn remove_folder(&self, path: &StoragePath, run_uid: &str) -> Result<bool, EngineError> {
        let trash = format!("{OWN_FOLDER}/trash/{run_uid}");
        let fail = |source| io_error("remove a folder", path.as_str(), source);
        self.root.make_folders(folder_of(&trash)).map_err(fail)?;
        let (disk, dir) = (self.root.disk(), self.root.dir());
        if dir.try_exists(path.as_str()).map_err(fail)? {
            disk.rename(dir, path.as_str(), &trash).map_err(fail)?;
        }
        self.sync_above(path.as_str())?;
        match dir.remove_dir_all(&trash) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(fail(source)),
            _ => Ok(true),
        }
    }

    fn discard_folder(&self, path: &StoragePath) -> Result<(), EngineError> {
        match self.root.dir().remove_dir_all(path.as_str()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove a folder", path.as_str(), source))
            }
            _ => Ok(()),
        }
    }

    fn remove_empty_folders(&self, file: &StoragePath, top: &StoragePath) {
        let mut folder = folder_of(file.as_str());
        while folder.starts_with(top.as_str()) && !folder.is_empty() {
            if self.root.dir().remove_dir(folder).is_err() {
                return;
            }
            folder = folder_of(folder);
        }
    }

    fn open(&self, file: &PinnedFile) -> Result<Arc<dyn ByteSource>, EngineError> {
        self.root.read(file)
    }

    fn pinned(&self, files: &[PinnedFile]) -> Arc<dyn ObjectStore> {
        self.root.pinned_objects(files)
    }

    fn create(&self, path: &StoragePath) -> Result<Box<dyn NewFile>, EngineError> {
        Ok(Box::new(NewRootFile(self.root.create_file(path)?)))
    }

    fn remove(&self, path: &StoragePath) -> Result<bool, EngineError> {
        match self.root.dir().remove_file(path.as_str()) {
            Ok(()) => Ok(true),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(io_error("remove a file", path.as_str(), source)),
        }
    }

    fn recall(&self, name: &str) -> Option<Vec<u8>> {
        self.root.read_document(&remembered(name)).ok()
    }

    fn remember(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = remembered(name);
        self.root.make_folders(folder_of(&path))?;
        durable::replace_quickly(&self.root, &path, bytes)
    }
}
