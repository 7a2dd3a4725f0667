//! What is known of a run of a workflow after a pass: pure.

use jiff::Timestamp;

use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    ChildReference, Messages, OpenItem, Phase, StepPhase, StepStatus, WorkflowRun,
    WorkflowRunColumns, WorkflowRunStatus,
};
use crate::plan::{Advance, WorkflowDecision, WorkflowNext, cut, fail_item, settle};
use crate::runs::present;
use crate::validate::ValidWorkflow;

/// What creating the run of a step came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Created {
    /// The step's place in the workflow.
    pub(super) index: usize,
    /// The item's place in its list, if the run is for one.
    pub(super) item: Option<u32>,
    /// What became of the run.
    pub(super) run: CreatedRun,
}

/// What became of a run that was to be created.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CreatedRun {
    /// It exists.
    Child(ChildReference),
    /// A run of this name exists that is another's.
    Taken(String),
    /// The store does not take it, for this reason.
    Refused(String),
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
            let (errors, first) = present::refusal(problems);
            status.messages.errors = errors;
            end(&mut status, Phase::Failed, (problems.reason(), &first), now);
        }
        WorkflowDecision::Lack { problems, .. } => {
            let (errors, first) = present::refusal(problems);
            status.messages.errors = errors;
            status.unseen_since.get_or_insert(now);
            show(&mut status, Phase::Pending, (problems.reason(), &first));
        }
        WorkflowDecision::TakeTicket(ticket) => {
            status.ticket = Some(ticket.clone());
            show(&mut status, Phase::Pending, (Reason::Accepted, ""));
        }
        WorkflowDecision::Begin(valid) => begin(&mut status, valid, now),
        WorkflowDecision::Advance(advance) => move_on(&mut status, advance, created, now),
    }
    status.observed_generation = run.metadata.generation;
    status.columns.steps = counted(&status.steps);
    let said = (status.columns.reason.as_str(), status.columns.message.as_str());
    let at = (run.metadata.generation, now);
    present::set_conditions(&mut status.conditions, status.phase, said, at);
    Some(status)
}

fn begin(status: &mut WorkflowRunStatus, valid: &ValidWorkflow, now: Timestamp) {
    status.workflow = Some(valid.reference.clone());
    status.frozen = Some(valid.freeze());
    status.nested.clone_from(&valid.nested);
    status.parameters.clone_from(&valid.parameters);
    status.started_at = Some(now);
    status.unseen_since = None;
    status.messages = Messages::default();
    status.steps = valid.spec.steps.iter().map(StepStatus::of).collect();
    show(status, Phase::Running, (Reason::Launching, ""));
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
            show(status, *phase, (*reason, message));
        }
        WorkflowNext::End { phase, reason, message, outputs } => {
            status.outputs.clone_from(outputs);
            status.messages.warnings = unclean(&status.steps);
            end(status, *phase, (*reason, message), now);
        }
    }
}

/// Notes what creating the run of a step came to.
fn note_created(lines: &mut [StepStatus], created: &Created, now: Timestamp) {
    let Some(line) = lines.get_mut(created.index) else { return };
    let (reason, why) = match (&created.run, created.item) {
        (CreatedRun::Child(run), None) => {
            line.phase = StepPhase::Running;
            line.run = Some(run.clone());
            line.started_at = Some(now);
            return;
        }
        (CreatedRun::Child(run), Some(index)) => {
            let ChildReference { name, uid } = run.clone();
            line.items.get_or_insert_default().open.push(OpenItem { index, name, uid });
            return;
        }
        (CreatedRun::Taken(name), _) => {
            let why = format!("a run `{name}` exists that is not of this step");
            (Reason::ChildConflict, why)
        }
        (CreatedRun::Refused(why), _) => (Reason::Invalid, why.clone()),
    };
    match created.item {
        None => settle(line, StepPhase::Failed, (reason, &why), now),
        Some(index) => fail_item(line, index, (reason, &why)),
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
    present::bounded(failed.map(text).collect())
}

fn end(
    status: &mut WorkflowRunStatus,
    phase: Phase,
    (reason, message): (Reason, &str),
    now: Timestamp,
) {
    status.finished_at = Some(now);
    show(status, phase, (reason, message));
    let began = status.started_at.unwrap_or(now);
    status.columns.duration = present::length(began, now);
}

fn show(status: &mut WorkflowRunStatus, phase: Phase, (reason, message): (Reason, &str)) {
    status.phase = phase;
    status.columns = WorkflowRunColumns {
        reason: reason.as_str().to_owned(),
        message: cut(message, 1_000),
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
