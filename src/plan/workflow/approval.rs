//! Steps that wait for a person.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::child::settle;
use super::pass::{Move, Pass};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    Approval, ApprovalDecision, Decision, OnTimeout, StepPhase, StepStatus, WorkflowRun,
};
use crate::plan::retries::after;

impl Pass<'_> {
    /// Decides a step that waits for a person, or begins to.
    pub(super) fn approval(&self, index: usize, approval: &Approval) -> Move {
        let mut line = self.lines[index].clone();
        let begun = *line.started_at.get_or_insert(self.now);
        line.phase = StepPhase::Running;
        line.reason = Some(Reason::WaitsForApproval);
        line.message.clone_from(&approval.message);
        let is_late = deadline_of(approval, begun).is_some_and(|deadline| self.now >= deadline);
        match (self.run.spec.approvals.get(&line.id), approval.on_timeout) {
            (Some(decision), _) => decide(&mut line, decision, self.now),
            (None, _) if !is_late => {}
            (None, OnTimeout::Approve) => {
                let message = "approved: no answer came in time";
                settle(&mut line, StepPhase::Succeeded, (Reason::Completed, message), self.now);
            }
            (None, OnTimeout::Reject) => {
                let message = "rejected: no answer came in time";
                settle(&mut line, StepPhase::Failed, (Reason::Rejected, message), self.now);
            }
        }
        Move::Line(Box::new(line))
    }

    /// Returns when the next answer is late.
    pub(super) fn approval_deadline(&self) -> Option<Timestamp> {
        let waits = self.spec.steps.iter().zip(&self.lines).filter_map(|(step, line)| {
            let begun = line.started_at.filter(|_| !line.phase.is_settled())?;
            deadline_of(step.approval.as_ref()?, begun)
        });
        waits.min()
    }

    /// Returns what the run waits for when it waits only for a person.
    pub(super) fn waiting_approval(&self) -> Option<String> {
        let asks = |line: &&StepStatus| line.reason == Some(Reason::WaitsForApproval);
        let open = self.lines.iter().filter(|line| line.phase == StepPhase::Running);
        if open.clone().any(|line| !asks(&line)) {
            return None;
        }
        let line = open.into_iter().find(asks)?;
        let question = line.message.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        Some(format!("step `{}` waits for approval{question}", line.id))
    }
}

fn deadline_of(approval: &Approval, begun: Timestamp) -> Option<Timestamp> {
    approval.timeout.as_ref().map(|timeout| after(begun, timeout.to_duration()))
}

fn decide(line: &mut StepStatus, decision: &ApprovalDecision, now: Timestamp) {
    let comment = decision.comment.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    let (phase, reason, word) = match decision.decision {
        Decision::Approved => (StepPhase::Succeeded, Reason::Completed, "approved"),
        Decision::Rejected => (StepPhase::Failed, Reason::Rejected, "rejected"),
    };
    let message = format!("{word} by {}{comment}", decision.by);
    settle(line, phase, (reason, &message), now);
}

/// Returns what references and conditions can look up as the result of a step that was decided.
pub(super) fn result_of(run: &WorkflowRun, step: &str) -> Option<Value> {
    let ApprovalDecision { decision, by, comment } = run.spec.approvals.get(step)?;
    Some(json!({"decision": decision, "by": by, "comment": comment}))
}
