//! Columns of a batch by their names.

use arrow::datatypes::Schema;

use super::error::OperationError;

/// Returns the index of a column by its exact name, or by its name without regard to ASCII case when
/// there is one such column only.
pub(super) fn column_index(schema: &Schema, name: &str) -> Result<usize, OperationError> {
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
pub(super) fn column_names(schema: &Schema) -> String {
    const SHOWN: usize = 20;
    let names = schema.fields().iter().take(SHOWN).map(|field| format!("`{}`", field.name()));
    let names = names.collect::<Vec<_>>().join(", ");
    match schema.fields().len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{names} and {more} more"),
        _ => names,
    }
}
