//! `mason run workflow`: checks a run of a workflow, stores it, drives it with its steps, and prints its outputs.

use std::sync::Arc;

use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{
    ConfigRef, FreeForm, RetryFrom, Workflow, WorkflowRun, WorkflowRunSpec,
};
use crate::cli::args::{Output, RetryArgs, RunArgs, WaitingArgs, read_parameters};
use crate::cli::documents;
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{ProgressView, workflow_report};
use crate::cli::runs::{follow_workflow, leave_name_free, run_context, say_created, store_run};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::{first_of, run_names};
use crate::runs::check_workflow_run;
use crate::validate::Origin;

/// What is said when what was asked for is wrong.
const UPSHOT: &str = "nothing was run";

/// Runs the workflow of such a name, `table/validated_infer`.
///
/// # Errors
/// Every problem, and then nothing is stored; or when the run cannot be driven.
pub(super) async fn run(
    context: &VerbContext,
    args: &RunArgs,
    workflow: &str,
) -> anyhow::Result<Exit> {
    refuse_unfit(args)?;
    let parameters = read_parameters(&args.parameters);
    let found = workflow_named(context, workflow).await?;
    let parameters = parameters.map_err(|findings| documents::invalid(UPSHOT, findings))?;
    let config = args.config.clone();
    let spec = WorkflowRunSpec {
        config_ref: config.map(|name| ConfigRef { name, namespace: None }),
        parameters: FreeForm(parameters),
        dry_run: args.dry_run,
        ..WorkflowRunSpec::of(found.metadata.name.as_deref().unwrap_or_default())
    };
    let mut run = WorkflowRun::new("", spec);
    run.metadata.name = None;
    run.metadata.generate_name = Some(format!("{}-", found.spec.workflow.replace(['/', '_'], "-")));
    run.metadata.namespace = Some(context.settings.namespace().to_owned());
    go(context, args, run, None).await
}

/// Runs what a file asks for.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_document(
    context: &VerbContext,
    args: &RunArgs,
    mut run: WorkflowRun,
    origin: &Origin,
) -> anyhow::Result<Exit> {
    run.status = None;
    if args.dry_run && !run.spec.dry_run {
        run.spec.dry_run = true;
        leave_name_free(&mut run.metadata);
    }
    go(context, args, run, Some(origin)).await
}

async fn go(
    context: &VerbContext,
    args: &RunArgs,
    mut run: WorkflowRun,
    origin: Option<&Origin>,
) -> anyhow::Result<Exit> {
    if args.name.is_some() {
        run.metadata.name.clone_from(&args.name);
    }
    check(context, &run, origin).await?;
    let stored = store(context, run).await?;
    finish(context, (args.output, args.waiting), stored).await
}

/// Checks a run before it is stored; on a cluster only its controller can.
async fn check(
    context: &VerbContext,
    run: &WorkflowRun,
    origin: Option<&Origin>,
) -> anyhow::Result<()> {
    if context.cluster.is_some() {
        return Ok(());
    }
    let checked = check_workflow_run(&run_context(context), run, None).await?;
    checked.map(|_| ()).map_err(|problems| {
        let problems = match origin {
            Some(origin) => origin.place(problems),
            None => problems,
        };
        documents::invalid(UPSHOT, documents::findings_of(problems, "")).into()
    })
}

/// Follows a stored run to its end, or says only its name when it is left to a controller.
async fn finish(
    context: &VerbContext,
    (output, waiting): (Output, WaitingArgs),
    stored: Resource,
) -> anyhow::Result<Exit> {
    if waiting.detach {
        say_created(context, output, &stored)?;
        return Ok(Exit::Success);
    }
    follow_to_end(context, (output, waiting.quiet), &stored.key()).await
}

/// Runs once more what a run that has ended left: steps that succeeded are taken over.
///
/// # Errors
/// As [`run`]; and when the run has not ended.
pub(super) async fn retry(
    context: &VerbContext,
    args: &RetryArgs,
    earlier: &WorkflowRun,
) -> anyhow::Result<Exit> {
    let name = earlier.metadata.name.clone().unwrap_or_default();
    let mut spec = earlier.spec.clone();
    (spec.suspend, spec.cancel) = (false, false);
    // What was answered then is no answer now.
    spec.approvals.clear();
    spec.retry_from = Some(RetryFrom { run: name.clone(), from: args.from.clone() });
    let (base, _) = run_names::retried(&name);
    let mut run = WorkflowRun::new("", spec);
    run.metadata.name = None;
    run.metadata.generate_name = Some(format!("{base}-r-"));
    run.metadata.namespace.clone_from(&earlier.metadata.namespace);
    check(context, &run, None).await?;
    let stored = store(context, run).await?;
    finish(context, (args.output, args.waiting), stored).await
}

/// Follows a stored run to its end and prints its outputs.
///
/// # Errors
/// When the run cannot be driven or watched.
pub(super) async fn follow_to_end(
    context: &VerbContext,
    (output, quiet): (Output, bool),
    key: &Key,
) -> anyhow::Result<Exit> {
    let view = Arc::new(ProgressView::new(context.printer.clone(), quiet));
    match follow_workflow(context, key, (view, quiet)).await? {
        Some(run) => workflow_report::print(context, (output, quiet), &run),
        None => Ok(Exit::Failed),
    }
}

/// Refuses what belongs to a run of one operator.
fn refuse_unfit(args: &RunArgs) -> Result<(), Failure> {
    let given = [("--timeout", args.timeout.is_some()), ("--retry", args.retry.is_some())];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => {
            let message = format!("{option} is of a run of an operator");
            Err(Failure::usage(message, "a workflow says it itself, for each step and as a whole"))
        }
    }
}

/// Returns the workflow of such a name: by `spec.workflow`, else by its own name.
pub(super) async fn workflow_named(context: &VerbContext, asked: &str) -> anyhow::Result<Workflow> {
    let mut known = Vec::new();
    let listed = context.store.list(Kind::Workflow, Some(context.settings.namespace())).await?;
    let mut found = Vec::new();
    for entry in listed {
        let Resource::Workflow(workflow) = entry? else { continue };
        known.push(workflow.spec.workflow.clone());
        if workflow.spec.workflow == asked || workflow.metadata.name.as_deref() == Some(asked) {
            found.push(*workflow);
        }
    }
    match found.as_slice() {
        [workflow] => Ok(workflow.clone()),
        [] => {
            let hint = match known.as_slice() {
                [] => "there is none; `mason apply -f` stores one".to_owned(),
                known => format!("there are: {}", first_of(known)),
            };
            Err(Failure::usage(format!("there is no workflow `{asked}`"), hint).into())
        }
        several => {
            let names: Vec<String> =
                several.iter().filter_map(|one| one.metadata.name.clone()).collect();
            let message = format!("{} workflows are called `{asked}`", several.len());
            let hint = format!("name one: mason run workflow {}", names.join(" | "));
            Err(Failure::usage(message, hint).into())
        }
    }
}

async fn store(context: &VerbContext, run: WorkflowRun) -> anyhow::Result<Resource> {
    let word = run.spec.workflow_ref.name.clone();
    store_run(context, Resource::WorkflowRun(Box::new(run)), &word).await
}
