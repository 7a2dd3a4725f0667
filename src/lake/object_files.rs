//! Files over any [`ObjectStore`]: in a bucket, in memory, below a folder.
//!
//! A file is pinned by its entity tag where the store has one, by size and time otherwise; every read says so,
//! and fails when the object is another. Reading on from where the last read ended fetches pieces of 8 MiB, the
//! next one while this one is used; any other read fetches what is asked for.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload,
    WriteMultipart,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::error::error;
use super::object_path::object_path;
use super::pinned_objects::PinnedObjects;
use crate::engines::files::{ByteSource, Files, NewFile};
use crate::engines::storage::meaning_of;
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};

/// How much is fetched at once of a file that is read from its beginning to its end.
const PIECE_BYTES: u64 = 8 * 1024 * 1024;

/// How much of a new file is held before it is sent.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts of a new file that are under way at once.
const PARTS_AT_ONCE: usize = 4;

/// What is remembered beside the files.
const REMEMBERED: &str = ".mason/cache";

/// All objects of a store as files.
#[derive(Clone)]
pub struct ObjectFiles {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
}

impl fmt::Debug for ObjectFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ObjectFiles({})", self.store)
    }
}

impl ObjectFiles {
    /// Makes the files of a store, which is called on a runtime of several threads: the calls of
    /// [`Files`] wait for it.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, runtime: Handle) -> Self {
        Self { store, runtime }
    }

    /// Returns a file as it is now.
    ///
    /// # Errors
    /// `NotFound`, and whatever else the store says.
    pub fn pin(&self, path: &StoragePath) -> Result<PinnedFile, EngineError> {
        let found = self.runtime.block_on(self.store.head(&object_path(path)));
        let found = found.map_err(|source| failed("look at a file", path.as_str(), source))?;
        Ok(pinned(path.clone(), &found))
    }

    fn remembered(name: &str) -> Path {
        Path::from(format!("{REMEMBERED}/{name}"))
    }
}

/// Returns a file as the store describes its object.
fn pinned(path: StoragePath, found: &ObjectMeta) -> PinnedFile {
    PinnedFile {
        path,
        size_bytes: found.size,
        modified_ns: found.last_modified.timestamp_nanos_opt().unwrap_or(i64::MAX),
        identity: found.e_tag.clone(),
        partition_values: Vec::new(),
    }
}

/// Returns why an object is not as a file was pinned, if it is not.
pub(super) fn difference(file: &PinnedFile, found: &ObjectMeta) -> Option<&'static str> {
    let now = pinned(file.path.clone(), found);
    match (&file.identity, &now.identity) {
        (Some(pinned), Some(now)) if pinned != now => Some("was replaced since it was looked at"),
        _ if now.size_bytes != file.size_bytes => Some("changed its size since it was looked at"),
        (None, _) | (_, None) if now.modified_ns != file.modified_ns => {
            Some("was modified since it was looked at")
        }
        _ => None,
    }
}

/// Makes an error of what a store says of a file.
fn failed(operation: &str, path: &str, source: Error) -> EngineError {
    let kind = meaning_of(&source).unwrap_or(ErrorKind::Unavailable);
    error(kind, operation, format!("`{path}`: {source}")).with_source(source)
}

impl Files for ObjectFiles {
    fn open(&self, file: &PinnedFile) -> Result<Arc<dyn ByteSource>, EngineError> {
        Ok(Arc::new(ObjectSource {
            files: self.clone(),
            file: file.clone(),
            window: Mutex::new(Window::default()),
        }))
    }

    fn pinned(&self, files: &[PinnedFile]) -> Arc<dyn ObjectStore> {
        Arc::new(PinnedObjects::new(Arc::clone(&self.store), files))
    }

    fn create(&self, path: &StoragePath) -> Result<Box<dyn NewFile>, EngineError> {
        let upload = self.runtime.block_on(self.store.put_multipart(&object_path(path)));
        let upload = upload.map_err(|source| failed("create a file", path.as_str(), source))?;
        let upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        Ok(Box::new(NewObject { upload: Some(upload), runtime: self.runtime.clone() }))
    }

    /// An object has no name before all of it is there.
    fn keep_names(&self, _folder: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &StoragePath) -> Result<(), EngineError> {
        match self.runtime.block_on(self.store.delete(&object_path(path))) {
            Err(Error::NotFound { .. }) => Ok(()),
            removed => removed.map_err(|source| failed("remove a file", path.as_str(), source)),
        }
    }

    fn recall(&self, name: &str) -> Option<Vec<u8>> {
        let path = Self::remembered(name);
        let read = async { self.store.get(&path).await?.bytes().await };
        self.runtime.block_on(read).ok().map(Vec::from)
    }

    fn remember(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let payload = PutPayload::from(bytes.to_vec());
        let put = self.runtime.block_on(self.store.put(&Self::remembered(name), payload));
        put.map(drop).map_err(io::Error::other)
    }
}

/// An object that is being written in parts.
struct NewObject {
    upload: Option<WriteMultipart>,
    runtime: Handle,
}

impl Write for NewObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(upload) = &mut self.upload else {
            return Err(io::Error::other("the file is sealed"));
        };
        let room = upload.wait_for_capacity(PARTS_AT_ONCE);
        self.runtime.block_on(room).map_err(io::Error::other)?;
        // Parts are sent by tasks of the runtime.
        let _within = self.runtime.enter();
        upload.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for NewObject {
    fn seal(&mut self) -> io::Result<()> {
        let Some(upload) = self.upload.take() else { return Ok(()) };
        self.runtime.block_on(upload.finish()).map(drop).map_err(io::Error::other)
    }
}

impl Drop for NewObject {
    /// Parts that were sent take room until they are given up.
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            drop(self.runtime.spawn(upload.abort()));
        }
    }
}

/// What was fetched of an object that is read on from where the last read ended.
#[derive(Default)]
struct Window {
    /// Where the piece begins that is there.
    start: u64,
    bytes: Bytes,
    /// The piece after it, which is under way.
    next: Option<JoinHandle<io::Result<Bytes>>>,
    /// Where the last read ended.
    end: u64,
}

impl Window {
    fn piece_end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn part(&self, offset: u64, length: usize) -> Option<Bytes> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        (from < self.bytes.len()).then(|| {
            let to = from.saturating_add(length).min(self.bytes.len());
            self.bytes.slice(from..to)
        })
    }
}

struct ObjectSource {
    files: ObjectFiles,
    file: PinnedFile,
    window: Mutex<Window>,
}

impl ObjectSource {
    /// Fetches a range in the background.
    fn fetch(&self, start: u64, length: u64) -> JoinHandle<io::Result<Bytes>> {
        let (store, file) = (Arc::clone(&self.files.store), self.file.clone());
        let end = start.saturating_add(length).min(file.size_bytes);
        self.files.runtime.spawn(async move { fetched(&*store, &file, start, end).await })
    }

    fn wait(&self, fetching: JoinHandle<io::Result<Bytes>>) -> io::Result<Bytes> {
        self.files.runtime.block_on(fetching).map_err(io::Error::other)?
    }

    /// Returns bytes from an offset on, at least one and at most so many.
    fn some(&self, window: &mut Window, offset: u64, length: usize) -> io::Result<Bytes> {
        if let Some(part) = window.part(offset, length) {
            return Ok(part);
        }
        if offset == 0 || offset != window.end {
            return self.wait(self.fetch(offset, length as u64));
        }
        let follows = offset == window.piece_end();
        let bytes = match window.next.take().filter(|_| follows) {
            Some(next) => self.wait(next)?,
            None => self.wait(self.fetch(offset, PIECE_BYTES.max(length as u64)))?,
        };
        (window.start, window.bytes) = (offset, bytes);
        let end = window.piece_end();
        if end < self.file.size_bytes {
            window.next = Some(self.fetch(end, PIECE_BYTES));
        }
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        window.part(offset, length).ok_or_else(ended)
    }
}

/// Fetches a range of an object that has to be as it was pinned.
async fn fetched(
    store: &dyn ObjectStore,
    file: &PinnedFile,
    start: u64,
    end: u64,
) -> io::Result<Bytes> {
    if start >= end {
        return Ok(Bytes::new());
    }
    let range = Some(GetRange::Bounded(start..end));
    let options = GetOptions { range, ..GetOptions::default() };
    let path = object_path(&file.path);
    let named = |source: Error| match source {
        Error::NotFound { .. } => changed(file, "was removed since it was looked at"),
        Error::Precondition { .. } => changed(file, "was replaced since it was looked at"),
        other => io::Error::new(
            io::ErrorKind::ConnectionAborted,
            failed("read a file", file.path.as_str(), other),
        ),
    };
    let found = store.get_opts(&path, options).await.map_err(named)?;
    if let Some(what) = difference(file, &found.meta) {
        return Err(changed(file, what));
    }
    found.bytes().await.map_err(named)
}

fn changed(file: &PinnedFile, what: &str) -> io::Error {
    io::Error::other(format!("`{}` {what}", file.path))
}

impl ByteSource for ObjectSource {
    fn path(&self) -> &str {
        self.file.path.as_str()
    }

    fn size(&self) -> u64 {
        self.file.size_bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + filled as u64;
            if at >= self.file.size_bytes {
                break;
            }
            let some = self.some(&mut window, at, buffer.len() - filled)?;
            if some.is_empty() {
                break;
            }
            buffer[filled..filled + some.len()].copy_from_slice(&some);
            filled += some.len();
            window.end = at + some.len() as u64;
        }
        Ok(filled)
    }
}
