//! What is written down of changes of the metastore, `.mason/changes/<run uid>.json`, the marks of runs that
//! change nothing any more, `<run uid>.fenced.json`, and the lock under which one change is made at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use cap_std::fs::OpenOptions;
use serde::{Deserialize, Serialize};

use super::durable;
use super::root::{OWN_FOLDER, Root};
use crate::engines::metastore::{Author, Change, Changed};
use crate::engines::table::StoragePath;
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::lake::error::{error, io_error, json_error};

pub(super) const OPERATION: &str = "change the metastore";

/// How long another change may take, 15 s: one whose process is stopped holds up no other run for longer.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);
const TRIES: u32 = if cfg!(test) { 600 } else { 3_000 };

/// What is written down of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) author: Author,
    pub(super) change: Change,
    /// What is deleted, fixed before anything is.
    pub(super) doomed: Doomed,
    /// What it did, once it is done.
    pub(super) done: Option<Changed>,
}

/// Files that a change deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Doomed {
    /// The folder of the table or database.
    pub(super) location: Option<StoragePath>,
    pub(super) files: Vec<StoragePath>,
    pub(super) bytes: u64,
    /// Whether there is a manifest that a tombstone follows.
    pub(super) declared: bool,
    /// Whether nothing is to be done, because it was so before.
    pub(super) already: bool,
}

fn record_path(author: &Author) -> Result<String, EngineError> {
    path_of(author, "json")
}

/// Returns where it is marked that a run changes nothing any more.
fn fence_path(author: &Author) -> Result<String, EngineError> {
    path_of(author, "fenced.json")
}

fn path_of(author: &Author, ending: &str) -> Result<String, EngineError> {
    let uid = author.run_uid.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (1..=128).contains(&uid.len()) && uid.chars().all(plain) {
        return Ok(format!("{OWN_FOLDER}/changes/{uid}.{ending}"));
    }
    Err(error(ErrorKind::InvalidInput, OPERATION, "the run's UID is no identifier"))
}

/// One change after another: held until the returned file is dropped.
pub(super) fn lock(root: &Root) -> Result<File, EngineError> {
    let path = format!("{OWN_FOLDER}/changes/lock");
    let fail = |source: io::Error| io_error(OPERATION, &path, source);
    root.make_folders(durable::folder_of(&path)).map_err(fail)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    let file = root.dir().open_with(&path, &options).map_err(fail)?.into_std();
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
    }
    let seconds = (BETWEEN_TRIES * TRIES).as_secs();
    let message = format!("another change has held `{path}` for more than {seconds} s");
    Err(error(ErrorKind::Unavailable, OPERATION, message).with_retry(Retry::Later))
}

/// Returns what is written down of an author's change.
pub(super) fn load(root: &Root, author: &Author) -> Result<Option<Record>, EngineError> {
    let path = record_path(author)?;
    let bytes = match root.read_document(&path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error(OPERATION, &path, source)),
    };
    let record = serde_json::from_slice(&bytes);
    record.map(Some).map_err(|source| json_error(OPERATION, &path, source))
}

/// Writes down a change, whole or not at all.
pub(super) fn store(root: &Root, record: &Record) -> Result<(), EngineError> {
    let path = record_path(&record.author)?;
    let bytes =
        serde_json::to_vec(record).map_err(|source| json_error(OPERATION, &path, source))?;
    durable::publish(root, &path, &bytes).map_err(|source| io_error(OPERATION, &path, source))
}

/// Marks that a run changes nothing any more.
pub(super) fn mark_fenced(root: &Root, author: &Author) -> Result<(), EngineError> {
    let path = fence_path(author)?;
    let mark = serde_json::to_vec(author).map_err(|source| json_error(OPERATION, &path, source))?;
    durable::publish_new(root, &path, &mark)
        .map(drop)
        .map_err(|source| io_error(OPERATION, &path, source))
}

/// Returns whether a run is marked to change nothing any more.
pub(super) fn is_fenced(root: &Root, author: &Author) -> Result<bool, EngineError> {
    let path = fence_path(author)?;
    root.dir().try_exists(&path).map_err(|source| io_error(OPERATION, &path, source))
}
