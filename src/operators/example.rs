//! The example of an operator's definition, as a command that a person can run. Pure.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::api::labels::EXAMPLE;
use crate::api::v1alpha1::OperatorDefinition;

/// Returns the command of a definition's example.
#[must_use]
pub fn example_command(definition: &OperatorDefinition) -> Option<String> {
    let text = definition.metadata.annotations.as_ref()?.get(EXAMPLE)?;
    let parameters: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut command = format!("mason run {}", definition.spec.operator);
    for (name, value) in &parameters {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(","),
            other => other.to_string(),
        };
        let _ = write!(command, " \\\n  -p {}", quoted(&format!("{name}={value}")));
    }
    Some(command)
}

/// Returns a word as a shell takes it whole.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-=./,:".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
