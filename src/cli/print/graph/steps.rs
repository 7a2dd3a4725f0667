//! The steps of a drawing with names that are safe to show and dependencies as indices.

use std::collections::BTreeMap;

use super::drawing::{Drawing, DrawnStep};
use super::labels::safe;

/// The steps in their order, then one for each unknown dependency.
#[derive(Debug)]
pub(super) struct Steps(pub(super) Vec<Step>);

/// A step as it is shown.
#[derive(Debug)]
pub(super) struct Step {
    /// The id, of visible ASCII characters only.
    pub(super) name: String,
    /// The operator; empty for an unknown dependency.
    pub(super) operator: String,
    /// The phase of a run.
    pub(super) phase: Option<String>,
    pub(super) finally: bool,
    pub(super) conditional: bool,
    /// Whether no step has this id: it is only named as a dependency.
    pub(super) is_unknown: bool,
    /// The indices of the steps that this one waits for, each once.
    pub(super) dependencies: Vec<usize>,
}

impl Steps {
    /// Returns the steps of a drawing.
    pub(super) fn of(drawing: &Drawing<'_>) -> Self {
        let mut index = BTreeMap::new();
        for (at, node) in drawing.nodes.iter().enumerate() {
            index.entry(node.id).or_insert(at);
        }
        let mut steps: Vec<Step> = drawing.nodes.iter().map(Step::of).collect();
        for (at, node) in drawing.nodes.iter().enumerate() {
            for name in node.dependencies {
                let to = *index.entry(name.as_str()).or_insert(steps.len());
                if to == steps.len() {
                    steps.push(Step::unknown(name));
                }
                if !steps[at].dependencies.contains(&to) {
                    steps[at].dependencies.push(to);
                }
            }
        }
        Self(steps)
    }

    /// Returns every dependency as (what is waited for, what waits), in the order of the steps.
    pub(super) fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        let of = |(to, step): (usize, &Step)| {
            step.dependencies.iter().map(move |from| (*from, to)).collect::<Vec<_>>()
        };
        self.0.iter().enumerate().flat_map(of)
    }
}

impl Step {
    fn of(node: &DrawnStep<'_>) -> Self {
        Self {
            name: safe(node.id),
            operator: safe(node.operator),
            phase: node.phase.map(safe),
            finally: node.finally,
            conditional: node.conditional,
            is_unknown: false,
            dependencies: Vec::new(),
        }
    }

    fn unknown(name: &str) -> Self {
        Self {
            name: safe(name),
            operator: String::new(),
            phase: None,
            finally: false,
            conditional: false,
            is_unknown: true,
            dependencies: Vec::new(),
        }
    }
}
