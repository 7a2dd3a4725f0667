//! The execution role: jobs are folders, and work is done by a child process per job.
//!
//! Nothing here trusts a process number: whether a worker works is read off the job's lock, which the
//! system frees when its holder is gone. `Lost` is a released job whose lock is free, that left neither
//! outcome nor error, and that committed nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::Notify;

use super::ends::{Found, as_lost, gone, unbegun};
use super::files::RootFiles;
use super::jobs::{self, Ended, JobFolder, JobRecord, Mark, Started, Succeeded, file, no_such_job};
use super::processes::{self, WorkerCommand, WorkerProcesses};
use super::proof;
use super::root::Root;
use super::settings::JobLimits;
use crate::api::v1alpha1::ClientConfig;
use crate::clients::{OpenStore, SecretKeys};
use crate::engines::execution::{Execution, Fence};
use crate::engines::files::Files;
use crate::engines::job::{JobId, JobOwner, JobRequest, JobState, JobStatus, JobToken};
use crate::engines::job_spec::JobSpec;
use crate::engines::result::JobOutcome;
use crate::engines::workers::{WorkerJob, WorkerSight, Workers};
use crate::engines::{EngineError, ErrorKind, Lookup};
use crate::faults;
use crate::lake::error::error;

/// What a job is called.
const JOB_KIND: &str = "LocalJob";
/// How long a released job may take until its worker begins.
const START_GRACE: Duration = Duration::from_secs(30);
/// How long a worker may take to stop by itself once it was asked to.
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// Most bytes of a log that are read.
const LOG_BYTES: u64 = 256 * 1024;
/// Most characters of a line of a log.
const LOG_LINE: usize = 2_000;

/// Where the workers of jobs run.
#[derive(Clone)]
pub enum WorkerPlace {
    /// As child processes of this one.
    Processes(WorkerProcesses),
    /// Elsewhere, where the root has the same path.
    Elsewhere(Arc<dyn Workers>),
}

/// The execution role of a `local` client.
#[derive(Clone)]
pub struct LocalExecution {
    /// Where the folders of jobs are.
    root: Arc<Root>,
    /// The files that jobs work on, where they are not those of the root.
    store: Option<OpenStore>,
    limits: JobLimits,
    workers: WorkerPlace,
    start_grace: Duration,
    cancel_grace: Duration,
    /// Whether a thread waits for the end of the worker.
    attended: Arc<AtomicBool>,
    /// Told when a worker that a thread waited for is gone.
    ended: Arc<Notify>,
}

impl LocalExecution {
    /// Makes the role over a root; workers are processes started with `worker`.
    #[must_use]
    pub fn new(root: Arc<Root>, limits: JobLimits, worker: WorkerCommand) -> Self {
        Self::with_workers(root, limits, WorkerPlace::Processes(WorkerProcesses::by(worker)))
    }

    /// Makes the role over a root.
    #[must_use]
    pub fn with_workers(root: Arc<Root>, limits: JobLimits, workers: WorkerPlace) -> Self {
        Self {
            root,
            store: None,
            limits,
            workers,
            start_grace: START_GRACE,
            cancel_grace: CANCEL_GRACE,
            attended: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Returns the role with other waiting times: until a released job's worker must have begun, and
    /// until a worker that was asked to stop is killed.
    #[must_use]
    pub fn with_graces(self, start_grace: Duration, cancel_grace: Duration) -> Self {
        Self { start_grace, cancel_grace, ..self }
    }

    /// Returns the role whose jobs work on the files of another client.
    #[must_use]
    pub fn on(self, store: Option<OpenStore>) -> Self {
        Self { store, ..self }
    }

    /// Returns the files that a job works on.
    ///
    /// # Errors
    /// `Unavailable` for a job of another client's files than those of this role.
    fn files(&self, folder: &JobFolder) -> Result<Arc<dyn Files>, EngineError> {
        let wanted = folder.read::<ClientConfig>(file::STORE)?;
        match (&self.store, wanted) {
            (_, None) => Ok(Arc::new(RootFiles::new(Arc::clone(&self.root)))),
            (Some(store), Some(wanted)) if store.client == wanted => {
                Ok(Arc::clone(store.lake.files()))
            }
            (_, Some(wanted)) => {
                let message = format!("the job works on the files of `{}`", wanted.name);
                let failed = error(ErrorKind::Unavailable, "look at a job", message);
                Err(failed.with_hint("a run with a config of that client looks at it"))
            }
        }
    }

    /// Returns what the Secret of the files holds that jobs work on.
    fn keys(&self) -> Option<&SecretKeys> {
        self.store.as_ref()?.keys.as_ref()
    }

    /// Returns the name of that Secret, for a worker elsewhere.
    fn secret_of_store(&self) -> Option<String> {
        let secret = self.store.as_ref()?.client.secret()?;
        Some(secret.name.clone())
    }

    /// Returns the proof of a job on which no worker works.
    fn proof(&self, folder: &JobFolder) -> Result<Option<Succeeded>, EngineError> {
        proof::of(|| self.files(folder), folder)
    }

    fn folder(&self, id: &JobId) -> Result<JobFolder, EngineError> {
        let folder = JobFolder::of(&self.root, &JobToken(id.0.clone()))?;
        if folder.has(file::OWNER) { Ok(folder) } else { Err(no_such_job(&id.0)) }
    }

    fn create_now(
        &self,
        spec: &JobSpec,
        token: &JobToken,
        owner: &JobOwner,
    ) -> Result<JobId, EngineError> {
        let folder = JobFolder::of(&self.root, token)?;
        if !spec.is_known() {
            let message = format!("version {} of a job is not known", spec.version);
            return Err(error(ErrorKind::InvalidInput, "create a job", message));
        }
        let record = JobRecord {
            owner: owner.clone(),
            operation: spec.operation.command().to_owned(),
            created_at: super::clock::now(),
            limits: self.limits,
        };
        let json = |source| crate::lake::error::json_error("create a job", folder.path(), source);
        let mut files = vec![
            (file::OWNER, serde_json::to_vec(&record).map_err(json)?),
            (file::SPEC, serde_json::to_vec(spec).map_err(json)?),
            (file::LOCK, Vec::new()),
            (file::RESERVE, vec![0; jobs::RESERVE_BYTES]),
        ];
        if let Some(store) = &self.store {
            files.push((file::STORE, serde_json::to_vec(&store.client).map_err(json)?));
            if let Some(metastore) = &store.metastore {
                files.push((file::METASTORE, serde_json::to_vec(metastore).map_err(json)?));
            }
        }
        let id = JobId(token.0.clone());
        if !folder.exists() && folder.create(&files)? {
            return Ok(id);
        }
        match folder.read::<JobRecord>(file::OWNER)? {
            Some(existing) if existing.owner == *owner && !folder.has(file::FENCED) => Ok(id),
            #[cfg(test)]
            Some(_) if crate::faults::Precondition::TokenOwner.is_removed() => Ok(id),
            Some(existing) if existing.owner != *owner => Err(error(
                ErrorKind::Conflict,
                "create a job",
                format!("`{token}` belongs to run `{}`", existing.owner.run),
            )),
            _ => Err(fenced(token)),
        }
    }

    fn release_now(&self, id: &JobId, workers: &WorkerProcesses) -> Result<(), EngineError> {
        let folder = self.folder(id)?;
        if folder.has(file::FENCED) {
            return Err(fenced(&JobToken(id.0.clone())));
        }
        folder.publish(file::RELEASED, &Mark { at: super::clock::now() })?;
        faults::reach("release", "marked");
        if !needs_worker(&folder)? {
            return Ok(());
        }
        self.attended.store(true, Ordering::Relaxed);
        let ended = Arc::clone(&self.ended);
        workers.begin(&folder, self.keys(), move || ended.notify_one())
    }

    /// Starts the worker first and says so then: one that is refused leaves the job as it was.
    async fn release_elsewhere(
        &self,
        id: &JobId,
        workers: &dyn Workers,
    ) -> Result<(), EngineError> {
        let named = id.clone();
        let job = self.blocking(move |own| own.worker_job(&named)).await?;
        if let Some(job) = job {
            workers.start(&job).await?;
        }
        let id = id.clone();
        let released = move |own: Self| {
            own.folder(&id)?.publish(file::RELEASED, &Mark { at: super::clock::now() }).map(drop)
        };
        self.blocking(released).await
    }

    /// Returns what a worker elsewhere needs to know of a job; nothing when none is needed.
    fn worker_job(&self, id: &JobId) -> Result<Option<WorkerJob>, EngineError> {
        let folder = self.folder(id)?;
        let token = JobToken(id.0.clone());
        if folder.has(file::FENCED) {
            return Err(fenced(&token));
        }
        let record = folder.read::<JobRecord>(file::OWNER)?.ok_or_else(|| no_such_job(&id.0))?;
        Ok(needs_worker(&folder)?.then(|| WorkerJob {
            token,
            owner: record.owner,
            root: self.root.path().to_owned(),
            folder: folder.absolute(),
            memory_bytes: record.limits.memory_bytes,
            parallelism: record.limits.parallelism,
            credentials: self.secret_of_store(),
        }))
    }

    /// Looks at a job, and at its worker if that is elsewhere and the folder alone does not tell.
    async fn look(&self, folder: JobFolder) -> Result<Option<JobStatus>, EngineError> {
        let seen = folder.clone();
        let status = self.blocking(move |own| own.status_now(&seen, None)).await?;
        let WorkerPlace::Elsewhere(workers) = &self.workers else { return Ok(status) };
        let Some(status) = status else { return Ok(None) };
        if !matches!(status.state, JobState::Queued | JobState::Lost)
            || status.finished_at.is_some()
        {
            return Ok(Some(status));
        }
        let sight = workers.look(&JobToken(status.id.0.clone())).await?;
        self.blocking(move |own| own.status_now(&folder, Some(&sight))).await
    }

    fn status_now(
        &self,
        folder: &JobFolder,
        worker: Option<&WorkerSight>,
    ) -> Result<Option<JobStatus>, EngineError> {
        let Some(record) = folder.read::<JobRecord>(file::OWNER)? else { return Ok(None) };
        let started = folder.read::<Started>(file::STARTED)?;
        let (state, finished_at, error) = self.state(folder, started.as_ref(), worker)?;
        let waiting = match worker {
            Some(WorkerSight::Waiting(waiting)) if state == JobState::Queued => {
                Some(waiting.clone())
            }
            _ => None,
        };
        let token = folder.path().rsplit('/').next().unwrap_or_default();
        Ok(Some(JobStatus {
            id: JobId(token.to_owned()),
            kind: JOB_KIND.to_owned(),
            url: None,
            owner: record.owner,
            operation: record.operation,
            state,
            progress: folder.shown(file::PROGRESS),
            created_at: Some(record.created_at),
            started_at: started.map(|started| started.at),
            finished_at,
            error,
            waiting,
            image_id: None,
            statistics: if state.has_ended() { folder.shown(file::STATISTICS) } else { None },
            log_tail: None,
        }))
    }

    fn state(
        &self,
        folder: &JobFolder,
        started: Option<&Started>,
        worker: Option<&WorkerSight>,
    ) -> Result<Found, EngineError> {
        if let Some(found) = self.proven_end(folder)? {
            return Ok(found);
        }
        let Some(released) = folder.read::<Mark>(file::RELEASED)? else {
            let stopped = folder.has(file::CANCEL) || folder.has(file::FENCED);
            return Ok(if stopped { unbegun(folder, None) } else { (JobState::Inert, None, None) });
        };
        if folder.is_worked_on()? {
            let state = if started.is_some() { JobState::Running } else { JobState::Queued };
            return Ok((state, None, None));
        }
        // The worker may have ended between the first look and the look at its lock.
        if let Some(found) = self.proven_end(folder)? {
            return Ok(found);
        }
        if let Some(succeeded) = self.proof(folder)? {
            return Ok((JobState::Succeeded, Some(succeeded.at), None));
        }
        let begun = started.is_some() || folder.has(file::STARTED);
        match worker {
            // It may not have come to the lock yet, or its outcome not yet to this machine.
            Some(WorkerSight::Waiting(_) | WorkerSight::Working) => {
                let state = if begun { JobState::Running } else { JobState::Queued };
                return Ok((state, None, None));
            }
            Some(WorkerSight::Ended(Some(error))) if error.kind == ErrorKind::OutOfMemory => {
                return Ok((JobState::Failed, None, Some(error.clone())));
            }
            Some(WorkerSight::Ended(error)) if !folder.has(file::EXIT) => {
                let found = gone(folder, begun)?;
                let error = error.clone().filter(|_| found.0 == JobState::Lost);
                return Ok((found.0, found.1, error.map(as_lost).or(found.2)));
            }
            Some(WorkerSight::Ended(_) | WorkerSight::Absent) | None => {}
        }
        let waits =
            super::clock::now().duration_since(released.at).unsigned_abs() < self.start_grace;
        if !begun && waits && !folder.has(file::FENCED) && !folder.has(file::EXIT) {
            return Ok((JobState::Queued, None, None));
        }
        gone(folder, begun)
    }

    /// Returns the end that the worker itself wrote down; an error counts only without a commit.
    fn proven_end(&self, folder: &JobFolder) -> Result<Option<Found>, EngineError> {
        let ended = folder.read::<Ended>(file::ERROR)?;
        let succeeded = match ended {
            None => folder.read::<Succeeded>(file::OUTCOME)?,
            Some(_) => self.proof(folder)?,
        };
        if let Some(succeeded) = succeeded {
            return Ok(Some((JobState::Succeeded, Some(succeeded.at), None)));
        }
        Ok(ended.map(|ended| {
            // Who only fenced it did not say that the work is unwanted.
            let is_lost = ended.state == JobState::Cancelled && !folder.has(file::CANCEL);
            let state = if is_lost { JobState::Lost } else { ended.state };
            (state, Some(ended.at), Some(ended.error))
        }))
    }

    fn collect_now(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        let folder = self.folder(id)?;
        let written = folder.read::<Succeeded>(file::OUTCOME)?;
        let proof = match written {
            None if !folder.is_worked_on()? => self.proof(&folder)?,
            other => other,
        };
        let message = || format!("job `{id}` has not ended well");
        let not_yet = || error(ErrorKind::InvalidInput, "collect a job's outcome", message());
        proof.map(|succeeded| succeeded.outcome).ok_or_else(not_yet)
    }

    fn fence_now(&self, token: &JobToken) -> Result<Fence, EngineError> {
        let folder = JobFolder::of(&self.root, token)?;
        let mark = Mark { at: super::clock::now() };
        if !folder.exists() {
            // A folder with the mark only: a delayed `create` finds it and makes nothing.
            let json =
                |source| crate::lake::error::json_error("fence a job", folder.path(), source);
            let bytes = serde_json::to_vec(&mark).map_err(json)?;
            match folder.create(&[(file::FENCED, bytes)]) {
                Ok(true) => return Ok(Fence::Down),
                Ok(false) => {}
                // Where no folder can be made there is no job. One that is made late, when the disk takes it again, never
                // begins: its attempt is over, so that nothing records it, and only what is recorded is released.
                Err(error) if takes_nothing(&error) && folder.is_gone() => return Ok(Fence::Down),
                Err(error) => return Err(error),
            }
        }
        folder.publish(file::FENCED, &mark)?;
        if !folder.has(file::LOCK) || !folder.is_worked_on()? {
            return Ok(Fence::Down);
        }
        self.kill_overdue(&folder, file::FENCED)?;
        Ok(Fence::NotYet)
    }

    /// Kills a worker of this machine that was asked by a mark to stop, and does not.
    fn kill_overdue(&self, folder: &JobFolder, mark: &'static str) -> Result<(), EngineError> {
        if matches!(self.workers, WorkerPlace::Processes(_))
            && self.has_waited(folder, mark)?
            && let Some(started) = folder.read::<Started>(file::STARTED)?
        {
            started.process.kill();
        }
        Ok(())
    }

    /// Whether a mark asked a worker to stop so long ago that it will not do so by itself.
    fn has_waited(&self, folder: &JobFolder, mark: &'static str) -> Result<bool, EngineError> {
        let asked = folder.read::<Mark>(mark)?;
        let waited = asked.map(|mark| super::clock::now().duration_since(mark.at).unsigned_abs());
        Ok(waited.is_some_and(|waited| waited > self.cancel_grace))
    }

    /// Begins to wait for the end of a job's worker that another process of this machine has started, such as a
    /// controller before this one.
    fn attend_now(&self, id: &JobId) -> Result<(), EngineError> {
        let Some(started) = self.folder(id)?.read::<Started>(file::STARTED)? else { return Ok(()) };
        if self.attended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let ended = Arc::clone(&self.ended);
        processes::attend(started.process, move || ended.notify_one())
    }

    /// Whether a worker elsewhere was asked to stop so long ago that it will not do so by itself.
    async fn is_overdue(&self, token: &JobToken) -> Result<bool, EngineError> {
        let token = token.clone();
        self.blocking(move |own| {
            let folder = JobFolder::of(&own.root, &token)?;
            Ok(own.has_waited(&folder, file::CANCEL)? || own.has_waited(&folder, file::FENCED)?)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let own = self.clone();
        crate::lake::threads::blocking(move || work(own)).await
    }
}

/// Whether a released job has no worker yet. The process that released it may have died before the worker
/// was started. One worker too many finds the lock taken, or the job begun, and ends.
fn needs_worker(folder: &JobFolder) -> Result<bool, EngineError> {
    let begun = [file::STARTED, file::OUTCOME, file::ERROR].iter().any(|name| folder.has(name));
    if begun || folder.is_worked_on()? {
        return Ok(false);
    }
    folder.forget(file::EXIT)?;
    Ok(true)
}

/// Whether an error says that the root takes no new file: it may not be written, or is full.
fn takes_nothing(error: &EngineError) -> bool {
    matches!(error.kind, ErrorKind::PermissionDenied | ErrorKind::OutOfDisk)
}

fn fenced(token: &JobToken) -> EngineError {
    error(ErrorKind::Conflict, "create a job", format!("`{token}` has been fenced"))
}

#[async_trait]
impl Execution for LocalExecution {
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        let (spec, JobRequest { token, owner, .. }) = (spec.clone(), request.clone());
        self.blocking(move |own| own.create_now(&spec, &token, &owner)).await
    }

    fn job_kind(&self) -> &'static str {
        JOB_KIND
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        match &self.workers {
            WorkerPlace::Processes(workers) => {
                let (id, workers) = (id.clone(), workers.clone());
                self.blocking(move |own| own.release_now(&id, &workers)).await
            }
            WorkerPlace::Elsewhere(workers) => self.release_elsewhere(id, workers.as_ref()).await,
        }
    }

    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        self.look(JobFolder::of(&self.root, &request.token)?).await.map(Lookup::from)
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        let folder = JobFolder::of(&self.root, &JobToken(id.0.clone()))?;
        self.look(folder).await?.ok_or_else(|| no_such_job(&id.0))
    }

    /// A folder that is gone was removed by hand, with whatever it told: a person has to be asked.
    fn vanished(&self, _id: &JobId, _owner: &JobOwner) -> Option<JobStatus> {
        None
    }

    async fn ended(&self, id: &JobId) {
        let here = matches!(self.workers, WorkerPlace::Processes(_));
        if here && !self.attended.load(Ordering::Relaxed) {
            let id = id.clone();
            // Who cannot be waited for is looked at, as before.
            let _ = self.blocking(move |own| own.attend_now(&id)).await;
        }
        self.ended.notified().await;
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        let id = id.clone();
        self.blocking(move |own| own.collect_now(&id)).await
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        let id = id.clone();
        self.blocking(move |own| {
            let folder = own.folder(&id)?;
            if own.proven_end(&folder)?.is_some() {
                Ok(())
            } else {
                folder.publish(file::CANCEL, &Mark { at: super::clock::now() })?;
                own.kill_overdue(&folder, file::CANCEL)
            }
        })
        .await
    }

    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError> {
        let token = &request.token;
        let fenced = token.clone();
        let fence = self.blocking(move |own| own.fence_now(&fenced)).await?;
        let WorkerPlace::Elsewhere(workers) = &self.workers else { return Ok(fence) };
        // Another machine may see the mark later than this one: what may work there has to be gone too.
        match workers.look(token).await? {
            WorkerSight::Absent | WorkerSight::Ended(_) => Ok(fence),
            WorkerSight::Working if fence == Fence::NotYet => {
                if self.is_overdue(token).await? {
                    workers.end(token).await?;
                }
                Ok(Fence::NotYet)
            }
            WorkerSight::Waiting(_) | WorkerSight::Working => {
                workers.end(token).await?;
                Ok(Fence::NotYet)
            }
        }
    }

    async fn sweep(&self, ended: &[JobRequest]) -> Result<(), EngineError> {
        let WorkerPlace::Elsewhere(workers) = &self.workers else { return Ok(()) };
        for request in ended {
            workers.end(&request.token).await?;
        }
        Ok(())
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        let all = self.blocking(|own| {
            let mut found = Vec::new();
            for token in jobs::tokens(&own.root)? {
                found.extend(own.status_now(&JobFolder::of(&own.root, &token)?, None)?);
            }
            found.sort_by_key(|status: &JobStatus| std::cmp::Reverse(status.created_at));
            Ok(stream::iter(found.into_iter().map(Ok)))
        });
        stream::once(all).try_flatten().boxed()
    }

    async fn logs(&self, id: &JobId, max_lines: usize) -> Result<Vec<String>, EngineError> {
        let id = id.clone();
        self.blocking(move |own| {
            let tail = own.folder(&id)?.log_tail(LOG_BYTES)?;
            let lines: Vec<_> = tail.lines().collect();
            let skipped = lines.len().saturating_sub(max_lines);
            let cut = |line: &&str| line.chars().take(LOG_LINE).collect::<String>();
            Ok(lines[skipped..].iter().map(cut).collect())
        })
        .await
    }
}
