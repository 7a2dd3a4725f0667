//! How a job stands whose worker left no word: cancelled before it began, out of memory, or lost.

use jiff::Timestamp;

use super::jobs::{Exit, JobFolder, file};
use crate::engines::job::{JobError, JobState};
use crate::engines::{EngineError, ErrorKind, Retry};

/// How a job stands, since when, and why.
pub(super) type Found = (JobState, Option<Timestamp>, Option<JobError>);

/// A worker that is gone may be replaced, whatever its place says of it.
pub(super) fn as_lost(error: JobError) -> JobError {
    JobError { kind: ErrorKind::Unavailable, retry: Retry::Later, ..error }
}

/// Says how a job stands that was stopped before it began: cancelled only if it was asked to stop.
pub(super) fn unbegun(folder: &JobFolder, finished_at: Option<Timestamp>) -> Found {
    if folder.has(file::CANCEL) {
        return (JobState::Cancelled, finished_at, None);
    }
    let error = JobError {
        kind: ErrorKind::Unavailable,
        retry: Retry::Later,
        message: "the job was given up before a worker began".to_owned(),
        hint: None,
        reason: None,
    };
    (JobState::Lost, finished_at, Some(error))
}

/// Says what is known of a worker that is gone without a word.
pub(super) fn gone(folder: &JobFolder, begun: bool) -> Result<Found, EngineError> {
    let exit = folder.read::<Exit>(file::EXIT)?;
    let tail = folder.log_tail(64 * 1024)?;
    let finished_at = exit.map(|exit| exit.at);
    let lost = |message: String, hint: &str| JobError {
        kind: ErrorKind::Unavailable,
        retry: Retry::Later,
        message,
        hint: Some(hint.to_owned()),
        reason: None,
    };
    if ran_out_of_memory(&tail) {
        let error = JobError {
            kind: ErrorKind::OutOfMemory,
            retry: Retry::Never,
            message: "the worker ended because it needed more memory than its limit".to_owned(),
            hint: Some("raise `memoryLimit` of the client".to_owned()),
            reason: None,
        };
        return Ok((JobState::Failed, finished_at, Some(error)));
    }
    if folder.has(file::FENCED) && !begun {
        return Ok(unbegun(folder, finished_at));
    }
    let error = match exit.and_then(|exit| exit.signal) {
        Some(signal) => lost(
            format!("the worker was ended by signal {signal}"),
            "signal 9 without a cancel often means that the machine ran out of memory",
        ),
        None if begun => lost("the worker is gone and left no outcome".to_owned(), "see its log"),
        None => lost("no worker began to work on the job".to_owned(), "see the job's log"),
    };
    Ok((JobState::Lost, finished_at, Some(error)))
}

/// Returns whether a log ends with what the allocator says before it aborts.
fn ran_out_of_memory(tail: &str) -> bool {
    tail.lines().rev().take(50).any(|line| {
        line.contains("memory allocation of ") && line.contains(" bytes failed")
            || line.contains("Cannot allocate memory")
            || line.contains("OS can't spawn worker thread")
    })
}
