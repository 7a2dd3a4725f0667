//! How a worker plans a job that only says which operator is asked for what.
//!
//! A client whose workers read files calls this from a worker, with roles that read: nothing that reads data runs
//! in the process that drives runs. The operators implement it.

use async_trait::async_trait;

use super::answer::Conclusion;
use super::job_spec::JobSpec;
use super::request::OperatorJob;
use super::result::JobOutcome;
use super::{EngineError, Engines};

/// What an operator's job amounts to, once its tables are read.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// The reads were the work.
    Concluded(Box<Conclusion>),
    /// This is to be done.
    Job(Box<JobSpec>),
}

/// Plans and concludes the jobs of operators.
#[async_trait]
pub trait Planner: Send + Sync {
    /// Reads what the operator needs and says what is to be done. Changes nothing and may be repeated.
    ///
    /// # Errors
    /// As the operator's reads; `InvalidInput` for what only the data can show; `Unsupported` for an operator that
    /// this program does not have.
    async fn plan(&self, job: &OperatorJob, engines: &Engines) -> Result<Planned, EngineError>;

    /// Says what a planned job that wrote no files amounts to. Changes nothing and may be repeated.
    ///
    /// # Errors
    /// As [`Planner::plan`].
    async fn conclude(
        &self,
        job: &OperatorJob,
        engines: &Engines,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError>;
}
