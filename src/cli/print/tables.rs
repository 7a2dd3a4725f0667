//! Tables of text: plain columns as kubectl has them, and framed tables for rows of data.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use super::printer::visible_on_one_line;

/// Returns a table of plain columns, three spaces apart, as wide as it needs to be.
#[must_use]
pub(crate) fn plain(headings: &[String], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    for row in rows {
        table.add_row(row.iter().map(|cell| visible_on_one_line(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    table.trim_fmt()
}

/// Returns how many columns the terminal has that standard output goes to, if it goes to one.
#[must_use]
pub(crate) fn terminal_width() -> Option<usize> {
    Table::new().width().map(usize::from)
}

/// Narrower than this nothing can be read.
const LEAST_WIDTH: u16 = 24;

/// How wide a framed table may be; cells that are too wide are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// As wide as its cells.
    Needed,
    /// At most this many characters, and with what stands before it no wider than the terminal.
    Within {
        /// The most.
        most: u16,
        /// How far it is indented.
        indent: u16,
    },
}

/// Returns a framed table of rows of data. The columns are the rows' keys, in the order in which they
/// first appear; numbers stand to the right.
#[must_use]
pub(crate) fn framed(rows: &[Map<String, Value>], width: Width) -> String {
    let columns = columns_of(rows);
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(match width {
        Width::Within { .. } => ContentArrangement::Dynamic,
        Width::Needed => ContentArrangement::Disabled,
    });
    if let Width::Within { most, indent } = width {
        let terminal = table.width().unwrap_or(most);
        table.set_width(most.min(terminal).saturating_sub(indent).max(LEAST_WIDTH));
    }
    table.set_header(columns.iter().map(|name| visible_on_one_line(name)));
    for row in rows {
        table.add_row(columns.iter().map(|name| cell(row.get(*name))));
    }
    table.trim_fmt()
}

fn columns_of(rows: &[Map<String, Value>]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for name in rows.iter().flat_map(Map::keys) {
        if seen.insert(name.as_str()) {
            columns.push(name);
        }
    }
    columns
}

fn cell(value: Option<&Value>) -> Cell {
    let text = value.map_or_else(String::new, compact);
    let alignment = match value {
        Some(Value::Number(_)) => CellAlignment::Right,
        _ => CellAlignment::Left,
    };
    Cell::new(text).set_alignment(alignment)
}

/// Returns a value on one line: texts as they are, a schema as `id Int64, name Utf8`, a list with
/// commas, a map as `key: value`, anything deeper as JSON. Whose value it is makes no difference: a number is shown as it
/// is, because a column of data may be called like one of Mason's own keys.
#[must_use]
pub(crate) fn compact(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => visible_on_one_line(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items) if items.iter().all(is_scalar) => {
            items.iter().map(compact).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => schema_of(items).unwrap_or_else(|| value.to_string()),
        Value::Object(object) if object.values().all(is_scalar) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", visible_on_one_line(key), compact(value))
            };
            counted(object)
                .unwrap_or_else(|| object.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) => listed(object).unwrap_or_else(|| value.to_string()),
    }
}

/// Returns the values of a summary as text: quantiles as `0.5: 12`, frequent values as `ab (17)`.
fn listed(object: &Map<String, Value>) -> Option<String> {
    let one = |item: &Value| {
        let shown = compact(item.get("value")?);
        match (item.get("quantile"), item.get("count")) {
            (Some(quantile), None) => Some(format!("{quantile}: {shown}")),
            (None, Some(count)) => Some(format!("{shown} ({count})")),
            _ => None,
        }
    };
    let values = object.get("values")?.as_array()?;
    let values = values.iter().map(one).collect::<Option<Vec<_>>>()?.join(", ");
    Some(if object.get("exact")?.as_bool()? { values } else { format!("about {values}") })
}

/// Returns a count that may be an estimate: `852`, or `about 852 (±0.8 %)`.
fn counted(object: &Map<String, Value>) -> Option<String> {
    let (count, exact) = (object.get("count")?, object.get("exact")?.as_bool()?);
    let error = object.get("standardError")?.as_f64()? * 100.0;
    Some(if exact { count.to_string() } else { format!("about {count} (±{error:.1} %)") })
}

/// Returns whether a value is neither list nor map.
#[must_use]
pub(crate) fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// Returns a schema's columns as text, if every item is a column.
fn schema_of(items: &[Value]) -> Option<String> {
    let column = |item: &Value| {
        let (name, kind) = (item.get("name")?.as_str()?, item.get("type")?.as_str()?);
        Some(format!("{} {}", visible_on_one_line(name), visible_on_one_line(kind)))
    };
    Some(items.iter().map(column).collect::<Option<Vec<_>>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_tables_have_no_frame_and_no_trailing_space() {
        let rows =
            vec![vec!["a".to_owned(), "x".to_owned()], vec!["long".to_owned(), String::new()]];
        let table = plain(&["NAME".to_owned(), "PHASE".to_owned()], rows);
        assert_eq!(table, "NAME   PHASE\na      x\nlong");
    }

    #[test]
    fn rows_keep_the_order_of_their_columns() {
        let rows: Vec<_> =
            [json!({"b": 1, "a": "x\u{1b}[31m"}), json!({"b": 22, "a": null, "c": [1, 2]})]
                .into_iter()
                .filter_map(|row| row.as_object().cloned())
                .collect();
        insta::assert_snapshot!(framed(&rows, Width::Needed), @r"
        ┌────┬─────────────┬──────┐
        │ b  ┆ a           ┆ c    │
        ╞════╪═════════════╪══════╡
        │  1 ┆ x\u{1b}[31m ┆      │
        │ 22 ┆ null        ┆ 1, 2 │
        └────┴─────────────┴──────┘
        ");
    }

    #[test]
    fn nested_values_stand_on_one_line() {
        let schema = json!([{"name": "id", "type": "Int64"}, {"name": "a b", "type": "Utf8"}]);
        assert_eq!(compact(&schema), "id Int64, a b Utf8");
        assert_eq!(compact(&json!({"Int64": 3, "absent": 1})), "Int64: 3, absent: 1");
        assert_eq!(compact(&json!([[1], 2])), "[[1],2]");
        let estimate = json!({"count": 852, "exact": false, "standardError": 0.0081});
        assert_eq!(compact(&estimate), "about 852 (±0.8 %)");
        let quantiles = json!({"exact": true, "values": [{"quantile": 0.5, "value": 7}]});
        assert_eq!(compact(&quantiles), "0.5: 7");
        let top = json!({"exact": false, "values": [{"value": "a", "count": 3}]});
        assert_eq!(compact(&top), "about a (3)");
    }

    #[test]
    fn numbers_are_shown_as_they_are_whatever_they_are_called() {
        let rows = json!({"bytes": 1500, "total_bytes": 123_456_789, "sizeBytes": 1_572_864});
        let shown = framed(&[rows.as_object().cloned().expect("should be a row")], Width::Needed);
        for number in ["1500", "123456789", "1572864"] {
            assert!(shown.contains(&format!("{number} ")), "{shown}");
        }
    }
}
