//! Holding a run, letting it go, and removing it: writes of its metadata, each on the version that the
//! decision was made on.

use super::act::Outcome;
use super::context::{RunContext, RunError};
use super::reconciled::{LeftBehind, Reconciled, Wake};
use super::session::name_of;
use crate::api::labels::FINALIZER;
use crate::api::v1alpha1::OperatorRun;
use crate::engines::Retry;
use crate::plan::Decision;
use crate::store::{Resource, StoreError};

/// Makes the write that a decision asks for; nothing when it asks for none.
///
/// # Errors
/// When the store fails.
pub(super) async fn write(
    context: &RunContext,
    run: &OperatorRun,
    decision: &Decision,
    outcome: &Outcome,
) -> Result<Option<Reconciled>, RunError> {
    let reconciled = match decision {
        Decision::Hold => put(context, run, true).await?,
        Decision::LetGo => put(context, run, false).await?,
        Decision::Abandon { job, why } => {
            let left = LeftBehind { job: job.clone(), why: why.clone() };
            Reconciled { left: Some(left), ..put(context, run, false).await? }
        }
        Decision::Discard => match outcome {
            Outcome::Failed { error, .. } if error.retry != Retry::Never => return Ok(None),
            Outcome::Failed { error, .. } => {
                let left = LeftBehind { job: None, why: error.message.clone() };
                Reconciled { left: Some(left), ..put(context, run, false).await? }
            }
            _ => put(context, run, false).await?,
        },
        Decision::Delete => remove(context, run).await?,
        _ => return Ok(None),
    };
    Ok(Some(reconciled))
}

async fn put(context: &RunContext, run: &OperatorRun, held: bool) -> Result<Reconciled, RunError> {
    let mut wanted = run.clone();
    let finalizers = wanted.metadata.finalizers.get_or_insert_default();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    if held {
        finalizers.push(FINALIZER.to_owned());
    }
    let resource = Resource::OperatorRun(Box::new(wanted));
    match context.store.replace_finalizers(&resource).await {
        Ok(Resource::OperatorRun(run)) => Ok(Reconciled { run: *run, next: Wake::Now, left: None }),
        Ok(_) => Err(RunError::NotARun { name: name_of(run) }),
        Err(StoreError::Conflict { .. }) => Ok(reread(run)),
        Err(source) => {
            let operation = if held { "hold" } else { "let go of" };
            Err(RunError::Store { operation, name: name_of(run), source })
        }
    }
}

async fn remove(context: &RunContext, run: &OperatorRun) -> Result<Reconciled, RunError> {
    let resource = Resource::OperatorRun(Box::new(run.clone()));
    match context.store.remove(&resource).await {
        Ok(()) | Err(StoreError::Conflict { .. }) => Ok(reread(run)),
        Err(source) => Err(RunError::Store { operation: "delete", name: name_of(run), source }),
    }
}

fn reread(run: &OperatorRun) -> Reconciled {
    Reconciled { run: run.clone(), next: Wake::Reread, left: None }
}
