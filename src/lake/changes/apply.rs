//! Makes a change between its two records, completes one of which a part was made, and fences its author.

use jiff::Timestamp;

use super::effects::Effects;
use super::record::{OPERATION, Record, is_fenced, load, mark_fenced, store};
use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed};
use crate::engines::{EngineError, ErrorKind};
use crate::faults;
use crate::lake::error::error;

/// Makes a change at a time, or returns what it did when the same author made it before.
///
/// # Errors
/// As [`Changes::apply`](crate::engines::metastore::Changes::apply).
pub fn apply(
    files: &dyn Files,
    effects: &dyn Effects,
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
            let doomed = effects.check(change)?;
            let (author, change) = (author.clone(), change.clone());
            let record = Record { author, change, doomed, done: None };
            store(files, &record)?;
            faults::reach("change", "recorded");
            record
        }
    };
    complete(files, effects, record, now)
}

/// Makes what is left of a change and writes down that it is done.
fn complete(
    files: &dyn Files,
    effects: &dyn Effects,
    record: Record,
    now: Timestamp,
) -> Result<Changed, EngineError> {
    if let Some(done) = record.done {
        return Ok(done);
    }
    let changed = effects.make(&record, now)?;
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
    effects: &dyn Effects,
    author: &Author,
    now: Timestamp,
) -> Result<Option<Changed>, EngineError> {
    let Some(record) = load(files, author)? else { return Ok(None) };
    // What others make under the same name after the fence is not this run's.
    if record.done.is_none() && (is_fenced(files, author)? || !effects.has_begun(&record)?) {
        return Ok(None);
    }
    complete(files, effects, record, now).map(Some)
}

/// Returns what an author's change did, or else marks that it changes nothing any more.
///
/// # Errors
/// As [`find`].
pub fn fence(
    files: &dyn Files,
    effects: &dyn Effects,
    author: &Author,
    now: Timestamp,
) -> Result<Option<Changed>, EngineError> {
    let made = find(files, effects, author, now)?;
    if made.is_none() {
        mark_fenced(files, author)?;
    }
    Ok(made)
}
