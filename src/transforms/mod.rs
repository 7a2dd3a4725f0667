//! Arrow to Arrow: what is done with batches of rows that no query can express, without files or clients.
//!
//! Each transform takes batches and gives batches, or one answer. What was lost or could not be done is
//! counted in a report beside. The rules are those of `docs/operations.md`. An engine that executes jobs
//! feeds them; they know no table, no session and no thread.

pub mod cast;
mod convert;
pub mod error;
pub mod explode;
pub mod fake;
pub mod merge;
mod parse_text;
mod paths;
pub mod summarize;

use arrow::datatypes::Schema;

use error::OperationError;

/// Returns the index of a column by its exact name, or by its name without regard to ASCII case when
/// there is one such column only.
fn column_index(schema: &Schema, name: &str) -> Result<usize, OperationError> {
    if let Ok(index) = schema.index_of(name) {
        return Ok(index);
    }
    let fields = schema.fields();
    let same = |index: &usize| fields[*index].name().eq_ignore_ascii_case(name);
    let mut alike = (0..fields.len()).filter(same);
    match (alike.next(), alike.next()) {
        (Some(index), None) => Ok(index),
        _ => Err(OperationError::InvalidInput(format!(
            "there is no column `{name}`; there are {}",
            column_names(schema)
        ))),
    }
}

/// Returns the names of the first columns, for messages.
fn column_names(schema: &Schema) -> String {
    const SHOWN: usize = 20;
    let names = schema.fields().iter().take(SHOWN).map(|field| format!("`{}`", field.name()));
    let names = names.collect::<Vec<_>>().join(", ");
    match schema.fields().len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{names} and {more} more"),
        _ => names,
    }
}
