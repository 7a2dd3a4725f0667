//! The answers operators share, bounded, and the JSON schemas that describe them. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Answer, Conclusion, Effect};
use crate::api::v1alpha1::ResultKind;
use crate::engines::counted::counted;
use crate::engines::result::{Commit, JobOutcome};
use crate::engines::schema::{Column, ConflictingSchema, DifferingColumn, Schema, SchemaConflict};
use crate::engines::table::TableName;

/// Returns the answer to a job whose outcome is rows, one object or written files. What is left to do is to tell a
/// catalogue of the files, where it has to be.
pub(super) fn conclude_job(outcome: &JobOutcome) -> Conclusion {
    let answer = match &outcome.commit {
        Some(commit) => written(commit, outcome),
        None if outcome.answer.is_array() => rows(outcome),
        None => object(outcome),
    };
    let effect =
        outcome.register.as_deref().map(|change| Effect::Metastore { change: change.clone() });
    Conclusion { answer, effect }
}

/// Returns a table's name as answers have it.
pub(super) fn table_shown(name: &TableName) -> Value {
    json!({"database": name.database, "name": name.table})
}

fn object(outcome: &JobOutcome) -> Answer {
    let mut answer = Answer::object(outcome.answer.clone());
    answer.truncated = outcome.truncated;
    answer.warnings.clone_from(&outcome.warnings);
    answer.info.clone_from(&outcome.info);
    answer
}

fn rows(outcome: &JobOutcome) -> Answer {
    let mut answer = Answer {
        kind: ResultKind::Rows,
        data: outcome.answer.clone(),
        rows: outcome.rows,
        truncated: outcome.truncated,
        warnings: outcome.warnings.clone(),
        info: outcome.info.clone(),
        reference: None,
    };
    if outcome.truncated {
        let shown = outcome.answer.as_array().map_or(0, Vec::len);
        let shown = match outcome.rows {
            Some(rows) => format!("{shown} of {}", counted(rows, "row")),
            None => counted(shown, "row"),
        };
        answer.warnings.push(format!(
            "the answer is cut to {shown}; give output_table or output_path to keep all"
        ));
    }
    answer
}

fn written(commit: &Commit, outcome: &JobOutcome) -> Answer {
    let mut written = json!({
        "table": commit.table.as_ref().map(table_shown),
        "location": commit.location,
        "version": commit.version,
        "files": commit.files,
        "bytes": commit.bytes,
        "rows": commit.rows,
        "digest": commit.digest,
    });
    let report = match &outcome.answer {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        report => Some(report.clone()),
    };
    if let (Value::Object(object), Some(report)) = (&mut written, report) {
        object.insert("report".to_owned(), report);
    }
    let mut answer = Answer::object(written);
    answer.truncated = outcome.truncated;
    answer.warnings.clone_from(&outcome.warnings);
    answer.info.clone_from(&outcome.info);
    answer
}

/// Collects the rows of a listing within a number of rows and the bytes of a status; counts the rest.
pub(super) struct Listing {
    limit: (u64, u64),
    bytes: u64,
    rows: Vec<Value>,
    total: u64,
    full: bool,
}

impl Listing {
    /// Makes a listing of at most so many rows and bytes of JSON.
    pub(super) fn new(limit: (u64, u64)) -> Self {
        Self { limit, bytes: 0, rows: Vec::new(), total: 0, full: false }
    }

    /// Adds a row if there is room, and counts it.
    pub(super) fn push(&mut self, row: Value) {
        self.total += 1;
        let bytes = row.to_string().len() as u64 + 1;
        let (most_rows, most_bytes) = self.limit;
        self.full |= self.rows.len() as u64 == most_rows || self.bytes + bytes > most_bytes;
        if !self.full {
            self.bytes += bytes;
            self.rows.push(row);
        }
    }

    /// Returns the answer; says when it is only a part, and how to see less.
    pub(super) fn into_answer(self, narrower: &str) -> Answer {
        let truncated = (self.rows.len() as u64) < self.total;
        let mut warnings = Vec::new();
        if truncated {
            let (shown, total) = (self.rows.len(), self.total);
            warnings.push(format!("the first {shown} of {total} are shown; {narrower}"));
        }
        Answer {
            kind: ResultKind::Rows,
            data: Value::Array(self.rows),
            rows: Some(self.total),
            truncated,
            warnings,
            info: Vec::new(),
            reference: None,
        }
    }
}

/// Returns the first items that fit into a number of bytes of JSON.
pub(super) fn within_bytes(items: impl Iterator<Item = Value>, bytes: usize) -> Vec<Value> {
    let mut used = 0;
    items
        .take_while(|item| {
            used += item.to_string().len() + 1;
            used <= bytes
        })
        .collect()
}

/// Returns a schema as a list of columns, cut when it is long, and how many columns there are. A
/// column of text that nearly has another type says what kept it from that.
pub(super) fn columns_shown(
    schema: &Schema,
    why_text: &BTreeMap<String, String>,
) -> (Value, usize) {
    const BYTES: usize = 24 * 1024;
    let columns = schema.columns.iter().map(|column| {
        let mut shown = column_shown(column);
        if let (Value::Object(shown), Some(why)) = (&mut shown, why_text.get(&column.name)) {
            shown.insert("why".to_owned(), json!(why));
        }
        shown
    });
    (Value::Array(within_bytes(columns, BYTES)), schema.columns.len())
}

/// Returns a column for people: its type is Arrow's notation, not the structure of documents.
fn column_shown(column: &Column) -> Value {
    let mut shown = json!({
        "name": column.name,
        "type": column.data_type.to_string(),
        "nullable": column.nullable,
    });
    if let (Value::Object(object), Some(word)) = (&mut shown, &column.source_type) {
        object.insert("sourceType".to_owned(), json!(word));
    }
    shown
}

fn schema_shown(found: &ConflictingSchema) -> Value {
    let columns: Vec<Value> = found.schema.columns.iter().map(column_shown).collect();
    json!({"schema": columns, "files": found.files, "examples": found.examples})
}

fn difference_shown(column: &DifferingColumn) -> Value {
    let mut shown = json!({"name": column.name, "types": column.types});
    if let (Value::Object(object), Some(common)) = (&mut shown, &column.common) {
        object.insert("common".to_owned(), json!(common.to_string()));
    }
    shown
}

/// Returns a conflict within bounds, and whether something was left out.
pub(super) fn conflict_shown(conflict: &SchemaConflict) -> (Value, bool) {
    const BYTES: usize = 20 * 1024;
    let schemas = within_bytes(conflict.schemas.iter().map(schema_shown), BYTES);
    let differing = within_bytes(conflict.differing_columns.iter().map(difference_shown), BYTES);
    let cut = schemas.len() < conflict.schemas.len()
        || differing.len() < conflict.differing_columns.len();
    let mut shown = Map::new();
    shown.insert("distinctSchemas".to_owned(), json!(conflict.schemas.len()));
    shown.insert("schemas".to_owned(), Value::Array(schemas));
    shown.insert("differingColumnsTotal".to_owned(), json!(conflict.differing_columns.len()));
    shown.insert("differingColumns".to_owned(), Value::Array(differing));
    shown.insert("losslessCommon".to_owned(), json!(conflict.lossless_common));
    let common = conflict.common.as_ref().map(|schema| columns_shown(schema, &BTreeMap::new()).0);
    if let Some(common) = common.filter(|common| common.to_string().len() <= BYTES) {
        shown.insert("common".to_owned(), common);
    }
    (Value::Object(shown), cut)
}

/// Returns the JSON schema of an answer of rows, or of written files.
pub(super) fn rows_or_files_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "rows when no output is given, otherwise what was written",
        "oneOf": [any_rows(), files()],
    })
}

/// Returns the JSON schema of an answer of written files.
pub(super) fn files_schema() -> Value {
    let mut schema = files();
    if let Value::Object(object) = &mut schema {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    }
    schema
}

fn any_rows() -> Value {
    json!({"type": "array", "items": {"type": "object"}})
}

fn files() -> Value {
    exact(json!({
        "type": "object",
        "required": ["table", "location", "version", "files", "bytes", "rows", "digest"],
        "properties": {
            "table": {
                "type": "object",
                "required": ["database", "name"],
                "properties": {"database": {"type": "string"}, "name": {"type": "string"}},
                "additionalProperties": false,
            },
            "location": {"type": "string"},
            "version": {"type": "integer", "minimum": 0},
            "files": {"type": "integer", "minimum": 0},
            "bytes": {"type": "integer", "minimum": 0},
            "rows": {"type": "integer", "minimum": 0},
            "digest": {"type": "string"},
            "report": {"description": "what the operation counted"},
            "changed": changed(),
        },
    }))
}

/// Returns the JSON schema of an answer of rows with these columns (name, JSON type).
pub(super) fn listing_schema(columns: &[(&str, &str)]) -> Value {
    let properties: Map<String, Value> =
        columns.iter().map(|(name, word)| ((*name).to_owned(), json!({"type": word}))).collect();
    let required: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "array",
        "items": {"type": "object", "required": required, "properties": properties},
    })
}

/// Returns the JSON schema of an answer of one object with these properties.
pub(super) fn object_schema(required: &[&str], properties: &Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": required,
        "properties": properties,
    })
}

/// Returns the JSON schema of the answer to a change of the metastore; `changed` says what it did.
pub(super) fn changed_schema(properties: &Value) -> Value {
    let mut schema = object_schema(&[], properties);
    schema["properties"]["changed"] = changed();
    schema
}

fn changed() -> Value {
    exact(json!({
        "type": "object",
        "required": ["what", "filesDeleted", "bytesDeleted"],
        "properties": {
            "what": {"type": "string"},
            "version": {"type": "integer"},
            "filesDeleted": {"type": "integer"},
            "bytesDeleted": {"type": "integer"},
            "attempt": {"type": "integer"},
        },
    }))
}

/// Returns a schema that allows no other properties than it lists, of the object or of each row: a workflow that looks
/// for another one is refused before it runs.
pub(super) fn exact(mut schema: Value) -> Value {
    let is_list = schema["type"] == "array";
    let object = if is_list { schema.get_mut("items") } else { Some(&mut schema) };
    if let Some(Value::Object(object)) = object {
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_stop_at_their_limit_and_count_the_rest() {
        let mut listing = Listing::new((2, 1_000));
        (0..5).for_each(|n| listing.push(json!({"n": n})));
        let answer = listing.into_answer("give a pattern");
        assert_eq!(answer.data, json!([{"n": 0}, {"n": 1}]));
        assert_eq!((answer.rows, answer.truncated), (Some(5), true));
        assert_eq!(answer.warnings, ["the first 2 of 5 are shown; give a pattern"]);
    }

    #[test]
    fn listings_stop_at_the_bytes_of_a_status() {
        let mut listing = Listing::new((u64::MAX, 64 * 1024));
        (0..100).for_each(|_| listing.push(json!("x".repeat(1000))));
        let answer = listing.into_answer("give a pattern");
        assert!(answer.truncated && answer.data.to_string().len() <= 64 * 1024);
        assert_eq!(answer.rows, Some(100));
    }
}
