//! What is written down of a run before it commits to a table, so that its commit is found by the run's UID
//! without the table's history.
//!
//! `<table>/_mason/runs/<run uid>.json` names the generation that was the highest before the run committed:
//! its commit is one of those after it, by whichever attempt. The manifest stays the commit.

use serde::{Deserialize, Serialize};

use super::catalogue::{document, generations, manifest_path, read, read_if_there};
use super::error::{error, json_error};
use super::manifest::{ManifestKind, StoredManifest};
use crate::engines::files::Files;
use crate::engines::job::JobToken;
use crate::engines::table::{StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};

const OPERATION: &str = "record a run";

/// The folder of records within that of the manifests.
pub(crate) const RUNS: &str = "runs";

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunRecord {
    /// The run.
    pub(crate) run_uid: String,
    /// The attempt that recorded it first.
    pub(crate) attempt: u32,
    /// The token of that attempt.
    pub(crate) token: JobToken,
    /// The highest generation before; 0 when there was none.
    pub(crate) base: TableVersion,
}

fn path_of(location: &StoragePath, run_uid: &str) -> Result<StoragePath, EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (1..=128).contains(&run_uid.len()) && run_uid.chars().all(plain) {
        return document(location, &format!("{RUNS}/{run_uid}.json"));
    }
    Err(error(ErrorKind::InvalidInput, OPERATION, "the run's UID is no identifier"))
}

/// Returns the record of a run, if it has one.
pub(crate) fn of(
    files: &dyn Files,
    location: &StoragePath,
    run_uid: &str,
) -> Result<Option<RunRecord>, EngineError> {
    let path = path_of(location, run_uid)?;
    match files.read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| json_error(OPERATION, path.as_str(), source)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a record down before the first commit of its run; returns the one that stands, which may be that
/// of another attempt.
pub(crate) fn publish(
    files: &dyn Files,
    location: &StoragePath,
    record: RunRecord,
) -> Result<RunRecord, EngineError> {
    let path = path_of(location, &record.run_uid)?;
    let bytes = serde_json::to_vec(&record);
    let bytes = bytes.map_err(|source| json_error(OPERATION, path.as_str(), source))?;
    if files.publish(&path, &bytes)? {
        return Ok(record);
    }
    let gone = || error(ErrorKind::Conflict, OPERATION, format!("`{path}` has gone meanwhile"));
    of(files, location, &record.run_uid)?.ok_or_else(gone)
}

/// What stands in a table's catalogue since a run was recorded.
pub(crate) struct Since {
    /// The generation that the run made.
    pub(crate) own: Option<StoredManifest>,
    /// The highest generation, when the run made none.
    pub(crate) last: Option<StoredManifest>,
}

/// Looks at every generation after one, for the one that a run made.
pub(crate) fn since(
    files: &dyn Files,
    location: &StoragePath,
    base: TableVersion,
    is_own: impl Fn(&StoredManifest) -> bool,
) -> Result<Since, EngineError> {
    let (mut at, mut last) = (base, read_if_there(files, location, base)?);
    loop {
        if last.as_ref().is_some_and(|stored| stored.manifest.generation > base && is_own(stored)) {
            return Ok(Since { own: last, last: None });
        }
        let next = match read_if_there(files, location, TableVersion(at.0.saturating_add(1)))? {
            Some(next) => Some(next),
            None => kept_after(files, location, at)?,
        };
        let Some(next) = next else { return Ok(Since { own: None, last }) };
        (at, last) = (next.manifest.generation, Some(next));
    }
}

/// Returns the oldest generation after one that is not there any more, for then those right after it may have been
/// collected too.
fn kept_after(
    files: &dyn Files,
    location: &StoragePath,
    at: TableVersion,
) -> Result<Option<StoredManifest>, EngineError> {
    if files.kind(&manifest_path(location, at)?)?.is_some() {
        return Ok(None);
    }
    let next = generations(files, location)?.into_iter().find(|kept| *kept > at);
    next.map(|next| read(files, location, next)).transpose()
}

/// Returns the commit of a run that has no record, from the latest generation back to the first that was made
/// with records: an earlier Mason wrote none.
pub(crate) fn unrecorded_commit(
    files: &dyn Files,
    location: &StoragePath,
    run_uid: &str,
    latest: Option<StoredManifest>,
) -> Result<Option<StoredManifest>, EngineError> {
    const WITH_RECORDS: u32 = 3;
    let mut next = latest;
    while let Some(stored) = next.filter(|stored| stored.manifest.version < WITH_RECORDS) {
        if is_commit_of(&stored, run_uid) {
            return Ok(Some(stored));
        }
        next = match stored.manifest.previous {
            Some(previous) => read_if_there(files, location, previous)?,
            None => None,
        };
    }
    Ok(None)
}

/// Returns whether a generation is the commit of a run.
pub(crate) fn is_commit_of(stored: &StoredManifest, run_uid: &str) -> bool {
    #[cfg(test)]
    if crate::faults::Precondition::CommitRecord.is_removed() {
        return false;
    }
    stored.manifest.kind == ManifestKind::Managed && stored.manifest.run_uid == run_uid
}

/// Returns the records of runs whose base was followed by generations that are all collected: what such a run
/// committed cannot be found any more.
pub(crate) fn before(
    files: &dyn Files,
    location: &StoragePath,
    oldest: TableVersion,
) -> Result<Vec<StoragePath>, EngineError> {
    let folder = document(location, RUNS)?;
    let entries = match files.level(Some(&folder)) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let Some(uid) = entry.name.strip_suffix(".json") else { continue };
        let record = of(files, location, uid)?;
        if record.is_some_and(|record| record.base.0.saturating_add(1) < oldest.0) {
            found.push(path_of(location, uid)?);
        }
    }
    Ok(found)
}
