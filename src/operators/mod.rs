//! The built-in operators: each is a builder, not a worker.
//!
//! An operator gathers (repeatable reads), builds at most one [`JobSpec`](crate::engines::job_spec::JobSpec), and ends with at most one
//! [`Effect`]. Each of the three is recorded by whoever drives the run, so each can be the last thing
//! before a crash. Operators know engine traits only, never a client; may import `api` and `engines`.

mod answers;
mod columns;
mod container;
mod database;
pub mod example;
mod inference;
mod inputs;
mod job;
mod listing;
mod parameters;
mod planning;
mod prepared;
mod querying;
mod reading;
mod statement;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod work;

use async_trait::async_trait;
use serde_json::Value;

pub use crate::engines::answer::{Answer, Conclusion, Effect, WorkPlan};
use crate::engines::capability::Capability;
pub use crate::engines::request::Request;
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, Engines};
pub use planning::Operators;
pub use prepared::{Prepared, Unprepared};

/// Every built-in operator, by name within its namespace.
static ALL: [&dyn Operator; 21] = [
    &database::list::List,
    &database::create::Create,
    &database::delete::Delete,
    &table::get::Get,
    &table::list::List,
    &table::infer::Infer,
    &table::query::Query,
    &table::merge::Merge,
    &table::format::Format,
    &table::summarize::Summarize,
    &table::delete::Delete,
    &table::refresh::Refresh,
    &table::fake::Fake,
    &table::deduplicate::Deduplicate,
    &table::join::Join,
    &table::explode::Explode,
    &table::cast::Cast,
    &job::list::List,
    &job::get::Get,
    &job::logs::Logs,
    &job::cancel::Cancel,
];

/// Returns every built-in operator, in the order of the docs.
#[must_use]
pub fn all() -> &'static [&'static dyn Operator] {
    &ALL
}

/// Returns who performs an action: the built-in operator of this name, `table.query`, or `sql` and
/// `container`, who run what a definition says.
#[must_use]
pub fn performer(name: &str) -> Option<&'static dyn Operator> {
    match name {
        statement::NAME => Some(&statement::Statement),
        container::NAME => Some(&container::Container),
        name => find(name),
    }
}

/// Returns the built-in operator of this name, `table.query`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Operator> {
    ALL.iter().copied().find(|operator| operator.name() == name)
}

/// A built-in operator.
#[async_trait]
pub trait Operator: Send + Sync {
    /// Returns the name by which a definition refers to it, `table.query`.
    fn name(&self) -> &'static str;

    /// Returns what its engines must be able to do.
    fn needs(&self) -> &'static [Capability];

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
        Ok(answers::conclude_job(outcome))
    }
}
