//! Compares Mason's JSON with Trino's tagged values, exactly: floats by their bits, decimals by their digits.

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};

use super::engine::Answer;

/// A value that the two have in another way.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    /// The row, from 1.
    pub(super) row: usize,
    pub(super) column: String,
    pub(super) mason: Value,
    pub(super) trino: Value,
}

impl Display for Difference {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Self { row, column, mason, trino } = self;
        write!(to, "{column} in row {row}: [{mason}, {trino}]")
    }
}

/// Returns all values that differ, of rows in one order.
///
/// # Errors
/// In words: other columns, or another number of rows.
pub(super) fn differences(
    mason: &[Map<String, Value>],
    trino: &Answer,
    as_text: bool,
) -> Result<Vec<Difference>, String> {
    if mason.len() != trino.rows.len() {
        let (here, there) = (mason.len(), trino.rows.len());
        return Err(format!("{here} rows, and {there} of Trino: {:?}", trino.rows));
    }
    let mut found = Vec::new();
    for (index, (row, wanted)) in mason.iter().zip(&trino.rows).enumerate() {
        let names = trino.columns.iter().map(|(name, _)| name.clone());
        if !row.keys().map(|name| name.to_lowercase()).eq(names) {
            let names: Vec<&String> = row.keys().collect();
            return Err(format!(
                "the columns are {names:?}, and those of Trino {:?}",
                trino.columns
            ));
        }
        for ((column, value), tagged) in row.iter().zip(wanted) {
            let is_same = same(tagged, value) || (as_text && same_text(tagged, value));
            if !is_same {
                let (mason, trino) = (value.clone(), tagged.clone());
                found.push(Difference {
                    row: index + 1,
                    column: column.to_lowercase(),
                    mason,
                    trino,
                });
            }
        }
    }
    Ok(found)
}

/// Returns whether a value is the tagged one.
fn same(tagged: &Value, value: &Value) -> bool {
    let Some((tag, wanted)) = tagged.as_object().and_then(|object| object.iter().next()) else {
        return value.is_null();
    };
    match (tag.as_str(), wanted, value) {
        ("boolean" | "text" | "decimal" | "bytes", wanted, value) => wanted == value,
        ("whole", Value::String(wanted), Value::Number(number)) => *wanted == number.to_string(),
        ("whole", Value::String(wanted), Value::String(number)) => wanted == number,
        ("double", Value::String(wanted), Value::Number(number)) => {
            bits(wanted) == bits(&number.to_string())
        }
        ("real", Value::String(wanted), Value::Number(number)) => {
            short_bits(wanted) == short_bits(&number.to_string())
        }
        ("double" | "real", Value::String(wanted), Value::String(word)) => {
            let known = [("nan", "NaN"), ("Infinity", "inf"), ("-Infinity", "-inf")];
            known.contains(&(wanted.as_str(), word.as_str()))
        }
        ("time", Value::String(wanted), Value::String(word)) => {
            // An instant of Mason, in UTC, is a timestamp in the catalogue.
            time(wanted) == time(word.strip_suffix('Z').unwrap_or(word))
        }
        ("list", Value::Array(wanted), Value::Array(items)) => {
            wanted.len() == items.len()
                && wanted.iter().zip(items).all(|(wanted, item)| same(wanted, item))
        }
        ("struct", Value::Array(wanted), Value::Object(members)) => {
            wanted.len() == members.len()
                && wanted.iter().zip(members).all(|(pair, (name, member))| {
                    pair[0] == name.to_lowercase() && same(&pair[1], member)
                })
        }
        ("map", Value::Array(wanted), Value::Array(entries)) => same_entries(wanted, entries),
        _ => false,
    }
}

/// Returns whether maps have the same entries, in any order.
fn same_entries(wanted: &[Value], entries: &[Value]) -> bool {
    wanted.len() == entries.len()
        && wanted.iter().all(|pair| {
            entries
                .iter()
                .any(|entry| same(&pair[0], &entry["key"]) && same(&pair[1], &entry["value"]))
        })
}

/// Returns whether a text that Trino has names the value that Mason has.
fn same_text(tagged: &Value, value: &Value) -> bool {
    let Some(text) = tagged["text"].as_str() else { return false };
    match value {
        Value::Bool(value) => text == value.to_string(),
        Value::Number(number) => bits(text).is_some() && bits(text) == bits(&number.to_string()),
        Value::String(word) => time(text) == time(word),
        _ => false,
    }
}

fn bits(text: &str) -> Option<u64> {
    text.parse::<f64>().ok().map(f64::to_bits)
}

fn short_bits(text: &str) -> Option<u32> {
    text.parse::<f32>().ok().map(f32::to_bits)
}

/// Returns a date or time without what may be written or not.
fn time(text: &str) -> String {
    let text = text.replacen(' ', "T", 1);
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_same_only_with_the_same_type_and_every_bit() {
        assert!(same(&json!({"whole": "7"}), &json!(7)));
        assert!(same(&json!({"whole": "9007199254740993"}), &json!("9007199254740993")));
        assert!(
            !same(&json!({"whole": "7"}), &json!(7.0)) && !same(&json!({"text": "7"}), &json!(7))
        );
        assert!(same(&json!({"double": "0.1"}), &json!(0.1)));
        assert!(!same(&json!({"double": "0.1"}), &json!(0.100_000_000_000_000_02)));
        assert!(!same(&json!({"double": "-0.0"}), &json!(0.0)));
        assert!(same(&json!({"double": "Infinity"}), &json!("inf")));
        assert!(same(&json!({"real": "1.4e-45"}), &json!(1e-45)));
        assert!(!same(&json!({"decimal": "1.5"}), &json!("1.50")));
        assert!(same(
            &json!({"time": "2024-01-02 03:04:05.100000"}),
            &json!("2024-01-02T03:04:05.1")
        ));
        assert!(!same(&json!({"time": "2024-01-02 03:04:05"}), &json!("2024-01-02T03:04:06")));
        assert!(same(&json!(null), &json!(null)) && !same(&json!({"text": ""}), &json!(null)));
        let map = json!({"map": [[{"whole": "1"}, null], [{"whole": "2"}, {"text": "b"}]]});
        let entries = json!([{"key": 2, "value": "b"}, {"key": 1, "value": null}]);
        assert!(same(&map, &entries) && !same(&map, &json!([{"key": 2, "value": "b"}])));
        assert!(same(&json!({"struct": [["id", null]]}), &json!({"Id": null})));
        assert!(same_text(&json!({"text": "3.00"}), &json!(3.0)));
        assert!(!same_text(&json!({"text": "3.01"}), &json!(3.0)));
    }
}
