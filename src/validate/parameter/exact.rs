//! Whole numbers beyond 64 bits, which readers of YAML and JSON round: they are refused, so that no
//! other number is taken than the one that was written.

use serde_json::Value;

use super::accept::{Refusal, shown};

/// The size from which on whole numbers may not have been written as they are.
const ROUNDED_FROM: f64 = 9_223_372_036_854_775_808.0;

/// Returns a refusal for every number within a value that was read already and may have been rounded.
pub(super) fn check_read(value: &Value) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    collect(value, "", &mut refusals);
    refusals
}

fn collect(value: &Value, path: &str, refusals: &mut Vec<Refusal>) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            if number.abs() >= ROUNDED_FROM {
                let at = if path.is_empty() { String::new() } else { format!("`{path}` ") };
                let message = format!(
                    "{at}must be a number within 64 bits, but is {}, which may have been rounded when \
                     it was read",
                    shown(value)
                );
                refusals.push(Refusal::new(message).hint("put it in quotes"));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{path}[{index}]"), refusals);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                collect(member, &format!("{path}{dot}{key}"), refusals);
            }
        }
        _ => {}
    }
}

/// Returns whether a text is a whole number that 64 bits do not hold.
pub(super) fn is_too_long(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<i64>().is_err()
        && text.parse::<u64>().is_err()
}

/// Returns a refusal for every whole number of a JSON text that 64 bits do not hold.
pub(super) fn check_json(text: &str) -> Vec<Refusal> {
    let refusal = |number: &str| {
        Refusal::new(format!("has the number {number}, which is beyond 64 bits"))
            .hint("put the number in quotes within the JSON")
    };
    numbers(text).into_iter().filter(|number| is_too_long(number)).map(refusal).collect()
}

/// Returns what stands for numbers in a JSON text, and perhaps parts of words.
fn numbers(text: &str) -> Vec<&str> {
    let (mut found, mut begun) = (Vec::new(), None);
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        if !quoted && matches!(character, '0'..='9' | '-' | '+' | '.' | 'e' | 'E') {
            begun.get_or_insert(at);
            continue;
        }
        found.extend(begun.take().map(|start| &text[start..at]));
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && character == '\\' && !escaped;
    }
    found.extend(begun.map(|start| &text[start..]));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(refusals: Vec<Refusal>) -> Vec<String> {
        refusals.into_iter().map(|refusal| refusal.message).collect()
    }

    #[test]
    fn every_number_that_may_have_been_rounded_is_told_with_its_place() {
        let value = json!({"a": [1, 1.5, 1.234e22], "b": {"c": -1e30, "d": u64::MAX, "e": "1e30"}});
        let found = messages(check_read(&value));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("`a[2]` must be a number within 64 bits"), "{found:?}");
        assert!(found[1].starts_with("`b.c` must be"), "{found:?}");
    }

    #[test]
    fn numbers_of_a_json_text_are_told_apart_from_texts_and_fractions() {
        let text = r#"{"a\"12345678901234567890123": [18446744073709551615, -12345678901234567890,
            1e30, 0.12345678901234567890123, "99999999999999999999999", true]}"#;
        let found = messages(check_json(text));
        assert_eq!(found, ["has the number -12345678901234567890, which is beyond 64 bits"]);
        assert_eq!(check_json("123456789012345678901").len(), 1);
    }
}
