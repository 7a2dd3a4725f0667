//! What people and tools read in a run's status: conditions, columns, messages, a bounded result.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;

use crate::api::conditions::{Reason, of_phase, set_condition};
use crate::api::v1alpha1::{AttemptError, OperatorRunStatus, Phase, RunResult};
use crate::engines::counted::counted;
use crate::engines::result::Commit;
use crate::operators::Answer;
use crate::plan::cut;
use crate::validate::Problems;

/// Most bytes of JSON that a status holds of an answer.
pub const RESULT_BYTES: usize = 64 * 1024;

/// Most columns that a status names, and most bytes that their names have.
const MAX_COLUMNS: usize = 1_000;
const COLUMNS_BYTES: usize = 16 * 1024;

/// Returns an answer as a status holds it, and a warning when it had to be cut.
pub(super) fn result(answer: &Answer) -> (RunResult, Option<String>) {
    let bytes = size(&answer.data);
    let too_large = bytes > RESULT_BYTES;
    let data = if too_large { preview(&answer.data) } else { answer.data.clone() };
    if let Some(reference) = &answer.reference {
        let result = RunResult {
            kind: answer.kind,
            rows: answer.rows,
            bytes: Some(reference.bytes),
            columns: column_names(&data),
            data,
            truncated: true,
            reference: Some(reference.clone()),
        };
        return (result, None);
    }
    let warning = too_large.then(|| {
        format!("the answer has {bytes} bytes; `result.data` holds a preview within {RESULT_BYTES}")
    });
    let result = RunResult {
        kind: answer.kind,
        rows: answer.rows,
        bytes: u64::try_from(bytes).ok(),
        columns: column_names(&answer.data),
        data,
        truncated: answer.truncated || too_large,
        reference: None,
    };
    (result, warning)
}

/// Says in one sentence that a part of an answer stands nowhere; nothing when all of it does, here or elsewhere.
pub(super) fn cut_said(answer: &Answer, result: &RunResult) -> &'static str {
    let is_cut = answer.truncated || (result.truncated && result.reference.is_none());
    if is_cut { "the result is cut: a part of the answer is left out" } else { "" }
}

/// Returns the columns of rows, or the fields of an object, in the order in which they first appear; none
/// when they are too many for a status.
fn column_names(data: &Value) -> Vec<String> {
    let objects = match data {
        Value::Array(rows) => rows.iter().filter_map(Value::as_object).collect(),
        Value::Object(object) => vec![object],
        _ => Vec::new(),
    };
    let mut seen = std::collections::HashSet::new();
    let mut columns = Vec::new();
    for name in objects.into_iter().flat_map(serde_json::Map::keys) {
        if seen.insert(name) {
            columns.push(name.clone());
        }
    }
    let bytes: usize = columns.iter().map(String::len).sum();
    if columns.len() > MAX_COLUMNS || bytes > COLUMNS_BYTES { Vec::new() } else { columns }
}

/// Returns as much of a value as fits: the first items of its longest list, or else the beginning of
/// its text under `preview`.
pub(super) fn preview(value: &Value) -> Value {
    let shortened = match value {
        Value::Array(items) => Value::Array(first_items(items, RESULT_BYTES)),
        Value::Object(object) => {
            let longest = object
                .iter()
                .filter(|(_, member)| member.is_array())
                .max_by_key(|(_, member)| size(member))
                .map(|(key, _)| key.clone());
            let mut object = object.clone();
            let items = longest.as_ref().and_then(|key| object.get_mut(key)).map(Value::take);
            let rest = size(&Value::Object(object.clone()));
            if let (Some(key), Some(Value::Array(items))) = (longest, items) {
                let kept = first_items(&items, RESULT_BYTES.saturating_sub(rest));
                object.insert(key, Value::Array(kept));
            }
            Value::Object(object)
        }
        other => other.clone(),
    };
    if size(&shortened) <= RESULT_BYTES {
        return shortened;
    }
    let text = value.to_string();
    serde_json::json!({ "preview": cut(&text, 8_000) })
}

fn first_items(items: &[Value], bytes: usize) -> Vec<Value> {
    let mut left = bytes.saturating_sub(2);
    let fits = |item: &&Value| {
        let needed = size(item) + 1;
        let fits = needed <= left;
        left = left.saturating_sub(needed);
        fits
    };
    items.iter().take_while(fits).cloned().collect()
}

fn size(value: &Value) -> usize {
    value.to_string().len()
}

/// Returns at most 100 texts of at most 2,000 characters; the last says how many are left out.
pub(super) fn bounded(texts: Vec<String>) -> Vec<String> {
    let total = texts.len();
    let mut kept: Vec<String> = texts.into_iter().take(100).map(|text| cut(&text, 2_000)).collect();
    if total > kept.len() {
        kept.pop();
        kept.push(format!("… and {} more", total - kept.len()));
    }
    kept
}

/// Returns the end of a text in whole lines, within so many bytes.
pub(super) fn tail(text: &str, bytes: usize) -> String {
    let start = text.len().saturating_sub(bytes);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let cut = &text[start..];
    match cut.find('\n') {
        Some(line) if start > 0 => cut[line + 1..].to_owned(),
        _ => cut.to_owned(),
    }
}

/// Returns the error of a run whose job committed before, with the files and how to go on.
pub(super) fn with_commit(error: AttemptError, commit: &Commit) -> AttemptError {
    let Commit { location, version, files, rows, .. } = commit;
    let message = format!(
        "{}; what was committed to `{location}` before (version {}) stays: {} with {}",
        error.message,
        version.0,
        counted(*files, "file"),
        counted(*rows, "row")
    );
    let next = "no table uses those files: put right what was refused, then run it as a new run"
        .to_owned();
    let hint = error.hint.map_or_else(|| next.clone(), |hint| format!("{hint}; {next}"));
    AttemptError { message, hint: Some(hint), ..error }
}

/// Returns an error for a person.
pub(super) fn in_words(error: &AttemptError) -> String {
    match &error.hint {
        Some(hint) => format!("{} (hint: {hint})", error.message),
        None => error.message.clone(),
    }
}

/// Fills the columns that follow from the rest of the status.
pub(super) fn columns(status: &mut OperatorRunStatus) {
    status.columns.attempts = status.attempts.len().to_string();
    status.columns.progress = status.progress.as_ref().map_or_else(String::new, |progress| {
        let total = progress.total.map_or_else(String::new, |total| format!("/{total}"));
        format!("{}{total} {}", progress.done, progress.unit)
    });
    status.columns.engine = status.engines.as_ref().map_or_else(String::new, |engines| {
        let choice = engines.execution.as_ref().or(engines.metastore.as_ref());
        choice.map_or_else(String::new, |choice| choice.client.clone())
    });
    if let (Some(from), Some(to)) = (status.started_at, status.finished_at) {
        status.columns.duration = length(from, to);
    }
}

/// Returns a length of time for a person: `0.4s`, `1m12s`, `3h5m`.
pub(super) fn length(from: Timestamp, to: Timestamp) -> String {
    let milliseconds = to.duration_since(from).as_millis().max(0);
    let seconds = milliseconds / 1_000;
    match seconds {
        0..=9 => format!("{seconds}.{}s", milliseconds % 1_000 / 100),
        10..=59 => format!("{seconds}s"),
        60..=3_599 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Sets every condition as the phase says.
pub(super) fn conditions(status: &mut OperatorRunStatus, now: Timestamp) {
    let said = (status.columns.reason.as_str(), status.columns.message.as_str());
    let generation = status.observed_generation;
    set_conditions(&mut status.conditions, status.phase, said, (generation, now));
}

/// Sets every condition as a phase says, with its reason and message.
pub(super) fn set_conditions(
    conditions: &mut Vec<Condition>,
    phase: Phase,
    (reason, message): (&str, &str),
    (generation, now): (Option<i64>, Timestamp),
) {
    let reason = Reason::of_word(reason).unwrap_or(Reason::Accepted);
    for (kind, truth) in of_phase(phase) {
        set_condition(conditions, (kind, truth, reason), message, generation, now);
    }
}

/// Returns problems as a status lists them, and the sentence that stands for them all.
pub(super) fn refusal(problems: &Problems) -> (Vec<String>, String) {
    let texts: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    let first = match texts.as_slice() {
        [one] => one.clone(),
        all => format!("{} problems; the first: {}", all.len(), all.first().map_or("", |t| t)),
    };
    (bounded(texts), first)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::v1alpha1::{ResultKind, ResultReference};

    fn answer(data: Value) -> Answer {
        Answer { kind: ResultKind::Rows, ..Answer::object(data) }
    }

    #[test]
    fn small_answers_stand_in_the_result_whole() {
        let (result, warning) = result(&answer(json!([{"a": 1}])));
        assert_eq!((result.data, result.truncated, warning), (json!([{"a": 1}]), false, None));
    }

    #[test]
    fn large_answers_keep_their_first_rows_and_say_so() {
        let rows: Vec<Value> =
            (0..20_000).map(|n| json!({"n": n, "text": "é".repeat(10)})).collect();
        for data in [json!(rows), json!({"columns": ["n"], "rows": rows})] {
            let (result, warning) = result(&answer(data));
            assert!(result.truncated && size(&result.data) <= RESULT_BYTES);
            assert!(size(&result.data) > RESULT_BYTES / 2, "should keep what fits");
            assert!(warning.expect("should warn").contains("preview"));
        }
    }

    #[test]
    fn an_answer_of_which_nothing_is_lost_is_not_called_cut() {
        let said = |answer: &Answer| cut_said(answer, &result(answer).0);
        let rows = |count: usize| answer(json!(vec!["a text"; count]));
        let whole = Some(ResultReference {
            uri: "here:_results/a.json".to_owned(),
            sha256: "sha256:0".to_owned(),
            bytes: 200_000,
        });
        assert_eq!(said(&rows(1)), "");
        assert_eq!(said(&Answer { reference: whole.clone(), ..rows(20_000) }), "");
        assert!(said(&rows(20_000)).contains("cut"), "it stands nowhere else");
        assert!(said(&Answer { truncated: true, ..rows(1) }).contains("cut"));
        let cut_before = Answer { truncated: true, reference: whole, ..rows(20_000) };
        assert!(said(&cut_before).contains("cut"), "what is stored is only a part");
    }

    #[test]
    fn one_huge_text_is_previewed() {
        let (result, _) = result(&answer(json!({"sql": "x".repeat(100_000)})));
        assert!(result.truncated && size(&result.data) <= RESULT_BYTES);
        assert!(result.data["preview"].as_str().expect("should be text").ends_with("(cut)"));
    }

    #[test]
    fn more_than_a_hundred_messages_say_how_many_are_left_out() {
        let kept = bounded((0..250).map(|n| n.to_string()).collect());
        assert_eq!((kept.len(), kept[99].as_str()), (100, "… and 151 more"));
    }

    #[test]
    fn the_end_of_a_log_is_cut_at_a_line() {
        assert_eq!(tail("aaaa\nbbbb\ncccc", 7), "cccc");
        assert_eq!(tail("aaaa", 7), "aaaa");
        assert_eq!(tail("éééé", 3), "é");
    }
}
