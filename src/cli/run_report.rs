//! What a run came to: its result on standard output, its messages on standard error.

use super::args::Output;
use super::context::Context;
use super::failure::Exit;
use super::printer::{Tone, visible, visible_on_one_line};
use super::{kinds, outline};
use crate::api::resource::Kind;
use crate::api::v1alpha1::{OperatorRun, OperatorRunStatus, Phase, RunResult};
use crate::engines::counted::counted;

/// Prints a run that has ended, or waits for a person, and returns how the process ends. When `quiet`,
/// nothing is said of a success but its result, and what to be warned of.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn print(
    context: &Context,
    (output, quiet): (Output, bool),
    run: &OperatorRun,
) -> anyhow::Result<Exit> {
    let status = run.status.clone().unwrap_or_default();
    let name = run.metadata.name.as_deref().unwrap_or_default();
    match output {
        Output::Json => context.printer.json(&serde_json::to_value(run)?)?,
        Output::Yaml => context.printer.yaml(&[serde_json::to_value(run)?])?,
        Output::Name => context.printer.out(&kinds::qualified(Kind::OperatorRun, name))?,
        Output::Table | Output::Wide => {
            if let Some(result) = &status.result {
                context.printer.out(&outline::result(result, &context.printer))?;
            }
        }
    }
    for warning in &status.messages.warnings {
        context.printer.warn(warning);
    }
    for info in &status.messages.info {
        let word = context.printer.paint_error("note:", Tone::Quiet);
        context.printer.note(&format!("{word} {}", visible(info)));
    }
    if let Some(note) = status.result.as_ref().and_then(truncation) {
        context.printer.warn(&note);
    }
    match status.phase {
        Phase::Succeeded if quiet => {}
        Phase::Succeeded => context.printer.note(&ending(name, &status)),
        _ => print_failure(context, name, &status),
    }
    let is_done = status.phase == Phase::Succeeded && !has_declined(&status);
    Ok(if is_done { Exit::Success } else { Exit::Failed })
}

/// Whether an operator answered why it did not do what it was asked for: `table/infer` of files that disagree
/// registers nothing. What follows in a script must not go on as if there were a table.
fn has_declined(status: &OperatorRunStatus) -> bool {
    status.result.as_ref().is_some_and(|result| result.data["registered"] == false)
}

/// Returns the last line about a run: `table-query-x7k2p: Succeeded in 1.2s, 3 rows`.
fn ending(name: &str, status: &OperatorRunStatus) -> String {
    let mut text = format!("{name}: {}", status.phase.as_str());
    if !status.columns.duration.is_empty() {
        text.extend([" in ", status.columns.duration.as_str()]);
    }
    match status.result.as_ref().and_then(|result| result.rows) {
        Some(1) => text.push_str(", 1 row"),
        Some(rows) => text.extend([", ", counted(rows, "row").as_str()]),
        None => {}
    }
    text
}

/// Says that a result is only a part of the answer, and where the whole is.
fn truncation(result: &RunResult) -> Option<String> {
    if !result.truncated {
        return None;
    }
    let shown = result.data.as_array().map_or(0, Vec::len);
    let part = match result.rows {
        Some(rows) if shown > 0 => {
            format!("these are the first {shown} of {}", counted(rows, "row"))
        }
        _ => "this is a part of the answer".to_owned(),
    };
    Some(match &result.reference {
        Some(reference) => format!("{part}; all of it is in {}", reference.uri),
        None => part,
    })
}

/// Prints why a run did not succeed: every message once, and the hints.
fn print_failure(context: &Context, name: &str, status: &OperatorRunStatus) {
    let printer = &context.printer;
    let failed = status.attempts.iter().rev().find_map(|attempt| attempt.error.as_ref());
    let reason = &status.columns.reason;
    let phase = status.phase.as_str();
    let standing = match status.phase {
        Phase::Failed | Phase::Cancelled if !reason.is_empty() && reason != phase => {
            format!("{} ({reason})", phase.to_lowercase())
        }
        Phase::Unknown => "ended in an unknown way".to_owned(),
        Phase::Suspended => "is suspended".to_owned(),
        _ => phase.to_lowercase(),
    };
    let mut lines = vec![format!(
        "{} run `{}` {standing}",
        printer.paint_error("error:", Tone::Bad),
        visible_on_one_line(name)
    )];
    let mut told: Vec<&str> = Vec::new();
    let own = status.messages.errors.iter().map(String::as_str);
    for message in own.chain(failed.map(|error| error.message.as_str())) {
        if !told.iter().any(|earlier| earlier.contains(message)) {
            told.push(message);
        }
    }
    if told.is_empty() && !status.columns.message.is_empty() {
        told.push(&status.columns.message);
    }
    lines
        .extend(told.iter().map(|message| format!("  {}", visible(message).replace('\n', "\n  "))));
    let hint = failed.and_then(|error| error.hint.as_deref());
    let is_told = |hint: &&str| told.iter().any(|message| message.contains(hint));
    lines.extend(hint.filter(|hint| !is_told(hint)).map(|hint| printer.hint(hint)));
    match status.phase {
        Phase::Unknown => lines.push(printer.hint(&format!(
            "`mason resume {name}` goes on once what is in the way is gone; if it stays, look whether \
             the work took place and say so with --resolution Repeat, Succeeded or Failed"
        ))),
        Phase::Suspended => {
            lines.push(printer.hint(&format!("`mason resume {name}` lets it go on")));
        }
        _ => lines.push(printer.hint(&format!("`mason describe run {name}` tells everything"))),
    }
    printer.note(&lines.join("\n"));
}
