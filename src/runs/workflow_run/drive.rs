//! Drives a run of a workflow and the runs of its steps in this process: the loop of doors without a controller.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use super::reconcile::{WorkflowPass, reconcile_workflow};
use crate::api::v1alpha1::{Phase, WorkflowRun};
use crate::runs::context::{Observer, RunContext, RunError};
use crate::runs::drive::{AFTER_CONFLICT, drive};
use crate::runs::reconciled::Wake;
use crate::store::{Key, Kind, Resource};

/// The longest sleep: a change of the spec, such as `cancel`, is seen after it.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// Watches a run of a workflow that is driven.
pub trait WorkflowObserver: Observer {
    /// The run, or one of its steps, changed, and the change is stored.
    fn changed(&self, run: &WorkflowRun);
}

/// Works on a run of a workflow until it has ended, is suspended, or waits for a person, and returns it as it is then.
/// May be called again at any time, also by several processes at once and after a crash at any point: no step takes place
/// twice.
///
/// # Errors
/// When the run does not exist, the store fails, or what was recorded cannot be read. What goes wrong with a step is in
/// the run's status.
pub async fn drive_workflow(
    context: &RunContext,
    key: &Key,
    observer: &dyn WorkflowObserver,
) -> Result<WorkflowRun, RunError> {
    let mut driven = FuturesUnordered::new();
    // The steps that this process has driven as far as they go.
    let mut begun = BTreeSet::new();
    loop {
        let WorkflowPass { run, next } =
            reconcile_workflow(context, fetch(context, key).await?).await?;
        if next != Wake::Reread {
            observer.changed(&run);
        }
        for (kind, name, uid) in open_runs(&run) {
            if !begun.insert(uid.to_owned()) {
                continue;
            }
            let name = name.to_owned();
            let key = Key { kind, name, namespace: key.namespace.clone() };
            driven.push(drive_child(context, key, observer));
        }
        let left = match next {
            Wake::Now => continue,
            Wake::Reread => AFTER_CONFLICT,
            Wake::OnChange => return Ok(run),
            Wake::At(_) if driven.is_empty() && rests(&run) => return Ok(run),
            Wake::At(until) => {
                let left = until.duration_since(context.clock.now());
                let left = Duration::try_from(left).unwrap_or_default();
                left.clamp(Duration::from_millis(1), MAX_SLEEP)
            }
        };
        if driven.is_empty() {
            context.clock.sleep(left).await;
            continue;
        }
        tokio::select! {
            () = context.clock.sleep(left) => {}
            ended = driven.next() => match ended {
                // It is settled by the next pass, which sees that it is gone.
                None | Some(Ok(()) | Err(RunError::NotFound { .. })) => {}
                Some(Err(error)) => return Err(error),
            },
        }
    }
}

/// The kinds, names and uids of the runs of steps that work.
fn open_runs(run: &WorkflowRun) -> impl Iterator<Item = (Kind, &str, &str)> {
    let steps = run.status.iter().flat_map(|status| &status.steps);
    steps.flat_map(|line| line.open_runs().map(|(name, uid)| (line.kind.of_run(), name, uid)))
}

/// Drives the run of a step, of an operator or of another workflow.
fn drive_child<'a>(
    context: &'a RunContext,
    key: Key,
    observer: &'a dyn WorkflowObserver,
) -> BoxFuture<'a, Result<(), RunError>> {
    Box::pin(async move {
        match key.kind {
            Kind::WorkflowRun => drive_workflow(context, &key, observer).await.map(drop),
            _ => drive(context, &key, observer).await.map(drop),
        }
    })
}

/// Whether a run waits for a person.
fn rests(run: &WorkflowRun) -> bool {
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    matches!(phase, Phase::Suspended | Phase::Unknown)
}

async fn fetch(context: &RunContext, key: &Key) -> Result<WorkflowRun, RunError> {
    let name = || key.name.clone();
    let found = context.store.get(key).await.map_err(|source| RunError::Store {
        operation: "read",
        name: name(),
        source,
    })?;
    match found {
        Some(Resource::WorkflowRun(run)) => Ok(*run),
        Some(_) => Err(RunError::NotARun { name: name() }),
        None => Err(RunError::NotFound { namespace: key.namespace.clone(), name: name() }),
    }
}
