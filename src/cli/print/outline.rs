//! Objects as people read them: `key: value` lines, lists of objects as tables below their key.

use serde_json::{Map, Value};

use super::printer::{Printer, Tone, visible, visible_on_one_line};
use super::tables::{Width, compact, framed, is_scalar};
use crate::api::v1alpha1::RunResult;

/// Most levels of keys that are indented; anything deeper stands on one line.
const DEEPEST: usize = 4;
/// Most characters in a line of a table that describes something, on a terminal that is as wide; rows of data have no
/// bound.
const WIDEST: u16 = 140;
/// The key below which an answer has the columns of a schema, each with what kept it from a type.
const SCHEMA: &str = "columns";

/// Returns an answer for people, indented as deep as it stands: rows as a framed table, an object as an outline.
#[must_use]
pub(crate) fn answer(data: &Value, depth: usize, printer: &Printer) -> String {
    let indent = "  ".repeat(depth);
    let shown = match data {
        Value::Array(items) => match rows_of(items) {
            Some(rows) if rows.is_empty() => "no rows".to_owned(),
            Some(rows) if printer.style().terminal_out => {
                framed(&rows, Width::Within { most: u16::MAX, indent: columns(&indent) })
            }
            Some(rows) => framed(&rows, Width::Needed),
            None => items.iter().map(compact).collect::<Vec<_>>().join("\n"),
        },
        Value::Object(object) => {
            let mut lines = Vec::new();
            add_object(object, depth, printer, &mut lines);
            return lines.join("\n");
        }
        Value::String(text) => visible(text),
        other => compact(other),
    };
    let lines: Vec<String> = shown.lines().map(|line| format!("{indent}{line}")).collect();
    lines.join("\n")
}

fn columns(indent: &str) -> u16 {
    u16::try_from(indent.len()).unwrap_or(WIDEST)
}

/// Returns the answer of a run for people, its columns in the order that the work gave them.
#[must_use]
pub(crate) fn result(result: &RunResult, depth: usize, printer: &Printer) -> String {
    let in_order = |value: &Value| match value {
        Value::Object(object) => Value::Object(ordered(object, &result.columns)),
        other => other.clone(),
    };
    match &result.data {
        Value::Array(rows) if rows.is_empty() && result.truncated => {
            format!("{}not even one row is small enough for the answer", "  ".repeat(depth))
        }
        Value::Array(rows) => {
            answer(&Value::Array(rows.iter().map(in_order).collect()), depth, printer)
        }
        data => answer(&in_order(data), depth, printer),
    }
}

/// Returns an object with the named keys first, in this order.
fn ordered(object: &Map<String, Value>, names: &[String]) -> Map<String, Value> {
    let first = names.iter().filter_map(|name| object.get_key_value(name));
    let others = object.iter().filter(|(name, _)| !names.contains(*name));
    first.chain(others).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Returns an object as `key: value` lines.
#[must_use]
pub(crate) fn outline(object: &Map<String, Value>, printer: &Printer) -> String {
    let mut lines = Vec::new();
    add_object(object, 0, printer, &mut lines);
    lines.join("\n")
}

fn add_object(
    object: &Map<String, Value>,
    depth: usize,
    printer: &Printer,
    lines: &mut Vec<String>,
) {
    let indent = "  ".repeat(depth);
    for (key, value) in object {
        let label = printer.paint(&format!("{}:", words(key)), Tone::Heading);
        match value {
            Value::Array(items) if !items.is_empty() && !items.iter().all(is_scalar) => {
                lines.push(format!("{indent}{label}"));
                add_list(key, items, depth + 1, lines);
            }
            Value::Object(inner) if !inner.is_empty() && depth < DEEPEST && !is_short(value) => {
                lines.push(format!("{indent}{label}"));
                add_object(inner, depth + 1, printer, lines);
            }
            Value::Array(items) if items.is_empty() => lines.push(format!("{indent}{label} none")),
            Value::Object(inner) if inner.is_empty() => lines.push(format!("{indent}{label} none")),
            Value::String(text) if text.contains('\n') => {
                lines.push(format!("{indent}{label}"));
                lines.extend(visible(text).lines().map(|line| format!("{indent}  {line}")));
            }
            _ => lines.push(format!("{indent}{label} {}", compact(value))),
        }
    }
}

fn add_list(key: &str, items: &[Value], depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match rows_of(items) {
        Some(mut rows) => {
            let reasons = if key == SCHEMA { take_reasons(&mut rows) } else { Vec::new() };
            let table = framed(&rows, Width::Within { most: WIDEST, indent: columns(&indent) });
            lines.extend(table.lines().map(|line| format!("{indent}{line}")));
            lines.extend(reasons.into_iter().map(|reason| format!("{indent}{reason}")));
        }
        None => lines.extend(items.iter().map(|item| format!("{indent}- {}", compact(item)))),
    }
}

/// Takes the reasons of a schema's columns out of them: a sentence stands below the table, where it is not broken. What
/// is no column of a schema keeps its values, whatever they are called.
fn take_reasons(columns: &mut [Map<String, Value>]) -> Vec<String> {
    let take = |column: &mut Map<String, Value>| {
        column.get("type")?.as_str()?;
        let name = visible_on_one_line(column.get("name")?.as_str()?);
        let reason = column.remove("why")?;
        Some(format!("{name}: {}", compact(&reason)))
    };
    columns.iter_mut().filter_map(take).collect()
}

/// Returns a list's items as rows, if every item is an object.
fn rows_of(items: &[Value]) -> Option<Vec<Map<String, Value>>> {
    items.iter().map(|item| item.as_object().cloned()).collect()
}

/// Returns whether a map is better read on one line.
fn is_short(value: &Value) -> bool {
    let Value::Object(object) = value else { return false };
    object.len() <= 4 && object.values().all(is_scalar) && compact(value).len() <= 60
}

/// Returns a key as words: `losslessCommon` becomes `lossless common`; a key with other characters is
/// a person's own name and stays as it is.
fn words(key: &str) -> String {
    let is_ours = key.chars().all(|c| c.is_ascii_alphanumeric())
        && key.starts_with(|c: char| c.is_ascii_lowercase());
    if !is_ours {
        return visible_on_one_line(key);
    }
    let mut text = String::with_capacity(key.len() + 4);
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            text.push(' ');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::settings::Style;

    fn shown(data: &Value) -> String {
        let style = Style {
            colour_out: false,
            colour_error: false,
            terminal_out: false,
            terminal_error: false,
        };
        answer(data, 0, &Printer::new(style))
    }

    #[test]
    fn columns_stand_as_the_work_gave_them_though_an_api_server_sorts_them() {
        let stored = json!({"kind": "Rows", "columns": ["city", "amount"],
                            "data": [{"amount": 1, "city": "Wien"}]});
        let stored: RunResult = serde_json::from_value(stored).expect("should be a result");
        let style = Style {
            colour_out: false,
            colour_error: false,
            terminal_out: false,
            terminal_error: false,
        };
        let shown = result(&stored, 0, &Printer::new(style));
        assert!(shown.contains("│ city ┆ amount │"), "{shown}");
    }

    #[test]
    fn rows_are_a_table_and_no_rows_are_said() {
        assert_eq!(shown(&json!([])), "no rows");
        assert!(shown(&json!([{"a": 1}])).contains("│ a │"));
        assert_eq!(shown(&json!([1, "x"])), "1\nx");
    }

    #[test]
    fn what_kept_a_column_from_a_type_stands_below_the_columns() {
        let why = "row 10: \"48.0x\" is no number; 1,457 of 1,458 cells are numbers";
        let data = json!({"columns": [
            {"name": "faa", "type": "Utf8", "nullable": true},
            {"name": "lat", "type": "Utf8", "nullable": true, "why": why},
        ]});
        let shown = shown(&data);
        insta::assert_snapshot!(shown, @r#"
        columns:
          ┌──────┬──────┬──────────┐
          │ name ┆ type ┆ nullable │
          ╞══════╪══════╪══════════╡
          │ faa  ┆ Utf8 ┆ true     │
          │ lat  ┆ Utf8 ┆ true     │
          └──────┴──────┴──────────┘
          lat: row 10: "48.0x" is no number; 1,457 of 1,458 cells are numbers
        "#);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    }

    #[test]
    fn a_users_own_column_called_why_stays_in_its_row() {
        let rows = json!([{"name": "lift 1", "type": "A", "why": "ice"}, {"name": "lift 2", "type": "B", "why": null}]);
        let data = json!({"columns": [{"name": "why", "type": "Utf8"}], "preview": rows});
        insta::assert_snapshot!(shown(&data), @r"
        columns:
          ┌──────┬──────┐
          │ name ┆ type │
          ╞══════╪══════╡
          │ why  ┆ Utf8 │
          └──────┴──────┘
        preview:
          ┌────────┬──────┬──────┐
          │ name   ┆ type ┆ why  │
          ╞════════╪══════╪══════╡
          │ lift 1 ┆ A    ┆ ice  │
          │ lift 2 ┆ B    ┆ null │
          └────────┴──────┴──────┘
        ");
        let loose = json!({"columns": [{"name": "lift 1", "why": "ice"}]});
        assert!(shown(&loose).contains("│ lift 1 ┆ ice │"), "{}", shown(&loose));
    }

    #[test]
    fn a_conflict_of_schemas_reads_as_tables() {
        let data = json!({
            "table": {"database": "sales", "table": "orders"},
            "conflict": {
                "schemas": [
                    {"schema": [{"name": "id", "type": "Int64"}], "files": 2, "examples": ["a.csv"]},
                    {"schema": [{"name": "id", "type": "Utf8"}], "files": 1, "examples": ["b.csv"]},
                ],
                "differingColumns": [{"name": "id", "types": {"Int64": 2, "Utf8": 1}}],
                "losslessCommon": true,
            },
            "notes": [],
            "sizeBytes": 2048,
        });
        insta::assert_snapshot!(shown(&data), @r"
        table: database: sales, table: orders
        conflict:
          schemas:
            ┌──────────┬───────┬──────────┐
            │ schema   ┆ files ┆ examples │
            ╞══════════╪═══════╪══════════╡
            │ id Int64 ┆     2 ┆ a.csv    │
            │ id Utf8  ┆     1 ┆ b.csv    │
            └──────────┴───────┴──────────┘
          differing columns:
            ┌──────┬───────────────────┐
            │ name ┆ types             │
            ╞══════╪═══════════════════╡
            │ id   ┆ Int64: 2, Utf8: 1 │
            └──────┴───────────────────┘
          lossless common: true
        notes: none
        size bytes: 2048
        ");
    }
}
