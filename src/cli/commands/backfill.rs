//! `mason backfill`: makes the runs of planned times that are past.

use jiff::Timestamp;

use super::resume::is_left;
use super::run_workflow::{follow_to_end, workflow_named};
use crate::api::labels;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::Workflow;
use crate::cli::args::{BackfillArgs, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::visible;
use crate::cli::verb_context::VerbContext;
use crate::plan::{is_run_of, scheduled_run, times_to_backfill};
use crate::store::StoreError;
use crate::validate::validate_schedule;

/// Makes the runs of the planned times of a stretch, under the names that the schedule gives them, so that asking twice
/// makes none twice; then drives them, the oldest first.
///
/// # Errors
/// When the workflow does not exist or has no schedule that can be used, there are too many planned times, or the store
/// fails.
pub(crate) async fn backfill(context: &VerbContext, args: &BackfillArgs) -> anyhow::Result<Exit> {
    let workflow = workflow_named(context, &args.workflow).await?;
    let planned = planned(context, args, &workflow)?;
    let printer = &context.printer;
    if planned.is_empty() {
        printer.note("no planned time is in that stretch");
        return Ok(Exit::Success);
    }
    let mut keys = Vec::new();
    for planned_at in planned {
        let mut run = scheduled_run(&workflow, planned_at);
        let labels = run.metadata.labels.get_or_insert_default();
        labels.insert(labels::BACKFILL.to_owned(), "true".to_owned());
        let key = context.key(Kind::WorkflowRun, run.metadata.name.as_deref().unwrap_or_default());
        let name = visible(&key.name);
        let before = context.store.get(&key).await?;
        match &before {
            Some(Resource::WorkflowRun(found)) if is_run_of(found, &run) => {
                printer.out(&format!("{planned_at}  {name}  is there already"))?;
            }
            Some(_) => return Err(taken(&name)),
            None if args.dry_run => printer.out(&format!("{planned_at}  {name}  would be made"))?,
            None => {
                match context.store.create(&Resource::WorkflowRun(Box::new(run))).await {
                    // Another process made it meanwhile: the same run.
                    Ok(_) | Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                printer.out(&format!("{planned_at}  {name}  made"))?;
            }
        }
        keys.push(key);
    }
    if args.dry_run || args.detach || context.cluster.is_some() {
        return Ok(Exit::Success);
    }
    drive(context, args, &keys).await
}

fn planned(
    context: &VerbContext,
    args: &BackfillArgs,
    workflow: &Workflow,
) -> anyhow::Result<Vec<Timestamp>> {
    let name = &workflow.spec.workflow;
    let Some(schedule) = &workflow.spec.schedule else {
        let hint = "give it a `spec.schedule`, and apply it";
        return Err(Failure::usage(format!("workflow `{name}` has no schedule"), hint).into());
    };
    let valid = validate_schedule(schedule).map_err(|problems| {
        let hint = "mend it, and apply the workflow again";
        Failure::usage(format!("the schedule of workflow `{name}` is wrong: {problems}"), hint)
    })?;
    let status = workflow.status.as_ref().and_then(|status| status.schedule.as_ref());
    let base = status.map(|status| status.base);
    if base.is_none() && schedule.every.is_some() {
        let message = format!(
            "the schedule of workflow `{name}` has not begun, so `every` counts from nothing"
        );
        let hint = "`mason scheduler`, or a controller, begins it";
        return Err(Failure::usage(message, hint).into());
    }
    let to = args.to.unwrap_or(context.now);
    if to > context.now || args.from > to {
        let message = format!("{} to {to} is no stretch of time that is past", args.from);
        return Err(Failure::usage(message, "--from is before --to, and --to not after now").into());
    }
    let base = base.unwrap_or(context.now);
    let at_most = usize::from(args.limit);
    times_to_backfill(&valid.schedule, base, (args.from, to), at_most).map_err(|count| {
        let message =
            format!("{count} planned times are in that stretch, and --limit is {at_most}");
        Failure::usage(message, "give a shorter stretch, or a higher --limit up to 1000").into()
    })
}

fn taken(name: &str) -> anyhow::Error {
    let message = format!("a run of something else has the name `{name}`");
    Failure::usage(message, "delete or keep that run, and give another stretch").into()
}

/// Drives runs to their end, one after the other.
async fn drive(context: &VerbContext, args: &BackfillArgs, keys: &[Key]) -> anyhow::Result<Exit> {
    let mut worst = Exit::Success;
    for key in keys {
        let stored = context.store.get(key).await?;
        if stored.as_ref().is_some_and(is_left) {
            let exit = follow_to_end(context, (Output::Table, args.quiet), key).await?;
            worst = if exit == Exit::Success { worst } else { exit };
        }
    }
    Ok(worst)
}
