//! Which runs of steps a pass has to look at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::child::{child_name, line_of};
use super::items::seen_items;
use super::observation::{ChildKey, ChildSight, Children, WantedChild};
use crate::api::v1alpha1::{
    FreeForm, ItemOutcome, StepPhase, StepStatus, WorkflowRun, WorkflowRunStatus, WorkflowSpec,
    WorkflowStep,
};
use crate::validate::{Condition, Path, Root, StepField, references_in};

/// The steps that are looked up, by their ids, and whether their results are.
pub(super) type LookedUp = BTreeMap<String, bool>;

/// Returns the runs of steps that a pass has to see, given those that it has seen: first those that are not settled, then
/// those that the next steps, or the outputs, look up.
#[must_use]
pub fn wanted(
    run: &WorkflowRun,
    (spec, status): (&WorkflowSpec, &WorkflowRunStatus),
    seen: &Children,
    now: jiff::Timestamp,
) -> Vec<WantedChild> {
    let lines: BTreeMap<&str, StepStatus> =
        status.steps.iter().map(|line| (line.id.as_str(), seen_line(line, seen, now))).collect();
    let mut wanted: Vec<WantedChild> = status.steps.iter().flat_map(open_children).collect();
    let (mut looked, mut open) = (LookedUp::new(), false);
    for step in &spec.steps {
        let Some(line) = lines.get(step.id.as_str()) else { continue };
        open |= !line.phase.is_settled();
        let begins = line.phase == StepPhase::Pending || may_launch(line);
        if begins && is_due(step, &lines) {
            add_all(&mut looked, looked_up(step));
        }
    }
    if !open {
        add_all(&mut looked, looked_up_in(&spec.outputs));
    }
    for (id, results) in &looked {
        let line = lines.get(id.as_str());
        wanted.extend(line.into_iter().flat_map(|line| ended_children(run, line, *results)));
    }
    let mut asked = BTreeSet::new();
    wanted.retain(|child| !seen.contains_key(&child.key) && asked.insert(child.key.clone()));
    wanted
}

fn add_all(looked: &mut LookedUp, more: LookedUp) {
    for (id, results) in more {
        *looked.entry(id).or_default() |= results;
    }
}

/// Returns the runs of a step that work, as its parent's status has them.
fn open_children(line: &StepStatus) -> Vec<WantedChild> {
    let single = line.run.iter().filter(|_| !line.phase.is_settled());
    let single = single.map(|run| (ChildKey::of_step(&line.id), &run.name, &run.uid));
    let open = line.items.iter().flat_map(|items| &items.open);
    let items = open.map(|open| (ChildKey::of_item(&line.id, open.index), &open.name, &open.uid));
    let all = single.chain(items);
    let kind = line.kind.of_run();
    all.map(|(key, name, uid)| WantedChild {
        key,
        kind,
        name: name.clone(),
        uid: Some(uid.clone()),
    })
    .collect()
}

/// Returns the runs that a look-up of a step needs.
fn ended_children(run: &WorkflowRun, line: &StepStatus, results: bool) -> Vec<WantedChild> {
    let Some(items) = &line.items else {
        let single = line.run.iter().map(|run| WantedChild {
            key: ChildKey::of_step(&line.id),
            kind: line.kind.of_run(),
            name: run.name.clone(),
            uid: Some(run.uid.clone()),
        });
        return single.collect();
    };
    let succeeded = (0_u32..)
        .zip(&items.outcomes.0)
        .filter(|(_, outcome)| results && **outcome == ItemOutcome::Succeeded);
    let child = |index| {
        let key = ChildKey::of_item(&line.id, index);
        WantedChild { kind: line.kind.of_run(), name: child_name(run, &key), key, uid: None }
    };
    succeeded.map(|(index, _)| child(index)).collect()
}

/// Returns the line of a step as its run is seen now.
pub(super) fn seen_line(line: &StepStatus, seen: &Children, now: jiff::Timestamp) -> StepStatus {
    if line.items.is_some() {
        return seen_items(line, seen, now);
    }
    match seen.get(&ChildKey::of_step(&line.id)) {
        Some(ChildSight::Found(child)) if !line.phase.is_settled() => line_of(line, child, now),
        _ => line.clone(),
    }
}

/// Whether a step has items that are not begun.
fn may_launch(line: &StepStatus) -> bool {
    let is_short = line.items.as_ref().is_some_and(|items| items.launched < items.total);
    is_short && !line.phase.is_settled()
}

fn is_due(step: &WorkflowStep, lines: &BTreeMap<&str, StepStatus>) -> bool {
    let is_settled =
        |id: &String| lines.get(id.as_str()).is_none_or(|line| line.phase.is_settled());
    step.dependencies.iter().all(is_settled)
}

/// Returns the steps that the condition, the items and the parameters of a step look up.
pub(super) fn looked_up(step: &WorkflowStep) -> LookedUp {
    let condition = step.when.as_deref().and_then(|when| Condition::parse(when, step.finally).ok());
    let mut found = LookedUp::new();
    for path in condition.iter().flat_map(Condition::paths) {
        note(&mut found, path);
    }
    if let Some(for_each) = &step.for_each {
        add_all(&mut found, looked_up_in_value(&for_each.items));
    }
    add_all(&mut found, looked_up_in(&step.parameters));
    found
}

/// Returns the steps that values look up.
pub(super) fn looked_up_in(values: &FreeForm) -> LookedUp {
    looked_up_in_value(&Value::Object(values.0.clone().into_iter().collect()))
}

fn looked_up_in_value(value: &Value) -> LookedUp {
    let templates = references_in(value).into_iter().filter_map(|(_, template)| template.ok());
    let mut found = LookedUp::new();
    for template in templates {
        for reference in template.references() {
            note(&mut found, reference.path());
        }
    }
    found
}

fn note(found: &mut LookedUp, path: &Path) {
    if let Root::Step { id, field } = &path.root {
        *found.entry(id.clone()).or_default() |= *field == StepField::Result;
    }
}
