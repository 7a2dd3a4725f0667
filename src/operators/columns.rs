//! Columns as users name them, and types as users write them. Pure.

use serde_json::Value;

use super::parameters::refused;
use crate::engines::EngineError;
use crate::engines::nearest::nearest;
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::type_words::type_of;

/// Returns the columns as the schema spells them, in the order given.
///
/// # Errors
/// `InvalidInput` naming every column that does not exist, with the nearest that does, and every
/// column that is given twice.
pub(super) fn resolve(
    operator: &str,
    parameter: &str,
    schema: &Schema,
    names: &[String],
) -> Result<Vec<String>, EngineError> {
    let mut resolved: Vec<String> = Vec::with_capacity(names.len());
    let mut problems = Vec::new();
    for name in names {
        match schema.column(name) {
            Some(column) if resolved.contains(&column.name) => {
                problems.push(format!("`{name}` is given twice"));
            }
            Some(column) => resolved.push(column.name.clone()),
            None => problems.push(format!("there is no column `{name}`{}", near(schema, name))),
        }
    }
    if problems.is_empty() {
        return Ok(resolved);
    }
    Err(refused(operator, format!("parameter `{parameter}`: {}", problems.join("; "))).with_hint(
        format!("the columns are {}", listed(schema.columns.iter().map(|c| c.name.as_str()))),
    ))
}

fn near(schema: &Schema, name: &str) -> String {
    let names = schema.columns.iter().map(|column| column.name.as_str());
    let near = nearest(name, names);
    near.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// Returns the first twenty names as a sentence has them.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown: Vec<String> = names.iter().take(20).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns the type that a text means.
///
/// # Errors
/// `InvalidInput` when it means none.
pub(super) fn column_type(operator: &str, text: &str) -> Result<ColumnType, EngineError> {
    type_of(text).map_err(|wrong| {
        let error = refused(operator, wrong.to_string());
        match wrong.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })
}

/// Returns the schema that a JSON value means: an object from column to type, or a list of objects
/// with `name`, `type` and perhaps `nullable` (default: true).
///
/// # Errors
/// `InvalidInput` when it is neither, has no column, a column twice, or a text that is no type.
pub(super) fn schema_from_json(operator: &str, value: &Value) -> Result<Schema, EngineError> {
    let columns = match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, word)| column_from_json(operator, name, word, true))
            .collect::<Result<Vec<_>, _>>()?,
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let name = item.get("name").and_then(Value::as_str).ok_or_else(|| {
                    refused(operator, "parameter `schema`: a column has no `name`")
                })?;
                let nullable = item.get("nullable").and_then(Value::as_bool).unwrap_or(true);
                column_from_json(operator, name, &item["type"], nullable)
            })
            .collect::<Result<Vec<_>, _>>()?,
        _ => return Err(refused(operator, "parameter `schema` is neither an object nor a list")),
    };
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].iter().any(|other| other.name == column.name) {
            let message = format!("parameter `schema` has the column `{}` twice", column.name);
            return Err(refused(operator, message));
        }
    }
    if columns.is_empty() {
        return Err(refused(operator, "parameter `schema` has no column"));
    }
    Ok(Schema { columns })
}

fn column_from_json(
    operator: &str,
    name: &str,
    word: &Value,
    nullable: bool,
) -> Result<Column, EngineError> {
    let Some(text) = word.as_str() else {
        return Err(refused(operator, format!("the type of column `{name}` is not a text")));
    };
    let data_type = column_type(operator, text)?;
    Ok(Column { name: name.to_owned(), data_type, nullable, source_type: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        schema_from_json("table/test", &json!({"City": "varchar", "n": "bigint"}))
            .expect("should be a schema")
    }

    #[test]
    fn columns_are_found_in_any_case_and_spelled_as_the_schema_has_them() {
        let names = resolve("table/test", "columns", &schema(), &["city".into(), "N".into()]);
        assert_eq!(names.expect("should resolve"), ["City", "n"]);
    }

    #[test]
    fn every_wrong_column_is_named_at_once() {
        let names = ["citi".to_owned(), "n".into(), "n".into(), "else".into()];
        let error =
            resolve("table/test", "columns", &schema(), &names).expect_err("should be refused");
        for part in ["`citi` (did you mean `City`?)", "`n` is given twice", "no column `else`"] {
            assert!(error.message.contains(part), "{error}");
        }
        assert_eq!(error.hint.as_deref(), Some("the columns are `City`, `n`"));
    }

    #[test]
    fn schemas_are_read_from_objects_and_lists_and_keep_their_order() {
        let list = json!([{"name": "b", "type": "date", "nullable": false}, {"name": "a", "type": "text"}]);
        let read = schema_from_json("table/test", &list).expect("should be a schema");
        assert_eq!(read.columns[0].name, "b");
        assert!(!read.columns[0].nullable && read.columns[1].nullable);
        for bad in [json!({}), json!([]), json!("a"), json!([{"type": "date"}]), json!({"a": 1})] {
            assert!(schema_from_json("table/test", &bad).is_err(), "{bad} should be refused");
        }
    }
}
