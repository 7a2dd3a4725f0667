//! One pass over a workflow's schedule: which runs are made, and what is recorded of it.
//!
//! Planned times that are due are recorded before their runs are made, and taken off after that. A run's name follows from
//! its planned time, so that a pass that died between the two, or another replica, makes none twice.

use jiff::Timestamp;
use kube::core::ObjectMeta;

use super::decision::{ScheduleState, is_in_time, plan_schedule, run_name};
use crate::api::labels;
use crate::api::v1alpha1::{
    ScheduleStatus, ScheduledRun, Workflow, WorkflowRun, WorkflowRunSpec, WorkflowSchedule,
};
use crate::validate::{ValidSchedule, digest_of, validate_schedule};

/// What a pass over a workflow's schedule does.
#[derive(Debug, Clone, PartialEq)]
pub enum ScheduleMove {
    /// Records this; nothing without a schedule.
    Record(Option<ScheduleStatus>),
    /// Makes the runs of the planned times that are due, then records [`settled`].
    Make(Vec<DueRun>),
}

/// The run of a planned time that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct DueRun {
    /// The run, with its name.
    pub run: WorkflowRun,
    /// The planned time.
    pub planned_at: Timestamp,
    /// Whether it is too late to make it: it is one only if it is there already.
    pub is_late: bool,
}

/// Returns what a pass over a workflow's schedule does. Nothing is planned before a schedule has been recorded once, nor
/// while it is wrong; what is due is still made.
#[must_use]
pub fn plan_schedule_of(workflow: &Workflow, now: Timestamp) -> ScheduleMove {
    let recorded = workflow.status.as_ref().and_then(|status| status.schedule.as_ref());
    let spec = workflow.spec.schedule.as_ref();
    let valid = spec.and_then(|spec| validate_schedule(spec).ok());
    let uid = workflow.metadata.uid.as_deref().unwrap_or_default();
    if let Some(status) = recorded.filter(|status| !status.due.is_empty()) {
        let is_same = spec.is_some_and(|spec| digest_of(spec) == status.digest);
        let bounds = valid.as_ref().filter(|_| is_same).map(|valid| (valid, status.base));
        let is_late = |planned| {
            bounds.is_some_and(|(valid, base)| !is_in_time(valid, base, uid, (planned, now)))
        };
        let due = status.due.iter().map(|&planned_at| DueRun {
            run: scheduled_run(workflow, planned_at),
            planned_at,
            is_late: is_late(planned_at),
        });
        return ScheduleMove::Make(due.collect());
    }
    ScheduleMove::Record(match (spec, valid) {
        (None, _) => None,
        (Some(_), None) => recorded.cloned(),
        (Some(spec), Some(valid)) => Some(planned((spec, &valid), recorded, uid, now)),
    })
}

fn planned(
    (spec, valid): (&WorkflowSchedule, &ValidSchedule),
    recorded: Option<&ScheduleStatus>,
    uid: &str,
    now: Timestamp,
) -> ScheduleStatus {
    let digest = digest_of(spec);
    let base = match recorded {
        Some(status) if status.digest == digest => status.base,
        _ => now,
    };
    let state = ScheduleState {
        base,
        last_planned: recorded.and_then(|status| status.last_planned),
        missed: recorded.map_or(0, |status| status.missed),
    };
    let decision = plan_schedule(valid, &state, uid, now);
    let after = state.after(&decision);
    ScheduleStatus {
        digest,
        base,
        last_planned: after.last_planned,
        due: decision.fire,
        last_run: recorded.and_then(|status| status.last_run.clone()),
        missed: after.missed,
        next: decision.next,
        upcoming: decision.upcoming,
    }
}

/// Returns what is recorded of a schedule once its due runs are made: `made` are those that are there now, the others are
/// missed.
#[must_use]
pub fn settled(status: &ScheduleStatus, made: &[ScheduledRun]) -> ScheduleStatus {
    let missed = status.due.len().saturating_sub(made.len());
    let newest = made.iter().max_by_key(|run| run.planned_at);
    let last_run = newest.cloned().or_else(|| status.last_run.clone());
    ScheduleStatus {
        due: Vec::new(),
        last_run,
        missed: status.missed.saturating_add(u64::try_from(missed).unwrap_or(u64::MAX)),
        ..status.clone()
    }
}

/// Returns the run of a workflow for a planned time: the same however often it is asked for.
#[must_use]
pub fn scheduled_run(workflow: &Workflow, planned_at: Timestamp) -> WorkflowRun {
    let name = workflow.metadata.name.clone().unwrap_or_default();
    let mut labels = vec![(labels::MANAGED_BY.to_owned(), labels::MANAGER.to_owned())];
    if name.len() <= labels::VALUE {
        labels.push((labels::WORKFLOW.to_owned(), name.clone()));
    }
    let spec = WorkflowRunSpec { planned_at: Some(planned_at), ..WorkflowRunSpec::of(&name) };
    let mut run = WorkflowRun::new(&run_name(&name, planned_at), spec);
    run.metadata = ObjectMeta {
        namespace: workflow.metadata.namespace.clone(),
        labels: Some(labels.into_iter().collect()),
        ..run.metadata
    };
    run
}

/// Returns whether a run is that of a workflow for a planned time.
#[must_use]
pub fn is_run_of(run: &WorkflowRun, due: &WorkflowRun) -> bool {
    run.spec.workflow_ref == due.spec.workflow_ref && run.spec.planned_at == due.spec.planned_at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("should be a time")
    }

    fn workflow(schedule: &serde_json::Value) -> Workflow {
        let spec = serde_json::json!({
            "workflow": "orders/daily", "description": "Orders of a day.", "schedule": schedule,
            "steps": [{"id": "a", "operator": "table/get"}],
        });
        let mut workflow = Workflow::new("orders", serde_json::from_value(spec).expect("a spec"));
        workflow.metadata.uid = Some("uid".to_owned());
        workflow.metadata.namespace = Some("default".to_owned());
        workflow
    }

    /// Makes a pass that dies before it records, or not, over a set of runs.
    fn pass(workflow: &mut Workflow, now: Timestamp, runs: &mut Vec<String>, dies: bool) {
        let status = workflow.status.clone().unwrap_or_default();
        let next = match plan_schedule_of(workflow, now) {
            ScheduleMove::Record(next) => next,
            ScheduleMove::Make(due) => {
                let mut made = Vec::new();
                for DueRun { run, planned_at, is_late } in due {
                    let name = run.metadata.name.expect("should have a name");
                    let is_there = runs.contains(&name);
                    if is_late && !is_there {
                        continue;
                    }
                    if !is_there {
                        runs.push(name.clone());
                    }
                    made.push(ScheduledRun { name, planned_at });
                }
                status.schedule.as_ref().map(|status| settled(status, &made))
            }
        };
        if !dies {
            workflow.status.get_or_insert_default().schedule = next;
        }
    }

    #[test]
    fn a_schedule_is_recorded_before_its_first_run() {
        let mut workflow = workflow(&serde_json::json!({"every": "60s"}));
        let mut runs = Vec::new();
        pass(&mut workflow, at(0), &mut runs, false);
        for second in [59, 60] {
            pass(&mut workflow, at(second), &mut runs, false);
            assert!(runs.is_empty());
        }
        pass(&mut workflow, at(60), &mut runs, false);
        assert_eq!(runs, ["orders-20270115-080100"]);
        let status = workflow.status.expect("a status").schedule.expect("a schedule");
        assert_eq!((status.due.len(), status.missed, status.next), (0, 0, Some(at(120))));
        assert_eq!(status.last_run.expect("a run").planned_at, at(60));
    }

    #[test]
    fn what_passed_before_an_edit_or_a_resumption_is_not_made_up_for() {
        let mut workflow = workflow(&serde_json::json!({"every": "60s", "suspend": true}));
        let mut runs = Vec::new();
        pass(&mut workflow, at(0), &mut runs, false);
        pass(&mut workflow, at(600), &mut runs, false);
        let schedule = serde_json::json!({"every": "60s", "catchUp": "All"});
        workflow.spec.schedule = serde_json::from_value(schedule).expect("a schedule");
        for second in [610, 669] {
            pass(&mut workflow, at(second), &mut runs, false);
        }
        let status = workflow.status.expect("a status").schedule.expect("a schedule");
        assert!(runs.is_empty() && status.due.is_empty() && status.missed == 0, "{status:?}");
        assert_eq!(status.next, Some(at(670)));
    }

    #[test]
    fn a_due_run_is_made_although_the_schedule_has_gone_meanwhile_and_then_nothing_is_recorded() {
        let mut workflow = workflow(&serde_json::json!({"every": "60s"}));
        let mut runs = Vec::new();
        for second in [0, 60] {
            pass(&mut workflow, at(second), &mut runs, false);
        }
        workflow.spec.schedule = None;
        for _ in 0..2 {
            pass(&mut workflow, at(61), &mut runs, false);
        }
        assert_eq!(runs.len(), 1);
        assert_eq!(workflow.status.expect("a status").schedule, None);
    }

    #[test]
    fn a_due_run_that_could_not_be_made_in_time_is_missed_unless_it_is_there() {
        for is_there in [false, true] {
            let schedule = serde_json::json!({"every": "60s", "startingDeadline": "30s"});
            let mut workflow = workflow(&schedule);
            let mut runs = Vec::new();
            for second in [0, 60] {
                pass(&mut workflow, at(second), &mut runs, false);
            }
            if is_there {
                pass(&mut workflow, at(61), &mut runs, true);
            }
            pass(&mut workflow, at(100), &mut runs, false);
            let status = workflow.status.expect("a status").schedule.expect("a schedule");
            assert_eq!(status.missed, u64::from(!is_there));
            assert_eq!(runs.len(), usize::from(is_there));
        }
    }

    proptest! {
        #[test]
        fn each_planned_time_is_one_run_or_missed_whenever_passes_die(
            passes in prop::collection::vec((0_i64..400, any::<bool>()), 1..40),
            catch_up in prop::sample::select(vec!["None", "Latest", "All"]),
        ) {
            let schedule = serde_json::json!({"every": "60s", "catchUp": catch_up, "catchUpLimit": 3});
            let mut workflow = workflow(&schedule);
            let (mut runs, mut now) = (Vec::new(), 0);
            pass(&mut workflow, at(0), &mut runs, false);
            for (step, dies) in passes {
                now += step;
                pass(&mut workflow, at(now), &mut runs, dies);
            }
            for _ in 0..3 {
                pass(&mut workflow, at(now), &mut runs, false);
            }
            let status = workflow.status.expect("a status").schedule.expect("a schedule");
            let passed = u64::try_from(now / 60).expect("not negative");
            prop_assert_eq!(status.missed + runs.len() as u64, passed);
            let distinct: std::collections::BTreeSet<_> = runs.iter().collect();
            prop_assert_eq!(distinct.len(), runs.len());
        }
    }
}
