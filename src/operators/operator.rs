//! What a built-in operator is: what it needs, what it prepares, and what it makes of the job's proof.

use async_trait::async_trait;
use serde_json::Value;

use super::answers::conclude_job;
use super::{Conclusion, Prepared, Request, Unprepared};
use crate::engines::capability::Capability;
use crate::engines::result::JobOutcome;
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};

/// A built-in operator.
#[async_trait]
pub trait Operator: Send + Sync {
    /// Returns the name by which a definition refers to it, `table.query`.
    fn name(&self) -> &'static str;

    /// Returns what its engines must be able to do.
    fn needs(&self) -> &'static [Capability];

    /// Returns which tables it reads and writes, by the parameters that name them.
    fn uses(&self) -> &'static [TableUse];

    /// Returns the JSON schema (2020-12) of its answer's `data`.
    fn result_schema(&self) -> Value;

    /// Reads what is needed and says what is to be done. Changes nothing and may be repeated.
    ///
    /// # Errors
    /// Whatever its reads fail with, and `InvalidInput` for what only the data can show;
    /// [`Unprepared::Unread`] when only a job can read what it needs.
    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared>;

    /// Turns the proof of its job into an answer and at most one effect: the job's own answer and none,
    /// unless an operator says otherwise. Changes nothing and may be repeated; called only when
    /// [`Operator::prepare`] gave a job.
    ///
    /// # Errors
    /// Whatever its reads fail with.
    async fn conclude(
        &self,
        engines: &Engines,
        request: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let _ = (engines, request);
        Ok(conclude_job(outcome))
    }
}
