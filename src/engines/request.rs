//! What a run asks of an operator, and the job that finds out what that needs.

use serde::{Deserialize, Serialize};

use super::job_spec::BoundStatement;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::ContainerAction;

/// What a run asks of an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// What an operator does over data that has to be read first: a job finds the schemas and files, prepares the
/// operator's own job where it reads them, and does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorJob {
    /// The operator's name, `table.query`.
    pub operator: String,
    /// What is asked of it.
    pub request: Request,
    /// Whether the answer is the plan, and nothing else is done.
    pub dry_run: bool,
}
