//! How a run of a workflow ends. Its ordinary steps decide that; `finally` steps change nothing of it.

use serde_json::Value;

use super::decision::WorkflowNext;
use super::items::failures;
use super::look::looked_up_in;
use super::pass::Pass;
use super::step::refused;
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{FreeForm, Phase, StepPhase, StepStatus, WorkflowStep};
use crate::validate::resolve;

/// Returns the first failure of an ordinary step that nothing allows, in words.
pub(super) fn first_failure(pass: &Pass<'_>) -> Option<String> {
    let is_failure = |(step, line): &(&WorkflowStep, &StepStatus)| {
        let has_failed_items = line.items.as_ref().is_some_and(|items| failures(items) > 0);
        (matches!(line.phase, StepPhase::Failed | StepPhase::Cancelled) || has_failed_items)
            && !step.allow_failure
            && !step.finally
    };
    let mut failed = pass.spec.steps.iter().zip(&pass.lines).filter(is_failure);
    let (step, line) = failed.next()?;
    let how = if line.phase == StepPhase::Cancelled { "was cancelled" } else { "failed" };
    let more = failed.count();
    let others = if more == 0 { String::new() } else { format!(", and {more} more") };
    let why = line.message.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    Some(format!("step `{}` {how}{others}{why}", step.id))
}

/// Returns how the ordinary steps of a run end it.
pub(super) fn outcome(pass: &Pass<'_>) -> (Phase, Reason, String) {
    match (&pass.stopping, first_failure(pass)) {
        (Some(stopping), _)
            if matches!(stopping.reason, Reason::Cancelled | Reason::Superseded) =>
        {
            (Phase::Cancelled, stopping.reason, stopping.message.clone())
        }
        (Some(stopping), _) => (Phase::Failed, stopping.reason, stopping.message.clone()),
        (None, Some(failure)) => (Phase::Failed, Reason::StepFailed, failure),
        (None, None) => (Phase::Succeeded, Reason::Completed, String::new()),
    }
}

/// Returns the end of a run whose steps are all settled.
pub(super) fn end(pass: &Pass<'_>) -> WorkflowNext {
    let (phase, reason, message) = outcome(pass);
    let ended =
        |phase, reason, message, outputs| WorkflowNext::End { phase, reason, message, outputs };
    if phase != Phase::Succeeded {
        return ended(phase, reason, message, None);
    }
    let outputs = &pass.spec.outputs;
    let Some(scope) = pass.scope(&looked_up_in(outputs), false) else { return WorkflowNext::Again };
    match resolve(&Value::Object(outputs.0.clone().into_iter().collect()), &scope) {
        Ok(Value::Object(values)) => {
            let values = FreeForm(values.into_iter().collect());
            ended(phase, reason, message, (!values.is_empty()).then_some(values))
        }
        Ok(_) => ended(phase, reason, message, None),
        Err(unresolved) => {
            let (reason, why) = refused(&unresolved);
            let message = format!("every step is settled, but not every output has a value: {why}");
            ended(Phase::Failed, reason, message, None)
        }
    }
}
