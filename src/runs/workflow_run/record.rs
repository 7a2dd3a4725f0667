//! What is known of a run of a workflow after a pass: pure.

use jiff::Timestamp;

use crate::api::conditions::{Reason, of_phase, set_condition};
use crate::api::v1alpha1::{
    ChildReference, Messages, Phase, StepPhase, StepStatus, WorkflowRun, WorkflowRunColumns,
    WorkflowRunStatus,
};
use crate::plan::{Advance, WorkflowDecision, WorkflowNext};
use crate::runs::present;
use crate::validate::{Problems, ValidWorkflow};

/// Most problems that a status lists.
const MESSAGES: usize = 100;

/// What creating the run of a step came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Created {
    /// It exists.
    Child {
        /// The step's place in the workflow.
        index: usize,
        /// The run.
        reference: ChildReference,
    },
    /// A run of that name exists that is another's.
    Taken {
        /// The step's place in the workflow.
        index: usize,
        /// The name.
        name: String,
    },
    /// The store does not take it.
    Refused {
        /// The step's place in the workflow.
        index: usize,
        /// Why.
        why: String,
    },
}

/// Returns the status after a pass; nothing when nothing is known that was not.
pub(super) fn record(
    run: &WorkflowRun,
    decision: &WorkflowDecision,
    created: &[Created],
    now: Timestamp,
) -> Option<WorkflowRunStatus> {
    let mut status = run.status.clone().unwrap_or_default();
    match decision {
        WorkflowDecision::Rest => return None,
        WorkflowDecision::Refuse(problems) => {
            status.messages = errors(problems);
            end(&mut status, Phase::Failed, (problems.reason(), first_of(problems)), now);
        }
        WorkflowDecision::Lack { problems, .. } => {
            status.messages = errors(problems);
            status.unseen_since.get_or_insert(now);
            show(&mut status, Phase::Pending, (problems.reason(), first_of(problems)));
        }
        WorkflowDecision::Begin(valid) => begin(&mut status, valid, now),
        WorkflowDecision::Advance(advance) => move_on(&mut status, advance, created, now),
    }
    status.observed_generation = run.metadata.generation;
    status.columns.steps = counted(&status.steps);
    conditions(&mut status, run.metadata.generation, now);
    Some(status)
}

fn errors(problems: &Problems) -> Messages {
    let texts = problems.0.iter().take(MESSAGES).map(|problem| {
        let text: String = problem.to_string().chars().take(2_048).collect();
        text
    });
    Messages { errors: texts.collect(), ..Messages::default() }
}

fn first_of(problems: &Problems) -> String {
    let more = problems.0.len().saturating_sub(1);
    let first = problems.0.first().map(ToString::to_string).unwrap_or_default();
    if more == 0 { first } else { format!("{first}; and {more} more") }
}

fn begin(status: &mut WorkflowRunStatus, valid: &ValidWorkflow, now: Timestamp) {
    status.workflow = Some(valid.reference.clone());
    status.frozen = Some(valid.freeze());
    status.parameters.clone_from(&valid.parameters);
    status.started_at = Some(now);
    status.unseen_since = None;
    status.messages = Messages::default();
    let line = |step: &crate::api::v1alpha1::WorkflowStep| StepStatus {
        id: step.id.clone(),
        finally: step.finally,
        ..StepStatus::default()
    };
    status.steps = valid.spec.steps.iter().map(line).collect();
    show(status, Phase::Running, (Reason::Launching, String::new()));
}

fn move_on(status: &mut WorkflowRunStatus, advance: &Advance, created: &[Created], now: Timestamp) {
    status.steps.clone_from(&advance.steps);
    status.stopping.clone_from(&advance.stopping);
    for one in created {
        note_created(&mut status.steps, one, now);
    }
    match &advance.next {
        WorkflowNext::Again => {}
        WorkflowNext::Wait { phase, reason, message, .. } => {
            show(status, *phase, (*reason, message.clone()));
        }
        WorkflowNext::End { phase, reason, message, outputs } => {
            status.outputs.clone_from(outputs);
            status.messages.warnings = unclean(&status.steps);
            end(status, *phase, (*reason, message.clone()), now);
        }
    }
}

/// Notes what creating the run of a step came to.
fn note_created(lines: &mut [StepStatus], created: &Created, now: Timestamp) {
    let (Created::Child { index, .. }
    | Created::Taken { index, .. }
    | Created::Refused { index, .. }) = created;
    let Some(line) = lines.get_mut(*index) else { return };
    match created {
        Created::Child { reference, .. } => {
            line.phase = StepPhase::Running;
            line.run = Some(reference.clone());
            line.started_at = Some(now);
        }
        Created::Taken { name, .. } => {
            let message = format!("a run `{name}` exists that is not of this step");
            fail(line, Reason::ChildConflict, &message, now);
        }
        Created::Refused { why, .. } => fail(line, Reason::Invalid, why, now),
    }
}

/// Returns what is said of `finally` steps that did not succeed: they change no outcome, and are not passed over.
fn unclean(lines: &[StepStatus]) -> Vec<String> {
    let failed = lines.iter().filter(|line| {
        line.finally && matches!(line.phase, StepPhase::Failed | StepPhase::Cancelled)
    });
    let text = |line: &StepStatus| {
        let why = line.message.as_deref().unwrap_or("it did not succeed");
        format!("`finally` step `{}` {}: {why}", line.id, line.phase.as_str().to_lowercase())
    };
    failed.take(MESSAGES).map(text).collect()
}

fn fail(line: &mut StepStatus, reason: Reason, message: &str, now: Timestamp) {
    line.phase = StepPhase::Failed;
    line.reason = Some(reason);
    line.message = Some(message.chars().take(512).collect());
    line.finished_at = Some(now);
}

fn end(
    status: &mut WorkflowRunStatus,
    phase: Phase,
    (reason, message): (Reason, String),
    now: Timestamp,
) {
    status.finished_at = Some(now);
    show(status, phase, (reason, message));
    let began = status.started_at.unwrap_or(now);
    status.columns.duration = present::length(began, now);
}

fn show(status: &mut WorkflowRunStatus, phase: Phase, (reason, message): (Reason, String)) {
    status.phase = phase;
    status.columns = WorkflowRunColumns {
        reason: reason.as_str().to_owned(),
        message: message.chars().take(1_024).collect(),
        ..std::mem::take(&mut status.columns)
    };
}

fn counted(lines: &[StepStatus]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let settled = lines.iter().filter(|line| line.phase.is_settled()).count();
    format!("{settled}/{}", lines.len())
}

fn conditions(status: &mut WorkflowRunStatus, generation: Option<i64>, now: Timestamp) {
    let reason = serde_json::Value::String(status.columns.reason.clone());
    let reason = serde_json::from_value(reason).unwrap_or(Reason::Running);
    let message = status.columns.message.clone();
    for (kind, truth) in of_phase(status.phase) {
        set_condition(&mut status.conditions, (kind, truth, reason), &message, generation, now);
    }
}
