//! `mason resume`: lets runs go on. In a folder that means to drive them, finding again what their former
//! processes started; on a cluster the controller does that by itself.

use std::sync::Arc;

use super::run_workflow;
use super::suspend::{any_run, change_unfinished};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{OperatorRun, Phase, Resolution};
use crate::cli::args::{ResolutionChoice, ResumeArgs};
use crate::cli::cluster;
use crate::cli::failure::Exit;
use crate::cli::print::{ProgressView, run_report};
use crate::cli::runs::{self, Change, Followed, change, follow};
use crate::cli::verb_context::VerbContext;
use crate::plan::parent_of;

/// Lets one run go on, or drives every unfinished run of the namespace, one after the other. A run that
/// another process drives at the same time is followed as well: nothing takes place twice.
///
/// # Errors
/// When the run does not exist, or the store fails.
pub(crate) async fn resume(context: &VerbContext, args: &ResumeArgs) -> anyhow::Result<Exit> {
    let keys = match (&args.run, &context.cluster) {
        (Some(name), None) => vec![released(context, name, args).await?],
        (None, None) => unfinished(context).await?,
        (Some(name), Some(_)) => {
            let wanted = (Change::Suspend(false), args.force);
            let Some(name) = change_unfinished(context, name, wanted).await? else {
                return Ok(Exit::Success);
            };
            let key = any_run(context, &name).await?.key();
            answer(context, &key, args).await?;
            if !args.wait {
                context.printer.out(&format!("run `{name}` goes on"))?;
                return Ok(Exit::Success);
            }
            vec![key]
        }
        (None, Some(_)) => {
            let hint = "its controller drives the others by itself; `mason get runs` lists them";
            return Err(cluster::refuse("name the run that is to go on", hint));
        }
    };
    if keys.is_empty() {
        context
            .printer
            .note(&format!("no unfinished run in namespace `{}`", context.settings.namespace()));
    }
    drive(context, args, keys).await
}

async fn drive(context: &VerbContext, args: &ResumeArgs, keys: Vec<Key>) -> anyhow::Result<Exit> {
    let mut worst = Exit::Success;
    for key in keys {
        let view = Arc::new(ProgressView::new(context.printer.clone(), args.quiet));
        if key.kind == Kind::WorkflowRun {
            let exit =
                run_workflow::follow_to_end(context, (args.output, args.quiet), &key).await?;
            worst = if exit == Exit::Success { worst } else { exit };
            continue;
        }
        match follow(context, &key, view).await {
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

/// Takes the suspension of a run back, if it has not ended, and returns its key.
async fn released(context: &VerbContext, name: &str, args: &ResumeArgs) -> anyhow::Result<Key> {
    let resource = any_run(context, name).await?;
    let key = resource.key();
    if let Resource::WorkflowRun(run) = &resource
        && run.spec.suspend
        && resource.phase().is_some_and(|phase| !phase.is_terminal())
    {
        change(context, &key, (Change::Suspend(false), args.force)).await?;
    }
    if let Resource::OperatorRun(run) = resource {
        let ended = run.status.as_ref().is_some_and(|status| status.phase.is_terminal());
        if run.spec.suspend && !ended {
            change(context, &key, (Change::Suspend(false), args.force)).await?;
        }
        if !ended {
            answer(context, &key, args).await?;
        }
    }
    Ok(key)
}

/// Gives the person's answer to phase `Unknown`, if there is one.
async fn answer(context: &VerbContext, key: &Key, args: &ResumeArgs) -> anyhow::Result<()> {
    let resolution = match args.resolution {
        None => return Ok(()),
        Some(ResolutionChoice::Repeat) => Resolution::Repeat,
        Some(ResolutionChoice::Succeeded) => Resolution::Succeeded,
        Some(ResolutionChoice::Failed) => Resolution::Failed,
    };
    runs::answer(context, key, (resolution, args.force)).await
}

/// Returns the runs that a process has to drive, the oldest first.
async fn unfinished(context: &VerbContext) -> anyhow::Result<Vec<Key>> {
    let mut found = Vec::new();
    for kind in [Kind::WorkflowRun, Kind::OperatorRun] {
        let listed = context.store.list(kind, Some(context.settings.namespace())).await?;
        for entry in listed {
            match entry {
                Ok(resource) if is_left(&resource) => found.push(resource),
                Ok(_) => {}
                Err(error) => context.printer.error(&error.into()),
            }
        }
    }
    found.sort_by_key(|run| run.metadata().creation_timestamp.as_ref().map(|time| time.0));
    Ok(found.iter().map(Resource::key).collect())
}

/// Whether a process has to drive a resource: a run, or a run of a workflow, which drives those of its steps.
pub(crate) fn is_left(resource: &Resource) -> bool {
    match resource {
        Resource::OperatorRun(run) => needs_driving(run) && parent_of(&run.metadata).is_none(),
        Resource::WorkflowRun(run) if parent_of(&run.metadata).is_some() => false,
        Resource::WorkflowRun(run) => match resource.phase().unwrap_or_default() {
            Phase::Pending | Phase::Running | Phase::Unknown => true,
            Phase::Suspended => !run.spec.suspend || run.spec.cancel,
            Phase::Succeeded | Phase::Failed | Phase::Cancelled => false,
        },
        _ => false,
    }
}

/// Returns whether a run may go on when a process drives it. One that could not be seen through is looked at again;
/// one that is suspended waits.
fn needs_driving(run: &OperatorRun) -> bool {
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    match phase {
        Phase::Pending | Phase::Running | Phase::Unknown => true,
        Phase::Suspended => !run.spec.suspend || run.spec.cancel,
        Phase::Succeeded | Phase::Failed | Phase::Cancelled => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(phase: &str, asked: &Value) -> OperatorRun {
        let mut run = json!({
            "apiVersion": "mason.dev/v1alpha1",
            "kind": "OperatorRun",
            "metadata": {"name": "x"},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
            "status": {"phase": phase},
        });
        for (field, value) in asked.as_object().into_iter().flatten() {
            run["spec"][field] = value.clone();
        }
        serde_json::from_value(run).expect("should be a run")
    }

    #[test]
    fn what_has_not_ended_and_is_not_suspended_is_driven_and_what_is_unknown_looked_at_again() {
        for (phase, spec, is_driven) in [
            ("Pending", json!({}), true),
            ("Running", json!({}), true),
            ("Unknown", json!({}), true),
            ("Suspended", json!({"suspend": true}), false),
            ("Suspended", json!({"suspend": true, "cancel": true}), true),
            ("Suspended", json!({}), true),
            ("Succeeded", json!({}), false),
            ("Failed", json!({}), false),
            ("Cancelled", json!({}), false),
        ] {
            assert_eq!(needs_driving(&run(phase, &spec)), is_driven, "{phase} {spec}");
        }
    }
}
