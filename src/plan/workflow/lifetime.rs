//! When a run of a workflow that has ended is deleted.

use jiff::Timestamp;

use crate::api::v1alpha1::{Phase, WorkflowRun};
use crate::plan::retries::after;

/// Returns when a run that has ended is to be deleted; nothing when it is kept.
#[must_use]
pub fn leaves_at(run: &WorkflowRun) -> Option<Timestamp> {
    let status = run.status.as_ref().filter(|status| status.phase.is_terminal())?;
    let ttl = run.spec.ttl.as_ref()?;
    let kept =
        if status.phase == Phase::Succeeded { &ttl.after_success } else { &ttl.after_failure };
    Some(after(status.finished_at?, kept.as_ref()?.to_duration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(phase: &str, ttl: &str) -> Option<String> {
        let run = serde_json::json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "WorkflowRun", "metadata": {"name": "a"},
            "spec": {"workflowRef": {"name": "w"}, "ttl": {ttl: "2h"}},
            "status": {"phase": phase, "finishedAt": "2026-12-01T00:00:00Z"},
        });
        leaves_at(&serde_json::from_value(run).expect("a run")).map(|at| at.to_string())
    }

    #[test]
    fn a_run_is_kept_for_as_long_as_it_says_of_its_end() {
        let later = Some("2026-12-01T02:00:00Z".to_owned());
        assert_eq!(leaves("Succeeded", "afterSuccess"), later);
        assert_eq!(leaves("Cancelled", "afterFailure"), later);
        assert_eq!(leaves("Failed", "afterSuccess"), None);
        assert_eq!(leaves("Running", "afterSuccess"), None);
    }
}
