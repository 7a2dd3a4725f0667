//! What exists and has happened outside, and the scripts of what goes wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::engines::execution::Fence;
use crate::engines::job::{
    JobError, JobId, JobOwner, JobProgress, JobRequest, JobState, JobStatus, JobToken,
};
use crate::engines::metastore::{Author, Changed};
use crate::engines::result::{Commit, JobOutcome};
use crate::engines::table::TableVersion;
use crate::engines::{EngineError, ErrorKind, Lookup, Retry};

/// A world that engines, store and tests look at together.
pub type SharedWorld = Arc<Mutex<World>>;

/// Returns an empty world.
#[must_use]
pub fn shared() -> SharedWorld {
    Arc::new(Mutex::new(World::default()))
}

/// Why a world without an index cannot tell.
const NO_INDEX: &str = "the service keeps no index of what was asked for";

/// Where the jobs of a world commit.
pub const LOCATION: &str = "sea/fish";

/// Which guards hold in a world.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each guard is taken away alone")]
pub struct Rules {
    /// A second create under a token returns the first job.
    pub create_once: bool,
    /// A fenced token can neither start nor commit.
    pub fences_hold: bool,
    /// A change is made once per run.
    pub change_once: bool,
    /// A change that was made can be found by its author.
    pub changes_found: bool,
    /// A fenced author changes nothing.
    pub change_fences_hold: bool,
    /// A job that committed and whose process is gone is found to have ended well.
    pub commits_found: bool,
    /// What a later attempt commits is what a former one did. Clients keep it; runs do not rely on it.
    pub commit_once: bool,
    /// A status is replaced only by who has seen the newest.
    pub compare_and_swap: bool,
    /// Jobs are found by their tokens, and a second create under one makes no second job. A remote service may know a
    /// job by its id only.
    pub token_index: bool,
    /// Who made a change can be told afterwards.
    pub change_index: bool,
}

impl Rules {
    /// Every guard holds.
    pub const ALL: Self = Self {
        create_once: true,
        fences_hold: true,
        change_once: true,
        changes_found: true,
        change_fences_hold: true,
        commits_found: true,
        commit_once: false,
        compare_and_swap: true,
        token_index: true,
        change_index: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::ALL
    }
}

/// The calls that can be scripted to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Opening clients.
    Open,
    /// The reads of an operator.
    Prepare,
    /// Creating a job.
    Create,
    /// Releasing a job.
    Release,
    /// Looking a job up.
    Find,
    /// Collecting a proof.
    Collect,
    /// Asking a job to stop.
    Cancel,
    /// Fencing a token.
    Fence,
    /// Changing the metastore.
    Apply,
    /// Looking a change up.
    FindChange,
    /// Fencing an author.
    FenceChange,
}

/// One scripted failure of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What the caller is told.
    pub kind: ErrorKind,
    /// What the caller is told about repeating.
    pub retry: Retry,
    /// Whether the effect takes place all the same.
    pub after_effect: bool,
}

impl Fault {
    /// A failure before the effect that may pass.
    pub const PASSING: Self =
        Self { kind: ErrorKind::Unavailable, retry: Retry::Later, after_effect: false };
    /// No answer, before the effect.
    pub const SILENT_BEFORE: Self =
        Self { kind: ErrorKind::Timeout, retry: Retry::EffectUnknown, after_effect: false };
    /// No answer, after the effect.
    pub const SILENT_AFTER: Self =
        Self { kind: ErrorKind::Timeout, retry: Retry::EffectUnknown, after_effect: true };
    /// A failure that lasts.
    pub const LASTING: Self =
        Self { kind: ErrorKind::InvalidInput, retry: Retry::Never, after_effect: false };

    fn error(self, call: Call) -> EngineError {
        let operation = format!("{call:?}").to_lowercase();
        EngineError::new(self.kind, "fake", operation, "scripted").with_retry(self.retry)
    }
}

/// What becomes of a job once it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// It commits and ends well.
    Succeeds,
    /// It fails so.
    Fails(ErrorKind, Retry),
    /// Its process is gone before it committed.
    IsLost,
    /// Its process is gone after it committed, before it said so.
    IsLostAfterCommit,
    /// It works until it is stopped.
    Hangs,
}

/// A job of the world.
#[derive(Debug, Clone)]
pub struct FakeJob {
    /// Its id.
    pub id: JobId,
    /// For whom it works.
    pub owner: JobOwner,
    /// How far it is.
    pub state: JobState,
    /// What becomes of it.
    pub end: JobEnd,
    /// Whether it was asked to stop.
    pub stopping: bool,
}

/// What exists and has happened outside.
#[derive(Debug, Default)]
pub struct World {
    /// Which guards hold.
    pub rules: Rules,
    /// The time, in milliseconds since 1970.
    pub now: Timestamp,
    /// Every job that was ever created, with its token.
    pub jobs: Vec<(JobToken, FakeJob)>,
    /// Tokens under which nothing starts or commits.
    pub fenced: BTreeSet<String>,
    /// Runs that change nothing any more.
    pub fenced_authors: BTreeSet<String>,
    /// The run of every commit of a job, in order.
    pub commits: Vec<String>,
    /// The run of every change of the metastore, in order.
    pub changes: Vec<(String, Changed)>,
    /// What becomes of the jobs that are created next; they succeed when nothing is said.
    pub ends: VecDeque<JobEnd>,
    /// What jobs answer; one row when nothing is said.
    pub answer: Option<Value>,
    /// What fails next.
    pub faults: BTreeMap<Call, VecDeque<Fault>>,
    /// Calls that always fail; one that fails for good does so before anything scripted.
    pub broken: BTreeMap<Call, Fault>,
    /// How often each call was made.
    pub calls: BTreeMap<Call, u32>,
}

impl World {
    /// Locks a shared world.
    ///
    /// # Panics
    /// When another test thread panicked while it held the world.
    pub fn of(world: &SharedWorld) -> MutexGuard<'_, Self> {
        world.lock().expect("should be unpoisoned: no test goes on after a panic")
    }

    /// Counts a call and returns the failure that is scripted for it.
    pub(super) fn fault(&mut self, call: Call) -> Option<Fault> {
        *self.calls.entry(call).or_default() += 1;
        let broken = self.broken.get(&call).copied();
        if broken.is_some_and(|fault| fault.retry == Retry::Never) {
            return broken;
        }
        self.faults.get_mut(&call).and_then(VecDeque::pop_front).or(broken)
    }

    /// Makes a call: fails before or after its effect as scripted.
    pub(super) fn call<T>(
        &mut self,
        call: Call,
        effect: impl FnOnce(&mut Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        match self.fault(call) {
            Some(fault) if fault.after_effect => {
                effect(self)?;
                Err(fault.error(call))
            }
            Some(fault) => Err(fault.error(call)),
            None => effect(self),
        }
    }

    /// Returns the effects that took place for a run: commits and changes.
    #[must_use]
    pub fn effects_of(&self, run_uid: &str) -> (usize, usize) {
        let commits = self.commits.iter().filter(|run| *run == run_uid).count();
        (commits, self.changes.iter().filter(|(run, _)| run == run_uid).count())
    }

    /// Lets every job move on one step.
    pub fn step_jobs(&mut self) {
        for index in 0..self.jobs.len() {
            let (token, job) = self.jobs[index].clone();
            let barred = self.rules.fences_hold && self.fenced.contains(&token.0);
            let state = match job.state {
                JobState::Queued | JobState::Running if job.stopping => JobState::Cancelled,
                // Who fences does not say that the work is unwanted.
                JobState::Queued | JobState::Running if barred => JobState::Lost,
                JobState::Queued => JobState::Running,
                JobState::Running => self.ended(&job),
                state => state,
            };
            self.jobs[index].1.state = state;
        }
    }

    /// Lets every job that works end as it would, also one that was asked to stop; not a fenced one.
    pub fn finish_jobs(&mut self) {
        for index in 0..self.jobs.len() {
            let (token, job) = self.jobs[index].clone();
            let barred = self.rules.fences_hold && self.fenced.contains(&token.0);
            if job.state == JobState::Running && !barred {
                self.jobs[index].1.state = self.ended(&job);
            }
        }
    }

    /// Lets the processes of all jobs die before they commit.
    pub fn lose_jobs(&mut self) {
        for (_, job) in &mut self.jobs {
            if matches!(job.state, JobState::Queued | JobState::Running) {
                job.state = JobState::Lost;
            }
        }
    }

    fn ended(&mut self, job: &FakeJob) -> JobState {
        match job.end {
            JobEnd::Hangs => JobState::Running,
            JobEnd::Fails(..) => JobState::Failed,
            JobEnd::IsLost => JobState::Lost,
            JobEnd::IsLostAfterCommit => {
                self.commit(&job.owner);
                JobState::Lost
            }
            JobEnd::Succeeds => {
                self.commit(&job.owner);
                JobState::Succeeded
            }
        }
    }

    fn commit(&mut self, owner: &JobOwner) {
        if !self.rules.commit_once || !self.commits.contains(&owner.run_uid) {
            self.commits.push(owner.run_uid.clone());
        }
    }

    /// How far a job is found to be: a commit counts for more than how its process ended.
    fn found_state(&self, job: &FakeJob) -> JobState {
        let ended_badly = matches!(job.state, JobState::Lost | JobState::Failed);
        let committed = self.rules.commits_found && self.commits.contains(&job.owner.run_uid);
        if ended_badly && committed { JobState::Succeeded } else { job.state }
    }

    pub(super) fn create(
        &mut self,
        token: &JobToken,
        owner: &JobOwner,
    ) -> Result<JobId, EngineError> {
        let conflict = |why| EngineError::new(ErrorKind::Conflict, "fake", "create", why);
        if self.rules.fences_hold && self.fenced.contains(&token.0) {
            return Err(conflict("the token is fenced"));
        }
        if let Some(job) =
            self.job(token).filter(|_| self.rules.create_once && self.rules.token_index)
        {
            let same = job.owner == *owner;
            return if same { Ok(job.id.clone()) } else { Err(conflict("another's token")) };
        }
        let id = JobId(format!("job-{}", self.jobs.len() + 1));
        let job = FakeJob {
            id: id.clone(),
            owner: owner.clone(),
            state: JobState::Inert,
            end: self.ends.pop_front().unwrap_or(JobEnd::Succeeds),
            stopping: false,
        };
        self.jobs.push((token.clone(), job));
        Ok(id)
    }

    pub(super) fn release(&mut self, id: &JobId) -> Result<(), EngineError> {
        let barred = self.rules.fences_hold;
        let fenced = self.fenced.clone();
        let (token, job) = self.by_id(id)?;
        if barred && fenced.contains(&token.0) {
            return Err(EngineError::new(ErrorKind::Conflict, "fake", "release", "fenced"));
        }
        if job.state == JobState::Inert {
            job.state = JobState::Queued;
        }
        Ok(())
    }

    pub(crate) fn fence(&mut self, token: &JobToken) -> Fence {
        if !self.rules.fences_hold {
            return Fence::Down;
        }
        self.fenced.insert(token.0.clone());
        let mut fence = Fence::Down;
        for (_, job) in self.jobs.iter_mut().filter(|(of, _)| of == token) {
            match job.state {
                JobState::Inert => job.state = JobState::Lost,
                JobState::Queued | JobState::Running => fence = Fence::NotYet,
                _ => {}
            }
        }
        fence
    }

    /// A service without an index of tokens looks a job up by its id only.
    pub(super) fn find(&self, request: &JobRequest) -> Lookup<JobStatus> {
        if self.rules.token_index {
            return self.job(&request.token).map(|job| self.status_of(job)).into();
        }
        let Some(id) = &request.recorded else { return Lookup::Unknown(NO_INDEX.to_owned()) };
        let job = self.jobs.iter().find(|(_, job)| job.id == *id);
        job.map(|(_, job)| self.status_of(job)).into()
    }

    /// A service without an index of tokens can stop a job of a known id, and nothing else.
    pub(super) fn fence_request(&mut self, request: &JobRequest) -> Fence {
        match (&request.recorded, self.rules.token_index) {
            (_, true) => self.fence(&request.token),
            (None, false) => Fence::Unknown(NO_INDEX.to_owned()),
            (Some(id), false) => {
                let Ok((_, job)) = self.by_id(id) else { return Fence::Down };
                match job.state {
                    JobState::Inert => job.state = JobState::Lost,
                    JobState::Queued | JobState::Running => {
                        job.stopping = true;
                        return Fence::NotYet;
                    }
                    _ => {}
                }
                Fence::Down
            }
        }
    }

    pub(super) fn find_change(&self, author: &Author) -> Lookup<Changed> {
        if !self.rules.change_index {
            return Lookup::Unknown(NO_INDEX.to_owned());
        }
        self.made(author).filter(|_| self.rules.changes_found).into()
    }

    pub(super) fn fence_author(&mut self, author: &Author) -> Lookup<Changed> {
        if !self.rules.change_index {
            return Lookup::Unknown(NO_INDEX.to_owned());
        }
        self.fence_change(author).into()
    }

    pub(super) fn cancel(&mut self, id: &JobId) -> Result<(), EngineError> {
        let (_, job) = self.by_id(id)?;
        job.stopping = true;
        Ok(())
    }

    /// The newest job of a token.
    pub(super) fn job(&self, token: &JobToken) -> Option<&FakeJob> {
        self.jobs.iter().rev().find(|(of, _)| of == token).map(|(_, job)| job)
    }

    pub(super) fn by_id(&mut self, id: &JobId) -> Result<(&JobToken, &mut FakeJob), EngineError> {
        let found = self.jobs.iter_mut().find(|(_, job)| job.id == *id);
        found.map(|(token, job)| (&*token, job)).ok_or_else(|| {
            EngineError::new(ErrorKind::NotFound, "fake", "look up a job", format!("no job {id}"))
        })
    }

    pub(super) fn status_of(&self, job: &FakeJob) -> JobStatus {
        let error = match (job.state, job.end) {
            (JobState::Failed, JobEnd::Fails(kind, retry)) => Some(JobError {
                kind,
                retry,
                message: "scripted".to_owned(),
                hint: None,
                reason: None,
            }),
            _ => None,
        };
        let progress = (job.state == JobState::Running).then(|| JobProgress {
            phase: "scanning".to_owned(),
            done: 1,
            total: Some(2),
            unit: "files".to_owned(),
        });
        JobStatus {
            id: job.id.clone(),
            kind: "FakeJob".to_owned(),
            url: None,
            owner: job.owner.clone(),
            operation: "preview".to_owned(),
            state: self.found_state(job),
            progress,
            created_at: None,
            started_at: None,
            finished_at: None,
            error,
            waiting: None,
            image_id: None,
            statistics: None,
            log_tail: None,
        }
    }

    pub(super) fn collect(&mut self, id: &JobId) -> Result<JobOutcome, EngineError> {
        let (token, job) = self.by_id(id)?;
        let (token, job) = (token.clone(), job.clone());
        if self.found_state(&job) != JobState::Succeeded {
            let message = format!("job {id} has not ended well");
            return Err(EngineError::new(ErrorKind::InvalidInput, "fake", "collect", message));
        }
        Ok(JobOutcome {
            token,
            answer: self.answer.clone().unwrap_or_else(|| json!([{ "n": 1 }])),
            rows: Some(1),
            truncated: false,
            reads: Vec::new(),
            commit: Some(Commit {
                table: None,
                location: LOCATION.to_owned(),
                version: TableVersion(1),
                files: 1,
                bytes: 8,
                rows: 1,
                digest: "sha256:0".to_owned(),
                attempt: job.owner.attempt,
            }),
            owner: job.owner,
            warnings: Vec::new(),
            info: Vec::new(),
            register: None,
            concluded: None,
        })
    }

    pub(super) fn change(&mut self, author: &Author) -> Result<Changed, EngineError> {
        if let Some(made) = self.made(author).filter(|_| self.rules.change_once) {
            return Ok(made);
        }
        if self.rules.change_fences_hold && self.fenced_authors.contains(&author.run_uid) {
            return Err(EngineError::new(ErrorKind::Conflict, "fake", "apply", "fenced"));
        }
        let changed = Changed {
            what: "deleted database x".to_owned(),
            version: None,
            files_deleted: 0,
            bytes_deleted: 0,
            attempt: author.attempt,
        };
        self.changes.push((author.run_uid.clone(), changed.clone()));
        Ok(changed)
    }

    pub(super) fn fence_change(&mut self, author: &Author) -> Option<Changed> {
        let made = self.made(author);
        if made.is_none() {
            self.fenced_authors.insert(author.run_uid.clone());
        }
        made
    }

    pub(super) fn made(&self, author: &Author) -> Option<Changed> {
        let made = self.changes.iter().find(|(run, _)| *run == author.run_uid);
        made.map(|(_, changed)| changed.clone())
    }
}
