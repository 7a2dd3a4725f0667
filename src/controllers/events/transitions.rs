//! Which transitions are reported, and in which words. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{OperatorRun, OperatorRunStatus, Phase};
use crate::engines::counted::counted;

/// An event of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) reason: Reason,
    /// What was being done.
    pub(crate) action: &'static str,
    pub(crate) note: String,
    pub(crate) is_warning: bool,
}

/// What of a run's status makes a transition when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    phase: Phase,
    reason: String,
    attempts: usize,
    is_pruned: bool,
}

impl Stage {
    pub(crate) fn of(run: &OperatorRun) -> Self {
        let unborn = OperatorRunStatus::default();
        let status = run.status.as_ref().unwrap_or(&unborn);
        Self {
            phase: status.phase,
            reason: status.columns.reason.clone(),
            attempts: status.attempts.len(),
            is_pruned: status.pruned_at.is_some(),
        }
    }
}

/// Returns the event for the transition of a run from an earlier stage to the stored one.
pub(crate) fn of_run(before: &Stage, run: &OperatorRun) -> Option<Report> {
    let after = Stage::of(run);
    let status = run.status.as_ref().filter(|_| after != *before)?;
    if after.is_pruned && !before.is_pruned {
        let (reason, action) = (Reason::Pruned, "Prune");
        let note = "result and log are dropped: the run's time has passed".to_owned();
        return Some(Report { reason, action, note, is_warning: false });
    }
    let reason = Reason::of_word(&after.reason)?;
    // A pod that waits for its image and its containers is on its way: every pod does.
    let is_in_the_way = matches!(status.phase, Phase::Pending | Phase::Running)
        && !status.columns.message.is_empty()
        && reason != Reason::Starting;
    Some(Report {
        reason,
        action: action_of(status.phase, reason),
        note: note_of(status, reason),
        is_warning: matches!(status.phase, Phase::Failed | Phase::Unknown) || is_in_the_way,
    })
}

fn action_of(phase: Phase, reason: Reason) -> &'static str {
    match (phase, reason) {
        (Phase::Pending, _) => "Wait",
        (Phase::Running, Reason::Launching) => "Launch",
        (Phase::Running, Reason::BackingOff) => "Retry",
        (Phase::Running, _) => "Work",
        (Phase::Suspended, _) => "Suspend",
        (Phase::Unknown, _) => "Ask",
        (Phase::Succeeded | Phase::Failed | Phase::Cancelled, _) => "Finish",
    }
}

fn note_of(status: &OperatorRunStatus, reason: Reason) -> String {
    let message = &status.columns.message;
    let attempt = status.attempts.last();
    let number = attempt.map_or(0, |attempt| attempt.number);
    match (status.phase, reason) {
        (Phase::Succeeded, _) => succeeded(status),
        (Phase::Running, Reason::BackingOff) => {
            let at = status.next_attempt_at.map(|at| format!("{at:.0}")).unwrap_or_default();
            format!("attempt {number} failed, the next begins at {at}: {message}")
        }
        _ if !message.is_empty() => message.clone(),
        (Phase::Running, Reason::Launching) => format!("attempt {number} is being launched"),
        (Phase::Running, Reason::Running) => match attempt.and_then(|one| one.job.as_ref()) {
            Some(job) => format!("attempt {number} works as {} {}", job.kind, job.id),
            None => format!("attempt {number} works"),
        },
        (Phase::Running, _) => format!("attempt {number} is being ended"),
        (phase, _) => phase.as_str().to_lowercase(),
    }
}

fn succeeded(status: &OperatorRunStatus) -> String {
    let took = &status.columns.duration;
    let rows = status.result.as_ref().and_then(|result| result.rows);
    let rows = rows.map(|rows| format!(", {}", counted(rows, "row"))).unwrap_or_default();
    let more = match status.columns.message.as_str() {
        "" => String::new(),
        message => format!("; {message}"),
    };
    format!("succeeded after {took}{rows}{more}")
}

/// Returns the event for a change of readiness of a config or definition.
pub(crate) fn of_readiness(before: &Resource, stored: &Resource) -> Option<Report> {
    let is_ready = |condition: &&Condition| condition.type_ == "Ready";
    let old = before.conditions().iter().find(is_ready);
    let new = stored.conditions().iter().find(is_ready)?;
    let state = |condition: &Condition| (condition.status.clone(), condition.reason.clone());
    if old.map(state) == Some(state(new)) {
        return None;
    }
    let is_good = new.status == "True";
    Some(Report {
        reason: Reason::of_word(&new.reason)?,
        action: "Check",
        note: match new.message.as_str() {
            "" if is_good => "ready".to_owned(),
            message => message.to_owned(),
        },
        is_warning: !is_good,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a test makes it for this call")]
    fn run(status: Value) -> OperatorRun {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun", "metadata": {"name": "x"},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}}, "status": status,
        }))
        .expect("should be a run")
    }

    fn status(phase: &str, reason: &str, attempts: u32, message: &str) -> Value {
        let attempt = |number: u32| {
            json!({
                "number": number, "token": "t", "state": "Launched",
                "startedAt": "2026-01-01T00:00:00Z", "job": {"kind": "LocalJob", "id": "j"},
            })
        };
        json!({
            "phase": phase, "attempts": (1..=attempts).map(attempt).collect::<Vec<_>>(),
            "columns": {"reason": reason, "message": message, "duration": "1.2s"},
        })
    }

    #[test]
    fn every_transition_is_told_once_and_a_stay_is_not() {
        let path = [
            (status("Running", "Launching", 1, ""), Some("attempt 1 is being launched")),
            (status("Running", "Running", 1, ""), Some("attempt 1 works as LocalJob j")),
            (status("Running", "Running", 1, ""), None),
            (status("Running", "Infrastructure", 1, "no answer"), Some("no answer")),
            (status("Running", "Infrastructure", 1, "still none"), None),
            (status("Running", "Launching", 2, ""), Some("attempt 2 is being launched")),
            (status("Succeeded", "Completed", 2, ""), Some("succeeded after 1.2s")),
            (
                status("Succeeded", "Completed", 3, "the result is cut"),
                Some("succeeded after 1.2s; the result is cut"),
            ),
        ];
        let mut before = Stage::of(&run(json!({})));
        for (status, expect) in path {
            let now = run(status);
            let report = of_run(&before, &now);
            assert_eq!(report.map(|report| report.note).as_deref(), expect);
            before = Stage::of(&now);
        }
    }

    #[test]
    fn what_is_in_the_way_and_what_failed_is_a_warning() {
        let before = Stage::of(&run(json!({})));
        let warns = |status| of_run(&before, &run(status)).map(|report| report.is_warning);
        assert_eq!(warns(status("Pending", "ClientNotReady", 0, "down")), Some(true));
        assert_eq!(warns(status("Failed", "UserError", 1, "wrong")), Some(true));
        assert_eq!(warns(status("Cancelled", "Cancelled", 1, "cancelled")), Some(false));
        assert_eq!(warns(status("Running", "Launching", 1, "")), Some(false));
        assert_eq!(warns(status("Running", "Starting", 1, "waits for its image")), Some(false));
        assert_eq!(warns(status("Running", "ImagePullFailed", 1, "no such image")), Some(true));
        assert_eq!(warns(status("Running", "PodHeldUp", 1, "FailedMount")), Some(true));
    }
}
