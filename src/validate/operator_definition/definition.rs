//! The checks of a definition.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{ClientKind, OperatorDefinition, Parameter, ParameterType};
use crate::engines::capability::{Capability, ClientDescription, ClientType};
use crate::engines::{ByRole, Role};
use crate::validate::action::{check_action, needs_of};
use crate::validate::matching::word;
use crate::validate::parameter;
use crate::validate::problem::{Problem, Problems};
use crate::validate::valid_run::ActionDescription;

/// Checks a definition by itself.
///
/// # Errors
/// Every problem: names and aliases that stand twice, defaults and enums that do not fit their own
/// parameter, wrong patterns, bounds where there is nothing to bound, an unknown action, sets of
/// clients that cannot do what the action needs, a result schema that is none.
pub fn validate_definition(
    definition: &OperatorDefinition,
    actions: &[ActionDescription],
    clients: &[ClientType],
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    check_parameters(&definition.spec.parameters, &mut problems);
    check_action(definition, actions, &mut problems);
    check_sets(definition, actions, clients, &mut problems);
    check_result_schema(definition, &mut problems);
    problems.none_or(())
}

/// Adds what is wrong with declared parameters, of a definition or a workflow.
pub(in crate::validate) fn check_parameters(parameters: &[Parameter], problems: &mut Problems) {
    check_names(parameters, problems);
    for (index, parameter) in parameters.iter().enumerate() {
        check_parameter(parameter, &format!("spec.parameters[{index}]"), problems);
    }
}

fn check_names(parameters: &[Parameter], problems: &mut Problems) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let path = format!("spec.parameters[{index}]");
        let aliases = parameter.aliases.iter().enumerate();
        let names = std::iter::once((format!("{path}.name"), parameter.name.as_str()))
            .chain(aliases.map(|(at, alias)| (format!("{path}.aliases[{at}]"), alias.as_str())));
        for (path, name) in names {
            if let Some(first) = seen.get(name) {
                problems
                    .push(Problem::new(path, format!("`{name}` stands twice; first in {first}")));
            } else {
                seen.insert(name, path);
            }
        }
    }
}

fn check_parameter(parameter: &Parameter, path: &str, problems: &mut Problems) {
    let kind = parameter.kind;
    let has_text = !matches!(
        kind,
        ParameterType::Integer
            | ParameterType::Number
            | ParameterType::Boolean
            | ParameterType::Json
    );
    if let Some(pattern) = &parameter.pattern {
        let path = format!("{path}.pattern");
        if !has_text {
            problems.push(Problem::new(path, "is for texts and lists only"));
        } else if let Err(error) = parameter::whole_pattern(pattern) {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            problems.push(Problem::new(
                path,
                format!("`{pattern}` is no regular expression: {reason}"),
            ));
        }
    }
    // Not a rule of the schema: CEL cannot reach a field that may be of any type.
    if parameter.required && parameter.default.is_some() {
        let problem =
            Problem::new(format!("{path}.default"), "a required parameter has no default");
        problems.push(problem.hint("leave out either `required` or `default`"));
    }
    let is_number = matches!(kind, ParameterType::Integer | ParameterType::Number);
    let bounds = [("minimum", parameter.minimum), ("maximum", parameter.maximum)];
    for (bound, _) in bounds.iter().filter(|(_, bound)| bound.is_some() && !is_number) {
        problems.push(Problem::new(format!("{path}.{bound}"), "is for integers and numbers only"));
    }
    if kind == ParameterType::Json && !parameter.allowed.is_empty() {
        problems.push(Problem::new(format!("{path}.enum"), "is not for json"));
    }
    check_values(parameter, has_text, path, problems);
}

/// Checks that the default and every allowed value fit the parameter.
fn check_values(parameter: &Parameter, has_text: bool, path: &str, problems: &mut Problems) {
    let mut own = parameter.clone();
    let is_wrong = |pattern: &str| !has_text || parameter::whole_pattern(pattern).is_err();
    if own.pattern.as_deref().is_some_and(is_wrong) {
        own.pattern = None;
    }
    if let Some(default) = &own.default
        && let Err(refusals) = parameter::accept(&own, default)
    {
        problems.extend(refusals.into_iter().map(|refusal| {
            Problem::new(format!("{path}.default"), refusal.message).hint_if(refusal.hint)
        }));
    }
    for (index, allowed) in parameter.allowed.iter().enumerate() {
        let fits = parameter::accept(&own, &allowed.as_str().into());
        problems.extend(fits.err().into_iter().flatten().map(|refusal| {
            Problem::new(format!("{path}.enum[{index}]"), refusal.message).hint_if(refusal.hint)
        }));
    }
}

/// Checks that every set names clients that can do what the action needs.
fn check_sets(
    definition: &OperatorDefinition,
    actions: &[ActionDescription],
    clients: &[ClientType],
    problems: &mut Problems,
) {
    let Some(needs) = needs_of(&definition.spec.action, actions) else { return };
    for (index, set) in definition.spec.supported_configurations.iter().enumerate() {
        let wanted: ByRole<Option<ClientKind>> = set.into();
        for (role, kind) in wanted.iter() {
            let Some(known) = kind.and_then(|kind| ClientType::find(clients, kind)) else {
                continue;
            };
            if let Some(lack) = lack(&known.most, role, needs) {
                let path = format!("spec.supportedConfigurations[{index}].{}", role.as_str());
                problems.push(Problem::new(path, lack));
            }
        }
    }
}

/// Returns what keeps a client from a role, if anything does.
fn lack(client: &ClientDescription, role: Role, needs: &[Capability]) -> Option<String> {
    let kind = client.kind.as_str();
    if !client.roles.contains(&role) {
        return Some(format!("{kind} cannot fill the role {}", role.as_str()));
    }
    let missing = needs
        .iter()
        .copied()
        .filter(|need| need.role() == role && !client.capabilities.contains(need));
    let missing: Vec<String> = missing.map(|need| format!("`{}`", word(need))).collect();
    (!missing.is_empty())
        .then(|| format!("{kind} cannot {}, which the action needs", missing.join(", ")))
}

fn check_result_schema(definition: &OperatorDefinition, problems: &mut Problems) {
    let Some(schema) = &definition.spec.result_schema else { return };
    let object = schema.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let schema = serde_json::Value::Object(object);
    if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
        let path = format!("spec.resultSchema{}", error.instance_path().as_str().replace('/', "."));
        problems.push(Problem::new(path, format!("is no JSON schema: {error}")));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
