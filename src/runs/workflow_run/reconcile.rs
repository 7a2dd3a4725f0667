//! One pass over a run of a workflow: gather, plan, create the runs of steps, record.

use std::time::Duration;

use jiff::Timestamp;

use super::gather::{child, failed, gather, is_child_of};
use super::record::{Created, CreatedRun, record};
use crate::api::v1alpha1::{ChildReference, WorkflowRun, WorkflowRunStatus};
use crate::faults;
use crate::plan::{NewChild, WorkflowDecision, WorkflowNext, plan_workflow};
use crate::runs::context::{RunContext, RunError};
use crate::runs::reconciled::Wake;
use crate::store::{Resource, StoreError};
use crate::validate::ValidWorkflow;

/// After this time a run is looked at again whatever happens.
const RESYNC: Duration = Duration::from_secs(30);

/// What a pass came to.
#[derive(Debug)]
pub struct WorkflowPass {
    /// The run as it is stored now.
    pub run: WorkflowRun,
    /// When the next pass is due.
    pub next: Wake,
}

/// Makes one pass over a run of a workflow as it was read. The runs of steps that it creates do not begin before the
/// pass has recorded them.
///
/// # Errors
/// When the store fails, or what was recorded cannot be read.
pub async fn reconcile_workflow(
    context: &RunContext,
    run: WorkflowRun,
) -> Result<WorkflowPass, RunError> {
    let name = || run.metadata.name.clone().unwrap_or_default();
    if run.metadata.uid.is_none() {
        return Err(RunError::NoUid { name: name() });
    }
    let unborn = WorkflowRunStatus::default();
    let thawed = ValidWorkflow::thaw(run.status.as_ref().unwrap_or(&unborn));
    let frozen =
        thawed.map_err(|source| RunError::Recorded { name: name(), field: "frozen", source })?;
    let seen = gather(context, &run, frozen.as_ref()).await?; // reads the store
    let decision = plan_workflow(&run, frozen.as_ref(), &seen, context.clock.now()); // pure
    let created = create(context, &run, &decision).await?; // creates runs, which do not begin yet
    let now = context.clock.now();
    let Some(status) = record(&run, &decision, &created, now) else {
        return Ok(WorkflowPass { run, next: Wake::OnChange });
    }; // pure
    let refused = created.iter().any(|one| !matches!(one.run, CreatedRun::Child(_)));
    // What depends on a step whose run could not be created is decided at once.
    let next = if refused { Wake::Now } else { wake(&decision, now) }; // pure
    if run.status.as_ref() == Some(&status) {
        return Ok(WorkflowPass { run, next });
    }
    faults::reach("workflow", "before-write");
    let wanted = WorkflowRun { status: Some(status), ..run };
    match store(context, &wanted).await? {
        Some(run) => {
            faults::reach("workflow", "after-write");
            Ok(WorkflowPass { run, next })
        }
        None => Ok(WorkflowPass { run: wanted, next: Wake::Reread }),
    }
}

fn wake(decision: &WorkflowDecision, now: Timestamp) -> Wake {
    let resync = now.checked_add(RESYNC).unwrap_or(now);
    match decision {
        WorkflowDecision::Lack { until, .. } => Wake::At(*until),
        WorkflowDecision::Begin(_) | WorkflowDecision::TakeTicket(_) => Wake::Now,
        WorkflowDecision::Refuse(_) | WorkflowDecision::Rest => Wake::OnChange,
        WorkflowDecision::Advance(advance) => match &advance.next {
            WorkflowNext::Again => Wake::Now,
            WorkflowNext::End { .. } => Wake::OnChange,
            WorkflowNext::Wait { until, .. } => Wake::At(until.map_or(resync, |at| at.min(resync))),
        },
    }
}

/// Creates the runs of steps. One that exists already and is the run's own was created by a pass whose record is not
/// stored: it is the same.
async fn create(
    context: &RunContext,
    run: &WorkflowRun,
    decision: &WorkflowDecision,
) -> Result<Vec<Created>, RunError> {
    let WorkflowDecision::Advance(advance) = decision else { return Ok(Vec::new()) };
    let mut created = Vec::new();
    for new in &advance.create {
        faults::reach("workflow", "before-act");
        created.push(create_one(context, run, new).await?);
    }
    Ok(created)
}

async fn create_one(
    context: &RunContext,
    run: &WorkflowRun,
    new: &NewChild,
) -> Result<Created, RunError> {
    let name = new.run.metadata().name.clone().unwrap_or_default();
    let created = |run| Created { index: new.index, item: new.item, run };
    let found = match context.store.create(&new.run).await {
        Ok(child) => Some(child),
        Err(StoreError::Conflict { .. }) => child(context, run, (new.run.kind(), &name)).await?,
        Err(StoreError::Refused { problems, .. }) => {
            return Ok(created(CreatedRun::Refused(problems.join("; "))));
        }
        Err(source) => return Err(failed(run, "create a step of", source)),
    };
    let own = found.filter(|child| is_child_of(run, child));
    Ok(created(match own.and_then(|child| child.metadata().uid.clone()) {
        Some(uid) => CreatedRun::Child(ChildReference { name, uid }),
        None => CreatedRun::Taken(name),
    }))
}

/// Stores a status; nothing when another writer changed the run since it was read.
async fn store(context: &RunContext, run: &WorkflowRun) -> Result<Option<WorkflowRun>, RunError> {
    let name = || run.metadata.name.clone().unwrap_or_default();
    match context.store.replace_status(&Resource::WorkflowRun(Box::new(run.clone()))).await {
        Ok(Resource::WorkflowRun(run)) => Ok(Some(*run)),
        Ok(_) => Err(RunError::NotARun { name: name() }),
        Err(StoreError::Conflict { .. }) => Ok(None),
        Err(source) => Err(failed(run, "store the status of", source)),
    }
}
