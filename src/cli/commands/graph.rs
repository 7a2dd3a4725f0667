//! `mason graph`: the picture of a workflow, or of a run of one with where each step stands.

use super::run_workflow::workflow_named;
use crate::api::resource::{Kind, Resource};
use crate::api::v1alpha1::{WorkflowRunStatus, WorkflowSpec};
use crate::cli::args::{GraphArgs, GraphForm};
use crate::cli::documents;
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::graph::{Drawing, DrawnStep, Form, draw};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::validate::ValidWorkflow;

/// How wide a picture in text is where the width of the terminal is not known.
const WIDTH: usize = 80;

/// Draws a workflow of the store or of a file, or a run of one.
///
/// # Errors
/// When it does not exist, cannot be read, or a run has no steps yet.
pub(crate) async fn graph(context: &VerbContext, args: &GraphArgs) -> anyhow::Result<Exit> {
    let (spec, status) = match (&args.file, &args.workflow) {
        (Some(file), _) => (of_file(context, file.clone())?, None),
        (None, Some(word)) => of_store(context, word).await?,
        (None, None) => {
            let hint = "write `mason graph WORKFLOW`, or give a file with -f";
            return Err(Failure::usage("no workflow is named", hint).into());
        }
    };
    let phase = |id: &str| {
        let lines = status.iter().flat_map(|status| &status.steps);
        lines.into_iter().find(|line| line.id == id).map(|line| line.phase.as_str())
    };
    let nodes = spec.steps.iter().map(|step| DrawnStep {
        id: &step.id,
        operator: step.operator.as_deref().or(step.workflow.as_deref()).unwrap_or("approval"),
        dependencies: &step.dependencies,
        finally: step.finally,
        conditional: step.when.is_some(),
        phase: phase(&step.id),
    });
    let form = match args.output {
        GraphForm::Text => Form::Text,
        GraphForm::Dot => Form::Dot,
        GraphForm::Mermaid => Form::Mermaid,
        GraphForm::Svg => Form::Svg,
    };
    let width = crate::cli::print::tables::terminal_width().unwrap_or(WIDTH);
    let picture = draw(&Drawing { nodes: nodes.collect() }, form, width);
    context.printer.out(picture.trim_end_matches('\n'))?;
    Ok(Exit::Success)
}

fn of_file(context: &VerbContext, file: std::path::PathBuf) -> anyhow::Result<WorkflowSpec> {
    let documents = documents::read(context, &[file], "nothing was drawn")?;
    let workflows = documents.into_iter().filter_map(|document| match document.resource {
        Resource::Workflow(workflow) => Some(workflow.spec),
        _ => None,
    });
    match workflows.collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.clone()),
        found => {
            let message = format!("the file holds {} workflows", found.len());
            Err(Failure::usage(message, "`graph` draws one").into())
        }
    }
}

/// Returns a workflow, or what a run began with and its status.
async fn of_store(
    context: &VerbContext,
    word: &str,
) -> anyhow::Result<(WorkflowSpec, Option<WorkflowRunStatus>)> {
    let kind = word.split_once('/').and_then(|(kind, _)| kinds::resolve_one(kind).ok());
    if kind != Some(Kind::WorkflowRun) {
        return Ok((workflow_named(context, word).await?.spec, None));
    }
    let (_, name) = kinds::named(word, kind)?;
    let Resource::WorkflowRun(run) = context.existing(Kind::WorkflowRun, name).await? else {
        anyhow::bail!("`{name}` is not a run of a workflow");
    };
    let status = run.status.unwrap_or_default();
    if let Some(spec) = ValidWorkflow::thaw(&status)? {
        return Ok((spec, Some(status)));
    }
    let message = format!("run `{name}` has no steps: it never began");
    Err(Failure::impossible(message, "`mason describe` says why").into())
}
