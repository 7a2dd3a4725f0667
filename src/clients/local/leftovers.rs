//! Collects what is not needed any more: folders of jobs that ended, files they wrote and did not
//! commit, old generations with the files that only they name, records of changes, and what was found of files.
//! Each is bounded by its age, and the folders of jobs by their number too.
//!
//! Nothing of a job that may still work is touched, neither what it writes nor what it reads.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::RootFiles;
use super::jobs::{self, Ended, JobFolder, JobRecord, Succeeded, file};
use super::proof;
use super::root::Root;
use crate::engines::files::Files;
use crate::engines::job::JobToken;
use crate::engines::job_spec::{self, FileSink};
use crate::engines::table::StoragePath;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::io_error;
use crate::lake::listing::files_below;
use crate::lake::retention::{
    CollectedGenerations, KeptGenerations, collect_generations, folders_in_use, is_older,
    managed_locations,
};

const OPERATION: &str = "collect leftovers";

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Folders of jobs that ended this long ago, or less, stay.
    pub jobs: Duration,
    /// Most folders of jobs that ended: of more, the oldest go, but none that ended within the last day.
    pub most_jobs: usize,
    /// Generations of tables that stay.
    pub generations: KeptGenerations,
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
            generations: KeptGenerations {
                age: Duration::from_secs(7 * DAY),
                least: 2,
                most: 1_000,
            },
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
    /// How many records of changes and runs, lists of files, and documents of what was found of files.
    #[serde(default)]
    pub records: u64,
}

impl Collected {
    fn add(&mut self, tables: CollectedGenerations) {
        self.generations += tables.generations;
        self.files += tables.files;
        self.bytes += tables.bytes;
        self.records += tables.records;
    }
}

/// Where a job writes.
struct Sink {
    /// The folder of its table.
    location: StoragePath,
    /// Its own in it.
    staging: StoragePath,
}

impl Sink {
    fn of(sink: &FileSink, token: &JobToken) -> Option<Self> {
        let location = StoragePath::new(&sink.location).ok()?;
        Some(Self { location, staging: sink.staging(token).ok()? })
    }
}

/// A job as far as leftovers are concerned.
struct KnownJob {
    folder: JobFolder,
    /// Where it writes.
    sink: Option<Sink>,
    /// When it was seen to be over; none while it may still work.
    ended_at: Option<Timestamp>,
    /// What it may still read.
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
    let files = RootFiles::new(Arc::clone(root));
    let jobs = known_jobs(root)?;
    let mut in_use = HashSet::new();
    let mut locations = BTreeSet::new();
    for job in &jobs {
        if job.ended_at.is_none() {
            in_use.extend(job.reads.iter().cloned());
        }
        locations.extend(job.sink.as_ref().map(|sink| sink.location.clone()));
    }
    let mut collected = Collected::default();
    collect_stagings(&files, &jobs, &mut collected)?;
    locations.extend(managed_locations(&files)?);
    let keep = retention.generations;
    for location in &locations {
        collected.add(collect_generations(&files, location, keep, now, &in_use)?);
    }
    for job in old_jobs(&jobs, retention, now) {
        remove_all(root, job.folder.path())?;
        collected.jobs += 1;
    }
    for (folder, age) in [
        ("changes", retention.changes),
        ("cache/inference", retention.remembered),
        ("cache/latest", retention.remembered),
    ] {
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

fn known_jobs(root: &Arc<Root>) -> Result<Vec<KnownJob>, EngineError> {
    let mut known = Vec::new();
    for token in jobs::tokens(root)? {
        let folder = JobFolder::of(root, &token)?;
        let Some(record) = folder.read::<JobRecord>(file::OWNER)? else { continue };
        let Some(spec) = folder.spec()? else { continue };
        // What a job reads and writes of another client's files is not below this root.
        let works_here = !folder.has(file::STORE);
        let sink = match &spec.sink {
            job_spec::Sink::Files(sink) if works_here => Sink::of(sink, &token),
            job_spec::Sink::Files(_) | job_spec::Sink::Answer => None,
        };
        let ended_at = ended_at(root, &folder, &record)?;
        let reads_here = works_here && ended_at.is_none();
        let inputs = if reads_here { spec.inputs.as_slice() } else { &[] };
        let files = inputs.iter().flat_map(|input| &input.files);
        let reads = files.map(|input| input.file.path.to_string()).collect();
        known.push(KnownJob { folder, sink, ended_at, reads });
    }
    Ok(known)
}

/// Returns since when a job is over for good: it ended, or it was fenced and has no worker.
fn ended_at(
    root: &Arc<Root>,
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
    if folder.has(file::STORE) && folder.has(file::PREPARED) {
        // Whether it committed is told by files that are not reached from here: its folder stays.
        return Ok(None);
    }
    let files = || Ok(Arc::new(RootFiles::new(Arc::clone(root))) as Arc<dyn Files>);
    if let Some(succeeded) = proof::of(files, folder)? {
        // Written down before the manifest that it follows from may be collected.
        folder.publish(file::OUTCOME, &succeeded)?;
        return Ok(Some(succeeded.at));
    }
    Ok(Some(ended.map_or(record.created_at, |ended| ended.at)))
}

/// Removes what a job wrote and did not commit. `in_use` has the folders of its table that generations name.
fn collect_staging(
    files: &RootFiles,
    job: &KnownJob,
    in_use: &HashSet<String>,
    collected: &mut Collected,
) -> Result<(), EngineError> {
    let Some(Sink { staging, location }) = &job.sink else { return Ok(()) };
    if in_use.contains(staging.file_name()) {
        return Ok(());
    }
    for file in files_below(files, Some(staging))? {
        collected.files += 1;
        collected.bytes += file.size_bytes;
    }
    files.discard_folder(staging)?;
    files.remove_empty_folders(staging, location);
    Ok(())
}

/// Removes what jobs that ended wrote and did not commit.
fn collect_stagings(
    files: &RootFiles,
    jobs: &[KnownJob],
    collected: &mut Collected,
) -> Result<(), EngineError> {
    let mut in_use: HashMap<&StoragePath, HashSet<String>> = HashMap::new();
    for job in jobs.iter().filter(|job| job.ended_at.is_some()) {
        let Some(sink) = &job.sink else { continue };
        if files.kind(&sink.staging)?.is_none() {
            continue;
        }
        let known = match in_use.entry(&sink.location) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(folders_in_use(files, &sink.location)?),
        };
        collect_staging(files, job, known, collected)?;
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
