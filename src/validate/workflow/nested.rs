//! Steps that run another workflow: whether there is one, whether it can be run as a step, and with which parameters.

use std::collections::BTreeSet;

use super::check::Checked;
use crate::api::conditions::Reason;
use crate::api::v1alpha1::Workflow;
use crate::validate::parameter::Given;
use crate::validate::problem::{Problem, Problems, did_you_mean};

/// Most workflows that run each other as steps.
pub const DEEPEST: usize = 5;

/// A workflow that a step names, as it was looked up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nested {
    /// The workflows of that name; one, when all is well.
    pub found: Vec<Workflow>,
    /// Workflows that exist, for hints; only when none was found.
    pub known: Vec<String>,
    /// Why it cannot be a step, by what its own steps run: a cycle, or too many levels.
    pub refused: Option<String>,
}

impl Nested {
    /// Returns the workflow, if there is exactly one.
    #[must_use]
    pub fn workflow(&self) -> Option<&Workflow> {
        match self.found.as_slice() {
            [workflow] => Some(workflow),
            _ => None,
        }
    }
}

impl Checked<'_> {
    /// Checks a step that runs another workflow.
    pub(super) fn check_nested(
        &self,
        nested: &Nested,
        deferred: &BTreeSet<String>,
        problems: &mut Problems,
    ) {
        let Some(name) = &self.step.workflow else { return };
        let at =
            |message: String| Problem::new(format!("spec.steps[{}].workflow", self.index), message);
        for field in self.unfit_beside_workflow() {
            let path = format!("spec.steps[{}].{field}", self.index);
            let problem = Problem::new(path, "means nothing in a step that runs a workflow");
            problems.push(problem.hint("the workflow and its steps say it themselves"));
        }
        let workflow = match nested.found.as_slice() {
            [workflow] => workflow,
            [] => {
                let hint = did_you_mean(name, nested.known.iter().map(String::as_str));
                let problem = at(format!("there is no workflow `{name}`"));
                return problems.push(problem.because(Reason::NotFound).hint_if(hint));
            }
            several => {
                return problems
                    .push(at(format!("{} workflows are called `{name}`", several.len())));
            }
        };
        problems.extend(nested.refused.clone().map(at));
        let conditions = workflow.status.as_ref().map(|status| status.conditions.as_slice());
        let ready = conditions
            .and_then(|conditions| conditions.iter().find(|condition| condition.type_ == "Ready"));
        if let Some(ready) = ready.filter(|ready| ready.status == "False") {
            problems.push(at(format!("workflow `{name}` is wrong: {}", ready.message)));
        }
        let given = Given { values: &self.step.parameters, of: name, deferred };
        let mut of_parameters = Problems::default();
        given.resolve(&workflow.spec.parameters, None, &mut of_parameters);
        problems.extend(of_parameters.into_iter().map(|problem| {
            let rest = problem.path.strip_prefix("spec").unwrap_or_default();
            Problem { path: format!("spec.steps[{}]{rest}", self.index), ..problem.clone() }
        }));
    }

    fn unfit_beside_workflow(&self) -> impl Iterator<Item = &'static str> {
        let given =
            [("retry", self.step.retry.is_some()), ("timeout", self.step.timeout.is_some())];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(field, _)| field)
    }
}
