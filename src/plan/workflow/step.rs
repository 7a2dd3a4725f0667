//! One step that waits: whether it runs, and with which parameters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::approval::result_of;
use super::child::{child_of, outcome_of};
use super::ending;
use super::items::outcome_of_items;
use super::look::{LookedUp, looked_up};
use super::observation::{ChildKey, ChildSight};
use super::pass::{Move, Pass};
use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{FreeForm, StepPhase, WorkflowStep};
use crate::validate::{
    Condition, PARAMETER_BYTES, Scope, Unresolved, UnresolvedKind, is_by_item, resolve,
};

impl Pass<'_> {
    /// Decides a step that has no run and is not settled.
    pub(super) fn step(&self, index: usize) -> Move {
        let step = &self.spec.steps[index];
        let is_begun = self.lines[index].items.is_some();
        let is_asked = self.lines[index].phase == StepPhase::Running && !is_begun;
        match &self.stopping {
            Some(stopping) if !step.finally && is_begun => {
                return self.stop_items(index, (stopping.reason, &stopping.message));
            }
            Some(stopping) if !step.finally => {
                let is_open = self.lines[index].phase == StepPhase::Running;
                let phase = if is_open { StepPhase::Cancelled } else { StepPhase::Skipped };
                return Move::Settle(phase, stopping.reason, stopping.message.clone());
            }
            _ => {}
        }
        if !step
            .dependencies
            .iter()
            .all(|id| self.line(id).is_none_or(|line| line.phase.is_settled()))
        {
            return Move::Stay;
        }
        if let (true, Some(approval)) = (is_asked, &step.approval) {
            return self.approval(index, approval);
        }
        let is_held = self.run.spec.suspend && !step.finally;
        if is_begun && (is_held || self.are_all_launched(index)) {
            return self.await_items(index);
        }
        let Some(scope) = self.scope(&looked_up(step), step.finally) else { return Move::Look };
        if !is_begun && let Some(settled) = self.condition(step, &scope) {
            return settled;
        }
        match &step.for_each {
            _ if is_held => Move::Stay,
            _ if step.approval.is_some() => {
                self.approval(index, &step.approval.clone().unwrap_or_default())
            }
            Some(for_each) => self.items(index, for_each, scope),
            None => self.create(index, &scope),
        }
    }

    fn line(&self, id: &str) -> Option<&crate::api::v1alpha1::StepStatus> {
        self.by_id.get(id).map(|&index| &self.lines[index])
    }

    /// Returns what a step can look up; nothing while a run has not been looked at.
    pub(super) fn scope(&self, steps: &LookedUp, finally: bool) -> Option<Scope> {
        let mut outcomes = BTreeMap::new();
        for (id, results) in steps {
            let Some(line) = self.line(id) else { continue };
            if let Some(items) = &line.items {
                let seen = results.then_some(&self.seen.children);
                outcomes.insert(id.clone(), outcome_of_items(line, items, seen)?);
                continue;
            }
            let child = match (&line.run, self.seen.children.get(&ChildKey::of_step(id))) {
                (None, _) | (Some(_), Some(ChildSight::Gone)) => None,
                (Some(_), Some(ChildSight::Found(child))) => Some(child.as_ref()),
                (Some(_), None) => return None,
            };
            let mut outcome = outcome_of(line, child);
            if let Some(decision) = result_of(self.run, id) {
                (outcome.result, outcome.pruned) = (Some(decision), false);
            }
            outcomes.insert(id.clone(), outcome);
        }
        let parameters = self.status.parameters.iter();
        Some(Scope {
            parameters: parameters.map(|one| (one.name.clone(), one.value.clone())).collect(),
            steps: outcomes,
            planned_at: self.run.spec.planned_at.map(|at| Value::from(at.to_string())),
            item: None,
            run_phase: finally.then(|| ending::outcome(self).0.as_str().to_owned()),
        })
    }

    /// Returns how a step is settled that does not run; nothing when it runs. A condition of items is decided for each.
    fn condition(&self, step: &WorkflowStep, scope: &Scope) -> Option<Move> {
        if step.when.is_none() || is_by_item(step) {
            return self.unmet(step);
        }
        let (phase, reason, message) = decided(step, scope)?;
        Some(Move::Settle(phase, reason, message))
    }

    /// Returns how a step without a condition is settled when a dependency did not succeed.
    fn unmet(&self, step: &WorkflowStep) -> Option<Move> {
        let lines = step.dependencies.iter().filter_map(|id| self.line(id));
        let unmet = lines.into_iter().find(|line| line.phase != StepPhase::Succeeded)?;
        let how = match unmet.phase {
            StepPhase::Skipped => "was skipped",
            StepPhase::Cancelled => "was cancelled",
            _ => "failed",
        };
        let message = format!("its dependency `{}` {how}", unmet.id);
        Some(Move::Settle(StepPhase::Skipped, Reason::DependencyNotMet, message))
    }

    fn create(&self, index: usize, scope: &Scope) -> Move {
        let child = match self.child(index, None, scope) {
            Ok(child) => child,
            Err((reason, message)) => return Move::Settle(StepPhase::Failed, reason, message),
        };
        match self.reuse(index, &child) {
            Some(reused) => reused,
            None if self.is_full(0) => Move::Stay,
            None => Move::Create(Box::new(child)),
        }
    }

    /// Returns the run of a step, or of an item of it, with its parameters looked up.
    pub(super) fn child(
        &self,
        index: usize,
        item: Option<u32>,
        scope: &Scope,
    ) -> Result<Resource, (Reason, String)> {
        let step = &self.spec.steps[index];
        let given = Value::Object(step.parameters.0.clone().into_iter().collect());
        let parameters = match resolve(&given, scope) {
            Ok(Value::Object(parameters)) => FreeForm(parameters.into_iter().collect()),
            Ok(_) => FreeForm::default(),
            Err(unresolved) => return Err(refused(&unresolved)),
        };
        let bytes = serde_json::to_string(&parameters).map_or(0, |text| text.len());
        if bytes > PARAMETER_BYTES {
            let message = format!(
                "its parameters have {} KiB once they are looked up, and at most {} KiB can be recorded",
                bytes.div_ceil(1024),
                PARAMETER_BYTES / 1024
            );
            return Err((Reason::ReferenceError, message));
        }
        let workflow = step.workflow.as_ref().and_then(|name| self.status.nested.get(name));
        Ok(child_of(self.run, self.spec, (step, item), (workflow.map(String::as_str), parameters)))
    }
}

/// Returns how a step, or an item of it, is settled by its condition; nothing when it runs.
pub(super) fn decided(step: &WorkflowStep, scope: &Scope) -> Option<(StepPhase, Reason, String)> {
    let when = step.when.as_deref()?;
    let failed = |message: String| {
        let message = format!("its condition `{when}` cannot be worked out: {message}");
        Some((StepPhase::Failed, Reason::ConditionError, message))
    };
    let condition = match Condition::parse(when, step.finally) {
        Ok(condition) => condition,
        Err(problems) => return failed(problems.join("; ")),
    };
    match condition.evaluate(scope) {
        Ok(true) => None,
        Ok(false) => {
            let message = format!("its condition `{when}` is false");
            Some((StepPhase::Skipped, Reason::ConditionFalse, message))
        }
        Err(message) => failed(message),
    }
}

/// Returns why a value could not be looked up.
pub(super) fn refused(unresolved: &Unresolved) -> (Reason, String) {
    let reason = match unresolved.kind {
        UnresolvedKind::Truncated => Reason::ResultTruncated,
        UnresolvedKind::Pruned => Reason::Pruned,
        UnresolvedKind::Missing | UnresolvedKind::NotAText | UnresolvedKind::Malformed => {
            Reason::ReferenceError
        }
    };
    (reason, unresolved.message.clone())
}
