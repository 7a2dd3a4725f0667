//! `mason retry`: runs once more what has ended, as a run of its own.

use kube::core::ObjectMeta;

use super::run;
use super::run_workflow;
use super::suspend::any_run;
use crate::api::resource::Resource;
use crate::api::v1alpha1::OperatorRun;
use crate::cli::args::RetryArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::run_names;
use crate::store::StoreError;

/// Most times that a run is retried by this name.
const MOST: u32 = 1_000;

/// Stores a new run with the spec of one that has ended, follows it to its end, and prints its result.
///
/// # Errors
/// When the run does not exist or has not ended, is not valid any more, or the store fails.
pub(crate) async fn retry(context: &VerbContext, args: &RetryArgs) -> anyhow::Result<Exit> {
    let found = any_run(context, &args.run).await?;
    let name = &found.key().name;
    let run = match found {
        Resource::WorkflowRun(run) => {
            run::refuse_to_detach(context, args.waiting)?;
            return run_workflow::retry(context, args, &run).await;
        }
        Resource::OperatorRun(run) => run,
        _ => return Ok(Exit::Failed),
    };
    if !args.from.is_empty() {
        let hint = "leave it out, or name the run of a workflow";
        return Err(Failure::usage("--from names a step of a workflow", hint).into());
    }
    refuse_unfinished(&run, name)?;
    run::refuse_to_detach(context, args.waiting)?;
    let again = again_of(&run);
    run::check(context, &again, None).await?;
    let stored = store(context, again, name).await?;
    run::finish(context, (args.output, args.waiting), &stored).await
}

fn refuse_unfinished(run: &OperatorRun, name: &str) -> Result<(), Failure> {
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    if phase.is_terminal() {
        return Ok(());
    }
    let message = format!("run `{name}` has not ended ({}); nothing was run", phase.as_str());
    let hint = format!("`mason cancel {name}` ends it; `mason resume {name}` lets it go on");
    Err(Failure::usage(message, hint))
}

/// Returns a new run that asks for the same.
fn again_of(run: &OperatorRun) -> OperatorRun {
    let mut spec = run.spec.clone();
    (spec.suspend, spec.cancel, spec.resolution) = (false, false, None);
    OperatorRun {
        metadata: ObjectMeta {
            namespace: run.metadata.namespace.clone(),
            labels: run.metadata.labels.clone(),
            ..ObjectMeta::default()
        },
        spec,
        status: None,
    }
}

/// Stores it under the first name that is free: `x-r2`, `x-r3`.
async fn store(
    context: &VerbContext,
    mut again: OperatorRun,
    name: &str,
) -> anyhow::Result<OperatorRun> {
    let (base, first) = run_names::retried(name);
    for number in first..first + MOST {
        again.metadata.name = Some(run_names::of_retry(base, number));
        match context.store.create(&Resource::OperatorRun(Box::new(again.clone()))).await {
            Ok(Resource::OperatorRun(stored)) => return Ok(*stored),
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("failed to find a name for the run that is not taken")
}
