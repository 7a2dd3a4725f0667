//! The reference page of the operators, `docs/operators.md`, made from their definitions. Pure.

use std::fmt::Write as _;

use serde_json::Value;

use crate::api::v1alpha1::{OperatorDefinition, Parameter};
use crate::operators::example::example_command;
use crate::operators::{Operator, all};

const HEAD: &str = "\
<!-- Made by `mason generate` from operators/; do not edit. -->
# Operators

An operator runs with `mason run <operator> -p name=value …`, or as an `OperatorRun`. Every operator
takes `dryRun`: it is then only checked and planned, and the plan is the answer: files, bytes and partitions read,
the target, what would be overwritten.

What an operator writes becomes visible at once or not at all. A table whose files disagree is refused
by every operator but `table/get` and `table/infer`, which show how they disagree, and `table/merge`.
Answers are bounded by `limit` and by 64 KiB; one that is cut has `truncated: true` and says how to
keep all.
";

/// Returns the page for these definitions, in the order of the built-in operators.
pub(super) fn operators_page(definitions: &[OperatorDefinition]) -> String {
    let mut page = format!("{HEAD}\n| operator | what it does |\n|---|---|\n");
    let described: Vec<(&OperatorDefinition, &dyn Operator)> = all()
        .iter()
        .filter_map(|operator| Some((definition_of(*operator, definitions)?, *operator)))
        .collect();
    for (definition, _) in &described {
        let spec = &definition.spec;
        let anchor = spec.operator.replace('/', "");
        let _ = writeln!(page, "| [`{}`](#{anchor}) | {} |", spec.operator, spec.description);
    }
    for (definition, operator) in described {
        page.push_str(&section(definition, operator));
    }
    page
}

fn definition_of<'a>(
    operator: &dyn Operator,
    definitions: &'a [OperatorDefinition],
) -> Option<&'a OperatorDefinition> {
    definitions.iter().find(|definition| {
        definition.spec.action.builtin.as_ref().is_some_and(|action| action.name == operator.name())
    })
}

fn section(definition: &OperatorDefinition, operator: &dyn Operator) -> String {
    let spec = &definition.spec;
    let mut text = format!("\n## {}\n\n{}\n", spec.operator, spec.description);
    if let Some(command) = example_command(definition) {
        let _ = write!(text, "\n```sh\n{command}\n```\n");
    }
    if !spec.parameters.is_empty() {
        text.push_str("\n| parameter | type | default | meaning |\n|---|---|---|---|\n");
    }
    for parameter in &spec.parameters {
        let _ = writeln!(text, "{}", row(parameter));
    }
    let needs: Vec<String> = operator
        .needs()
        .iter()
        .map(|need| format!("{} `{}`", need.role().as_str(), word(need)))
        .collect();
    let _ = writeln!(text, "\nNeeds: {}. Answers {}.", needs.join(", "), answers(operator));
    text
}

fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn row(parameter: &Parameter) -> String {
    let mut names = format!("`{}`", parameter.name);
    for alias in &parameter.aliases {
        let _ = write!(names, ", `{alias}`");
    }
    let mut kind = word(&parameter.kind);
    if !parameter.allowed.is_empty() {
        let allowed: Vec<String> =
            parameter.allowed.iter().map(|word| format!("`{word}`")).collect();
        kind = allowed.join(", ");
    }
    match (parameter.minimum, parameter.maximum) {
        (Some(low), Some(high)) => kind = format!("{kind}, {low} to {high}"),
        (Some(low), None) => kind = format!("{kind}, from {low}"),
        (None, Some(high)) => kind = format!("{kind}, up to {high}"),
        (None, None) => {}
    }
    let default = match &parameter.default {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
        None if parameter.required => "**required**".to_owned(),
        None => String::new(),
    };
    let meaning = parameter.description.replace('|', "\\|");
    format!("| {names} | {kind} | {default} | {meaning} |")
}

/// Returns what sort of answer an operator gives, from its result schema.
fn answers(operator: &dyn Operator) -> String {
    let schema = operator.result_schema();
    let properties = |schema: &Value| -> Option<String> {
        let names: Vec<String> =
            schema["properties"].as_object()?.keys().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if schema["oneOf"].is_array() {
        return "rows, or what was written".to_owned();
    }
    if schema["type"] == "array" {
        let columns = properties(&schema["items"]).unwrap_or_default();
        return format!("rows with {columns}");
    }
    match properties(&schema) {
        Some(names) => format!("an object with {names}"),
        None => "an object".to_owned(),
    }
}
