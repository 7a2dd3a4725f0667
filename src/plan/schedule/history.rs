//! Which runs that a schedule made are kept once they have ended.

use jiff::Timestamp;

use crate::api::v1alpha1::{History, Phase, WorkflowRun};

/// Returns the runs of planned times that are to be deleted: the oldest of those that have ended, beyond as many as are kept.
/// The newest planned time is always kept, so that its run is never made again.
#[must_use]
pub fn to_clear<'a>(
    runs: &'a [WorkflowRun],
    history: &History,
    last_planned: Option<Timestamp>,
) -> Vec<&'a WorkflowRun> {
    let ended = |succeeded: bool, keep: u32| {
        let mut ended: Vec<&WorkflowRun> = runs
            .iter()
            .filter(|run| {
                let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
                let planned_at = run.spec.planned_at;
                phase.is_terminal()
                    && (phase == Phase::Succeeded) == succeeded
                    && planned_at.is_some()
                    && planned_at < last_planned
            })
            .collect();
        ended.sort_by_key(|run| std::cmp::Reverse(run.spec.planned_at));
        ended.split_off(ended.len().min(usize::try_from(keep).unwrap_or(usize::MAX)))
    };
    let mut cleared = ended(true, history.succeeded);
    cleared.extend(ended(false, history.failed));
    cleared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(hour: u8, phase: &str) -> WorkflowRun {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": format!("r{hour}")},
            "spec": {"workflowRef": {"name": "w"}, "plannedAt": format!("2026-12-01T{hour:02}:00:00Z")},
            "status": {"phase": phase},
        }))
        .expect("should be a run")
    }

    #[test]
    fn the_oldest_that_have_ended_go_and_the_newest_and_those_that_work_stay() {
        let mut runs: Vec<WorkflowRun> = (1..6).map(|hour| run(hour, "Succeeded")).collect();
        runs.extend([run(6, "Running"), run(7, "Failed"), run(8, "Cancelled"), run(9, "Failed")]);
        let by_hand = runs[0].clone();
        let by_hand = WorkflowRun {
            spec: crate::api::v1alpha1::WorkflowRunSpec {
                planned_at: None,
                ..by_hand.spec.clone()
            },
            ..by_hand
        };
        runs.push(by_hand);
        let history = History { succeeded: 3, failed: 1 };
        let names = |last: &str| {
            let last = last.parse().ok();
            let cleared = to_clear(&runs, &history, last).into_iter();
            cleared.filter_map(|run| run.metadata.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("2026-12-01T10:00:00Z"), ["r2", "r1", "r8", "r7"]);
        assert_eq!(names("2026-12-01T09:00:00Z"), ["r2", "r1", "r7"], "the newest is not counted");
        assert!(names("").is_empty());
    }
}
