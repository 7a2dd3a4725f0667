//! The run of a step as a pass sees it: of an operator, or of another workflow.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::resource::Resource;
use crate::api::v1alpha1::{ConfigRef, FreeForm, OperatorRun, Phase, RunResult, WorkflowRun};

/// The run of a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChildRun {
    /// What it was asked for.
    pub asked: Asked,
    /// Where it stands.
    pub phase: Phase,
    /// Why, as one word.
    pub reason: String,
    /// Why, in words.
    pub message: String,
    /// How many attempts it has had; none of a workflow.
    pub attempts: usize,
    /// How many rows it answered, if it answered rows.
    pub rows: Option<u64>,
    /// The data of its result, or the outputs of a workflow.
    pub result: Option<Value>,
    /// Whether the result holds less than there was.
    pub truncated: bool,
    /// Whether the result is not kept any more.
    pub pruned: bool,
    /// Whether its operator did nothing, and said why.
    pub declined: bool,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What the run of a step is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The operator, or the name of the Workflow.
    pub what: String,
    /// Its config, if it names one.
    pub config: Option<ConfigRef>,
    /// Its parameters.
    pub parameters: FreeForm,
}

impl ChildRun {
    /// Returns a resource as the run of a step; nothing when it is no run.
    #[must_use]
    pub fn of(resource: &Resource) -> Option<Self> {
        match resource {
            Resource::OperatorRun(run) => Some(Self::of_operator(run)),
            Resource::WorkflowRun(run) => Some(Self::of_workflow(run)),
            _ => None,
        }
    }

    fn of_operator(run: &OperatorRun) -> Self {
        let asked = Asked {
            what: run.spec.operator.clone(),
            config: Some(run.spec.config_ref.clone()),
            parameters: run.spec.parameters.clone(),
        };
        let Some(status) = &run.status else { return Self { asked, ..Self::default() } };
        let result = status.result.as_ref();
        Self {
            asked,
            phase: status.phase,
            reason: status.columns.reason.clone(),
            message: status.columns.message.clone(),
            attempts: status.attempts.len(),
            rows: result.and_then(|result| result.rows),
            result: result.map(|result| result.data.clone()),
            truncated: result.is_some_and(|result| result.truncated),
            pruned: status.pruned_at.is_some(),
            declined: result.is_some_and(RunResult::is_declined),
            finished_at: status.finished_at,
        }
    }

    fn of_workflow(run: &WorkflowRun) -> Self {
        let asked = Asked {
            what: run.spec.workflow_ref.name.clone(),
            config: run.spec.config_ref.clone(),
            parameters: run.spec.parameters.clone(),
        };
        let Some(status) = &run.status else { return Self { asked, ..Self::default() } };
        let outputs = status.outputs.clone().unwrap_or_default();
        Self {
            asked,
            phase: status.phase,
            reason: status.columns.reason.clone(),
            message: status.columns.message.clone(),
            result: Some(Value::Object(outputs.0.into_iter().collect())),
            finished_at: status.finished_at,
            ..Self::default()
        }
    }
}
