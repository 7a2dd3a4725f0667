//! The readiness of a workflow.

use jiff::Timestamp;

use super::{Readiness, set_readiness};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{Workflow, WorkflowStatus};
use crate::validate::{self, Problems};

/// Returns the status of a workflow that has been checked with the operators and configs of its steps.
#[must_use]
pub fn workflow_readiness(
    workflow: &Workflow,
    checked: &Result<(), Problems>,
    now: Timestamp,
) -> WorkflowStatus {
    let mut status = workflow.status.clone().unwrap_or_default();
    status.observed_generation = workflow.metadata.generation;
    status.digest = Some(validate::workflow_digest(workflow));
    status.columns.steps = workflow.spec.steps.len().to_string();
    let (readiness, message) = match checked {
        Ok(()) => ((Readiness::Ready, Reason::Checked), String::new()),
        Err(problems) => ((Readiness::Stalled, Reason::Invalid), problems.to_string()),
    };
    let generation = workflow.metadata.generation;
    set_readiness(&mut status.conditions, readiness, &message, generation, now);
    status
}
