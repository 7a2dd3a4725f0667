//! Reads what a pass over a run of a workflow needs: what it is checked with before it begins, the runs of steps after.

use std::collections::BTreeMap;

use super::resources::{WorkflowResources, earlier_of};
use crate::api::v1alpha1::{
    OperatorRun, StepPhase, StepStatus, WorkflowRun, WorkflowRunStatus, WorkflowSpec,
};
use crate::plan::{
    ChildSight, Earlier, WorkflowChecked, WorkflowObservation, wanted, wanted_of_earlier,
};
use crate::runs::context::{RunContext, RunError};
use crate::store::{Key, Kind, Resource};

/// Reads what a pass over the run needs to decide.
///
/// # Errors
/// When the store fails.
pub(super) async fn gather(
    context: &RunContext,
    run: &WorkflowRun,
    frozen: Option<&WorkflowSpec>,
) -> Result<WorkflowObservation, RunError> {
    let unborn = WorkflowRunStatus::default();
    let status = run.status.as_ref().unwrap_or(&unborn);
    let patience = context.admission.patience;
    if status.phase.is_terminal() {
        return Ok(WorkflowObservation::default());
    }
    let Some(spec) = frozen else {
        let resources = WorkflowResources::read(context, run, None).await;
        let resources = resources.map_err(|source| failed(run, "read the workflow of", source))?;
        let checked = match resources.check(context, run) {
            Ok(valid) => WorkflowChecked::Ready(Box::new(valid)),
            Err(problems) => WorkflowChecked::Refused(problems),
        };
        let checked = Some(checked);
        return Ok(WorkflowObservation { checked, patience, ..WorkflowObservation::default() });
    };
    let mut children = BTreeMap::new();
    loop {
        let next = wanted(spec, status, &children, context.clock.now());
        if next.is_empty() {
            break;
        }
        for id in next {
            let line = status.steps.iter().find(|line| line.id == id);
            let child = look(context, run, line).await?;
            children.insert(id, child);
        }
    }
    let earlier = earlier(context, run, (spec, status)).await?;
    Ok(WorkflowObservation { checked: None, patience, children, earlier })
}

/// Looks at the run that is retried, as long as a step may be taken over from it.
async fn earlier(
    context: &RunContext,
    run: &WorkflowRun,
    (spec, status): (&WorkflowSpec, &WorkflowRunStatus),
) -> Result<Option<Earlier>, RunError> {
    let is_open = status.steps.iter().any(|line| line.phase == StepPhase::Pending);
    if run.spec.retry_from.is_none() || !is_open {
        return Ok(None);
    }
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    let found = earlier_of(context.store.as_ref(), &namespace, run).await;
    let Some(found) = found.map_err(|source| failed(run, "read what is retried by", source))?
    else {
        return Ok(None);
    };
    let steps = found.status.map(|status| status.steps).unwrap_or_default();
    let mut earlier = Earlier { steps, children: BTreeMap::new() };
    for id in wanted_of_earlier(run, spec, status, &earlier) {
        let line = earlier.steps.iter().find(|line| line.id == id);
        let child = look(context, run, line).await?;
        earlier.children.insert(id, child);
    }
    Ok(Some(earlier))
}

/// Looks at the run of a step. Another one of its name is not the step's.
async fn look(
    context: &RunContext,
    run: &WorkflowRun,
    line: Option<&StepStatus>,
) -> Result<ChildSight, RunError> {
    let Some(recorded) = line.and_then(|line| line.run.as_ref()) else {
        return Ok(ChildSight::Gone);
    };
    let found = child(context, run, &recorded.name).await?;
    let is_recorded =
        |child: &OperatorRun| child.metadata.uid.as_deref() == Some(recorded.uid.as_str());
    Ok(match found.filter(|child| is_recorded(child)) {
        Some(child) => ChildSight::Found(child),
        None => ChildSight::Gone,
    })
}

/// Returns the run of such a name in the namespace of a run of a workflow.
pub(super) async fn child(
    context: &RunContext,
    run: &WorkflowRun,
    name: &str,
) -> Result<Option<Box<OperatorRun>>, RunError> {
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    let key = Key { kind: Kind::OperatorRun, namespace, name: name.to_owned() };
    match context.store.get(&key).await {
        Ok(Some(Resource::OperatorRun(child))) => Ok(Some(child)),
        Ok(_) => Ok(None),
        Err(source) => Err(failed(run, "read a step of", source)),
    }
}

pub(super) fn failed(
    run: &WorkflowRun,
    operation: &'static str,
    source: crate::store::StoreError,
) -> RunError {
    RunError::Store { operation, name: run.metadata.name.clone().unwrap_or_default(), source }
}
