//! Looks at the files of one table, leaves broken ones out where that is asked for, and concludes.

use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::conclude::{Concluded, conclude};
use super::headers::agreed;
use super::look;
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::files::Files;
use crate::engines::job_spec::Sample;
use crate::engines::reading::Reading;
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::error;
use crate::lake::partitions;

/// How files are looked at.
pub(crate) struct Inference<'a> {
    /// Where the files are, and what was found of them before.
    pub(crate) files: &'a dyn Files,
    /// The present time.
    pub(crate) now: Timestamp,
    /// How much is read; everything when `None`.
    pub(crate) sample: Option<Sample>,
    /// What is stated of how files are read.
    pub(crate) reading: &'a Reading,
    /// How many threads may compute. While they wait for their files, more are looked at at once.
    pub(crate) threads: usize,
    /// Called with the bytes of all files that are done with so far.
    pub(crate) on_bytes: &'a (dyn Fn(u64) + Sync),
    /// Set when it is to stop.
    pub(crate) cancelled: &'a AtomicBool,
}

/// Looks at the files of one table and says what they amount to.
///
/// # Errors
/// `NotFound` when there is no file; `InvalidInput` when none has any content, when files are broken
/// (each is named, at most 20) and not left out, of several formats, read in several ways, or have different partition
/// keys; `Conflict` when a file changed since it was pinned; `Unavailable` when stopped.
pub(crate) fn infer_files(
    inference: &Inference<'_>,
    mut files: Vec<PinnedFile>,
) -> Result<Concluded, EngineError> {
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let keys = partitions::assign(&mut files)?;
    let most = inference.sample.map_or(u64::MAX, |sample| sample.files);
    let count = files.len().min(usize::try_from(most).unwrap_or(usize::MAX));
    let outcomes = look::at_files(inference, &files, &files[..count])?;
    let (looked, bad) = match inference.reading.bad_rows {
        BadRows::Reject => look::without_broken(&mut files, outcomes)?,
        BadRows::Fail | BadRows::Skip | BadRows::Null => {
            (look::all_or_broken(outcomes)?, Bad::default())
        }
    };
    let looked = agreed(inference, &files, looked)?;
    conclude(&files, &looked, &keys, inference.reading, bad)
}

/// Looks at some files of a table and says what these amount to, with the partition keys of all. Both are sorted by
/// path, and have their partition values.
///
/// # Errors
/// As [`infer_files`].
pub(crate) fn infer_some(
    inference: &Inference<'_>,
    all: &[PinnedFile],
    keys: &[String],
    some: &[PinnedFile],
) -> Result<Concluded, EngineError> {
    let looked = look::all_or_broken(look::at_files(inference, all, some)?)?;
    let looked = agreed(inference, some, looked)?;
    let concluded = conclude(some, &looked, keys, inference.reading, Bad::default())?;
    Ok(concluded.with_partition_columns(partitions::columns(keys, all)))
}

/// What fails, in words.
pub(crate) const OPERATION: &str = "infer the schema";

pub(super) fn failed(kind: ErrorKind, message: impl Into<String>) -> EngineError {
    error(kind, OPERATION, message)
}
