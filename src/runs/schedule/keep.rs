//! One pass over a workflow: whether it can be run, the runs that its schedule makes, and the record of both.

use jiff::Timestamp;

use super::history::clear_old;
use super::pass::{ScheduleError, SchedulePass, pass_schedule};
use crate::api::v1alpha1::Workflow;
use crate::faults;
use crate::readiness::workflow_readiness;
use crate::runs::context::RunContext;
use crate::runs::workflow_run::check_workflow;
use crate::store::{Resource, StoreError};

/// What a pass over a workflow came to.
#[derive(Debug)]
pub struct Kept {
    /// The workflow as it is stored now; nothing when another writer changed it, so that nothing was recorded.
    pub workflow: Option<Workflow>,
    /// Whether the pass recorded anything.
    pub is_changed: bool,
    /// What it did for the schedule.
    pub schedule: SchedulePass,
    /// How many runs of the schedule it deleted, because they are not kept any more.
    pub cleared: usize,
    /// How many planned times it counted as missed.
    pub missed: u64,
    /// When the schedule is due next; nothing without one.
    pub next: Option<Timestamp>,
}

/// Makes one pass over a workflow as it was read. May be repeated at any time, also by several processes at once and after
/// a crash at any point: no run is made twice.
///
/// # Errors
/// When the store fails, or refuses a run of the schedule. What is wrong with the workflow is in its status.
pub async fn keep_workflow(
    context: &RunContext,
    workflow: &Workflow,
) -> Result<Kept, ScheduleError> {
    let failed = |source: StoreError| ScheduleError::Store {
        workflow: workflow.metadata.name.clone().unwrap_or_default(),
        source,
    };
    let checked = check_workflow(context, workflow).await.map_err(failed)?; // reads operators and configs
    let now = context.clock.now();
    let schedule = pass_schedule(context.store.as_ref(), workflow, now).await?; // makes runs
    let status = workflow_readiness(workflow, &checked, schedule.status.clone(), now); // pure
    let before = workflow.status.as_ref();
    let missed = schedule.missed_since(before.and_then(|status| status.schedule.as_ref()));
    let next = schedule.next(now);
    let cleared = match schedule.made.as_slice() {
        [] => 0,
        _ => clear_old(context.store.as_ref(), workflow).await.map_err(failed)?, // deletes runs
    };
    let kept =
        |workflow, is_changed| Kept { workflow, is_changed, schedule, cleared, missed, next };
    if before == Some(&status) {
        return Ok(kept(Some(workflow.clone()), false));
    }
    faults::reach("schedule", "before-write");
    let changed = Workflow { status: Some(status), ..workflow.clone() };
    match context.store.replace_status(&Resource::Workflow(Box::new(changed))).await {
        Ok(Resource::Workflow(stored)) => {
            faults::reach("schedule", "after-write");
            Ok(kept(Some(*stored), true))
        }
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(kept(None, false)),
        Err(error) => Err(failed(error)),
    }
}
