//! Every problem of a workflow: its graph, its conditions, its references, and each step for itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::Condition;
use super::graph;
use super::kinds::Kinds;
use super::promised::Promised;
use super::races;
use super::references::{Reference, Template, references_in};
use super::run::step_run;
use super::scope::{Root, StepField, kind_of};
use super::steps::{Steps, nodes};
use crate::api::v1alpha1::{
    FreeForm, MOST_ITEMS, OperatorDefinition, Parameter, ParameterType, WorkflowSpec, WorkflowStep,
};
use crate::validate::operator_definition::check_parameters;
use crate::validate::operator_run::problems_of;
use crate::validate::problem::{Problem, Problems, did_you_mean};
use crate::validate::schedule::validate_schedule;
use crate::validate::valid_run::Inputs;

/// Checks a workflow. `inputs` has what each step is checked with, in the order of the steps; without them only what the
/// workflow says by itself is checked. A step that names no config, in a workflow that names none, is checked without one:
/// a run may give it.
///
/// # Errors
/// Every problem.
pub fn validate_workflow(spec: &WorkflowSpec, inputs: &[Inputs<'_>]) -> Result<(), Problems> {
    let mut problems = graph::check(&nodes(spec));
    check_parameters(&spec.parameters, &mut problems);
    if spec.timeout.as_ref().is_some_and(|timeout| timeout.to_duration().is_zero()) {
        let problem = Problem::new("spec.timeout", "must be longer than nothing");
        problems.push(problem.hint("leave it out for no limit"));
    }
    check_schedule(spec, &mut problems);
    if spec.steps.iter().all(|step| step.finally) {
        let problem = Problem::new("spec.steps", "every step is a `finally` step");
        problems.push(problem.hint("a step without `finally` does the work"));
    }
    // Without a graph there is no order, in which alone references and conditions mean something.
    let steps = problems.is_empty().then(|| Steps::new(spec));
    for (index, step) in spec.steps.iter().enumerate() {
        let promised = steps.as_ref().map(|steps| Promised { steps, inputs });
        let checked = Checked { spec, step, index, promised };
        checked.check(inputs.get(index), &mut problems);
    }
    if let Some(steps) = &steps {
        check_outputs(spec, Promised { steps, inputs }, &mut problems);
        races::check(spec, steps, inputs, &mut problems);
    }
    problems.none_or(())
}

/// Checks the schedule, and that a run which gives nothing can be one of the workflow.
fn check_schedule(spec: &WorkflowSpec, problems: &mut Problems) {
    let Some(schedule) = &spec.schedule else { return };
    if let Err(found) = validate_schedule(schedule) {
        problems.extend(found);
    }
    for (index, parameter) in spec.parameters.iter().enumerate() {
        if parameter.required && parameter.default.is_none() {
            let name = &parameter.name;
            let message =
                format!("`{name}` is required, and a run that the schedule makes gives no values");
            let problem = Problem::new(format!("spec.parameters[{index}]"), message);
            problems.push(problem.hint("give it a default"));
        }
    }
    let has_none = |step: &&WorkflowStep| {
        step.approval.is_none() && step.config_ref.is_none() && spec.config_ref.is_none()
    };
    if let Some(step) = spec.steps.iter().find(has_none) {
        let id = &step.id;
        let message =
            format!("is needed for the runs that the schedule makes: step `{id}` names no config");
        problems.push(Problem::new("spec.configRef", message));
    }
}

fn check_outputs(spec: &WorkflowSpec, promised: Promised<'_>, problems: &mut Problems) {
    let steps = promised.steps;
    let value = Value::Object(spec.outputs.0.clone().into_iter().collect());
    for (place, template) in references_in(&value) {
        let path = format!("spec.outputs.{place}");
        let references = match &template {
            Ok(template) => template.references(),
            Err(message) => {
                problems.push(Problem::new(path, message.clone()));
                continue;
            }
        };
        for reference in references {
            let found = match reference.root() {
                Root::Parameter(name) => unknown_parameter(spec, reference, name),
                Root::Step { id, field } => match steps.index(id) {
                    None => Some(unknown_step(steps, id)),
                    Some(index) if may_lack(*field) && !reference.has_default() => {
                        let lacks = !steps.succeeds_with_the_run(index);
                        let lacking = lacks.then(|| lacking(reference));
                        lacking.or_else(|| promised.kinds(reference.path()).err())
                    }
                    Some(_) => promised.kinds(reference.path()).err(),
                },
                Root::PlannedAt => unplanned(reference),
                Root::Item => Some(no_item()),
            };
            problems.extend(found.map(|problem| Problem { path: path.clone(), ..problem }));
        }
    }
}

/// Whether a field of a step that did not succeed has no value.
fn may_lack(field: StepField) -> bool {
    matches!(field, StepField::Result | StepField::Rows)
}

fn unknown_step(steps: &Steps<'_>, id: &str) -> Problem {
    Problem::new("", format!("there is no step `{id}`")).hint_if(did_you_mean(id, steps.ids()))
}

fn lacking(reference: &Reference) -> Problem {
    let message =
        format!("`{}` may have no value: its step can be skipped or fail", reference.as_str());
    Problem::new("", message).hint("say what stands for it then: `${… ?? VALUE}`")
}

/// Returns what is wrong with a look-up of the planned time: a run that a person makes has none.
fn unplanned(reference: &Reference) -> Option<Problem> {
    (!reference.has_default()).then(|| {
        let message = format!(
            "`{}` may have no value: a run that no schedule makes has no planned time",
            reference.as_str()
        );
        Problem::new("", message).hint("say what stands for it then: `${… ?? VALUE}`")
    })
}

fn no_item() -> Problem {
    let message =
        "`item` is known only to the parameters and the condition of a step with `forEach`";
    Problem::new("", message)
}

/// Returns what is wrong with a look-up of a parameter.
fn unknown_parameter(spec: &WorkflowSpec, reference: &Reference, name: &str) -> Option<Problem> {
    let Some(parameter) = spec.parameters.iter().find(|parameter| parameter.name == name) else {
        let known = spec.parameters.iter().map(|parameter| parameter.name.as_str());
        let message = format!("the workflow has no parameter `{name}`");
        return Some(Problem::new("", message).hint_if(did_you_mean(name, known)));
    };
    let may_lack = !parameter.required && parameter.default.is_none();
    (may_lack && !reference.has_default()).then(|| {
        let message = format!(
            "`{}` may have no value: a run need not give the parameter",
            reference.as_str()
        );
        Problem::new("", message).hint("give the parameter a default, or write `${… ?? VALUE}`")
    })
}

/// One step that is checked.
pub(super) struct Checked<'a> {
    spec: &'a WorkflowSpec,
    pub(super) step: &'a WorkflowStep,
    pub(super) index: usize,
    /// All steps and what their results are promised to be, where their graph is in order.
    promised: Option<Promised<'a>>,
}

impl Checked<'_> {
    fn check(&self, inputs: Option<&Inputs<'_>>, problems: &mut Problems) {
        let found = references_in(&self.parameters());
        let deferred = found.iter().map(|(place, _)| top_of(place).to_owned()).collect();
        if let Some(nested) = inputs.and_then(|inputs| inputs.nested) {
            self.check_nested(nested, &deferred, problems);
        } else if let Some(inputs) = inputs.filter(|_| self.step.operator.is_some()) {
            self.check_run(inputs, &deferred, problems);
        }
        self.check_approval(problems);
        let definition = inputs.and_then(|inputs| inputs.definition);
        self.check_condition(problems);
        self.check_items(problems);
        for (place, template) in &found {
            let path = format!("spec.steps[{}].parameters.{place}", self.index);
            match template {
                Ok(template) => self.check_template(definition, (&path, place), template, problems),
                Err(message) => problems.push(Problem::new(path, message.clone())),
            }
        }
    }

    fn parameters(&self) -> Value {
        Value::Object(self.step.parameters.0.clone().into_iter().collect())
    }

    /// Checks the run of the step: its operator, config, times, and the parameters whose values stand here.
    fn check_run(&self, inputs: &Inputs<'_>, deferred: &BTreeSet<String>, problems: &mut Problems) {
        let parameters = FreeForm(self.step.parameters.0.clone());
        let run = step_run(self.spec, self.step, parameters);
        let has_config = !run.spec.config_ref.name.is_empty();
        for problem in problems_of(&run, inputs, deferred) {
            if problem.path.starts_with("spec.configRef") && self.step.config_ref.is_none() {
                // What is wrong with the config of many steps is told once.
                if has_config && !problems.0.contains(&problem) {
                    problems.push(problem);
                }
                continue;
            }
            let rest = problem.path.strip_prefix("spec").unwrap_or_default();
            problems.push(Problem {
                path: format!("spec.steps[{}]{rest}", self.index),
                ..problem.clone()
            });
        }
    }

    /// Checks a step that waits for a person: it has nothing that a run needs.
    fn check_approval(&self, problems: &mut Problems) {
        let step = self.step;
        if step.approval.is_none() {
            return;
        }
        let timeout = step.approval.as_ref().and_then(|approval| approval.timeout.as_ref());
        if timeout.is_some_and(|timeout| timeout.to_duration().is_zero()) {
            let path = format!("spec.steps[{}].approval.timeout", self.index);
            let problem = Problem::new(path, "must be longer than nothing");
            problems.push(problem.hint("leave it out for no limit"));
        }
        let unfit = [
            ("parameters", !step.parameters.is_empty()),
            ("configRef", step.config_ref.is_some()),
            ("retry", step.retry.is_some()),
            ("timeout", step.timeout.is_some()),
            ("forEach", step.for_each.is_some()),
            ("finally", step.finally),
        ];
        for (field, _) in unfit.into_iter().filter(|(_, is_given)| *is_given) {
            let path = format!("spec.steps[{}].{field}", self.index);
            let problem = Problem::new(path, "means nothing in a step that waits for approval");
            let hint = "leave it out; `approval.timeout` says how long an answer is waited for";
            problems.push(problem.hint_if((field == "timeout").then(|| hint.to_owned())));
        }
    }

    /// Checks the list of `forEach`: it is written out, or one look-up.
    fn check_items(&self, problems: &mut Problems) {
        let Some(for_each) = &self.step.for_each else { return };
        let path = format!("spec.steps[{}].forEach.items", self.index);
        let mut problem = |message: String| {
            let problem = Problem::new(&path, message);
            problems
                .push(problem.hint("a list, or one look-up that gives one: `${parameters.NAME}`"));
        };
        let items = match &for_each.items {
            Value::Array(items) => items,
            Value::String(_) => &vec![for_each.items.clone()],
            other => return problem(format!("is {} and no list", kind_of(other))),
        };
        if items.len() > MOST_ITEMS {
            return problem(format!(
                "has {} items, and at most {MOST_ITEMS} can be run",
                items.len()
            ));
        }
        for (place, template) in references_in(&for_each.items) {
            let path = format!("{path}{place}");
            match &template {
                Ok(template) => {
                    for reference in template.references() {
                        let found = match reference.root() {
                            Root::Item => Some(no_item()),
                            _ => self.unfit_reference(reference),
                        };
                        problems.extend(found.map(|one| Problem { path: path.clone(), ..one }));
                    }
                }
                Err(message) => problems.push(Problem::new(path, message.clone())),
            }
        }
        if for_each.items.is_string() {
            problems.extend(self.no_list(&for_each.items).map(|one| Problem { path, ..one }));
        }
    }

    /// Returns why a text gives no list.
    fn no_list(&self, text: &Value) -> Option<Problem> {
        let hint = "a list, or one look-up that gives one: `${parameters.NAME}`";
        let found = references_in(text);
        let reference = match found.first() {
            Some((_, Ok(Template::Whole(reference)))) => reference,
            Some((_, Err(_))) => return None,
            _ => return Some(Problem::new("", "is a text and no list").hint(hint)),
        };
        if let Root::Step { field, .. } = reference.root()
            && *field != StepField::Result
        {
            let message = format!("`{}` is no list", reference.as_str());
            return Some(Problem::new("", message).hint(hint));
        }
        if let (Root::Step { .. }, Some(promised)) = (reference.root(), self.promised) {
            let kinds = promised.kinds(reference.path()).ok()?;
            let is_none = !kinds.is_none() && kinds.and(Kinds::LIST).is_none();
            let message = format!("`{}` is {kinds} and no list", reference.as_str());
            return is_none.then(|| Problem::new("", message));
        }
        let (Root::Parameter(name), []) = (reference.root(), reference.segments()) else {
            return None;
        };
        let parameter = self.spec.parameters.iter().find(|one| one.name == *name)?;
        let is_list = matches!(parameter.kind, ParameterType::List | ParameterType::Json);
        let message = format!("parameter `{name}` is no list");
        (!is_list).then(|| Problem::new("", message).hint("let its type be `list`"))
    }

    fn check_condition(&self, problems: &mut Problems) {
        let Some(when) = &self.step.when else { return };
        let path = format!("spec.steps[{}].when", self.index);
        let condition = match Condition::parse(when, self.step.finally) {
            Ok(condition) => condition,
            Err(found) => {
                problems.extend(found.into_iter().map(|message| Problem::new(&path, message)));
                return;
            }
        };
        for name in condition.parameters() {
            let is_known = self.spec.parameters.iter().any(|parameter| parameter.name == name);
            if !is_known {
                let known = self.spec.parameters.iter().map(|parameter| parameter.name.as_str());
                let message = format!("the workflow has no parameter `{name}`");
                problems.push(Problem::new(&path, message).hint_if(did_you_mean(&name, known)));
            }
        }
        let names_item = condition.paths().any(|one| one.root == Root::Item);
        if names_item && self.step.for_each.is_none() {
            problems.push(Problem { path: path.clone(), ..no_item() });
        }
        let Some(promised) = self.promised else { return };
        let unseen = condition.steps().into_iter().map(|id| self.unseen_step(promised.steps, &id));
        let paths: BTreeSet<_> = condition.paths().collect();
        let misled = paths.into_iter().map(|one| promised.kinds(one).err());
        let found = unseen.chain(misled).flatten();
        problems.extend(found.map(|problem| Problem { path: path.clone(), ..problem }));
    }

    /// Returns what is wrong with looking at a step: that there is none, or that it may not be settled.
    fn unseen_step(&self, steps: &Steps<'_>, id: &str) -> Option<Problem> {
        let Some(earlier) = steps.index(id) else { return Some(unknown_step(steps, id)) };
        if steps.is_before(earlier, self.index) {
            return None;
        }
        if earlier == self.index {
            return Some(Problem::new("", format!("`{id}` is the step itself")));
        }
        let message = format!("step `{id}` need not be settled before `{}`", self.step.id);
        Some(Problem::new("", message).hint(format!("add `{id}` to its dependencies")))
    }

    /// Returns why a look-up of a step's field can have no value.
    fn misled_look_up(
        &self,
        (id, field): (&str, StepField),
        reference: &Reference,
    ) -> Option<Problem> {
        let promised = self.promised?;
        if let Some(problem) = self.unseen_step(promised.steps, id) {
            return Some(problem);
        }
        let earlier = promised.steps.index(id)?;
        let lacks = may_lack(field)
            && !reference.has_default()
            && !promised.steps.has_succeeded(earlier, self.index);
        lacks.then(|| lacking(reference)).or_else(|| promised.kinds(reference.path()).err())
    }

    fn check_template(
        &self,
        definition: Option<&OperatorDefinition>,
        (path, place): (&str, &str),
        template: &Template,
        problems: &mut Problems,
    ) {
        if let Template::Text(_) = template
            && let Some(problem) = unfit_text(definition, place)
        {
            problems.push(Problem { path: path.to_owned(), ..problem });
        }
        for reference in template.references() {
            let found = self.unfit_reference(reference).or_else(|| {
                let Root::Step { .. } = reference.root() else { return None };
                let kinds = self.promised?.kinds(reference.path());
                let kinds = kinds.unwrap_or(Kinds::ANY);
                unfit_kinds(definition, place, (template, reference), kinds)
            });
            problems.extend(found.map(|problem| Problem { path: path.to_owned(), ..problem }));
        }
    }

    /// Returns what is wrong with a look-up of the step.
    fn unfit_reference(&self, reference: &Reference) -> Option<Problem> {
        match reference.root() {
            Root::Parameter(name) => unknown_parameter(self.spec, reference, name),
            Root::Step { id, field } => self.misled_look_up((id, *field), reference),
            Root::PlannedAt => unplanned(reference),
            Root::Item => self.step.for_each.is_none().then(no_item),
        }
    }
}

/// Returns why no value of these kinds can stand where a look-up does. One with a default may never have such a value.
fn unfit_kinds(
    definition: Option<&OperatorDefinition>,
    place: &str,
    (template, reference): (&Template, &Reference),
    kinds: Kinds,
) -> Option<Problem> {
    if reference.has_default() || kinds.is_none() {
        return None;
    }
    let text = reference.as_str();
    if let Template::Text(_) = template {
        let is_unfit = kinds.and(Kinds::WITHIN_TEXT).is_none();
        let message = format!("`{text}` is {kinds} and cannot stand within text");
        return is_unfit.then(|| Problem::new("", message));
    }
    let name = top_of(place);
    let parameter = parameter_of(definition?, name).filter(|_| name == place)?;
    let taken = Kinds::taken_by(parameter.kind);
    kinds.and(taken).is_none().then(|| {
        let message = format!("`{text}` is {kinds}, and `{name}` takes {taken}");
        Problem::new("", message)
    })
}

/// Returns the parameter of a name or an alias.
fn parameter_of<'a>(definition: &'a OperatorDefinition, name: &str) -> Option<&'a Parameter> {
    definition.spec.parameters.iter().find(|parameter: &&Parameter| {
        parameter.name == name || parameter.aliases.iter().any(|alias| alias == name)
    })
}

/// Returns why a text cannot have a look-up within it: only a text, a path and an identifier are put together.
fn unfit_text(definition: Option<&OperatorDefinition>, place: &str) -> Option<Problem> {
    let name = top_of(place);
    let parameter = parameter_of(definition?, name)?;
    match parameter.kind {
        ParameterType::String | ParameterType::Path | ParameterType::Identifier => None,
        ParameterType::Sql => {
            let message = "a look-up within a statement would be text put into code";
            let hint = "write an operator with the action `sql`, whose parameters are bound as \
                        `$name`, or pass the whole statement as one parameter";
            Some(Problem::new("", message).hint(hint))
        }
        _ if place != name => None,
        _ => {
            let message = format!("`{name}` is no text that a look-up can be a part of");
            Some(Problem::new("", message).hint("let the look-up be the whole value"))
        }
    }
}

/// Returns the parameter that a place within parameters belongs to.
fn top_of(place: &str) -> &str {
    place.split(['.', '[']).next().unwrap_or(place)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
