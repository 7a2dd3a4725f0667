//! Compares Mason's JSON with the tagged values of the other engine.

use serde_json::{Map, Value};

use crate::duckdb::Rows;

/// Returns how rows differ, or nothing.
pub(crate) fn rows(expected: &Rows, actual: &Value, ordered: bool) -> Option<String> {
    let Some(actual) = actual.as_array() else {
        return Some(format!("the result is no list of rows: {actual}"));
    };
    if actual.len() != expected.rows.len() {
        let (here, there) = (actual.len(), expected.rows.len());
        return Some(format!("{here} rows instead of {there}: {}", Value::from(actual.clone())));
    }
    let objects: Vec<&Map<String, Value>> = actual.iter().filter_map(Value::as_object).collect();
    let names_differ = |row: &&Map<String, Value>| !row.keys().eq(expected.columns.iter());
    if let Some(row) = objects.iter().copied().find(|row| names_differ(row)) {
        let names: Vec<&String> = row.keys().collect();
        return Some(format!("the columns are {names:?} instead of {:?}", expected.columns));
    }
    let fits = |wanted: &[Value], row: &Map<String, Value>| {
        wanted.iter().zip(row.values()).all(|(wanted, value)| same(wanted, value))
    };
    if ordered {
        let pairs = expected.rows.iter().zip(&objects).enumerate();
        let wrong = pairs.into_iter().find(|(_, (wanted, row))| !fits(wanted, row));
        return wrong.map(|(index, (wanted, row))| {
            format!("row {index} is {} instead of {}", Value::from((*row).clone()), text(wanted))
        });
    }
    let mut left = objects;
    for wanted in &expected.rows {
        if let Some(index) = left.iter().position(|row| fits(wanted, row)) {
            left.swap_remove(index);
        } else {
            let left = left.iter().take(5).map(|row| Value::from((*row).clone()).to_string());
            let left = left.collect::<Vec<_>>().join("\n    ");
            return Some(format!("no row is {}; left are\n    {left}", text(wanted)));
        }
    }
    None
}

fn text(row: &[Value]) -> String {
    Value::from(row.to_vec()).to_string()
}

/// Returns whether a value is the tagged one.
pub(crate) fn same(tagged: &Value, value: &Value) -> bool {
    let Some((tag, wanted)) = tagged.as_object().and_then(|object| object.iter().next()) else {
        return value.is_null();
    };
    match (tag.as_str(), wanted, value) {
        ("boolean" | "text", wanted, value) => wanted == value,
        ("number", Value::String(wanted), Value::Number(number)) => {
            close(wanted, &number.to_string())
        }
        ("number", Value::String(wanted), Value::String(word)) => {
            ["NaN", "Infinity", "-Infinity"].contains(&wanted.as_str()) && wanted == word
        }
        ("exact", Value::String(wanted), Value::Number(number)) => {
            plain(wanted) == plain(&number.to_string())
        }
        ("exact", Value::String(wanted), Value::String(number)) => plain(wanted) == plain(number),
        ("time", Value::String(wanted), Value::String(word)) => instant(wanted) == instant(word),
        ("bytes", Value::String(wanted), Value::String(word)) => wanted.eq_ignore_ascii_case(word),
        ("list", Value::Array(wanted), Value::Array(items)) => {
            wanted.len() == items.len()
                && wanted.iter().zip(items).all(|(wanted, item)| same(wanted, item))
        }
        ("struct", Value::Array(wanted), Value::Object(fields)) => {
            wanted.len() == fields.len()
                && wanted.iter().all(|pair| {
                    let name = pair[0].as_str().unwrap_or_default();
                    fields.get(name).is_some_and(|field| same(&pair[1], field))
                })
        }
        _ => false,
    }
}

/// Floating point sums depend on their order, so the last digits may differ.
fn close(left: &str, right: &str) -> bool {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() <= 1e-9 * left.abs().max(right.abs()),
        _ => false,
    }
}

/// Returns a decimal without trailing zeros.
fn plain(number: &str) -> String {
    if number.contains('.') && !number.contains(['e', 'E']) {
        return number.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    number.to_owned()
}

/// Returns an instant, date or time without what may be written or not.
fn instant(text: &str) -> String {
    let text = text.replace(' ', "T");
    let text = text.strip_suffix('Z').or(text.strip_suffix("+00:00")).unwrap_or(&text);
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    text.to_owned()
}

/// Returns where a value lacks what is wanted of it, or nothing.
pub(crate) fn holds(wanted: &Value, value: &Value, at: &str) -> Option<String> {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => wanted.iter().find_map(|(key, wanted)| {
            let below = format!("{at}/{key}");
            match value.get(key) {
                Some(value) => holds(wanted, value, &below),
                None => Some(format!("{below} is missing")),
            }
        }),
        (Value::Array(wanted), Value::Array(value)) if wanted.len() == value.len() => {
            let pairs = wanted.iter().zip(value).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (wanted, value))| holds(wanted, value, &format!("{at}/{index}")))
        }
        (Value::Number(wanted), Value::Number(value))
            if close(&wanted.to_string(), &value.to_string()) =>
        {
            None
        }
        (wanted, value) if wanted == value => None,
        (wanted, value) => Some(format!("{at} is {value} instead of {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_same_only_with_the_same_type() {
        assert!(same(&json!({"number": "7"}), &json!(7)));
        assert!(!same(&json!({"number": "7"}), &json!("7")));
        assert!(!same(&json!({"text": "7"}), &json!(7)));
        assert!(same(&json!({"exact": "1.10"}), &json!("1.1")));
        assert!(same(&json!({"exact": "9007199254740993"}), &json!("9007199254740993")));
        assert!(!same(&json!({"exact": "9007199254740993"}), &json!("9007199254740992")));
        assert!(same(&json!({"time": "2024-01-02T03:04:05"}), &json!("2024-01-02 03:04:05.000Z")));
        assert!(!same(&json!({"time": "2024-01-02"}), &json!("2024-01-03")));
        assert!(same(&json!(null), &json!(null)) && !same(&json!(null), &json!("")));
        assert!(same(&json!({"number": "NaN"}), &json!("NaN")));
        assert!(same(&json!({"list": [null, {"text": "a"}]}), &json!([null, "a"])));
        assert!(!same(&json!({"struct": [["a", null]]}), &json!({"b": null})));
    }

    #[test]
    fn a_missing_row_is_told() {
        let expected = Rows {
            columns: vec!["a".into()],
            rows: vec![vec![json!({"number": "1"})], vec![json!({"number": "1"})]],
        };
        assert_eq!(rows(&expected, &json!([{"a": 1}, {"a": 1}]), false), None);
        assert!(rows(&expected, &json!([{"a": 1}, {"a": 2}]), false).is_some());
        assert!(rows(&expected, &json!([{"b": 1}, {"b": 1}]), false).is_some());
        assert!(rows(&expected, &json!([{"a": 1}]), false).is_some());
    }
}
