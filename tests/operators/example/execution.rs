//! Jobs as threads of this process, forgotten with it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use mason::embedded::planned::carry_out;
use mason::embedded::work::Work;
use mason::engines::execution::{Execution, Fence};
use mason::engines::job::{JobError, JobId, JobOwner, JobRequest, JobState, JobStatus, JobToken};
use mason::engines::job_spec::{JobSpec, Sink};
use mason::engines::result::JobOutcome;
use mason::engines::{EngineError, Engines, ErrorKind, Lookup};
use mason::lake::commit::{Committer, commit};
use mason::lake::roles::Lake;
use mason::operators::Operators;

const MEMORY_BYTES: u64 = 256 << 20;

/// What is known of a job.
struct Job {
    spec: JobSpec,
    owner: JobOwner,
    state: JobState,
    cancelled: Arc<AtomicBool>,
    ended: Option<Result<JobOutcome, JobError>>,
}

/// Runs each job in a thread, with a runtime of its own.
pub(super) struct InProcess {
    lake: Lake,
    jobs: Arc<Mutex<BTreeMap<String, Job>>>,
}

fn locked(jobs: &Mutex<BTreeMap<String, Job>>) -> MutexGuard<'_, BTreeMap<String, Job>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unknown(id: &str) -> EngineError {
    EngineError::new(ErrorKind::NotFound, "example", "find a job", format!("no job `{id}`"))
}

impl InProcess {
    pub(super) fn new(lake: Lake) -> Self {
        Self { lake, jobs: Arc::default() }
    }

    fn with<T>(&self, id: &str, look: impl FnOnce(&mut Job) -> T) -> Result<T, EngineError> {
        locked(&self.jobs).get_mut(id).map(look).ok_or_else(|| unknown(id))
    }

    fn status_of(id: &str, job: &Job) -> JobStatus {
        JobStatus {
            id: JobId(id.to_owned()),
            kind: "ExampleJob".to_owned(),
            url: None,
            owner: job.owner.clone(),
            operation: job.spec.operation.command().to_owned(),
            state: job.state,
            progress: None,
            created_at: None,
            started_at: None,
            finished_at: None,
            error: job.ended.as_ref().and_then(|ended| ended.as_ref().err().cloned()),
            waiting: None,
            image_id: None,
            statistics: None,
            log_tail: None,
        }
    }
}

/// Executes a job and commits what it wrote.
fn work_on(spec: &JobSpec, work: &Work, engines: &Engines) -> Result<JobOutcome, EngineError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().expect("should build");
    let executed = runtime.block_on(carry_out(spec, work, &Operators, engines, &|_| Ok(())))?;
    let sink = executed.planned.as_ref().map_or(&spec.sink, |planned| &planned.sink).clone();
    let (mut outcome, written) = executed.into_outcome(spec, &work.token, &work.owner);
    if let (Sink::Files(sink), Some(written)) = (&sink, &written) {
        let committer = Committer { owner: &work.owner, token: &work.token, now: work.began };
        outcome.commit = Some(commit(&*work.files, sink, written, committer)?);
    }
    Ok(outcome)
}

#[async_trait]
impl Execution for InProcess {
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        let (spec, JobRequest { token, owner, .. }) = (spec.clone(), request.clone());
        let (state, cancelled) = (JobState::Inert, Arc::default());
        let job = Job { spec, owner, state, cancelled, ended: None };
        locked(&self.jobs).entry(token.0.clone()).or_insert(job);
        Ok(JobId(token.0.clone()))
    }

    fn job_kind(&self) -> &'static str {
        "ExampleJob"
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        let scratch = tempfile::tempdir().expect("should make a folder");
        let started = self.with(&id.0, |job| {
            let is_first = std::mem::replace(&mut job.state, JobState::Running) == JobState::Inert;
            let work = Work {
                files: Arc::clone(self.lake.files()),
                scratch: scratch.path().to_owned(),
                began: super::now(),
                owner: job.owner.clone(),
                token: JobToken(id.0.clone()),
                memory_limit_bytes: MEMORY_BYTES,
                disk_limit_bytes: 1 << 30,
                parallelism: 2,
                progress: Arc::default(),
                cancelled: Arc::clone(&job.cancelled),
            };
            is_first.then(|| (job.spec.clone(), work))
        })?;
        let Some((spec, work)) = started else { return Ok(()) };
        let (jobs, id, lake) = (Arc::clone(&self.jobs), id.0.clone(), self.lake.clone());
        std::thread::spawn(move || {
            let engines = lake.in_job(work.discovery());
            let ended = work_on(&spec, &work, &engines).map_err(|error| JobError::from(&error));
            drop(scratch);
            if let Some(job) = locked(&jobs).get_mut(&id) {
                job.state = if ended.is_ok() { JobState::Succeeded } else { JobState::Failed };
                job.ended = Some(ended);
            }
        });
        Ok(())
    }

    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        let token = &request.token.0;
        Ok(locked(&self.jobs).get(token).map(|job| Self::status_of(token, job)).into())
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        self.with(&id.0, |job| Self::status_of(&id.0, job))
    }

    fn vanished(&self, _id: &JobId, _owner: &JobOwner) -> Option<JobStatus> {
        None
    }

    async fn sweep(&self, _ended: &[JobRequest]) -> Result<(), EngineError> {
        Ok(())
    }

    async fn ended(&self, id: &JobId) {
        while self.with(&id.0, |job| !job.state.has_ended()).unwrap_or(false) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        let outcome = self.with(&id.0, |job| job.ended.as_ref().and_then(|e| e.clone().ok()))?;
        outcome.ok_or_else(|| {
            let message = format!("job `{id}` has not ended well");
            EngineError::new(ErrorKind::InvalidInput, "example", "collect an outcome", message)
        })
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        self.with(&id.0, |job| job.cancelled.store(true, Ordering::Relaxed))
    }

    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError> {
        let ended = self.with(&request.token.0, |job| {
            job.cancelled.store(true, Ordering::Relaxed);
            job.state.has_ended() || job.state == JobState::Inert
        });
        Ok(if ended.unwrap_or(true) { Fence::Down } else { Fence::NotYet })
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        let jobs = locked(&self.jobs);
        let all: Vec<_> = jobs.iter().map(|(id, job)| Ok(Self::status_of(id, job))).collect();
        stream::iter(all).boxed()
    }

    async fn logs(&self, id: &JobId, _max_lines: usize) -> Result<Vec<String>, EngineError> {
        self.with(&id.0, |job| vec![format!("the job is {:?}", job.state)])
    }
}
