//! Where the processes run that work on an engine's jobs, when they are not children of this one.

use std::path::PathBuf;

use async_trait::async_trait;

use super::error::EngineError;
use super::job::{JobError, JobOwner, JobToken, Waiting};

/// A job that needs a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerJob {
    /// Its token.
    pub token: JobToken,
    /// For whom it works.
    pub owner: JobOwner,
    /// The root folder of its client, which the worker needs and nothing beside it.
    pub root: PathBuf,
    /// The job's folder, below the root.
    pub folder: PathBuf,
    /// How much memory it may use.
    pub memory_bytes: u64,
    /// How many threads.
    pub parallelism: usize,
    /// The Secret of the config's namespace that the files it works on need, by name.
    pub credentials: Option<String>,
}

/// What a look at the worker of a job found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerSight {
    /// There is none.
    Absent,
    /// It was started, and waits.
    Waiting(Waiting),
    /// It works, or is about to end.
    Working,
    /// It has ended, and this is known of why.
    Ended(Option<JobError>),
}

/// Starts workers elsewhere. Every call may be repeated.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Starts the worker of a job, unless it was started before.
    ///
    /// # Errors
    /// `Conflict` when something else has its place; with a reason and `Later` when it is refused for
    /// what may change.
    async fn start(&self, job: &WorkerJob) -> Result<(), EngineError>;

    /// Looks at the worker of a job, past every cache.
    ///
    /// # Errors
    /// When it cannot be seen.
    async fn look(&self, token: &JobToken) -> Result<WorkerSight, EngineError>;

    /// Ends the worker of a job, whatever it does; returns before it has ended.
    ///
    /// # Errors
    /// When it cannot be asked for.
    async fn end(&self, token: &JobToken) -> Result<(), EngineError>;
}
