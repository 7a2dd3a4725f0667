//! `mason explain`: what an operator wants and gives back, or what a field of a resource means.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Map, Value, json};

use super::explain_schedule::explain_schedule;
use super::get;
use crate::api::v1alpha1::{OperatorDefinition, Parameter};
use crate::cli::args::ExplainArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Tone, tables, visible};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::operators;
use crate::store::{Kind, Resource};
use crate::validate::did_you_mean;

/// Explains an operator, or a field of a resource.
///
/// # Errors
/// When there is no such operator or field.
pub(crate) async fn explain(context: &VerbContext, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let words: Vec<&str> = args.what.iter().map(String::as_str).collect();
    if args.time_zone.is_some() && words.first() != Some(&"schedule") {
        let hint = "leave it out, or explain a schedule";
        return Err(Failure::usage("--time-zone is of a schedule", hint).into());
    }
    let text = match words.as_slice() {
        ["schedule", schedule @ ..] if !schedule.is_empty() => {
            explain_schedule(&schedule.join(" "), args.time_zone.as_deref(), context.now)?
        }
        [kind, operator @ ..] if !operator.is_empty() && is_operator_word(kind) => {
            explain_operator(context, &operator.join("/")).await?
        }
        [path] if !path.contains('/') && names_a_kind(path) => explain_field(context, path)?,
        operator => explain_operator(context, &operator.join("/")).await?,
    };
    context.printer.out(&text)?;
    Ok(Exit::Success)
}

fn is_operator_word(word: &str) -> bool {
    kinds::resolve_one(word).is_ok_and(|kind| kind == Kind::OperatorDefinition)
}

fn names_a_kind(path: &str) -> bool {
    let kind = path.split('.').next().unwrap_or_default();
    kinds::resolve_one(kind).is_ok()
}

async fn explain_operator(context: &VerbContext, operator: &str) -> anyhow::Result<String> {
    let (operator, parameter) = match operator.rsplit_once('.') {
        Some((of, parameter)) if of.contains('/') => (of, Some(parameter)),
        _ => (operator, None),
    };
    let resource = get::one(context, Kind::OperatorDefinition, operator).await?;
    let Resource::OperatorDefinition(definition) = resource else { return Ok(String::new()) };
    if let Some(parameter) = parameter {
        return explain_parameter(&definition, parameter);
    }
    let spec = &definition.spec;
    let heading = |text: &str| context.printer.paint(text, Tone::Heading);
    let mut sections =
        vec![format!("{}\n  {}", heading(&spec.operator), visible(&spec.description))];
    sections.push(format!("{}\n{}", heading("parameters:"), parameters_of(&spec.parameters)));
    sections.extend(needs_of(&definition).map(|needs| format!("{}\n  {needs}", heading("needs:"))));
    if !spec.supported_configurations.is_empty() {
        let sets = spec.supported_configurations.iter().map(|set| json!(set));
        let lines: Vec<String> = sets.map(|set| format!("  - {}", tables::compact(&set))).collect();
        sections.push(format!("{}\n{}", heading("supported configurations:"), lines.join("\n")));
    }
    sections
        .extend(result_of(&definition).map(|result| format!("{}\n{result}", heading("result:"))));
    sections.push(format!("{}\n  {}", heading("example:"), example_of(&definition)));
    Ok(sections.join("\n\n"))
}

/// Returns one parameter, as `table/query.limit` names it.
fn explain_parameter(definition: &OperatorDefinition, name: &str) -> anyhow::Result<String> {
    let parameters = &definition.spec.parameters;
    let is_called = |one: &&Parameter| one.name == name || one.aliases.iter().any(|of| of == name);
    if let Some(found) = parameters.iter().find(is_called) {
        return Ok(parameters_of(std::slice::from_ref(found)));
    }
    let operator = &definition.spec.operator;
    let hint = did_you_mean(name, parameters.iter().map(|one| one.name.as_str()))
        .unwrap_or_else(|| format!("`mason explain {operator}` lists them"));
    let message = format!("`{operator}` has no parameter `{}`", visible(name));
    Err(Failure::impossible(message, hint).into())
}

fn parameters_of(parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return "  none".to_owned();
    }
    let headings = ["NAME", "TYPE", "DEFAULT", "DESCRIPTION"].map(str::to_owned);
    let rows = parameters.iter().map(|parameter| {
        let default = match &parameter.default {
            Some(value) => tables::compact(value),
            None if parameter.required => "(required)".to_owned(),
            None => String::new(),
        };
        vec![parameter.name.clone(), type_of(parameter), default, description_of(parameter)]
    });
    indented(&tables::plain(&headings, rows.collect()))
}

fn type_of(parameter: &Parameter) -> String {
    let word = json!(parameter.kind).as_str().unwrap_or_default().to_owned();
    match (parameter.minimum, parameter.maximum) {
        (Some(least), Some(most)) => format!("{word} {least} to {most}"),
        (Some(least), None) => format!("{word} from {least}"),
        (None, Some(most)) => format!("{word} up to {most}"),
        (None, None) => word,
    }
}

fn description_of(parameter: &Parameter) -> String {
    let mut text = parameter.description.clone();
    if !parameter.allowed.is_empty() {
        text.extend([" One of: ", parameter.allowed.join(", ").as_str(), "."]);
    }
    if !parameter.aliases.is_empty() {
        text.extend([" Also: ", parameter.aliases.join(", ").as_str(), "."]);
    }
    text.trim_start().to_owned()
}

/// Returns what the engines must be able to do, `metastore readTables; execution query`.
fn needs_of(definition: &OperatorDefinition) -> Option<String> {
    let builtin = definition.spec.action.builtin.as_ref()?;
    let operator = operators::find(&builtin.name)?;
    let need = |capability: &crate::engines::capability::Capability| {
        let word = json!(capability).as_str().unwrap_or_default().to_owned();
        format!("{} {word}", capability.role().as_str())
    };
    Some(operator.needs().iter().map(need).collect::<Vec<_>>().join(", "))
}

/// Returns the fields of the result, from the definition's schema or the action's own.
fn result_of(definition: &OperatorDefinition) -> Option<String> {
    let schema = match &definition.spec.result_schema {
        Some(schema) => json!(schema),
        None => operators::find(&definition.spec.action.builtin.as_ref()?.name)?.result_schema(),
    };
    let object = match schema.get("items") {
        Some(items) => items,
        None => &schema,
    };
    let properties = object.get("properties").and_then(Value::as_object)?;
    let headings = ["FIELD", "TYPE", "DESCRIPTION"].map(str::to_owned);
    let rows = properties.iter().map(|(name, field)| {
        let text = |key: &str| match field.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => tables::compact(other),
            None => String::new(),
        };
        vec![name.clone(), text("type"), text("description")]
    });
    let prefix = if schema.get("items").is_some() { "  a list of:\n" } else { "" };
    Some(format!("{prefix}{}", indented(&tables::plain(&headings, rows.collect()))))
}

/// Returns the definition's own example, or a call with every required parameter.
fn example_of(definition: &OperatorDefinition) -> String {
    let operator = &definition.spec.operator;
    let example = operators::example::example_command(definition).unwrap_or_else(|| {
        let required = definition.spec.parameters.iter().filter(|parameter| parameter.required);
        let options = required.map(|parameter| format!(" -p {}=…", parameter.name));
        format!("mason run {operator}{}", options.collect::<String>())
    });
    let with_config = example.replacen(operator, &format!("{operator} --config local"), 1);
    visible(&with_config).replace('\n', "\n  ")
}

fn explain_field(context: &VerbContext, path: &str) -> anyhow::Result<String> {
    let mut parts = path.split('.');
    let kind = kinds::resolve_one(parts.next().unwrap_or_default())?;
    let version = kinds::crd_of(kind).spec.versions.first();
    let schema = version.and_then(|version| version.schema.as_ref());
    let mut field = schema.and_then(|schema| schema.open_api_v3_schema.as_ref());
    let mut walked = kind.as_str().to_owned();
    for part in parts.filter(|part| !part.is_empty()) {
        let below = field.and_then(|field| kinds::fields_of(field)?.0.get(part));
        let Some(found) = below else {
            let known: Vec<&str> = field
                .and_then(kinds::fields_of)
                .map(|(properties, _)| properties.keys().map(String::as_str).collect())
                .unwrap_or_default();
            let message = format!("{walked} has no field `{part}`");
            let hint = match known.as_slice() {
                [] => "it has no fields of its own".to_owned(),
                known => format!("it has: {}", known.join(", ")),
            };
            return Err(Failure::usage(message, hint).into());
        };
        walked = format!("{walked}.{part}");
        field = Some(found);
    }
    Ok(field.map(|field| field_text(context, &walked, field)).unwrap_or_default())
}

fn field_text(context: &VerbContext, name: &str, field: &JSONSchemaProps) -> String {
    let heading = |text: &str| context.printer.paint(text, Tone::Heading);
    let kind = field.type_.as_deref().unwrap_or("any value");
    let mut sections = vec![format!("{} ({kind})", heading(name))];
    if let Some(description) = &field.description {
        sections.push(indented(description));
    }
    let bounds = bounds_of(field);
    if !bounds.is_empty() {
        sections.push(format!("  {}", tables::compact(&Value::Object(bounds))));
    }
    let rules = field.x_kubernetes_validations.iter().flatten();
    sections.extend(rules.filter_map(|rule| Some(format!("  rule: {}", rule.message.as_ref()?))));
    if let Some((properties, _)) = kinds::fields_of(field) {
        let required: Vec<&str> = field.required.iter().flatten().map(String::as_str).collect();
        let headings = ["FIELD", "TYPE", "DESCRIPTION"].map(str::to_owned);
        let rows = properties.iter().map(|(name, below)| {
            let mut kind = below.type_.clone().unwrap_or_default();
            if required.contains(&name.as_str()) {
                kind.push_str(", required");
            }
            let text = below.description.as_deref().unwrap_or_default().replace('\n', " ");
            vec![name.clone(), kind, text]
        });
        let table = tables::plain(&headings, rows.collect());
        sections.push(format!("{}\n{}", heading("fields:"), indented(&table)));
    }
    sections.join("\n")
}

fn bounds_of(field: &JSONSchemaProps) -> Map<String, Value> {
    let all = json!({
        "enum": field.enum_.as_ref().map(|values| values.iter().map(|value| value.0.to_string()).collect::<Vec<_>>().join(" | ")),
        "default": field.default.as_ref().map(|value| value.0.clone()),
        "pattern": field.pattern,
        "least": field.minimum,
        "most": field.maximum,
        "longest": field.max_length,
        "mostItems": field.max_items,
    });
    let Value::Object(all) = all else { return Map::new() };
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
