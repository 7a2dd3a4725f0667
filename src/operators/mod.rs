//! The built-in operators: each is a builder, not a worker.
//!
//! An operator gathers (repeatable reads), builds at most one [`JobSpec`], and ends with at most one
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
mod querying;
mod reading;
mod statement;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod work;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::parameters::Parameters;
use crate::api::v1alpha1::{ContainerAction, ResultKind, ResultReference};
use crate::engines::capability::Capability;
use crate::engines::job::JobId;
use crate::engines::job_spec::{BoundStatement, JobSpec};
use crate::engines::metastore::{Change, Changed};
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, Engines};

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
    /// Whatever its reads fail with, and `InvalidInput` for what only the data can show.
    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, EngineError>;

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

/// What a run asks of an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The checked parameters.
    pub parameters: Parameters,
    /// Whether the definition allows SQL that changes data.
    pub allow_writing_sql: bool,
    /// The definition's statement, if that is its action.
    pub statement: Option<BoundStatement>,
    /// Most bytes of JSON that can be kept of the answer.
    pub answer_bytes: u64,
    /// The definition's container, if that is its action.
    pub container: Option<Box<ContainerAction>>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Prepared {
    /// Nothing: the reads were the work.
    Answer(Answer),
    /// A job, and then whatever [`Operator::conclude`] says.
    Job {
        /// The job.
        spec: Box<JobSpec>,
        /// What it will do, for `dryRun`.
        plan: WorkPlan,
    },
    /// One effect without a job.
    Effect {
        /// The effect.
        effect: Effect,
        /// What it will do, for `dryRun`.
        plan: WorkPlan,
    },
}

/// One effect that an operator ends with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Effect {
    /// A change of the metastore, made once per run.
    Metastore {
        /// The change.
        #[serde(flatten)]
        change: Change,
    },
    /// Asks another run's job to stop; asking twice changes nothing.
    CancelJob {
        /// The job.
        id: JobId,
    },
}

/// What a job's proof amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// The answer.
    pub answer: Answer,
    /// What remains to be done.
    pub effect: Option<Effect>,
}

/// What an operator answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What sort of answer it is.
    pub kind: ResultKind,
    /// The answer, as the result schema says.
    pub data: Value,
    /// How many rows there are in all, if it is rows.
    pub rows: Option<u64>,
    /// Whether `data` is only a part.
    pub truncated: bool,
    /// What may surprise.
    pub warnings: Vec<String>,
    /// What is good to know.
    pub info: Vec<String>,
    /// Where the whole answer is stored, if `data` is a preview of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ResultReference>,
}

impl Answer {
    /// Makes a whole answer of one object.
    #[must_use]
    pub fn object(data: Value) -> Self {
        Self {
            kind: ResultKind::Object,
            data,
            rows: None,
            truncated: false,
            warnings: Vec::new(),
            info: Vec::new(),
            reference: None,
        }
    }

    /// Adds what an effect did, under `changed`.
    #[must_use]
    pub fn with_changed(mut self, changed: &Changed) -> Self {
        if let Value::Object(object) = &mut self.data {
            object
                .insert("changed".to_owned(), serde_json::to_value(changed).unwrap_or(Value::Null));
        }
        self.info.push(changed.what.clone());
        self
    }
}

/// What would be done: the answer of a dry run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkPlan {
    /// In words: `write sales.by_city as parquet`.
    pub what: String,
    /// How many files are read.
    pub files_read: u64,
    /// Their size.
    pub bytes_read: u64,
    /// How many rows are read, if it is known.
    pub rows_read: Option<u64>,
    /// Where is written, or what is changed.
    pub target: Option<String>,
    /// What would be overwritten or deleted: paths or tables, at most 100.
    pub overwrites: Vec<String>,
    /// How many there are in all.
    pub overwrites_total: u64,
}
