//! What a definition does, and what a run of it will do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::problem::{Problem, Problems, did_you_mean};
use super::valid_run::{ActionDescription, ValidAction};
use crate::api::duration::DurationText;
use crate::api::quantity::parse_quantity;
use crate::api::v1alpha1::{
    Action, ContainerAction, OperatorDefinition, Parameter, ParameterType, ResolvedParameter,
    SqlAction,
};
use crate::engines::capability::Capability;
use crate::engines::job_spec::{Binding, BoundStatement};
use crate::engines::reading;
use crate::engines::table_use::TableUse;
use crate::sql::{self, Scope};

/// Returns what an action needs of the clients that it is matched with; nothing when there is no such
/// action.
pub(super) fn needs_of(
    action: &Action,
    actions: &[ActionDescription],
) -> Option<&'static [Capability]> {
    match action {
        Action { builtin: Some(builtin), .. } => {
            actions.iter().find(|known| known.name == builtin.name).map(|known| known.needs)
        }
        Action { sql: Some(_), .. } => Some(Capability::OF_A_QUERY),
        Action { container: Some(_), .. } => Some(&[]),
        _ => None,
    }
}

/// Returns which tables an action uses by its parameters; a statement of the definition itself is not told. Nothing when
/// there is no such action, and of a container, which may use any.
pub(super) fn uses_of(action: &Action, actions: &[ActionDescription]) -> &'static [TableUse] {
    match action {
        Action { builtin: Some(builtin), .. } => {
            let known = actions.iter().find(|known| known.name == builtin.name);
            known.map_or(&[], |known| known.uses)
        }
        Action { sql: Some(_), .. } => &[TableUse::WRITES_OUTPUT],
        _ => &[],
    }
}

/// Returns the JSON schema of the answers of a built-in action; nothing for another, and when there is no such action.
pub(super) fn result_schema_of(
    action: &Action,
    actions: &[ActionDescription],
) -> Option<&'static Value> {
    let builtin = action.builtin.as_ref()?;
    actions.iter().find(|known| known.name == builtin.name)?.result_schema
}

/// Returns what a run does, with its values.
pub(super) fn valid_action(
    definition: &OperatorDefinition,
    values: &[ResolvedParameter],
) -> Option<ValidAction> {
    let Action { builtin, sql, container } = &definition.spec.action;
    if let Some(builtin) = builtin {
        return Some(ValidAction::Builtin(builtin.name.clone()));
    }
    if let Some(SqlAction { statement, .. }) = sql {
        let bindings = bindings_of(&definition.spec.parameters, values);
        let sql = BoundStatement { statement: statement.clone(), bindings };
        return Some(ValidAction::Sql { sql });
    }
    let container = Box::new(container.as_ref()?.clone());
    Some(ValidAction::Container { container })
}

/// Returns whether the action may run SQL that changes data.
pub(super) fn allows_writing(action: &Action) -> bool {
    action.builtin.as_ref().is_some_and(|builtin| builtin.allow_writing_sql)
        || action.sql.as_ref().is_some_and(|sql| sql.allow_writing)
}

/// Checks an action by itself.
pub(super) fn check_action(
    definition: &OperatorDefinition,
    actions: &[ActionDescription],
    problems: &mut Problems,
) {
    let action = &definition.spec.action;
    match (&action.builtin, &action.sql, &action.container) {
        (Some(builtin), None, None) => {
            if actions.iter().all(|known| known.name != builtin.name) {
                let hint = did_you_mean(&builtin.name, actions.iter().map(|known| known.name));
                let message = format!("there is no built-in action `{}`", builtin.name);
                let problem = Problem::new("spec.action.builtin.name", message);
                problems.push(problem.hint_if(hint));
            }
        }
        (None, Some(sql), None) => check_statement(definition, sql, problems),
        (None, None, Some(container)) => {
            check_environment(container, problems);
            check_resources(container, problems);
        }
        _ => {
            let message = "exactly one kind of action is needed: builtin, sql or container";
            problems.push(Problem::new("spec.action", message));
        }
    }
}

fn check_environment(container: &ContainerAction, problems: &mut Problems) {
    for name in container.reserved_names() {
        let path = format!("spec.action.container.env.{name}");
        problems.push(Problem::new(path, "names that begin with `MASON_` are Mason's own"));
    }
}

/// Checks what a container needs and may use: quantities, and no request above its limit.
fn check_resources(container: &ContainerAction, problems: &mut Problems) {
    const PATH: &str = "spec.action.container.resources";
    let resources = &container.resources;
    for (part, amounts) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        for (name, amount) in amounts {
            if parse_quantity(amount).is_none_or(|number| number < 0.0) {
                let message = format!("{amount:?} is not a quantity of Kubernetes");
                let problem = Problem::new(format!("{PATH}.{part}.{name}"), message);
                problems.push(problem.hint("for example `500m` of cpu, `512Mi` of memory"));
            }
        }
    }
    for (name, asked) in &resources.requests {
        let Some(most) = resources.limits.get(name) else { continue };
        if parse_quantity(asked) > parse_quantity(most) && parse_quantity(most).is_some() {
            let message = format!("`{asked}` is more than the limit `{most}`");
            problems.push(Problem::new(format!("{PATH}.requests.{name}"), message));
        }
    }
}

/// Checks a statement with values made up for its parameters.
fn check_statement(definition: &OperatorDefinition, sql: &SqlAction, problems: &mut Problems) {
    const PATH: &str = "spec.action.sql.statement";
    let parameters = &definition.spec.parameters;
    let used: BTreeSet<String> = match sql::placeholders(&sql.statement) {
        Ok(used) => used,
        Err(problem) => return problems.push(Problem::new(PATH, problem.to_string())),
    };
    for (index, parameter) in parameters.iter().enumerate() {
        check_bindable(parameter, (index, used.contains(&parameter.name)), problems);
    }
    let is_declared = |name: &&String| parameters.iter().any(|one| one.name == **name);
    for name in used.iter().filter(|name| !is_declared(name)) {
        let hint = did_you_mean(name, parameters.iter().map(|parameter| parameter.name.as_str()));
        let message = format!("`${name}` is no parameter of the definition");
        problems.push(Problem::new(PATH, message).hint_if(hint));
    }
    // Names without a parameter are told above, and stand for something here.
    let undeclared = used.iter().map(|name| (name.clone(), Binding::Null));
    let samples = parameters.iter().map(|one| (one.name.clone(), sample(one.kind)));
    let bindings = undeclared.chain(samples).collect();
    let scope =
        Scope { allow_writing: sql.allow_writing, bindings: Some(&bindings), ..Scope::default() };
    let wrong = sql::analyse(&sql.statement, scope).err().into_iter().flatten();
    problems
        .extend(wrong.map(|problem| Problem::new(PATH, problem.to_string()).hint_if(problem.hint)));
}

/// Parameters that a definition may declare beside those of its statement, as `table/query` does: how many
/// rows are answered, and where they go. Those of how files are read are [`reading::PARAMETERS`].
pub(super) const OF_THE_OUTCOME: [&str; 8] = [
    "limit",
    "output_table",
    "output_database",
    "output_path",
    "format",
    "partition_columns",
    "mode",
    "target_file_size_mib",
];

/// Returns whether a parameter says something of a query besides its statement.
fn is_of_the_query(name: &str) -> bool {
    OF_THE_OUTCOME.contains(&name) || reading::PARAMETERS.contains(&name)
}

fn check_bindable(parameter: &Parameter, (index, is_used): (usize, bool), problems: &mut Problems) {
    let path = format!("spec.parameters[{index}]");
    let name = &parameter.name;
    if !is_used && !is_of_the_query(name) {
        let problem = Problem::new(path, format!("`{name}` is not used by the statement"));
        return problems.push(problem.hint(format!("write `${name}` where its value belongs")));
    }
    let refused = matches!(parameter.kind, ParameterType::Sql | ParameterType::Path);
    if is_used && refused {
        let message = format!("`{name}` cannot be bound: a statement or path is no value");
        problems.push(Problem::new(format!("{path}.type"), message));
    }
    if is_used && parameter.kind == ParameterType::Identifier && !has_value(parameter) {
        let message = format!("`{name}` is an identifier and needs a value in every run");
        let problem = Problem::new(path, message);
        problems.push(problem.hint("make it `required`, or give it a `default`"));
    }
}

fn has_value(parameter: &Parameter) -> bool {
    parameter.required || parameter.default.is_some()
}

fn bindings_of(
    parameters: &[Parameter],
    values: &[ResolvedParameter],
) -> BTreeMap<String, Binding> {
    let value_of = |name: &str| values.iter().find(|value| value.name == name);
    let bound = parameters.iter().map(|parameter| {
        let value = value_of(&parameter.name).map(|resolved| &resolved.value);
        let binding = value.map_or(Binding::Null, |value| binding(parameter.kind, value));
        (parameter.name.clone(), binding)
    });
    bound.collect()
}

/// Returns what a checked value is bound as.
fn binding(kind: ParameterType, value: &Value) -> Binding {
    let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let bound = match kind {
        ParameterType::Identifier => Some(Binding::Identifier(text())),
        ParameterType::Integer => value.as_i64().map(Binding::Integer),
        ParameterType::Number => value.as_f64().map(Binding::Number),
        ParameterType::Boolean => value.as_bool().map(Binding::Boolean),
        ParameterType::Timestamp => text().parse().ok().map(Binding::Timestamp),
        ParameterType::Duration => microseconds(&text()).map(Binding::Microseconds),
        ParameterType::List => value.as_array().map(|items| {
            Binding::List(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }),
        ParameterType::Json => Some(Binding::Text(value.to_string())),
        ParameterType::String | ParameterType::Path | ParameterType::Sql => None,
    };
    bound.unwrap_or_else(|| Binding::Text(text()))
}

fn microseconds(text: &str) -> Option<i64> {
    let length: DurationText = text.parse().ok()?;
    i64::try_from(length.to_duration().as_micros()).ok()
}

/// A value of a type, to check a statement with.
pub(super) fn sample(kind: ParameterType) -> Binding {
    match kind {
        ParameterType::Identifier => Binding::Identifier("sample".to_owned()),
        ParameterType::Integer => Binding::Integer(1),
        ParameterType::Number => Binding::Number(1.5),
        ParameterType::Boolean => Binding::Boolean(true),
        ParameterType::Timestamp => Binding::Timestamp(jiff::Timestamp::UNIX_EPOCH),
        ParameterType::Duration => Binding::Microseconds(1),
        ParameterType::List => Binding::List(vec!["sample".to_owned()]),
        ParameterType::String | ParameterType::Json | ParameterType::Path | ParameterType::Sql => {
            Binding::Text("sample".to_owned())
        }
    }
}
