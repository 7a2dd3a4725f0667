//! Which runs of steps a pass has to look at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::child::line_of;
use super::observation::ChildSight;
use crate::api::v1alpha1::{
    FreeForm, StepPhase, StepStatus, WorkflowRunStatus, WorkflowSpec, WorkflowStep,
};
use crate::validate::{Condition, Root, references_in};

/// Returns the steps whose runs a pass has to see, given those that it has seen: first those that are not settled, then
/// those that the next steps, or the outputs, look up.
#[must_use]
pub fn wanted(
    spec: &WorkflowSpec,
    status: &WorkflowRunStatus,
    seen: &BTreeMap<String, ChildSight>,
    now: jiff::Timestamp,
) -> BTreeSet<String> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let lines: BTreeMap<&str, StepStatus> =
        status.steps.iter().map(|line| (line.id.as_str(), seen_line(line, seen, now))).collect();
    let mut open = false;
    for line in &status.steps {
        if line.run.is_some() && !line.phase.is_settled() {
            wanted.insert(line.id.clone());
        }
    }
    for step in &spec.steps {
        let Some(line) = lines.get(step.id.as_str()) else { continue };
        open |= !line.phase.is_settled();
        if line.phase == StepPhase::Pending && is_due(step, &lines) {
            wanted.extend(looked_up(step));
        }
    }
    if !open {
        wanted.extend(looked_up_in(&spec.outputs));
    }
    wanted.retain(|id| {
        let has_run = lines.get(id.as_str()).is_some_and(|line| line.run.is_some());
        has_run && !seen.contains_key(id)
    });
    wanted
}

/// Returns the line of a step as its run is seen now.
pub(super) fn seen_line(
    line: &StepStatus,
    seen: &BTreeMap<String, ChildSight>,
    now: jiff::Timestamp,
) -> StepStatus {
    match seen.get(&line.id) {
        Some(ChildSight::Found(child)) if !line.phase.is_settled() => line_of(line, child, now),
        _ => line.clone(),
    }
}

fn is_due(step: &WorkflowStep, lines: &BTreeMap<&str, StepStatus>) -> bool {
    let is_settled =
        |id: &String| lines.get(id.as_str()).is_none_or(|line| line.phase.is_settled());
    step.dependencies.iter().all(is_settled)
}

/// Returns the steps that the condition and the parameters of a step look up.
pub(super) fn looked_up(step: &WorkflowStep) -> BTreeSet<String> {
    let condition = step.when.as_deref().and_then(|when| Condition::parse(when, step.finally).ok());
    let mut found = condition.map(|condition| condition.steps()).unwrap_or_default();
    found.extend(looked_up_in(&step.parameters));
    found
}

/// Returns the steps that values look up.
pub(super) fn looked_up_in(values: &FreeForm) -> BTreeSet<String> {
    let value = Value::Object(values.0.clone().into_iter().collect());
    let templates = references_in(&value).into_iter().filter_map(|(_, template)| template.ok());
    let mut found = BTreeSet::new();
    for template in templates {
        for reference in template.references() {
            if let Root::Step { id, .. } = reference.root() {
                found.insert(id.clone());
            }
        }
    }
    found
}
