//! What `table/infer` and `table/refresh` have in common: the job that finds a schema, and what its
//! answer amounts to. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{changed_schema, columns_shown, conflict_shown, exact, table_shown};
use super::inputs::{describe_conflict, reading_plan, shown_notes, unread_input};
use super::parameters::{count, refused};
use super::{Answer, Prepared, Request};
use crate::engines::counted::counted;
use crate::engines::job_spec::{AnswerLimits, JobSpec, Operation, Sample, Sink};
use crate::engines::metastore::TableDeclaration;
use crate::engines::reading::Reading;
use crate::engines::result::{InferAnswer, JobOutcome};
use crate::engines::schema::{Schema, SchemaConflict, SchemaFound};
use crate::engines::table::{PinnedFile, TableName};
use crate::engines::{EngineError, ErrorKind};

/// Bytes of an inference's answer: it is read by an operator, and never stands in a status as it is.
const ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// Returns the job that finds the schema of files, with its plan.
///
/// # Errors
/// `InvalidInput` when the sample makes no sense.
pub(super) fn inference(
    operator: &str,
    request: &Request,
    name: &TableName,
    files: Vec<PinnedFile>,
    reading: Reading,
) -> Result<Prepared, EngineError> {
    let inputs = vec![unread_input(name.clone(), files)];
    let mut plan = reading_plan(format!("infer the schema of {name}"), &inputs, None);
    plan.target = Some(format!("declare {name}"));
    let spec = JobSpec {
        version: JobSpec::VERSION,
        inputs,
        bad_rows: reading.bad_rows,
        operation: Operation::Infer { sample: sample(operator, request)?, reading },
        sink: Sink::Answer,
        limits: AnswerLimits { rows: u64::MAX, bytes: ANSWER_BYTES },
    };
    Ok(Prepared::Job { spec: Box::new(spec), plan })
}

/// Returns how much is read: everything unless the run says less.
fn sample(operator: &str, request: &Request) -> Result<Option<Sample>, EngineError> {
    let files = count(operator, request, "sample_size")?;
    let rows = count(operator, request, "sample_rows")?;
    if files == Some(0) || rows == Some(0) {
        return Err(refused(operator, "a sample of nothing shows nothing"));
    }
    Ok((files.is_some() || rows.is_some())
        .then(|| Sample { files: files.unwrap_or(u64::MAX), rows: rows.unwrap_or(u64::MAX) }))
}

/// What an inference amounts to.
pub(super) enum Inferred {
    /// A table that can be declared.
    Table(Box<TableDeclaration>, Answer),
    /// Files that disagree: the answer that says so.
    Conflict(Answer),
}

/// Returns the answer of an inference's job.
///
/// # Errors
/// `Unexpected` when it is none.
pub(super) fn answered(operator: &str, outcome: &JobOutcome) -> Result<InferAnswer, EngineError> {
    InferAnswer::deserialize(&outcome.answer).map_err(|source| {
        let message = "the job's answer is not that of an inference";
        EngineError::new(ErrorKind::Unexpected, operator, "conclude the inference", message)
            .with_source(source)
    })
}

/// Returns the declaration of a table whose files agree with an answer that shows it, or the conflict.
pub(super) fn inferred(
    name: &TableName,
    locations: Vec<String>,
    found: InferAnswer,
    warnings: &[String],
) -> Inferred {
    match found {
        InferAnswer::Same { format, schema, partition_columns, found, files, notes, why_text } => {
            let partition_keys: Vec<String> =
                partition_columns.columns.iter().map(|column| column.name.clone()).collect();
            let columns = schema.columns.into_iter().chain(partition_columns.columns).collect();
            let declaration = TableDeclaration {
                name: name.clone(),
                locations,
                format,
                schema: Schema { columns },
                partition_keys,
                found,
            };
            let mut answer = table_answer(&declaration, &why_text, files, warnings);
            answer.info = shown_notes(&notes);
            Inferred::Table(Box::new(declaration), answer)
        }
        InferAnswer::Conflict { format, conflict, found, files, notes, .. } => {
            let (shown, cut) = conflict_shown(&conflict);
            let mut answer = Answer::object(json!({
                "table": table_shown(name),
                "registered": false,
                "format": format,
                "found": found,
                "files": files.len(),
                "conflict": shown,
            }));
            answer.truncated = cut;
            answer.warnings = warnings.to_vec();
            answer.warnings.push(conflict_said(&conflict));
            answer.info = shown_notes(&notes);
            Inferred::Conflict(answer)
        }
    }
}

fn conflict_said(conflict: &SchemaConflict) -> String {
    format!(
        "nothing was registered, because the files disagree: {}; table/merge makes one table of them",
        describe_conflict(conflict)
    )
}

fn table_answer(
    table: &TableDeclaration,
    why_text: &BTreeMap<String, String>,
    files: u64,
    warnings: &[String],
) -> Answer {
    let (columns, columns_total) = columns_shown(&table.schema, why_text);
    let cut = columns.as_array().map_or(0, Vec::len) < columns_total;
    let mut answer = Answer::object(json!({
        "table": table_shown(&table.name),
        "registered": true,
        "locations": table.locations,
        "format": table.format,
        "found": table.found,
        "files": files,
        "columns": columns,
        "columnsTotal": columns_total,
        "partitionKeys": table.partition_keys,
    }));
    answer.warnings = warnings.to_vec();
    if cut {
        answer.truncated = true;
        answer.warnings.push(format!("not all of {} are shown", counted(columns_total, "column")));
    }
    if let SchemaFound::Sampled { files, rows, of_files, .. } = &table.found {
        let seen =
            format!("{files} of {} and {}", counted(*of_files, "file"), counted(*rows, "row"));
        answer.warnings.push(format!("the schema is that of a sample: {seen}"));
    }
    answer
}

/// Returns the properties of the answers to `table/infer` and `table/refresh`.
pub(super) fn result_schema() -> Value {
    exact(changed_schema(&json!({
        "table": {"type": "object"},
        "registered": {"type": "boolean"},
        "locations": {"type": "array", "items": {"type": "string"}},
        "format": {"type": "object"},
        "found": {"type": "object"},
        "files": {"type": "integer"},
        "columns": {"type": "array", "items": {"type": "object"}},
        "columnsTotal": {"type": "integer"},
        "partitionKeys": {"type": "array", "items": {"type": "string"}},
        "conflict": {"type": "object"},
        "differences": {"type": "array", "items": {"type": "string"}},
    })))
}
