//! What a person may change of a run that exists: `suspend`, `cancel` and `resolution`.

use anyhow::Context as _;
use serde_json::Value;

use crate::api::resource::{Key, Resource};
use crate::api::v1alpha1::{OperatorRun, Resolution};
use crate::cli::cluster::is_connection_lost;
use crate::cli::verb_context::VerbContext;
use crate::store::StoreError;
use crate::store::kubernetes::Declaration;

/// How many times a change is written anew when others change the run meanwhile.
const TRIES: usize = 20;
/// How soon a cancellation is asked for again when the connection is lost.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// A change of a run's spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Cancel it, for good.
    Cancel,
    /// Begin nothing more, or go on.
    Suspend(bool),
    /// The answer to phase `Unknown`, or none.
    Resolution(Option<Resolution>),
}

impl Change {
    /// Makes the change in a run, or in a run of a workflow, which has no answer to give.
    fn make(self, resource: &mut Resource) {
        match (resource, self) {
            (Resource::OperatorRun(run), Self::Cancel) => run.spec.cancel = true,
            (Resource::OperatorRun(run), Self::Suspend(suspend)) => run.spec.suspend = suspend,
            (Resource::OperatorRun(run), Self::Resolution(resolution)) => {
                run.spec.resolution = resolution;
            }
            (Resource::WorkflowRun(run), Self::Cancel) => run.spec.cancel = true,
            (Resource::WorkflowRun(run), Self::Suspend(suspend)) => run.spec.suspend = suspend,
            _ => {}
        }
    }

    fn declaration(self) -> Declaration {
        let (field, value, manager) = match self {
            Self::Cancel => ("cancel", Value::Bool(true), "mason-cancel"),
            Self::Suspend(suspend) => ("suspend", Value::Bool(suspend), "mason-suspend"),
            Self::Resolution(resolution) => {
                ("resolution", serde_json::json!(resolution), "mason-resolution")
            }
        };
        Declaration { field, value, manager }
    }
}

/// Changes a run and returns it as it is then; nothing when it does not exist any more. On a cluster only
/// the one field is written, and not against another manager of it, unless `force`.
///
/// # Errors
/// When the store refuses or fails, or others change the run all the time.
pub(crate) async fn change(
    context: &VerbContext,
    key: &Key,
    (change, force): (Change, bool),
) -> anyhow::Result<Option<Resource>> {
    if let Some(cluster) = &context.cluster {
        return Ok(cluster.store.declare(key, &change.declaration(), force).await?);
    }
    for _ in 0..TRIES {
        let Some(mut run) = context.store.get(key).await? else { return Ok(None) };
        let before = run.clone();
        change.make(&mut run);
        if run == before {
            return Ok(Some(run));
        }
        match context.store.apply(&run).await {
            Ok((stored, _)) => return Ok(Some(stored)),
            Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
            Err(error) => return Err(error).with_context(|| format!("failed to change {key}")),
        }
    }
    anyhow::bail!("failed to change {key}: it is changed all the time")
}

/// Gives a person's answer to phase `Unknown`. Only an answer that comes after the question counts, so the
/// same one as before is taken back first.
///
/// # Errors
/// As [`change`].
pub(crate) async fn answer(
    context: &VerbContext,
    key: &Key,
    (resolution, force): (Resolution, bool),
) -> anyhow::Result<()> {
    let wanted = Change::Resolution(Some(resolution));
    let before = context.store.get(key).await?.and_then(run_of);
    if before.is_some_and(|run| run.spec.resolution == Some(resolution)) {
        let declaration = wanted.declaration();
        match &context.cluster {
            Some(cluster) => {
                let field = (declaration.field, declaration.manager);
                cluster.store.withdraw(key, field).await?;
            }
            None => {
                change(context, key, (Change::Resolution(None), force)).await?;
            }
        }
    }
    change(context, key, (wanted, force)).await?;
    Ok(())
}

/// Sets `spec.cancel` of a run that has not ended. While the connection to a cluster is lost it is tried
/// again and again.
///
/// # Errors
/// As [`change`].
pub(crate) async fn ask_to_cancel(context: &VerbContext, key: &Key) -> anyhow::Result<()> {
    loop {
        match try_to_cancel(context, key).await {
            Err(error) if error.downcast_ref().is_some_and(is_connection_lost) => {
                tokio::time::sleep(AGAIN).await;
            }
            asked => return asked.with_context(|| format!("failed to cancel {key}")),
        }
    }
}

async fn try_to_cancel(context: &VerbContext, key: &Key) -> anyhow::Result<()> {
    let Some(run) = context.store.get(key).await? else { return Ok(()) };
    if run.phase().is_some_and(|phase| !phase.is_terminal()) {
        change(context, key, (Change::Cancel, false)).await?;
    }
    Ok(())
}

fn run_of(resource: Resource) -> Option<OperatorRun> {
    match resource {
        Resource::OperatorRun(run) => Some(*run),
        _ => None,
    }
}
