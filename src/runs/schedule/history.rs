//! Deletes the runs of a schedule that are not kept any more.

use crate::api::labels;
use crate::api::v1alpha1::{History, Workflow, WorkflowRun};
use crate::plan::to_clear;
use crate::store::{Kind, Resource, Store, StoreError};

/// Deletes the runs that a workflow's schedule made, have ended, and are beyond as many as it keeps; returns how many. Their
/// steps go with them.
pub(super) async fn clear_old(store: &dyn Store, workflow: &Workflow) -> Result<usize, StoreError> {
    let Some(name) = workflow.metadata.name.as_deref() else { return Ok(0) };
    let namespace = workflow.metadata.namespace.clone().unwrap_or_default();
    let label = (labels::WORKFLOW, name);
    let listed = store.list_labelled(Kind::WorkflowRun, &namespace, label).await?;
    let runs = listed.into_iter().filter_map(|found| match found {
        Ok(Resource::WorkflowRun(run)) if run.spec.workflow_ref.name == name => Some(*run),
        // One that cannot be read is left for a person.
        _ => None,
    });
    let runs: Vec<WorkflowRun> = runs.collect();
    let history = workflow.spec.history.clone().unwrap_or(History::DEFAULT);
    let schedule = workflow.status.as_ref().and_then(|status| status.schedule.as_ref());
    let last_planned = schedule.and_then(|schedule| schedule.last_planned);
    let mut cleared = 0;
    for run in to_clear(&runs, &history, last_planned) {
        match store.remove(&Resource::WorkflowRun(Box::new(run.clone()))).await {
            Ok(()) => cleared += 1,
            // Another process deleted or changed it.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(cleared)
}
