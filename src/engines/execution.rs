//! The role that runs jobs.

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::error::EngineError;
use super::job::{JobId, JobOwner, JobRequest, JobStatus};
use super::job_spec::JobSpec;
use super::lookup::Lookup;
use super::result::JobOutcome;

/// An execution. No call blocks until the work is done.
#[async_trait]
pub trait Execution: Send + Sync {
    /// Creates a job that does nothing until it is released, and returns its id. A second call with
    /// the same token and owner returns the same job.
    ///
    /// # Errors
    /// `Conflict` when the token belongs to another owner or has been fenced; `InvalidInput`.
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError>;

    /// Returns what the client calls its jobs: `LocalJob`, `Pod`. It is the `kind` of each job that it creates and
    /// finds.
    fn job_kind(&self) -> &'static str;

    /// Returns whether jobs read tables by their names, as the metastore has them: no files are listed for them.
    fn reads_names(&self) -> bool {
        false
    }

    /// Lets a created job begin. Releasing a job that was released before changes nothing.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has been fenced.
    async fn release(&self, id: &JobId) -> Result<(), EngineError>;

    /// Returns the job of a token, looked up anew. A job that committed and whose process is gone has
    /// ended well: what a commit recorded under the run's UID counts for more than how a process ended.
    ///
    /// A job that its run has not recorded: where others may make what looks like one, only a job that does
    /// what was asked counts: another one that never ran is nothing, and one that did has the error `Conflict`.
    ///
    /// [`Lookup::Nothing`] says that [`create`](Self::create) is safe; [`Lookup::Unknown`] that a job may have been
    /// created which cannot be found, and that a second `create` would make another.
    ///
    /// # Errors
    /// Also when it cannot be told whether the job committed.
    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError>;

    /// Returns how far a job is.
    ///
    /// # Errors
    /// `NotFound`.
    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError>;

    /// Returns how a job stands that was recorded and is not to be found any more; nothing where that
    /// cannot be told, so that a person has to be asked. Touches nothing outside.
    fn vanished(&self, id: &JobId, owner: &JobOwner) -> Option<JobStatus>;

    /// Clears away what is left of a run that has ended: under each of its attempts' tokens what never
    /// was recorded, and what is of no use any more. May be repeated, and failing costs nothing but room.
    ///
    /// # Errors
    /// When something could not be cleared away.
    async fn sweep(&self, ended: &[JobRequest]) -> Result<(), EngineError>;

    /// Waits until a job that was released may have ended. A hint that saves waiting, never more: it may come for
    /// nothing, late, or not at all.
    async fn ended(&self, id: &JobId);

    /// Returns the proof of a job that ended well. May be repeated.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` when the job has not ended well.
    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError>;

    /// Asks a job to stop; returns before it has. Cancelling what has ended changes nothing.
    async fn cancel(&self, id: &JobId) -> Result<(), EngineError>;

    /// Makes sure that nothing under this token works, starts or commits any more, or says that this
    /// is not yet so. What had been committed before stays, and is found by [`Execution::find`].
    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError>;

    /// Streams the jobs that are still known, the newest first.
    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>>;

    /// Returns the last lines of a job's log, oldest first.
    ///
    /// # Errors
    /// `NotFound`.
    async fn logs(&self, id: &JobId, max_lines: usize) -> Result<Vec<String>, EngineError>;
}

/// Whether a token's work is over for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fence {
    /// Nothing under the token works, starts or commits any more.
    Down,
    /// Something still works; ask again.
    NotYet,
    /// It cannot be told whether something may still work, for this reason: a person has to look.
    Unknown(String),
}
