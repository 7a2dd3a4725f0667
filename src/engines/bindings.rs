//! The parameter `bindings` of a query: what the placeholders `$name` of its statement stand for. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::job_spec::Binding;
use super::reading::ParameterProblem;
use crate::api::parameters::Parameters;

/// The parameter's name.
pub const BINDINGS: &str = "bindings";
/// A placeholder that means something by itself.
const THIS_TABLE: &str = "table";

/// Returns what placeholders stand for, by their names: nothing without the parameter. Texts, numbers, booleans and null are
/// bound as they are, a list of texts for `in ($name)`.
///
/// # Errors
/// Every name that no placeholder can have, and every value that cannot be bound.
pub fn bindings_of(
    parameters: &Parameters,
) -> Result<BTreeMap<String, Binding>, Vec<ParameterProblem>> {
    let given = match parameters.json(BINDINGS) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(given)) => given,
        Some(_) => {
            let message = "`bindings` is no object of names and values";
            return Err(vec![problem(message.to_owned())]);
        }
    };
    let (mut bindings, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, value) in given {
        if !is_placeholder(name) {
            problems
                .push(problem(format!("`{name}` in `bindings` cannot be a placeholder's name")));
        }
        match binding(value) {
            Some(binding) => drop(bindings.insert(name.clone(), binding)),
            None => problems.push(problem(format!(
                "`{name}` in `bindings` is no text, number, boolean, null or list of texts"
            ))),
        }
    }
    if problems.is_empty() { Ok(bindings) } else { Err(problems) }
}

fn problem(message: String) -> ParameterProblem {
    let hint = "give for example bindings={\"city\": \"Graz\"}, for `$city` in the query";
    ParameterProblem::new(BINDINGS, message, hint)
}

fn is_placeholder(name: &str) -> bool {
    let is_word = |one: char| one.is_ascii_alphanumeric() || one == '_';
    name != THIS_TABLE
        && name.starts_with(|one: char| one.is_ascii_alphabetic() || one == '_')
        && name.chars().all(is_word)
}

fn binding(value: &Value) -> Option<Binding> {
    Some(match value {
        Value::Null => Binding::Null,
        Value::Bool(value) => Binding::Boolean(*value),
        Value::String(text) => Binding::Text(text.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Binding::Integer(number),
            // A whole number beyond 64 bits with a sign would lose digits.
            None if number.is_u64() => return None,
            None => Binding::Number(number.as_f64()?),
        },
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            Binding::List(texts.collect::<Option<_>>()?)
        }
        Value::Object(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(value: Value) -> Parameters {
        Parameters([(BINDINGS.to_owned(), value)].into_iter().collect())
    }

    #[test]
    fn values_are_bound_by_their_kind() {
        let given = json!({"a": "x", "b": 1, "c": 1.5, "d": true, "e": null, "f": ["x", "y"]});
        let bound = bindings_of(&parameters(given)).expect("should be bound");
        assert_eq!(bound["b"], Binding::Integer(1));
        assert_eq!(bound["c"], Binding::Number(1.5));
        assert_eq!(bound["f"], Binding::List(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(bound.len(), 6);
        assert!(bindings_of(&Parameters::default()).expect("none").is_empty());
    }

    #[test]
    fn what_cannot_be_bound_is_refused_with_every_problem() {
        let given = json!({"a-b": 1, "table": 1, "c": {}, "d": [1], "e": u64::MAX});
        let problems = bindings_of(&parameters(given)).expect_err("should be refused");
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert_eq!(bindings_of(&parameters(json!([1]))).expect_err("no object").len(), 1);
    }
}
