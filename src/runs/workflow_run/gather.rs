//! Reads what a pass over a run of a workflow needs: what it is checked with before it begins, the runs of steps after.

use super::resources::{WorkflowResources, earlier_of};
use crate::api::v1alpha1::{
    ConcurrencyPolicy, StepPhase, WorkflowRun, WorkflowRunStatus, WorkflowSpec,
};
use crate::plan::{
    ChildKey, ChildRun, ChildSight, Children, Earlier, Peer, WantedChild, WorkflowChecked,
    WorkflowObservation, parent_of, peer_of, wanted, wanted_of_earlier,
};
use crate::runs::context::{RunContext, RunError};
use crate::runs::gather::ask_parent;
use crate::store::{Key, Kind, Resource};

/// Most bytes of results of items, as JSON, that a pass holds.
const ITEM_RESULTS: usize = 4 * 1024 * 1024;

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
        let parent = ask_parent(context, &run.metadata).await?;
        let peers = peers(context, run, status).await?;
        return Ok(WorkflowObservation {
            checked,
            parent,
            patience,
            peers,
            ..WorkflowObservation::default()
        });
    };
    let children = look_at_wanted(context, run, (spec, status)).await?;
    let earlier = earlier(context, run, (spec, status)).await?;
    let peers = peers(context, run, status).await?;
    let parent = ask_parent(context, &run.metadata).await?;
    Ok(WorkflowObservation { checked: None, parent, patience, peers, children, earlier })
}

/// Looks at the other runs of the group of a run that has not begun, or may be replaced.
async fn peers(
    context: &RunContext,
    run: &WorkflowRun,
    status: &WorkflowRunStatus,
) -> Result<Vec<Peer>, RunError> {
    let Some(ticket) = &status.ticket else { return Ok(Vec::new()) };
    if status.started_at.is_some() && ticket.policy != ConcurrencyPolicy::Replace {
        return Ok(Vec::new());
    }
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    let listed = context.store.list_unfinished(Kind::WorkflowRun, &namespace).await;
    let listed = listed.map_err(|source| failed(run, "list the runs beside", source))?;
    let others = listed.into_iter().filter_map(|found| match found {
        Ok(Resource::WorkflowRun(other)) => peer_of(&other),
        // One that cannot be read works on nothing.
        _ => None,
    });
    let own = run.metadata.uid.as_deref();
    Ok(others
        .filter(|peer| Some(peer.uid.as_str()) != own && peer.ticket.group == ticket.group)
        .collect())
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
    let mut earlier = Earlier { steps, children: Children::new() };
    for id in wanted_of_earlier(run, spec, status, &earlier) {
        let line = earlier.steps.iter().find(|line| line.id == id);
        let Some(recorded) = line.and_then(|line| line.run.clone()) else { continue };
        let key = ChildKey::of_step(&id);
        let kind = line.map(|line| line.kind).unwrap_or_default().of_run();
        let (name, uid) = (recorded.name, Some(recorded.uid));
        let child = WantedChild { key: key.clone(), kind, name, uid };
        let sight = look(context, run, &child).await?;
        earlier.children.insert(key, sight);
    }
    Ok(Some(earlier))
}

/// Looks at every run of a step that the pass needs.
async fn look_at_wanted(
    context: &RunContext,
    run: &WorkflowRun,
    (spec, status): (&WorkflowSpec, &WorkflowRunStatus),
) -> Result<Children, RunError> {
    let (mut children, mut bytes) = (Children::new(), 0);
    loop {
        let next = wanted(run, (spec, status), &children, context.clock.now());
        if next.is_empty() {
            return Ok(children);
        }
        for child in next {
            let mut sight = look(context, run, &child).await?;
            if child.uid.is_none() {
                bound(&mut sight, &mut bytes);
            }
            children.insert(child.key, sight);
        }
    }
}

/// Drops the result of an item when those before it are all that a pass may hold; it counts as truncated then.
fn bound(sight: &mut ChildSight, bytes: &mut usize) {
    let ChildSight::Found(child) = sight else { return };
    let Some(result) = &child.result else { return };
    *bytes += serde_json::to_string(result).map_or(0, |text| text.len());
    if *bytes > ITEM_RESULTS {
        (child.result, child.truncated) = (None, true);
    }
}

/// Looks at the run of a step. Another one of its name is not the step's.
async fn look(
    context: &RunContext,
    run: &WorkflowRun,
    wanted: &WantedChild,
) -> Result<ChildSight, RunError> {
    let found = child(context, run, (wanted.kind, &wanted.name)).await?;
    let is_own = |child: &Resource| match &wanted.uid {
        Some(uid) => child.metadata().uid.as_ref() == Some(uid),
        None => is_child_of(run, child),
    };
    let own = found.filter(is_own).and_then(|child| ChildRun::of(&child));
    Ok(own.map_or(ChildSight::Gone, |child| ChildSight::Found(Box::new(child))))
}

/// Whether a run was made by a run of a workflow.
pub(super) fn is_child_of(run: &WorkflowRun, child: &Resource) -> bool {
    let parent = parent_of(child.metadata());
    parent.is_some_and(|parent| Some(&parent.uid) == run.metadata.uid.as_ref())
}

/// Returns the run of such a kind and name in the namespace of a run of a workflow.
pub(super) async fn child(
    context: &RunContext,
    run: &WorkflowRun,
    (kind, name): (Kind, &str),
) -> Result<Option<Resource>, RunError> {
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    let found = context.store.get(&Key { kind, namespace, name: name.to_owned() }).await;
    found.map_err(|source| failed(run, "read a step of", source))
}

pub(super) fn failed(
    run: &WorkflowRun,
    operation: &'static str,
    source: crate::store::StoreError,
) -> RunError {
    RunError::Store { operation, name: run.metadata.name.clone().unwrap_or_default(), source }
}
