//! Collects what is not needed any more: folders of jobs that ended, files they wrote and did not
//! commit, old generations with the files that only they name, records of changes, and what was found of files.
//! Each is bounded by its age, and the folders of jobs by their number too.
//!
//! Nothing of a job that may still work is touched, neither what it writes nor what it reads.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalogue::{self, MANIFESTS};
use super::changes::remove_empty_folders;
use super::jobs::{self, Ended, JobFolder, JobRecord, Succeeded, file};
use super::proof;
use super::root::Root;
use crate::engines::job::JobToken;
use crate::engines::job_spec::{JobSpec, Sink};
use crate::engines::table::StoragePath;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::io_error;

const OPERATION: &str = "collect leftovers";

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Folders of jobs that ended this long ago, or less, stay.
    pub jobs: Duration,
    /// Most folders of jobs that ended: of more, the oldest go, but none that ended within the last day.
    pub most_jobs: usize,
    /// Generations that were followed by another this long ago, or less, stay.
    pub generations: Duration,
    /// At least this many generations of a table stay; the present one always.
    pub least_generations: usize,
    /// Records of changes of the metastore that were written this long ago, or less, stay.
    pub changes: Duration,
    /// What was found of files this long ago, or less, is remembered.
    pub remembered: Duration,
}

/// Whatever the number of jobs, the proof of one stays so long after its end, for the run that waits for it.
const LEAST_JOB_AGE: Duration = Duration::from_hours(24);

impl Default for Retention {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            jobs: Duration::from_secs(7 * DAY),
            most_jobs: 10_000,
            generations: Duration::from_secs(7 * DAY),
            least_generations: 2,
            changes: Duration::from_secs(90 * DAY),
            remembered: Duration::from_secs(30 * DAY),
        }
    }
}

/// What was collected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// How many jobs' folders.
    pub jobs: u64,
    /// How many generations.
    pub generations: u64,
    /// How many files of tables.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// How many records of changes, and documents of what was found of files.
    #[serde(default)]
    pub records: u64,
}

/// A job as far as leftovers are concerned.
struct KnownJob {
    token: JobToken,
    folder: JobFolder,
    /// Where it writes.
    sink: Option<StoragePath>,
    /// When it was seen to be over; none while it may still work.
    ended_at: Option<Timestamp>,
    reads: Vec<String>,
}

/// Collects leftovers as of `now`. May be repeated, and interrupted at any point.
///
/// # Errors
/// Whatever reading or removing fails with; what was removed before stays removed.
pub fn collect(
    root: &Arc<Root>,
    retention: Retention,
    now: Timestamp,
) -> Result<Collected, EngineError> {
    let jobs = known_jobs(root)?;
    let mut in_use = HashSet::new();
    let mut locations = BTreeSet::new();
    for job in &jobs {
        if job.ended_at.is_none() {
            in_use.extend(job.reads.iter().cloned());
        }
        locations.extend(job.sink.clone());
    }
    let mut collected = Collected::default();
    for job in &jobs {
        if job.ended_at.is_some() {
            collect_staging(root, job, &mut collected)?;
        }
    }
    locations.extend(managed_locations(root)?);
    for location in &locations {
        collect_generations(root, location, (retention, now), &in_use, &mut collected)?;
    }
    for job in old_jobs(&jobs, retention, now) {
        remove_all(root, job.folder.path())?;
        collected.jobs += 1;
    }
    for (folder, age) in [("changes", retention.changes), ("cache/inference", retention.remembered)]
    {
        collected.records += collect_records(root, folder, age, now)?;
    }
    Ok(collected)
}

/// Returns the jobs whose folders go.
fn old_jobs(
    jobs: &[KnownJob],
    retention: Retention,
    now: Timestamp,
) -> impl Iterator<Item = &KnownJob> {
    let mut ended: Vec<(Timestamp, &KnownJob)> =
        jobs.iter().filter_map(|job| Some((job.ended_at?, job))).collect();
    ended.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    ended.into_iter().enumerate().filter_map(move |(index, (at, job))| {
        let is_surplus = index >= retention.most_jobs && is_older(at, LEAST_JOB_AGE, now);
        (is_surplus || is_older(at, retention.jobs, now)).then_some(job)
    })
}

/// Removes the documents of one of Mason's own folders that were written longer ago, and returns how many.
fn collect_records(
    root: &Root,
    folder: &str,
    age: Duration,
    now: Timestamp,
) -> Result<u64, EngineError> {
    let folder = format!("{}/{folder}", super::root::OWN_FOLDER);
    let fail = |source| io_error(OPERATION, &folder, source);
    let entries = match root.dir().read_dir(&folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(source) => return Err(fail(source)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.strip_suffix(".json").is_some()) else {
            continue;
        };
        // One that is gone meanwhile needs no removing.
        let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else {
            continue;
        };
        let Ok(written) = Timestamp::try_from(written.into_std()) else { continue };
        if is_older(written, age, now) && remove_file(root, &format!("{folder}/{name}"))? {
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_older(then: Timestamp, age: Duration, now: Timestamp) -> bool {
    let passed = now.duration_since(then);
    !passed.is_negative() && passed.unsigned_abs() > age
}

fn known_jobs(root: &Arc<Root>) -> Result<Vec<KnownJob>, EngineError> {
    let mut known = Vec::new();
    for token in jobs::tokens(root)? {
        let folder = JobFolder::of(root, &token)?;
        let Some(record) = folder.read::<JobRecord>(file::OWNER)? else { continue };
        let Some(spec) = folder.read::<JobSpec>(file::SPEC)? else { continue };
        let sink = match &spec.sink {
            Sink::Files(sink) => StoragePath::new(&sink.location).ok(),
            Sink::Answer => None,
        };
        let files = spec.inputs.iter().flat_map(|input| &input.files);
        let reads = files.map(|input| input.file.path.to_string()).collect();
        let ended_at = ended_at(root, &folder, &record)?;
        known.push(KnownJob { token, folder, sink, ended_at, reads });
    }
    Ok(known)
}

/// Returns since when a job is over for good: it ended, or it was fenced and nobody works.
fn ended_at(
    root: &Root,
    folder: &JobFolder,
    record: &JobRecord,
) -> Result<Option<Timestamp>, EngineError> {
    if let Some(succeeded) = folder.read::<Succeeded>(file::OUTCOME)? {
        return Ok(Some(succeeded.at));
    }
    let ended = folder.read::<Ended>(file::ERROR)?;
    let begun = folder.has(file::STARTED) || folder.has(file::FENCED);
    // A job that has begun and is not worked on never begins again, nor does a fenced one.
    if ended.is_none() && (!begun || folder.is_worked_on()?) {
        return Ok(None);
    }
    if let Some(succeeded) = proof::of(root, folder)? {
        // Written down before the manifest that it follows from may be collected.
        folder.publish(file::OUTCOME, &succeeded)?;
        return Ok(Some(succeeded.at));
    }
    Ok(Some(ended.map_or(record.created_at, |ended| ended.at)))
}

/// Removes what a job wrote and did not commit.
fn collect_staging(
    root: &Root,
    job: &KnownJob,
    collected: &mut Collected,
) -> Result<(), EngineError> {
    let Some(location) = &job.sink else { return Ok(()) };
    let staging = format!("{location}/{}", job.token);
    let committed = catalogue::history(root, location)?.iter().any(|stored| {
        let own = format!("{staging}/");
        stored.manifest.files.iter().any(|file| file.path.as_str().starts_with(&own))
    });
    if committed || !root.dir().try_exists(&staging).unwrap_or(false) {
        return Ok(());
    }
    let path = StoragePath::new(&staging)
        .map_err(|source| crate::lake::error::path_error(OPERATION, source))?;
    for file in super::listing::files_below(root, Some(&path))? {
        collected.files += 1;
        collected.bytes += file.size_bytes;
    }
    remove_all(root, &staging)?;
    remove_empty_folders(root, &staging, location.as_str());
    Ok(())
}

/// Returns the folders of tables that have manifests: those of databases, and where jobs wrote.
fn managed_locations(root: &Root) -> Result<BTreeSet<StoragePath>, EngineError> {
    let mut found = BTreeSet::new();
    for database in super::metastore::databases(root)? {
        let fail = |source| io_error(OPERATION, &database.location, source);
        for entry in root.dir().read_dir(&database.location).map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            let Some(name) = name.to_str() else { continue };
            let location = format!("{}/{name}", database.location);
            if root.dir().try_exists(format!("{location}/{MANIFESTS}")).unwrap_or(false) {
                found.extend(StoragePath::new(&location).ok());
            }
        }
    }
    Ok(found)
}

fn collect_generations(
    root: &Root,
    location: &StoragePath,
    (retention, now): (Retention, Timestamp),
    in_use: &HashSet<String>,
    collected: &mut Collected,
) -> Result<(), EngineError> {
    let history = catalogue::history(root, location)?;
    let least = retention.least_generations.max(1);
    let old = history.len().saturating_sub(least);
    // A generation is old since the next one was made.
    let passed = history[..old]
        .iter()
        .zip(history.iter().skip(1))
        .take_while(|(_, next)| is_older(next.manifest.created_at, retention.generations, now))
        .count();
    let (old, kept) = history.split_at(passed);
    let needed: HashSet<&str> =
        kept.iter().flat_map(|stored| &stored.manifest.files).map(|f| f.path.as_str()).collect();
    for stored in old {
        let files = &stored.manifest.files;
        let doomed = || files.iter().filter(|file| !needed.contains(file.path.as_str()));
        if doomed().any(|file| in_use.contains(file.path.as_str())) {
            // A job reads it: this generation and those after it wait for the next collection.
            return Ok(());
        }
        for file in doomed() {
            if remove_file(root, file.path.as_str())? {
                collected.files += 1;
                collected.bytes += file.size_bytes;
            }
            remove_empty_folders(root, file.path.as_str(), location.as_str());
        }
        let generation = stored.manifest.generation;
        remove_file(root, &format!("{location}/{MANIFESTS}/{:020}.json", generation.0))?;
        collected.generations += 1;
    }
    Ok(())
}

fn remove_file(root: &Root, path: &str) -> Result<bool, EngineError> {
    match root.dir().remove_file(path) {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error(OPERATION, path, source)),
    }
}

fn remove_all(root: &Root, path: &str) -> Result<(), EngineError> {
    match root.dir().remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(io_error(OPERATION, path, source)),
    }
}

/// How long after a collection the next one is due.
const INTERVAL: Duration = Duration::from_hours(1);

/// Collects with the default retention when the last collection is an hour ago or more, and only says
/// so when it cannot.
pub(crate) fn collect_when_due(root: &Arc<Root>) {
    let mark = format!("{}/collected", super::root::OWN_FOLDER);
    let last = root.dir().metadata(&mark).and_then(|metadata| metadata.modified());
    let now = std::time::SystemTime::from(super::clock::now());
    let passed = last.ok().and_then(|last| now.duration_since(last.into_std()).ok());
    if passed.is_some_and(|passed| passed < INTERVAL) || root.dir().write(&mark, "").is_err() {
        return;
    }
    match collect(root, Retention::default(), super::clock::now()) {
        Ok(collected) => tracing::debug!(?collected, "collected leftovers"),
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "failed to collect leftovers"),
    }
}
