//! The readiness of a workflow.

use jiff::Timestamp;

use super::{Readiness, set_readiness};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    ScheduleStatus, Workflow, WorkflowColumns, WorkflowSchedule, WorkflowStatus,
};
use crate::validate::{self, Problems};

/// Returns the status of a workflow that has been checked with the operators and configs of its steps. `schedule` is what
/// is recorded of its schedule.
#[must_use]
pub fn workflow_readiness(
    workflow: &Workflow,
    checked: &Result<(), Problems>,
    schedule: Option<ScheduleStatus>,
    now: Timestamp,
) -> WorkflowStatus {
    let mut status = workflow.status.clone().unwrap_or_default();
    status.observed_generation = workflow.metadata.generation;
    status.digest = Some(validate::workflow_digest(workflow));
    status.columns = WorkflowColumns {
        steps: workflow.spec.steps.len().to_string(),
        schedule: workflow.spec.schedule.as_ref().map(in_column).unwrap_or_default(),
        next_run: schedule
            .as_ref()
            .and_then(|status| status.next)
            .map(to_second)
            .unwrap_or_default(),
    };
    status.schedule = schedule;
    let (readiness, message) = match checked {
        Ok(()) => ((Readiness::Ready, Reason::Checked), String::new()),
        Err(problems) => ((Readiness::Stalled, Reason::Invalid), problems.to_string()),
    };
    let generation = workflow.metadata.generation;
    set_readiness(&mut status.conditions, readiness, &message, generation, now);
    status
}

/// Returns a schedule as it is written, `0 2 * * * Europe/Vienna`.
fn in_column(schedule: &WorkflowSchedule) -> String {
    let every = schedule.every.as_ref().map(|every| format!("every {every}"));
    let cron = || schedule.cron.iter().chain(&schedule.time_zone).cloned().collect::<Vec<_>>();
    let text = every.unwrap_or_else(|| cron().join(" "));
    if schedule.suspend { format!("{text} (suspended)") } else { text }
}

fn to_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
