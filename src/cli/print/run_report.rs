//! The outcome of a run: its result on standard output, its messages on standard error.

use super::documents::document;
use super::outline;
use super::printer::{Tone, visible, visible_on_one_line};
use crate::api::resource::Resource;
use crate::api::v1alpha1::{OperatorRun, OperatorRunStatus, Phase, RunResult};
use crate::cli::args::Output;
use crate::cli::failure::Exit;
use crate::cli::verb_context::VerbContext;
use crate::engines::counted::counted;

/// Prints a run that has ended, or waits for a person, and returns how the process ends. When `quiet`,
/// nothing is said of a success but its result, and what to be warned of.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn print(
    context: &VerbContext,
    (output, quiet): (Output, bool),
    run: &OperatorRun,
) -> anyhow::Result<Exit> {
    let status = run.status.clone().unwrap_or_default();
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let resource = Resource::OperatorRun(Box::new(run.clone()));
    if !document(&context.printer, output, &resource)?
        && let Some(result) = &status.result
    {
        context.printer.out(&outline::result(result, 0, &context.printer))?;
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

fn has_declined(status: &OperatorRunStatus) -> bool {
    status.result.as_ref().is_some_and(RunResult::is_declined)
}

/// Returns the last line about a run: `table-query-x7k2p: Succeeded in 1.2s, 3 rows`.
fn ending(name: &str, status: &OperatorRunStatus) -> String {
    let mut text = format!("{name}: {}", status.phase.as_str());
    if !status.columns.duration.is_empty() {
        text.extend([" in ", status.columns.duration.as_str()]);
    }
    if let Some(rows) = status.result.as_ref().and_then(|result| result.rows) {
        text.extend([", ", counted(rows, "row").as_str()]);
    }
    if has_declined(status) {
        text.push_str(", but registered nothing: the files disagree");
    }
    text
}

/// Says that a result is only a part of the answer, and where the whole is.
fn truncation(result: &RunResult) -> Option<String> {
    if !result.truncated {
        return None;
    }
    let shown = result.data.as_array().map_or(0, Vec::len);
    let part = match (shown, result.rows) {
        (1, Some(rows)) => format!("this is the first of {}", counted(rows, "row")),
        (2.., Some(rows)) => format!("these are the first {shown} of {}", counted(rows, "row")),
        _ => "this is a part of the answer".to_owned(),
    };
    Some(match &result.reference {
        Some(reference) => format!("{part}; all of it is in {}", reference.uri),
        None => part,
    })
}

/// Prints why a run did not succeed: every message once, and the hints.
fn print_failure(context: &VerbContext, name: &str, status: &OperatorRunStatus) {
    let printer = &context.printer;
    let failed = status.attempts.iter().rev().find_map(|attempt| attempt.error.as_ref());
    let reason = &status.columns.reason;
    let phase = status.phase.as_str();
    let outcome = match status.phase {
        Phase::Failed | Phase::Cancelled if !reason.is_empty() && reason != phase => {
            format!("{} ({reason})", phase.to_lowercase())
        }
        Phase::Unknown => "ended in an unknown way".to_owned(),
        Phase::Suspended => "is suspended".to_owned(),
        _ => phase.to_lowercase(),
    };
    let mut lines = vec![format!(
        "{} run `{}` {outcome}",
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with_result(result: &Value) -> OperatorRunStatus {
        let result = serde_json::from_value(result.clone()).expect("should be a result");
        OperatorRunStatus {
            phase: Phase::Succeeded,
            result: Some(result),
            ..OperatorRunStatus::default()
        }
    }

    #[test]
    fn only_an_answer_with_a_conflict_has_declined() {
        for (data, declined) in [
            (json!({"registered": false, "conflict": {"distinctSchemas": 2}}), true),
            (json!({"registered": false}), false),
            (json!({"registered": false, "conflict": null}), false),
            (json!({"registered": true, "columns": []}), false),
            (json!([{"registered": false}]), false),
        ] {
            let status = with_result(&json!({"kind": "Object", "data": data}));
            assert_eq!(has_declined(&status), declined, "{data}");
            let said = ending("x", &status);
            assert_eq!(
                said.ends_with("registered nothing: the files disagree"),
                declined,
                "{said}"
            );
        }
    }

    #[test]
    fn the_number_of_rows_agrees_with_its_noun() {
        for (shown, rows, said) in [
            (json!([1]), 3, "this is the first of 3 rows"),
            (json!([1, 2]), 3, "these are the first 2 of 3 rows"),
            (json!([]), 3, "this is a part of the answer"),
        ] {
            let result = json!({"kind": "Rows", "data": shown, "rows": rows, "truncated": true});
            let status = with_result(&result);
            let result = status.result.as_ref().expect("should be there");
            assert_eq!(truncation(result).as_deref(), Some(said));
            assert_eq!(ending("x", &status), "x: Succeeded, 3 rows");
        }
        let one = with_result(&json!({"kind": "Rows", "data": [1], "rows": 1}));
        assert_eq!(ending("x", &one), "x: Succeeded, 1 row");
    }
}
