//! The steps of a workflow by their ids, with what comes before each and what must have succeeded before it.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::graph::{Ancestors, Node, ancestors, order};
use super::scope::Root;
use crate::api::v1alpha1::{WorkflowSpec, WorkflowStep};

/// The steps of a workflow whose graph is in order.
pub(super) struct Steps<'a> {
    spec: &'a WorkflowSpec,
    by_id: BTreeMap<&'a str, usize>,
    before: Ancestors,
    /// For each step those that have succeeded for certain when it begins.
    succeeded: Ancestors,
}

/// Returns the nodes of the graph of steps.
#[must_use]
pub fn nodes(spec: &WorkflowSpec) -> Vec<Node<'_>> {
    let steps = spec.steps.iter();
    steps
        .map(|step| Node { id: &step.id, dependencies: &step.dependencies, finally: step.finally })
        .collect()
}

impl<'a> Steps<'a> {
    pub(super) fn new(spec: &'a WorkflowSpec) -> Self {
        let nodes = nodes(spec);
        let ids = spec.steps.iter().enumerate();
        let by_id: BTreeMap<_, _> = ids.map(|(index, step)| (step.id.as_str(), index)).collect();
        let mut succeeded = Ancestors::none(nodes.len());
        // With a condition of its own, a step begins whatever became of those before it.
        let follows = |index: &usize| !decides_alone(&spec.steps[*index]);
        for index in order(&nodes).into_iter().filter(follows) {
            let direct = spec.steps[index].dependencies.iter();
            for before in direct.filter_map(|id| by_id.get(id.as_str())) {
                succeeded.add(*before, index);
            }
        }
        Self { spec, by_id, before: ancestors(&nodes), succeeded }
    }

    pub(super) fn step(&self, index: usize) -> &'a WorkflowStep {
        &self.spec.steps[index]
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.by_id.keys().copied()
    }

    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Returns whether a step is settled for certain when another one is decided.
    pub(super) fn is_before(&self, earlier: usize, later: usize) -> bool {
        let (first, second) = (&self.spec.steps[earlier], &self.spec.steps[later]);
        self.before.is_before(earlier, later) || (second.finally && !first.finally)
    }

    /// Returns whether a step has succeeded for certain when another one begins.
    pub(super) fn has_succeeded(&self, earlier: usize, later: usize) -> bool {
        self.succeeded.is_before(earlier, later)
    }

    /// Returns whether a step has succeeded for certain in a run that succeeds.
    pub(super) fn succeeds_with_the_run(&self, index: usize) -> bool {
        let is_certain = |step: &WorkflowStep| !decides_alone(step) && !step.allow_failure;
        let before: Vec<_> = self.before.of(index).map(|other| &self.spec.steps[other]).collect();
        let step = &self.spec.steps[index];
        !step.finally && is_certain(step) && before.into_iter().all(is_certain)
    }
}

/// Returns whether the condition of a step is decided for each of its items.
#[must_use]
pub fn is_by_item(step: &WorkflowStep) -> bool {
    let condition = step.when.as_deref().filter(|_| step.for_each.is_some());
    let condition = condition.and_then(|when| Condition::parse(when, step.finally).ok());
    condition.is_some_and(|condition| condition.paths().any(|path| path.root == Root::Item))
}

/// Whether a step's condition decides whether it runs, whatever became of its dependencies.
fn decides_alone(step: &WorkflowStep) -> bool {
    step.when.is_some() && !is_by_item(step)
}
