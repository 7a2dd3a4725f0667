//! What is written down of changes, `.mason/changes/<run uid>.json`, and the marks of runs that change
//! nothing any more, `<run uid>.fenced.json`.

use serde::{Deserialize, Serialize};

use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed};
use crate::engines::table::{StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{error, json_error, path_error};
use crate::lake::listing::OWN_FOLDER;

pub(super) const OPERATION: &str = "change the metastore";

/// What is written down of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The run that intends it.
    pub author: Author,
    /// The change.
    pub change: Change,
    /// What is deleted, fixed before anything is.
    pub doomed: Doomed,
    /// What it did, once it is done.
    pub done: Option<Changed>,
}

/// Files that a change deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doomed {
    /// The folder of the table or database.
    pub location: Option<StoragePath>,
    /// The files.
    pub files: Vec<StoragePath>,
    /// Their size.
    pub bytes: u64,
    /// Whether there is a manifest that a tombstone follows.
    pub declared: bool,
    /// Whether nothing is to be done, because it was so before.
    pub already: bool,
    /// The highest generation of the table when this was fixed, 0 where it had none.
    #[serde(default)]
    pub base: Option<TableVersion>,
}

/// Returns a document beside the records.
pub(super) fn own_document(name: &str) -> Result<StoragePath, EngineError> {
    StoragePath::new(&format!("{OWN_FOLDER}/changes/{name}"))
        .map_err(|source| path_error(OPERATION, source))
}

fn record_path(author: &Author) -> Result<StoragePath, EngineError> {
    path_of(author, "json")
}

/// Returns where it is marked that a run changes nothing any more.
fn fence_path(author: &Author) -> Result<StoragePath, EngineError> {
    path_of(author, "fenced.json")
}

fn path_of(author: &Author, ending: &str) -> Result<StoragePath, EngineError> {
    let uid = author.run_uid.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (1..=128).contains(&uid.len()) && uid.chars().all(plain) {
        return own_document(&format!("{uid}.{ending}"));
    }
    Err(error(ErrorKind::InvalidInput, OPERATION, "the run's UID is no identifier"))
}

/// Returns what is written down of an author's change.
pub(super) fn load(files: &dyn Files, author: &Author) -> Result<Option<Record>, EngineError> {
    let path = record_path(author)?;
    let bytes = match files.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let record = serde_json::from_slice(&bytes);
    record.map(Some).map_err(|source| json_error(OPERATION, path.as_str(), source))
}

/// Writes down a change, whole or not at all.
pub(super) fn store(files: &dyn Files, record: &Record) -> Result<(), EngineError> {
    let path = record_path(&record.author)?;
    let bytes = serde_json::to_vec(record)
        .map_err(|source| json_error(OPERATION, path.as_str(), source))?;
    files.replace(&path, &bytes)
}

/// Marks that a run changes nothing any more.
pub(super) fn mark_fenced(files: &dyn Files, author: &Author) -> Result<(), EngineError> {
    let path = fence_path(author)?;
    let mark = serde_json::to_vec(author);
    let mark = mark.map_err(|source| json_error(OPERATION, path.as_str(), source))?;
    files.publish(&path, &mark).map(drop)
}

/// Returns whether a run is marked to change nothing any more.
pub(super) fn is_fenced(files: &dyn Files, author: &Author) -> Result<bool, EngineError> {
    Ok(files.kind(&fence_path(author)?)?.is_some())
}
