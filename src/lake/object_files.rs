//! Files over any [`ObjectStore`]: in a bucket, in memory, below a folder.
//!
//! A file is pinned by its entity tag where the store has one, by size and time otherwise; every read says so,
//! and fails when the object is another. Reading on from where the last read ended fetches pieces of 8 MiB, the
//! next one while this one is used; any other read fetches what is asked for.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    WriteMultipart,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::conditions;
use super::error::error;
use super::listing::is_left_out;
use super::object_path::{file_path, object_path};
use super::pinned_objects::PinnedObjects;
use crate::engines::files::{ByteSource, Entry, EntryKind, Files, NAMES_GIVEN_TWICE, NewFile};
use crate::engines::storage::{meaning_of, said_by_store};
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};

/// How much is fetched at once of a file that is read from its beginning to its end.
const PIECE_BYTES: u64 = 8 * 1024 * 1024;

/// How much of a new file is held before it is sent.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts of a new file that are under way at once.
const PARTS_AT_ONCE: usize = 4;

/// Most bytes of a document, as on a disk.
const MOST_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// The object that keeps a folder that was made and holds nothing yet.
pub(crate) const FOLDER_MARK: &str = ".folder";

const CONDITION_IGNORED: &str = "the server ignores the condition of a write (`If-None-Match`), so that two runs could \
                                 commit the same version of a table";

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
pub(crate) fn failed(operation: &str, path: &str, source: Error) -> EngineError {
    if let Some(known) = said_by_store(&source) {
        let (hint, reason) = (known.hint.clone(), known.reason);
        let message = format!("{}{}", shown(path), known.message);
        let failed = error(known.kind, operation, message).with_retry(known.retry);
        return EngineError { hint, reason, ..failed };
    }
    let kind = meaning_of(&source).unwrap_or(ErrorKind::Unavailable);
    error(kind, operation, format!("{}{source}", shown(path))).with_source(source)
}

/// Returns a path as a message begins with it; nothing for the root.
fn shown(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{path}`: ") }
}

/// Returns the file of an object, if it is one of data below a folder.
fn data_file(
    folder: Option<&StoragePath>,
    found: &ObjectMeta,
) -> Result<Option<PinnedFile>, Error> {
    let path = file_path(&found.location)?;
    let below = match folder {
        Some(folder) => path.as_str().strip_prefix(folder.as_str()).unwrap_or_default(),
        None => path.as_str(),
    };
    let is_data = !below.split('/').any(is_left_out);
    Ok(is_data.then(|| pinned(path, found)))
}

impl ObjectFiles {
    fn wait<T>(
        &self,
        operation: &str,
        path: &str,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        self.runtime.block_on(asked).map_err(|source| failed(operation, path, source))
    }

    /// Returns whether any object is below a path.
    fn has_below(&self, path: &StoragePath) -> Result<bool, EngineError> {
        let mut below = self.store.list(Some(&object_path(path)));
        let first = self.wait("list a folder", path.as_str(), below.try_next())?;
        Ok(first.is_some())
    }

    fn no_folder(folder: &StoragePath) -> EngineError {
        let message = format!("`{folder}`: there is no such folder");
        error(ErrorKind::NotFound, "list a folder", message)
    }

    /// Reads what stands where a conditional write was refused, or its answer was lost: the same bytes are
    /// its own.
    fn published(&self, path: &StoragePath, bytes: &[u8], why: Error) -> Result<bool, EngineError> {
        let refused = matches!(why, Error::AlreadyExists { .. } | Error::Precondition { .. });
        match self.read(path) {
            Ok(found) => Ok(found == bytes),
            Err(error) if error.kind == ErrorKind::NotFound && !refused => {
                Err(failed("publish a document", path.as_str(), why))
            }
            Err(error) => Err(error),
        }
    }
}

fn name_of(path: &Path) -> Result<String, Error> {
    file_path(path).map(|path| path.file_name().to_owned())
}

impl Files for ObjectFiles {
    fn pin(&self, path: &StoragePath) -> Result<PinnedFile, EngineError> {
        let object = object_path(path);
        let found = self.wait("look at a file", path.as_str(), self.store.head(&object))?;
        Ok(pinned(path.clone(), &found))
    }

    fn kind(&self, path: &StoragePath) -> Result<Option<EntryKind>, EngineError> {
        match self.pin(path) {
            Ok(_) => Ok(Some(EntryKind::File)),
            Err(error) if error.kind == ErrorKind::NotFound => {
                Ok(self.has_below(path)?.then_some(EntryKind::Folder))
            }
            Err(error) => Err(error),
        }
    }

    fn is_folder_too(&self, file: &StoragePath) -> Result<bool, EngineError> {
        self.has_below(file)
    }

    fn walk(
        &self,
        folder: Option<&StoragePath>,
        take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let shown = folder.map_or("", StoragePath::as_str);
        let mut below = self.store.list(folder.map(object_path).as_ref());
        let mut is_there = folder.is_none();
        while let Some(found) = self.wait("list files", shown, below.try_next())? {
            is_there = true;
            let file = data_file(folder, &found);
            let file = file.map_err(|source| failed("list files", shown, source))?;
            if file.is_some_and(|file| take(file).is_break()) {
                return Ok(());
            }
        }
        match folder {
            Some(folder) if !is_there => Err(Self::no_folder(folder)),
            _ => Ok(()),
        }
    }

    fn level(&self, folder: Option<&StoragePath>) -> Result<Vec<Entry>, EngineError> {
        let shown = folder.map_or("", StoragePath::as_str);
        let prefix = folder.map(object_path);
        let listed = self.store.list_with_delimiter(prefix.as_ref());
        let listed = self.wait("list a folder", shown, listed)?;
        let folders = listed.common_prefixes.iter().map(|path| (path, EntryKind::Folder));
        let objects = listed.objects.iter().map(|found| (&found.location, EntryKind::File));
        let entries: Result<BTreeSet<Entry>, Error> = folders
            .chain(objects)
            .filter(|(path, _)| path.filename() != Some(FOLDER_MARK))
            .map(|(path, kind)| Ok(Entry { name: name_of(path)?, kind }))
            .collect();
        let entries = entries.map_err(|source| failed("list a folder", shown, source))?;
        match folder {
            Some(folder) if entries.is_empty() && listed.objects.is_empty() => {
                Err(Self::no_folder(folder))
            }
            _ => Ok(entries.into_iter().collect()),
        }
    }

    fn read(&self, path: &StoragePath) -> Result<Vec<u8>, EngineError> {
        let object = object_path(path);
        let found = self.wait("read a document", path.as_str(), self.store.get(&object))?;
        if found.meta.size > MOST_DOCUMENT_BYTES {
            let most = MOST_DOCUMENT_BYTES / (1024 * 1024);
            let message = format!("`{path}`: it has more than {most} MiB");
            return Err(error(ErrorKind::InvalidInput, "read a document", message));
        }
        self.wait("read a document", path.as_str(), found.bytes()).map(Vec::from)
    }

    fn publish(&self, path: &StoragePath, bytes: &[u8]) -> Result<bool, EngineError> {
        let (object, payload) = (object_path(path), PutPayload::from(bytes.to_vec()));
        let put = self.store.put_opts(&object, payload, PutMode::Create.into());
        match self.runtime.block_on(put) {
            Ok(_) => Ok(true),
            Err(why) => self.published(path, bytes, why),
        }
    }

    fn check_publishing(&self) -> Result<(), EngineError> {
        const CHECK: &str = "look whether writes can be conditional";
        if self.wait(CHECK, ".mason", conditions::are_honoured(&*self.store))? {
            return Ok(());
        }
        Err(error(ErrorKind::Unsupported, CHECK, CONDITION_IGNORED)
            .with_reason(NAMES_GIVEN_TWICE)
            .with_hint("tables can be read here; to write, use a server that refuses such a write"))
    }

    fn replace(&self, path: &StoragePath, bytes: &[u8]) -> Result<(), EngineError> {
        let object = object_path(path);
        let put = self.store.put(&object, PutPayload::from(bytes.to_vec()));
        self.wait("write a document", path.as_str(), put).map(drop)
    }

    /// An object is kept once it is there.
    fn keep(&self, _files: &[&StoragePath]) -> Result<(), EngineError> {
        Ok(())
    }

    fn make_folder(&self, path: &StoragePath) -> Result<(), EngineError> {
        let mark = object_path(path).join(FOLDER_MARK);
        let put = self.store.put(&mark, PutPayload::new());
        self.wait("make a folder", path.as_str(), put).map(drop)
    }

    fn remove_folder(&self, path: &StoragePath, _run_uid: &str) -> Result<bool, EngineError> {
        self.discard_folder(path)?;
        self.has_below(path).map(|is_left| !is_left)
    }

    fn discard_folder(&self, path: &StoragePath) -> Result<(), EngineError> {
        let below = self.store.list(Some(&object_path(path)));
        let below = below.map_ok(|found| found.location).boxed();
        let removed = self.store.delete_stream(below).try_for_each(async |_| Ok(()));
        self.wait("remove a folder", path.as_str(), removed)
    }

    /// A folder is no more than the names of its objects.
    fn remove_empty_folders(&self, _file: &StoragePath, _top: &StoragePath) {}

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

    /// A store that answers alike for what is not there counts it as removed.
    fn remove(&self, path: &StoragePath) -> Result<bool, EngineError> {
        match self.runtime.block_on(self.store.delete(&object_path(path))) {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(failed("remove a file", path.as_str(), source)),
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
