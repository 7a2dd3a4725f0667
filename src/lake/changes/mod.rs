//! Changes of databases and tables: each at most once for its author, also after a crash at any point.
//!
//! Around every effect stands a [`record`]: what is intended is kept for good before the effect, what was done
//! after it. Every effect can be made again when a part of it was made. One change is made at a time per root:
//! the client sees to it that these calls follow one another. A run that ends without its change leaves
//! `<run uid>.fenced.json`, which a late process meets.

mod check;
mod effect;
pub(crate) mod record;

use jiff::Timestamp;

use super::error::{error, path_error};
use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed};
use crate::engines::table::{StoragePath, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::faults;
use record::{OPERATION, Record, is_fenced, load, mark_fenced, store};

/// Sees to it that changes of a root follow one another.
pub trait ChangeLock: Send + Sync {
    /// Waits for the lock, which is held until what is returned is dropped, also by the end of the process.
    ///
    /// # Errors
    /// `Unavailable` when another change takes too long.
    fn take(&self) -> Result<Box<dyn Send>, EngineError>;
}

/// Writes and removes a document as large as the records of a change.
///
/// # Errors
/// Whatever writing a record would fail with.
pub fn check_room(files: &dyn Files) -> Result<(), EngineError> {
    const BYTES: usize = 16 * 1024;
    let path = record::own_document("check")?;
    files.replace(&path, &vec![0; BYTES])?;
    files.remove(&path).map(drop)
}

/// Makes a change at a time, or returns what it did when the same author made it before.
///
/// # Errors
/// As [`Changes::apply`](crate::engines::metastore::Changes::apply).
pub fn apply(
    files: &dyn Files,
    change: &Change,
    author: &Author,
    now: Timestamp,
) -> Result<Changed, EngineError> {
    let recorded = load(files, author)?;
    #[cfg(test)]
    let recorded = recorded.filter(|_| !crate::faults::Precondition::ChangeRecord.is_removed());
    let record = match recorded {
        Some(Record { done: Some(done), change: made, .. }) if made == *change => return Ok(done),
        _ if is_fenced(files, author)? => {
            let message = format!("run `{}` has been fenced", author.run_uid);
            return Err(error(ErrorKind::Conflict, OPERATION, message));
        }
        Some(record) if record.change != *change => {
            let message = format!("run `{}` made another change already", author.run_uid);
            return Err(error(ErrorKind::Conflict, OPERATION, message));
        }
        Some(record) => record,
        None => {
            let doomed = check::check(files, change)?;
            let (author, change) = (author.clone(), change.clone());
            let record = Record { author, change, doomed, done: None };
            store(files, &record)?;
            faults::reach("change", "recorded");
            record
        }
    };
    complete(files, record, now)
}

/// Makes what is left of a change and writes down that it is done.
fn complete(files: &dyn Files, record: Record, now: Timestamp) -> Result<Changed, EngineError> {
    if let Some(done) = record.done {
        return Ok(done);
    }
    let changed = effect::effect(files, &record, now)?;
    faults::reach("change", "made");
    store(files, &Record { done: Some(changed.clone()), ..record })?;
    Ok(changed)
}

/// Returns what an author's change did; completes one of which a part was made.
///
/// # Errors
/// Whatever reading and completing fails with.
pub fn find(
    files: &dyn Files,
    author: &Author,
    now: Timestamp,
) -> Result<Option<Changed>, EngineError> {
    let Some(record) = load(files, author)? else { return Ok(None) };
    // What others make under the same name after the fence is not this run's.
    if record.done.is_none() && (is_fenced(files, author)? || !has_begun(files, &record)?) {
        return Ok(None);
    }
    complete(files, record, now).map(Some)
}

/// Returns what an author's change did, or else marks that it changes nothing any more.
///
/// # Errors
/// As [`find`].
pub fn fence(
    files: &dyn Files,
    author: &Author,
    now: Timestamp,
) -> Result<Option<Changed>, EngineError> {
    let made = find(files, author, now)?;
    if made.is_none() {
        mark_fenced(files, author)?;
    }
    Ok(made)
}

/// Returns whether any part of an intended change can be seen.
fn has_begun(files: &dyn Files, record: &Record) -> Result<bool, EngineError> {
    let gone = |path: &StoragePath| Ok(files.kind(path)?.is_none());
    match &record.change {
        Change::CreateDatabase { name, .. } => gone(&folder(name)?).map(|gone| !gone),
        Change::DeleteDatabase { .. } => record.doomed.location.as_ref().map_or(Ok(false), gone),
        Change::PutTable { table, .. } => {
            Ok(effect::made_by(files, &table_location(&table.name)?, record)?.is_some())
        }
        Change::DeleteTable { .. } => {
            let Some(location) = &record.doomed.location else { return Ok(false) };
            if record.doomed.declared && effect::made_by(files, location, record)?.is_some() {
                return Ok(true);
            }
            for file in &record.doomed.files {
                if gone(file)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Returns a path of the lake.
fn folder(path: &str) -> Result<StoragePath, EngineError> {
    StoragePath::new(path).map_err(|source| path_error(OPERATION, source))
}

/// Returns the folder of a table's manifests.
fn table_location(name: &TableName) -> Result<StoragePath, EngineError> {
    folder(&format!("{}/{}", name.database, name.table))
}

fn check_version(
    name: &TableName,
    now: Option<TableVersion>,
    expected: Option<TableVersion>,
) -> Result<(), EngineError> {
    if now == expected {
        return Ok(());
    }
    let shown =
        |version: Option<TableVersion>| version.map_or("none".to_owned(), |v| v.0.to_string());
    let message = format!("`{name}` has version {}, {} was expected", shown(now), shown(expected));
    Err(error(ErrorKind::Conflict, OPERATION, message)
        .with_hint("the table was changed meanwhile; run it again"))
}
