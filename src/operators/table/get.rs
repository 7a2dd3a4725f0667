//! `table/get`: a table's schema, how it was found, its partitions, size and rows, and on demand its
//! first rows. A table whose files disagree is answered too: with the conflict.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::job_spec::{AnswerLimits, JobSpec, Operation, Sink};
use crate::engines::result::JobOutcome;
use crate::engines::table::{ConflictingTable, PinnedFile, Table, TableLookup};
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::{
    columns_shown, conflict_shown, exact, object_schema, table_shown, within_bytes,
};
use crate::operators::inputs::{describe_conflict, reading_plan, shown_notes, table_input, unread};
use crate::operators::parameters::{bad_rows, count, table_name};
use crate::operators::reading::look_up;
use crate::operators::{Answer, Conclusion, Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/get";
/// Bytes of the preview; the rest of an answer is for the schema.
const PREVIEW_BYTES: u64 = 24 * 1024;
/// Bytes of the partitions shown.
const PARTITION_BYTES: usize = 8 * 1024;

/// Gets a table.
pub(in crate::operators) struct Get;

#[async_trait]
impl Operator for Get {
    fn name(&self) -> &'static str {
        "table.get"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Preview]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse::READS_ITS_TABLE]
    }

    fn result_schema(&self) -> Value {
        exact(object_schema(
            &["table", "locations", "format", "found", "files", "bytes", "partitions"],
            &json!({
                "table": {"type": "object"},
                "kind": {"type": "string"},
                "locations": {"type": "array", "items": {"type": "string"}},
                "format": {"type": "object"},
                "found": {"type": "object"},
                "version": {"type": ["integer", "null"]},
                "files": {"type": "integer"},
                "bytes": {"type": "integer"},
                "rows": {"type": ["integer", "null"]},
                "columns": {"type": "array", "items": {"type": "object"}},
                "columnsTotal": {"type": "integer"},
                "partitions": {"type": "object"},
                "conflict": {"type": "object"},
                "preview": {"type": "array", "items": {"type": "object"}},
            }),
        ))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let name = table_name(NAME, request)?;
        let rows = count(NAME, request, "preview_rows")?.unwrap_or(0);
        let table = match look_up(engines, NAME, request, &name).await? {
            TableLookup::Table(table) if rows > 0 => *table,
            TableLookup::Table(table) => return Ok(Prepared::Answer(described(&table))),
            TableLookup::Conflicting(table) => {
                return Ok(Prepared::Answer(described_conflict(&table)));
            }
            TableLookup::Unread(table) => return Err(unread(&table)),
        };
        let inputs = vec![table_input(&table)];
        let plan = reading_plan(format!("preview {}", table.name), &inputs, table.rows);
        let spec = JobSpec {
            version: JobSpec::VERSION,
            inputs,
            operation: Operation::Preview { rows },
            sink: Sink::Answer,
            bad_rows: bad_rows(NAME, request)?,
            limits: AnswerLimits { rows, bytes: PREVIEW_BYTES },
        };
        Ok(Prepared::Job { spec: Box::new(spec), plan })
    }

    async fn conclude(
        &self,
        engines: &Engines,
        request: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let name = table_name(NAME, request)?;
        let found = look_up(engines, NAME, request, &name).await.map_err(Unprepared::into_error)?;
        let (mut answer, is_told) = match found {
            TableLookup::Table(table) => (described(&table), !table.bad.is_none()),
            TableLookup::Conflicting(table) => (described_conflict(&table), !table.bad.is_none()),
            TableLookup::Unread(table) => return Err(unread(&table).into_error()),
        };
        if let Value::Object(object) = &mut answer.data {
            object.insert("preview".to_owned(), outcome.answer.clone());
        }
        let wanted = count(NAME, request, "preview_rows")?.unwrap_or(0);
        let shown = outcome.answer.as_array().map_or(0, Vec::len) as u64;
        // A preview is a part of its table by its nature; what was asked for and is missing is said.
        if outcome.truncated && shown < wanted {
            answer.truncated = true;
            answer
                .warnings
                .push(format!("the preview is cut to {shown} of {}", counted(wanted, "row")));
        }
        // What was bad in the whole table is told already where all of it was looked at.
        if !is_told {
            answer.warnings.extend(outcome.warnings.iter().cloned());
        }
        Ok(Conclusion { answer, effect: None })
    }
}

/// Returns what is known of a table.
pub(super) fn described(table: &Table) -> Answer {
    let (columns, columns_total) = columns_shown(&table.schema, &table.why_text);
    let (partitions, whole) = partitions(&table.partition_keys, table.files.iter());
    let cut = columns.as_array().map_or(0, Vec::len) < columns_total;
    let mut answer = Answer::object(json!({
        "table": table_shown(&table.name),
        "kind": table.kind,
        "locations": table.locations.iter().take(20).collect::<Vec<_>>(),
        "format": table.format,
        "found": table.found,
        "version": table.version,
        "files": table.files.len(),
        "bytes": table.size_bytes(),
        "rows": table.rows,
        "columns": columns,
        "columnsTotal": columns_total,
        "partitions": partitions,
    }));
    answer.warnings.extend(table.bad.warnings());
    answer.info = shown_notes(&table.notes);
    cut_said(&mut answer, cut || !whole || table.locations.len() > 20);
    answer
}

fn described_conflict(table: &ConflictingTable) -> Answer {
    let (conflict, cut) = conflict_shown(&table.conflict);
    let files = table.files.iter().map(|(file, _)| file);
    let bytes: u64 = files.clone().map(|file| file.size_bytes).sum();
    let (partitions, whole) = partitions(&table.partition_keys, files);
    let mut answer = Answer::object(json!({
        "table": table_shown(&table.name),
        "locations": table.locations.iter().take(20).collect::<Vec<_>>(),
        "format": table.format,
        "found": table.found,
        "files": table.files.len(),
        "bytes": bytes,
        "partitions": partitions,
        "conflict": conflict,
    }));
    answer.warnings.push(format!(
        "the files of {} disagree: {}; run table/merge",
        table.name,
        describe_conflict(&table.conflict)
    ));
    answer.warnings.extend(table.bad.warnings());
    answer.info = shown_notes(&table.notes);
    cut_said(&mut answer, cut || !whole || table.locations.len() > 20);
    answer
}

fn cut_said(answer: &mut Answer, cut: bool) {
    if cut {
        answer.truncated = true;
        answer.warnings.push("some columns, schemas, locations or partitions are left out".into());
    }
}

/// Returns the distinct partitions, and whether all are shown.
fn partitions<'a>(keys: &[String], files: impl Iterator<Item = &'a PinnedFile>) -> (Value, bool) {
    if keys.is_empty() {
        return (json!({"keys": [], "total": 0, "values": []}), true);
    }
    let distinct: BTreeSet<&Vec<Option<String>>> =
        files.map(|file| &file.partition_values).collect();
    let values = distinct.iter().map(|values| {
        let pairs = keys.iter().cloned().zip(values.iter().map(|value| json!(value)));
        Value::Object(pairs.collect::<Map<_, _>>())
    });
    let values = within_bytes(values, PARTITION_BYTES);
    let whole = values.len() == distinct.len();
    (json!({"keys": keys, "total": distinct.len(), "values": values}), whole)
}
