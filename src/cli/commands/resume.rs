//! `mason resume`: drives unfinished runs on, finding again what their former processes started.

use std::sync::Arc;

use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{OperatorRun, Phase};
use crate::cli::args::ResumeArgs;
use crate::cli::context::Context;
use crate::cli::engines::run_context;
use crate::cli::failure::Exit;
use crate::cli::following::{Followed, follow};
use crate::cli::progress::ProgressView;
use crate::cli::run_report;

/// Drives one run, or every unfinished run of the namespace, one after the other. A run that another
/// process drives at the same time is followed as well: nothing takes place twice.
///
/// # Errors
/// When the run does not exist, or the store fails.
pub(crate) async fn resume(context: &Context, args: &ResumeArgs) -> anyhow::Result<Exit> {
    let keys = match &args.run {
        Some(name) => {
            let name = name.rsplit('/').next().unwrap_or(name);
            vec![context.existing(Kind::OperatorRun, name).await?.key()]
        }
        None => unfinished(context).await?,
    };
    if keys.is_empty() {
        context
            .printer
            .note(&format!("no unfinished run in namespace `{}`", context.settings.namespace()));
    }
    let mut worst = Exit::Success;
    let run_context = run_context(context);
    for key in keys {
        let view = Arc::new(ProgressView::new(context.printer.clone(), args.quiet));
        match follow(context, &run_context, &key, view).await {
            Ok(Followed::Run(run)) => {
                let exit = run_report::print(context, (args.output, args.quiet), &run)?;
                worst = if exit == Exit::Success { worst } else { exit };
            }
            Ok(Followed::Left) => return Ok(Exit::Failed),
            Err(error) => {
                context.printer.error(&error);
                worst = Exit::Failed;
            }
        }
    }
    Ok(worst)
}

/// Returns the runs that somebody has to drive, the oldest first.
async fn unfinished(context: &Context) -> anyhow::Result<Vec<Key>> {
    let listed = context.store.list(Kind::OperatorRun, Some(context.settings.namespace())).await?;
    let mut found: Vec<Box<OperatorRun>> = Vec::new();
    for entry in listed {
        match entry {
            Ok(Resource::OperatorRun(run)) if needs_driving(&run) => found.push(run),
            Ok(_) => {}
            Err(error) => context.printer.error(&error.into()),
        }
    }
    found.sort_by_key(|run| run.metadata.creation_timestamp.as_ref().map(|time| time.0));
    Ok(found.into_iter().map(|run| Resource::OperatorRun(run).key()).collect())
}

/// Returns whether a run goes on when somebody drives it: one that waits for a person does only once
/// that person has answered.
fn needs_driving(run: &OperatorRun) -> bool {
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    match phase {
        Phase::Pending | Phase::Running => true,
        Phase::Suspended => !run.spec.suspend || run.spec.cancel,
        Phase::Unknown => run.spec.resolution.is_some(),
        Phase::Succeeded | Phase::Failed | Phase::Cancelled => false,
    }
}
