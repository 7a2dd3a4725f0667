//! The steps from a run to a [`ValidRun`].

use std::collections::BTreeSet;

use crate::api::conditions::Reason;
use crate::api::names::OperatorName;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::{
    Action, ClientConfig, EngineChoices, MasonConfig, OperatorDefinition, OperatorReference,
    OperatorRun, ResolvedParameter, Retry,
};
use crate::engines::ByRole;
use crate::engines::bindings::{BINDINGS, bindings_of};
use crate::engines::capability::Capability;
use crate::engines::reading_parameters::reading_of;
use crate::engines::writing_parameters::output_of;
use crate::sql::placeholders;
use crate::validate::action::{OF_THE_OUTCOME, allows_writing, needs_of, valid_action};
use crate::validate::config_reference::{UsableConfig, check_lending, resolve_config};
use crate::validate::matching::{Matching, Unmatched, describe};
use crate::validate::one_lake::check_picked;
use crate::validate::parameter::Given;
use crate::validate::problem::{Problem, Problems, did_you_mean};
use crate::validate::rules::Rules;
use crate::validate::valid_run::{Inputs, ValidRun, values_of};
use crate::validate::{digest, validate_definition};

/// Returns the run with every question answered.
///
/// # Errors
/// Every problem of the run with its definition, parameters, config and engines; also those of a
/// definition or config that is wrong by itself.
pub fn validate(run: &OperatorRun, inputs: &Inputs<'_>) -> Result<ValidRun, Problems> {
    match answer(run, inputs, &BTreeSet::new()) {
        (Some(valid), problems) => problems.none_or(valid),
        (None, problems) => Err(problems),
    }
}

/// Returns what is wrong with a run of which some parameters have no values yet: those stand for any.
pub(in crate::validate) fn problems_of(
    run: &OperatorRun,
    inputs: &Inputs<'_>,
    deferred: &BTreeSet<String>,
) -> Problems {
    answer(run, inputs, deferred).1
}

/// Returns the run with every question answered, as far as they can be, and every problem.
fn answer(
    run: &OperatorRun,
    inputs: &Inputs<'_>,
    deferred: &BTreeSet<String>,
) -> (Option<ValidRun>, Problems) {
    let mut problems = Problems::default();
    let operator: Option<OperatorName> = run.spec.operator.parse().ok();
    if operator.is_none() {
        let message = format!("{:?} is not an operator's name", run.spec.operator);
        problems.push(Problem::new("spec.operator", message).hint("for example `table/query`"));
    }
    check_times(run, &mut problems);
    inputs.rules.check_run(run, &mut problems);
    let action = resolve_definition(run, inputs, &mut problems);
    let values = match inputs.definition {
        Some(definition) => {
            let given = Given { values: &run.spec.parameters, of: &run.spec.operator, deferred };
            given.resolve(&definition.spec.parameters, inputs.config, &mut problems)
        }
        None => Vec::new(),
    };
    check_files(inputs.definition, (&values, deferred), &mut problems);
    let usable = resolve_config(run, inputs, &mut problems);
    let engines = resolve_engines(inputs, usable.as_ref(), action.as_ref(), &mut problems);
    let (Some(operator), Some(action), Some(definition), Some(usable), Some(engines)) =
        (operator, action, inputs.definition, usable, engines)
    else {
        return (None, problems);
    };
    let Some(does) = valid_action(definition, &values) else { return (None, problems) };
    let clients = chosen_clients(usable.config, &engines, inputs.rules);
    check_lending(&usable, Some(does.kind()), &clients, &mut problems);
    let valid = ValidRun {
        operator,
        definition: OperatorReference {
            name: name_of(definition.metadata.name.as_ref()),
            digest: action.digest,
        },
        action: does,
        allow_writing_sql: allows_writing(&definition.spec.action),
        parameters: values_of(&values),
        origins: values,
        config: usable.reference,
        config_version: usable.config.version(),
        clients,
        engines,
        result_schema: definition.spec.result_schema.clone(),
        results: usable.config.spec.results.clone(),
        dry_run: run.spec.dry_run,
        timeout: inputs.rules.timeout_of(run),
        retry: run.spec.retry.clone().unwrap_or_default(),
    };
    (Some(valid), problems)
}

fn name_of(name: Option<&String>) -> String {
    name.cloned().unwrap_or_default()
}

fn check_times(run: &OperatorRun, problems: &mut Problems) {
    if run.spec.timeout.as_ref().is_some_and(|timeout| timeout.to_duration().is_zero()) {
        let problem = Problem::new("spec.timeout", "must be longer than nothing");
        problems.push(problem.hint("leave it out for no limit"));
    }
    let Some(Retry { backoff, .. }) = &run.spec.retry else { return };
    if backoff.cap.to_duration() < backoff.base.to_duration() {
        let message = format!("{} is shorter than the base {}", backoff.cap, backoff.base);
        problems.push(Problem::new("spec.retry.backoff.cap", message));
    }
}

/// The action of a definition that can be used.
struct ResolvedAction<'a> {
    needs: &'static [Capability],
    definition: &'a OperatorDefinition,
    digest: String,
}

fn resolve_definition<'a>(
    run: &OperatorRun,
    inputs: &Inputs<'a>,
    problems: &mut Problems,
) -> Option<ResolvedAction<'a>> {
    let asked = &run.spec.operator;
    let Some(definition) = inputs.definition else {
        let hint = did_you_mean(asked, inputs.known_operators.iter().map(String::as_str));
        let problem = Problem::new("spec.operator", format!("there is no operator `{asked}`"));
        problems.push(problem.because(Reason::NotFound).hint_if(hint));
        return None;
    };
    let name = name_of(definition.metadata.name.as_ref());
    if definition.spec.operator != *asked {
        let message =
            format!("definition `{name}` is of `{}`, not `{asked}`", definition.spec.operator);
        problems.push(Problem::new("spec.operator", message));
    }
    let digest = digest(definition);
    if let Some(pinned) = run.spec.operator_digest.as_ref().filter(|pinned| **pinned != digest) {
        let message = format!("definition `{name}` has the digest {digest}, not {pinned}");
        let problem = Problem::new("spec.operatorDigest", message).because(Reason::DigestMismatch);
        problems.push(problem.hint("the definition was changed: check it and pin its new digest"));
    }
    if let Err(wrong) = validate_definition(definition, inputs.actions, inputs.clients) {
        problems.extend(wrong.within("spec.operator", &format!("definition `{name}`")));
    }
    if let Some(kind) = definition.spec.action.kind().filter(|kind| !inputs.kinds.contains(kind)) {
        let kind = kind.as_str();
        let problem = Problem::new("spec.operator", format!("a {kind} cannot be run here"));
        problems.push(problem.hint("run it on a cluster whose controller runs pods"));
    }
    let needs = needs_of(&definition.spec.action, inputs.actions)?;
    Some(ResolvedAction { needs, definition, digest })
}

/// Checks what the run says of how files are read and where rows go. Names that a statement binds and those of a container
/// mean what the definition wants.
fn check_files(
    definition: Option<&OperatorDefinition>,
    (values, deferred): (&[ResolvedParameter], &BTreeSet<String>),
    problems: &mut Problems,
) {
    let Some(definition) = definition else { return };
    let Action { builtin, sql, .. } = &definition.spec.action;
    let mut parameters = values_of(values);
    match (builtin, sql) {
        (Some(_), None) => {}
        (None, Some(sql)) => {
            let bound = placeholders(&sql.statement).unwrap_or_default();
            parameters.0.retain(|name, _| !bound.contains(name));
        }
        _ => return,
    }
    check_bindings(definition, &parameters, problems);
    let reading = reading_of(&parameters).err();
    // Where rows go is known only once everything that says so is.
    let is_known = deferred.iter().all(|name| !OF_THE_OUTCOME.contains(&name.as_str()));
    let writing = output_of(&parameters).err().filter(|_| is_known);
    for wrong in reading.into_iter().chain(writing).flatten() {
        let path = format!("spec.parameters.{}", wrong.parameter);
        let problem = Problem::new(path, wrong.message);
        problems.push(problem.hint_if(wrong.hint));
    }
}

/// Checks what placeholders of a query stand for: each has a value, and each value a placeholder.
fn check_bindings(
    definition: &OperatorDefinition,
    parameters: &Parameters,
    problems: &mut Problems,
) {
    let is_declared = |name: &str| definition.spec.parameters.iter().any(|one| one.name == name);
    if definition.spec.action.builtin.is_none() || !is_declared(BINDINGS) {
        return;
    }
    let at = |message: String| Problem::new(format!("spec.parameters.{BINDINGS}"), message);
    let bound = match bindings_of(parameters) {
        Ok(bound) => bound,
        Err(wrong) => {
            let told = wrong.into_iter().map(|one| at(one.message).hint_if(one.hint));
            return problems.extend(told);
        }
    };
    // A statement that is looked up, or cannot be read, is told of elsewhere.
    let statement = parameters.text("query_string");
    let Some(used) = statement.and_then(|statement| placeholders(statement).ok()) else { return };
    for name in bound.keys().filter(|name| !used.contains(*name)) {
        let problem = at(format!("the query has no `${name}`"));
        problems.push(problem.hint(format!("write `${name}` where the value belongs")));
    }
    if parameters.json(BINDINGS).is_none() {
        return;
    }
    for name in used.iter().filter(|name| *name != "table" && !bound.contains_key(*name)) {
        let path = "spec.parameters.query_string";
        let problem = Problem::new(path, format!("`${name}` has no value"));
        problems.push(problem.hint("give it one in `bindings`"));
    }
}

fn resolve_engines(
    inputs: &Inputs<'_>,
    usable: Option<&UsableConfig<'_>>,
    action: Option<&ResolvedAction<'_>>,
    problems: &mut Problems,
) -> Option<EngineChoices> {
    let (UsableConfig { config, .. }, action) = (usable?, action?);
    let sets = &action.definition.spec.supported_configurations;
    let matching = Matching { config, sets, needs: action.needs, clients: inputs.clients };
    let Unmatched(failures) = match matching.choose() {
        Ok(choices) => {
            check_picked(config, &choices, problems);
            return Some(choices);
        }
        Err(unmatched) => unmatched,
    };
    let name = name_of(config.metadata.name.as_ref());
    for (index, reasons) in failures.iter().enumerate() {
        let reasons = reasons.join("; ");
        let message = match sets.get(index) {
            Some(set) => format!(
                "config `{name}` does not fit supported configuration {} of {} ({}): {reasons}",
                index + 1,
                sets.len(),
                describe(set)
            ),
            None => format!(
                "config `{name}` cannot run `{}`: {reasons}",
                action.definition.spec.operator
            ),
        };
        problems.push(Problem::new("spec.configRef", message));
    }
    None
}

/// Returns the clients that were picked; one that does not say how many threads it uses has as many as
/// it may.
fn chosen_clients(
    config: &MasonConfig,
    engines: &EngineChoices,
    rules: &Rules,
) -> Vec<ClientConfig> {
    let chosen = ByRole::from(engines);
    let location = config.spec.results.location.as_deref();
    let keeps_results = location.and_then(|location| location.split(':').next());
    let is_chosen = |client: &&ClientConfig| {
        keeps_results == Some(&client.name)
            || chosen
                .iter()
                .filter_map(|(_, choice)| *choice)
                .any(|choice| choice.client == client.name)
    };
    let mut clients: Vec<_> = config.spec.clients.iter().filter(is_chosen).cloned().collect();
    for local in clients.iter_mut().filter_map(|client| client.local.as_mut()) {
        local.parallelism = rules.parallelism_of(local);
    }
    clients
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
