//! The worker: one process that works on one job and ends.
//!
//! It bounds its own memory before anything else, holds the job's lock for its life, asks the engine
//! to execute, commits, and writes down how it ended. A job is never begun twice: the mark that it has
//! begun is on the disk before the work starts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;

use super::clock::now;
use super::jobs::{Ended, JobFolder, JobRecord, Mark, ProcessIdentity, Started, Succeeded, file};
use super::leftovers;
use super::memory;
use super::processes::be_told;
use super::proof;
use super::root::Root;
use super::store::Store;
use crate::api::v1alpha1::AttemptStatistics;
use crate::embedded::planned::{OnPlanned, carry_out};
use crate::embedded::work::{Executed, ProgressCell, Work};
use crate::engines::files::Files;
use crate::engines::job::{JobError, JobProgress, JobState, JobToken};
use crate::engines::job_spec::{FileSink, Input, JobSpec, Operation, Sink};
use crate::engines::planner::Planner;
use crate::engines::result::{Commit, JobOutcome, Written};
use crate::engines::table::StoragePath;
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::faults;
use crate::lake::commit::{self, Committer, written_format};
use crate::lake::error::error;

const OPERATION: &str = "work on a job";

/// How long a worker tries to take its job's lock: a look at the job holds it for an instant.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// How often progress is written and the mark to stop is looked for.
const TICK: Duration = Duration::from_millis(100);

/// Executes a job's operation, without committing. The second implementation is that of tests.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Executes and writes files, which stay invisible until they are committed.
    ///
    /// # Errors
    /// Whatever the job fails with; `OutOfMemory` when its limit is too low.
    async fn execute(
        &self,
        spec: &JobSpec,
        work: &Work,
        engines: &Engines,
        on_planned: &OnPlanned<'_>,
    ) -> Result<Executed, EngineError>;
}

/// The embedded engine, with what plans the jobs of operators.
struct Embedded<'a>(&'a dyn Planner);

#[async_trait]
impl Executor for Embedded<'_> {
    async fn execute(
        &self,
        spec: &JobSpec,
        work: &Work,
        engines: &Engines,
        on_planned: &OnPlanned<'_>,
    ) -> Result<Executed, EngineError> {
        carry_out(spec, work, self.0, engines, on_planned).await
    }
}

/// Works on the job of an absolute folder with the embedded engine. Called before the process has a
/// runtime or threads, and once.
///
/// # Errors
/// As [`run_with`].
pub fn run(job_folder: &Path, planner: &dyn Planner) -> Result<ExitCode, EngineError> {
    run_with(job_folder, &Embedded(planner), |root| root)
}

/// Waits to be told a job on the standard input, and works on it as [`run`] does, printing into the job's
/// log; ends when no process can tell it one any more.
///
/// # Errors
/// As [`run`], and when the job's log cannot be opened.
pub fn run_when_told(planner: &dyn Planner) -> Result<ExitCode, EngineError> {
    let failed = |source: std::io::Error| {
        error(ErrorKind::Unexpected, "wait for a job", source.to_string()).with_source(source)
    };
    let Some(job_folder) = be_told(std::io::stdin().lock()).map_err(failed)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let (root, token) = locate(&job_folder)?;
    let log = JobFolder::of(&Arc::new(root), &token)?.open_log()?;
    rustix::stdio::dup2_stdout(&log).map_err(|source| failed(source.into()))?;
    rustix::stdio::dup2_stderr(&log).map_err(|source| failed(source.into()))?;
    drop(log);
    run(&job_folder, planner)
}

/// Works on the job of an absolute folder with any executor and any disk.
///
/// # Errors
/// When the folder is not that of a job, or how the job ended could not be written down. A job that
/// fails is no error.
pub fn run_with(
    job_folder: &Path,
    executor: &dyn Executor,
    prepare_root: impl FnOnce(Root) -> Root,
) -> Result<ExitCode, EngineError> {
    let (root, token) = locate(job_folder)?;
    let root = Arc::new(prepare_root(root));
    let folder = JobFolder::of(&root, &token)?;
    if !folder.has(file::OWNER) || !folder.has(file::SPEC) {
        return Err(super::jobs::no_such_job(&token.0));
    }
    let Some(_lock) = take_lock(&folder)? else { return Ok(ExitCode::SUCCESS) };
    let ends = [file::STARTED, file::OUTCOME, file::ERROR, file::FENCED];
    #[cfg(test)]
    let ends =
        if crate::faults::Precondition::BegunOnce.is_removed() { ["nothing"; 4] } else { ends };
    if ends.iter().any(|mark| folder.has(mark)) {
        return Ok(ExitCode::SUCCESS);
    }
    let (record, spec) = match described(&folder, &token) {
        Ok(described) => described,
        Err(error) => return refuse(&folder, &error),
    };
    let store = match Store::open(&root, &folder, record.limits.parallelism) {
        Ok(store) => store,
        Err(error) => return end_unbegun(&folder, JobError::from(&error)),
    };
    let process = i32::try_from(std::process::id()).ok().and_then(ProcessIdentity::of);
    let process = process.unwrap_or(ProcessIdentity { pid: 0, start_ticks: None, boot_id: None });
    folder.publish(file::STARTED, &Started { at: super::clock::now(), process })?;
    faults::reach("worker", "begun");
    let job = Job { root, store, folder, token, record, spec, planned: OnceLock::new() };
    job.tell_begin();
    let ended = match job.work(executor) {
        Ok(executed) => job.finish(executed),
        Err(error) => Err(error),
    };
    let code = job.write_end(ended)?;
    match memory::lift_limit() {
        Ok(()) => leftovers::collect_when_due(&job.root),
        Err(error) => tracing::warn!(%error, "nothing is collected after the job"),
    }
    Ok(code)
}

/// Returns for whom a job is, and what it is.
fn described(folder: &JobFolder, token: &JobToken) -> Result<(JobRecord, JobSpec), EngineError> {
    let missing = || super::jobs::no_such_job(&token.0);
    let record = folder.read(file::OWNER)?.ok_or_else(missing)?;
    Ok((record, folder.read(file::SPEC)?.ok_or_else(missing)?))
}

/// Ends a job that this program does not understand, before it begins: no other worker would.
fn refuse(folder: &JobFolder, error: &EngineError) -> Result<ExitCode, EngineError> {
    tracing::error!(%error, "the job cannot be read");
    let mut error = JobError::from(error);
    error.message = format!("the worker cannot read its job: {}", error.message);
    error.hint = Some(
        "a worker has to be of the version of Mason that made the job; if it is, this is a bug"
            .to_owned(),
    );
    end_unbegun(folder, error)
}

/// Ends a job before it begins.
fn end_unbegun(folder: &JobFolder, error: JobError) -> Result<ExitCode, EngineError> {
    folder.publish(file::ERROR, &Ended { at: now(), state: JobState::Failed, error })?;
    folder.forget(file::RESERVE)?;
    Ok(ExitCode::FAILURE)
}

/// Returns the root and the token of a job's absolute folder.
pub(super) fn locate(job_folder: &Path) -> Result<(Root, JobToken), EngineError> {
    let wrong = || {
        let message = format!("`{}` is not the folder of a job", job_folder.display());
        error(ErrorKind::InvalidInput, OPERATION, message)
    };
    let token = job_folder.file_name().and_then(|name| name.to_str()).ok_or_else(wrong)?;
    let root = job_folder.ancestors().nth(3).ok_or_else(wrong)?;
    let inside = job_folder.strip_prefix(root).ok().and_then(Path::to_str);
    if inside != Some(format!("{}/{token}", super::jobs::jobs_folder()).as_str()) {
        return Err(wrong());
    }
    Ok((Root::open(root)?, JobToken(token.to_owned())))
}

fn take_lock(folder: &JobFolder) -> Result<Option<std::fs::File>, EngineError> {
    let begun = Instant::now();
    loop {
        if let Some(lock) = folder.try_lock()? {
            return Ok(Some(lock));
        }
        if begun.elapsed() > LOCK_PATIENCE {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A job at work.
struct Job {
    root: Arc<Root>,
    /// The files that it works on.
    store: Store,
    folder: JobFolder,
    token: JobToken,
    record: JobRecord,
    spec: JobSpec,
    /// Where an operator's job writes and what it reads, once it is planned.
    planned: OnceLock<(Sink, Sizes)>,
}

impl Job {
    /// Says in the log what is worked on, without any of its data.
    fn tell_begin(&self) {
        let Sizes { files, bytes } = Sizes::of(&self.spec);
        tracing::info!(
            run = self.record.owner.run,
            attempt = self.record.owner.attempt,
            operation = self.spec.operation.command(),
            files,
            bytes,
            memory_bytes = self.record.limits.memory_bytes,
            "begins"
        );
    }

    /// Returns where the job writes.
    fn sink(&self) -> &Sink {
        self.planned.get().map_or(&self.spec.sink, |(sink, _)| sink)
    }

    /// Writes down what an operator's job turned out to be, before anything of it is written.
    fn note_plan(&self, planned: &JobSpec) -> Result<(), EngineError> {
        let sizes = Sizes::of(planned);
        let Sizes { files, bytes } = sizes;
        tracing::info!(operation = planned.operation.as_str(), files, bytes, "planned");
        self.folder.publish(file::PLANNED, &without_uncollected(planned))?;
        let _ = self.planned.set((planned.sink.clone(), sizes));
        faults::reach("worker", "planned");
        if matches!(planned.sink, Sink::Files(_)) {
            return tokio::task::block_in_place(|| self.files().check_publishing());
        }
        Ok(())
    }

    fn files(&self) -> &Arc<dyn Files> {
        self.store.lake.files()
    }

    /// Returns whether its end was asked for, or cannot be asked for any more.
    fn is_stopped(&self) -> bool {
        self.folder.has(file::CANCEL) || self.folder.has(file::FENCED) || self.folder.is_gone()
    }

    fn work(&self, executor: &dyn Executor) -> Result<Executed, EngineError> {
        if self.is_stopped() {
            return Err(stopped());
        }
        if matches!(self.spec.sink, Sink::Files(_)) {
            self.files().check_publishing()?;
        }
        let limits = self.record.limits;
        memory::limit(limits.memory_bytes)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(limits.parallelism)
            .enable_all()
            .build()
            .map_err(|source| {
                error(ErrorKind::Unexpected, OPERATION, source.to_string()).with_source(source)
            })?;
        let work = Work {
            files: Arc::clone(self.files()),
            scratch: self.root.scratch(&self.token)?,
            began: now(),
            owner: self.record.owner.clone(),
            token: self.token.clone(),
            memory_limit_bytes: limits.memory_bytes,
            disk_limit_bytes: limits.disk_bytes,
            parallelism: limits.parallelism,
            progress: Arc::new(ProgressCell::default()),
            cancelled: Arc::new(AtomicBool::new(false)),
        };
        // A bug that panics fails the job, and is written down as any other failure.
        let caught =
            catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.execute(executor, &work))));
        let executed = caught.unwrap_or_else(|_| {
            Err(error(ErrorKind::Unexpected, OPERATION, "the worker panicked")
                .with_hint("its log says where; this is a bug"))
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        let scratch = format!("{}/scratch", self.folder.path());
        let _ = self.root.dir().remove_dir_all(scratch);
        executed
    }

    /// Executes beside a timer that writes progress and watches for the mark to stop.
    async fn execute(&self, executor: &dyn Executor, work: &Work) -> Result<Executed, EngineError> {
        // An operation that never comes to look at `cancelled` is dropped after this long.
        const DROP_AFTER: Duration = Duration::from_secs(3);
        let mut timer = tokio::time::interval(TICK);
        let mut shown = None;
        let mut asked: Option<Instant> = None;
        let engines = self.store.engines(work.discovery());
        let on_planned = |planned: &JobSpec| self.note_plan(planned);
        let execution = executor.execute(&self.spec, work, &engines, &on_planned);
        let mut execution = std::pin::pin!(execution);
        loop {
            tokio::select! {
                executed = &mut execution => {
                    return match executed {
                        Err(_) if work.is_cancelled() => Err(stopped()),
                        other => other,
                    };
                }
                _ = timer.tick() => {
                    shown = self.show(work.progress.get(), shown.as_ref());
                    if asked.is_none() && self.is_stopped() {
                        work.cancelled.store(true, Ordering::Relaxed);
                        asked = Some(Instant::now());
                    }
                    if memory::holds_too_much(work.memory_limit_bytes) {
                        return Err(out_of_memory(work.memory_limit_bytes));
                    }
                    if asked.is_some_and(|asked| asked.elapsed() > DROP_AFTER) {
                        return Err(stopped());
                    }
                }
            }
        }
    }

    fn show(
        &self,
        progress: Option<JobProgress>,
        shown: Option<&JobProgress>,
    ) -> Option<JobProgress> {
        if let Some(progress) = &progress
            && shown != Some(progress)
            && let Err(error) = self.folder.show(file::PROGRESS, progress)
        {
            tracing::warn!(%error, "failed to write progress");
        }
        progress
    }

    fn finish(&self, executed: Executed) -> Result<JobOutcome, EngineError> {
        let (mut outcome, written) =
            executed.into_outcome(&self.spec, &self.token, &self.record.owner);
        faults::reach("worker", "executed");
        if let (Sink::Files(sink), Some(written)) = (self.sink(), &written) {
            self.check_registration(sink, written)?;
            let commit = self.commit(sink, written, &outcome)?;
            let Commit { location, version, files, bytes, rows, .. } = &commit;
            tracing::info!(location, ?version, files, bytes, rows, "committed");
            let register = commit::registration(&**self.files(), sink, (&commit, &self.token))?;
            (outcome.commit, outcome.register) = (Some(commit), register.map(Box::new));
            faults::reach("worker", "committed");
        }
        Ok(outcome)
    }

    /// Refuses what no catalogue would take, before it is committed.
    fn check_registration(&self, sink: &FileSink, written: &Written) -> Result<(), EngineError> {
        match &self.store.metastore {
            Some(metastore) if sink.register.is_some() => {
                let keys = written.partition_columns.columns.iter();
                let keys: Vec<String> = keys.map(|column| column.name.clone()).collect();
                let format = written_format(sink.format);
                metastore.check_columns(&format, &written.full_schema(), &keys)
            }
            _ => Ok(()),
        }
    }

    /// Commits what was written, after it is written down what the job answers once it is. The lock
    /// is held, so a fence sees either the mark obeyed or the commit done.
    fn commit(
        &self,
        sink: &FileSink,
        written: &Written,
        outcome: &JobOutcome,
    ) -> Result<Commit, EngineError> {
        let progress = JobProgress {
            phase: "committing".to_owned(),
            done: 0,
            total: Some(written.files.len() as u64),
            unit: "files".to_owned(),
        };
        self.folder.show(file::PROGRESS, &progress)?;
        let prepared = Succeeded { at: super::clock::now(), outcome: outcome.clone() };
        self.folder.publish(file::PREPARED, &prepared)?;
        faults::reach("worker", "prepared");
        if self.is_stopped() {
            return Err(stopped());
        }
        let committer = Committer { owner: &self.record.owner, token: &self.token, now: now() };
        commit::commit(&**self.files(), sink, written, committer)
    }

    /// Says what the job took. How it ended counts without that too.
    fn show_statistics(&self) -> Result<(), EngineError> {
        let released = self.folder.read::<Mark>(file::RELEASED)?.map(|mark| mark.at);
        let started = self.folder.read::<Started>(file::STARTED)?.map(|started| started.at);
        let milliseconds = |from: Option<Timestamp>, to: Option<Timestamp>| {
            let passed = to?.duration_since(from?).as_millis();
            u64::try_from(passed).ok()
        };
        let sizes = match self.spec.operation {
            Operation::Operator(_) => self.planned.get().map(|(_, sizes)| *sizes),
            _ => Some(Sizes::of(&self.spec)),
        };
        let statistics = AttemptStatistics {
            queued_milliseconds: milliseconds(released, started),
            running_milliseconds: milliseconds(started, Some(now())),
            input_files: sizes.map(|sizes| sizes.files),
            input_bytes: sizes.map(|sizes| sizes.bytes),
            peak_memory_bytes: memory::peak_bytes(),
        };
        self.folder.show(file::STATISTICS, &statistics)
    }

    fn write_end(&self, ended: Result<JobOutcome, EngineError>) -> Result<ExitCode, EngineError> {
        if let Err(error) = self.show_statistics() {
            tracing::debug!(%error, "failed to write what the job took");
        }
        let code = self.publish_end(ended)?;
        self.folder.forget(file::RESERVE)?;
        Ok(code)
    }

    /// Removes what was written and not committed; what cannot be removed now is left over.
    fn discard(&self) {
        let Sink::Files(sink) = self.sink() else { return };
        let (Ok(staging), Ok(location)) =
            (sink.staging(&self.token), StoragePath::new(&sink.location))
        else {
            return;
        };
        if self.files().discard_folder(&staging).is_ok() {
            self.files().remove_empty_folders(&staging, &location);
        }
    }

    /// Ends a job whose folder is gone: there is no place to say so, only something to clean up.
    fn end_unheard(&self) -> Result<ExitCode, EngineError> {
        let Sink::Files(sink) = self.sink() else { return Ok(ExitCode::FAILURE) };
        if commit::find_commit(&**self.files(), sink, &self.record.owner)?.is_none() {
            self.discard();
        }
        Ok(ExitCode::FAILURE)
    }

    fn publish_end(&self, ended: Result<JobOutcome, EngineError>) -> Result<ExitCode, EngineError> {
        let at = super::clock::now();
        match ended {
            Ok(outcome) => {
                tracing::info!(rows = outcome.rows, "the job is done");
                self.folder.publish(file::OUTCOME, &Succeeded { at, outcome })?;
                faults::reach("worker", "proven");
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                let error = self.store.lake.named(error);
                tracing::error!(%error, "the job failed");
                if self.folder.is_gone() {
                    return self.end_unheard();
                }
                let cancelled = error.operation == STOPPED;
                let state = if cancelled { JobState::Cancelled } else { JobState::Failed };
                let error = JobError::from(&error);
                self.folder.publish(file::ERROR, &Ended { at, state, error })?;
                if proof::of(|| Ok(Arc::clone(self.files())), &self.folder)?.is_none() {
                    self.discard();
                }
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// How many files a job reads, and their size.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    files: u64,
    bytes: u64,
}

impl Sizes {
    fn of(spec: &JobSpec) -> Self {
        let files = spec.inputs.iter().flat_map(|input| &input.files);
        Self {
            files: files.clone().count() as u64,
            bytes: files.map(|file| file.file.size_bytes).sum(),
        }
    }
}

/// Returns a planned job with the files that retention must not collect while it runs: those of versions. A table of
/// many other files makes no large document.
fn without_uncollected(planned: &JobSpec) -> JobSpec {
    let kept = |input: &Input| match input.version {
        Some(_) => input.clone(),
        None => input.without_files(),
    };
    JobSpec {
        version: planned.version,
        inputs: planned.inputs.iter().map(kept).collect(),
        operation: planned.operation.clone(),
        sink: planned.sink.clone(),
        bad_rows: planned.bad_rows,
        limits: planned.limits,
    }
}

fn out_of_memory(limit_bytes: u64) -> EngineError {
    let message = format!("the job needed more than its {} MiB of memory", limit_bytes >> 20);
    error(ErrorKind::OutOfMemory, OPERATION, message).with_hint("raise `memoryLimit` of the client")
}

/// The operation by which the error of a cancelled job is told from others.
const STOPPED: &str = "finish the job";

fn stopped() -> EngineError {
    error(ErrorKind::Conflict, STOPPED, "it was cancelled")
}
