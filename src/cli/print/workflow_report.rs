//! The outcome of a run of a workflow: its outputs on standard output, its steps and messages on standard error.

use jiff::Timestamp;
use serde_json::Value;

use super::columns::age;
use super::documents::document;
use super::outline;
use super::printer::{Tone, visible, visible_on_one_line};
use super::tables;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{
    ItemsStatus, Phase, StepPhase, StepStatus, WorkflowRun, WorkflowRunStatus,
};
use crate::cli::args::Output;
use crate::cli::failure::Exit;
use crate::cli::verb_context::VerbContext;
use crate::engines::counted::counted;

/// Prints a run that has ended, or waits for a person, and returns how the process ends.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn print(
    context: &VerbContext,
    (output, quiet): (Output, bool),
    run: &WorkflowRun,
) -> anyhow::Result<Exit> {
    let status = run.status.clone().unwrap_or_default();
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let resource = Resource::WorkflowRun(Box::new(run.clone()));
    if !document(&context.printer, output, &resource)?
        && let Some(outputs) = &status.outputs
    {
        let outputs = Value::Object(outputs.0.clone().into_iter().collect());
        context.printer.out(&outline::answer(&outputs, 0, &context.printer))?;
    }
    for warning in &status.messages.warnings {
        context.printer.warn(warning);
    }
    let succeeded = status.phase == Phase::Succeeded;
    if !succeeded {
        print_failure(context, name, &status);
    } else if !quiet {
        context.printer.note(&ending(name, &status));
    }
    Ok(if succeeded { Exit::Success } else { Exit::Failed })
}

/// Returns the last line about a run: `table-infer-x7k2p: Succeeded in 1.2s, 2 of 3 steps succeeded, 1 skipped`.
fn ending(name: &str, status: &WorkflowRunStatus) -> String {
    let mut text = format!("{}: {}", visible_on_one_line(name), status.phase.as_str());
    if !status.columns.duration.is_empty() {
        text.extend([" in ", status.columns.duration.as_str()]);
    }
    if status.steps.is_empty() {
        if !status.columns.message.is_empty() {
            text.extend([", ", status.columns.message.as_str()]);
        }
        return text;
    }
    let of = |phase| status.steps.iter().filter(|line| line.phase == phase).count();
    let steps = counted(status.steps.len(), "step");
    let others = [(StepPhase::Skipped, "skipped"), (StepPhase::Failed, "failed")];
    let others = others.into_iter().filter(|(phase, _)| of(*phase) > 0);
    let others: Vec<String> =
        others.map(|(phase, word)| format!(", {} {word}", of(phase))).collect();
    format!("{text}, {} of {steps} succeeded{}", of(StepPhase::Succeeded), others.concat())
}

fn print_failure(context: &VerbContext, name: &str, status: &WorkflowRunStatus) {
    let printer = &context.printer;
    let phase = status.phase.as_str().to_lowercase();
    let outcome = match status.phase {
        Phase::Unknown => "waits for a person".to_owned(),
        Phase::Suspended => "is suspended".to_owned(),
        _ => phase,
    };
    let word = printer.paint_error("error:", Tone::Bad);
    let name = visible_on_one_line(name);
    let mut lines = vec![format!("{word} workflow run `{name}` {outcome}")];
    let told = &status.messages.errors;
    if told.is_empty() && !status.columns.message.is_empty() {
        lines.push(format!("  {}", visible(&status.columns.message)));
    }
    lines.extend(told.iter().map(|message| format!("  - {}", visible(message))));
    printer.note(&lines.join("\n"));
    let hint = match status.phase {
        Phase::Suspended => format!("`mason resume {name}` lets it go on"),
        _ => format!("`mason describe workflowrun {name}` shows each step"),
    };
    if !status.steps.is_empty() || status.phase == Phase::Suspended {
        printer.note(&printer.hint(&hint));
    }
}

/// Returns a step in one line: `check Skipped (DependencyNotMet): its dependency `infer` failed`.
pub(crate) fn line_of(line: &StepStatus) -> String {
    let is_plain = matches!(line.phase, StepPhase::Running | StepPhase::Succeeded)
        && !line.waits_for_approval()
        && !line.reused;
    let reason = line.reason.filter(|_| !is_plain);
    let reason = reason.map(|reason| format!(" ({})", reason.as_str()));
    let rows = line.rows.filter(|_| line.phase == StepPhase::Succeeded);
    let rows = rows.map(|rows| format!(", {}", counted(rows, "row")));
    let message = line.message.as_ref().filter(|_| !is_plain);
    let message = message.map(|message| format!(": {}", visible_on_one_line(message)));
    let items = line.items.as_ref().map(|items| match line.phase {
        StepPhase::Succeeded => format!(", {}", counted(items.total, "item")),
        _ => format!(", {}", settled_items(items)),
    });
    let parts = [reason, items, rows, message].into_iter().flatten().collect::<String>();
    format!("{} {}{parts}", line.id, line.phase.as_str())
}

/// Returns how far the items of a step are, `3/10 items`.
fn settled_items(items: &ItemsStatus) -> String {
    format!("{}/{} items", items.settled(), items.total)
}

/// Returns the steps of a run as a table, in the order of the workflow.
pub(crate) fn table(lines: &[StepStatus], now: Timestamp) -> String {
    let headings = ["STEP", "PHASE", "REASON", "ROWS", "DURATION", "RUN"].map(str::to_owned);
    let row = |line: &StepStatus| {
        let until = line.finished_at.unwrap_or(now);
        let length = line.started_at.map(|began| age(until.duration_since(began)));
        vec![
            line.id.clone(),
            line.phase.as_str().to_owned(),
            line.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
            line.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            length.unwrap_or_default(),
            match (&line.run, &line.items) {
                (Some(run), _) => run.name.clone(),
                (None, Some(items)) => settled_items(items),
                (None, None) => String::new(),
            },
        ]
    };
    tables::plain(&headings, lines.iter().map(row).collect())
}
