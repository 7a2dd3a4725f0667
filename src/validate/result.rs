//! Whether a result is as a definition's `resultSchema` promises: pure.

use serde_json::Value;

use crate::api::v1alpha1::FreeForm;

/// Most problems that are listed.
const MOST: usize = 5;

/// Returns what of a result does not fit a JSON schema (2020-12), in words; nothing when all of it fits. A schema that
/// cannot be used fits nothing.
#[must_use]
pub fn result_problem(schema: &FreeForm, result: &Value) -> Option<String> {
    let schema = Value::Object(schema.0.clone().into_iter().collect());
    let validator = match jsonschema::draft202012::new(&schema) {
        Ok(validator) => validator,
        Err(error) => return Some(format!("`resultSchema` cannot be used: {error}")),
    };
    let mut errors = validator.iter_errors(result);
    let found: Vec<String> = errors
        .by_ref()
        .take(MOST)
        .map(|error| {
            let place = error.instance_path().as_str().replace('/', ".");
            let what: String = error.to_string().chars().take(200).collect();
            format!("result{place}: {what}")
        })
        .collect();
    let more = errors.count();
    match (found.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(found.join("; ")),
        (false, more) => Some(format!("{}; and {more} more", found.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(schema: Value, result: &Value) -> Option<String> {
        let schema: FreeForm = serde_json::from_value(schema).expect("should be a schema");
        result_problem(&schema, result)
    }

    #[test]
    fn a_result_fits_its_schema_or_the_problems_are_told_with_their_places() {
        let schema = || json!({"type": "array", "items": {"type": "integer"}});
        assert_eq!(problem(schema(), &json!([1, 2])), None);
        let told = problem(schema(), &json!({"a": 1})).expect("should not fit");
        assert!(told.starts_with("result: ") && told.contains("\"array\""), "{told}");
        let told = problem(schema(), &json!([1, "x"])).expect("should not fit");
        assert!(told.starts_with("result.1: \"x\""), "{told}");
        let told = problem(schema(), &json!(vec!["x"; 9])).expect("should not fit");
        assert!(told.ends_with("; and 4 more"), "{told}");
    }

    #[test]
    fn a_schema_that_leads_elsewhere_fits_nothing() {
        let told = problem(json!({"$ref": "http://127.0.0.1:1/schema"}), &json!(1));
        assert!(told.expect("should not fit").starts_with("`resultSchema` cannot be used"));
    }
}
