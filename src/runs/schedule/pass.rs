//! One pass over a workflow's schedule: plan, make the runs that are due.

use jiff::Timestamp;

use crate::api::v1alpha1::{ScheduleStatus, ScheduledRun, Workflow, WorkflowRun};
use crate::faults;
use crate::plan::{DueRun, ScheduleMove, is_run_of, plan_schedule_of, settled};
use crate::store::{Key, Kind, Resource, Store, StoreError};

/// What a pass over a schedule came to.
#[derive(Debug, Clone, PartialEq)]
pub struct SchedulePass {
    /// What is to be recorded of the schedule; nothing without one.
    pub status: Option<ScheduleStatus>,
    /// The runs that are there because of this pass, oldest first.
    pub made: Vec<ScheduledRun>,
    /// Names of runs that were due, and that a run of something else has.
    pub taken: Vec<String>,
}

impl SchedulePass {
    /// Returns how many planned times are missed since a status was recorded.
    #[must_use]
    pub fn missed_since(&self, before: Option<&ScheduleStatus>) -> u64 {
        let missed = |status: Option<&ScheduleStatus>| status.map_or(0, |status| status.missed);
        missed(self.status.as_ref()).saturating_sub(missed(before))
    }

    /// Returns when the next pass is due: at once while runs are due.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let status = self.status.as_ref()?;
        if status.due.is_empty() && self.made.is_empty() { status.next } else { Some(now) }
    }
}

/// A pass over a workflow failed; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The run of a planned time could not be made.
    #[error("failed to make run `{name}` of the schedule of workflow `{workflow}`")]
    Run {
        /// The run's name.
        name: String,
        /// The workflow's.
        workflow: String,
        /// What the store said.
        source: StoreError,
    },
    /// What the workflow names could not be read, or its status not be stored.
    #[error("failed to check workflow `{workflow}`")]
    Store {
        /// The workflow's name.
        workflow: String,
        /// What the store said.
        source: StoreError,
    },
}

/// Makes one pass over a workflow's schedule as it was read. What it returns is to be recorded before the next one, on
/// condition that the workflow has not changed since it was read. May be repeated at any time: no run is made twice.
///
/// # Errors
/// When the store fails, or refuses a run; what is due stays due.
pub(super) async fn pass_schedule(
    store: &dyn Store,
    workflow: &Workflow,
    now: Timestamp,
) -> Result<SchedulePass, ScheduleError> {
    let due = match plan_schedule_of(workflow, now) {
        ScheduleMove::Record(status) => {
            return Ok(SchedulePass { status, made: Vec::new(), taken: Vec::new() });
        } // pure
        ScheduleMove::Make(due) => due,
    };
    let (mut made, mut taken) = (Vec::new(), Vec::new());
    for one in due {
        let name = one.run.metadata.name.clone().unwrap_or_default();
        let found = make(store, &one).await.map_err(|source| ScheduleError::Run {
            name: name.clone(),
            workflow: workflow.metadata.name.clone().unwrap_or_default(),
            source,
        })?; // creates a run, or finds it
        match found {
            Made::There => made.push(ScheduledRun { name, planned_at: one.planned_at }),
            Made::Taken => taken.push(name),
            Made::Late => {}
        }
    }
    let recorded = workflow.status.as_ref().and_then(|status| status.schedule.as_ref());
    let status = recorded.map(|recorded| settled(recorded, &made)); // pure
    Ok(SchedulePass { status, made, taken })
}

enum Made {
    /// The run is there.
    There,
    /// Another run has its name.
    Taken,
    /// It is not there, and too late to make it.
    Late,
}

async fn make(store: &dyn Store, due: &DueRun) -> Result<Made, StoreError> {
    if !due.is_late {
        faults::reach("schedule", "before-act");
        match store.create(&Resource::WorkflowRun(Box::new(due.run.clone()))).await {
            Ok(_) => {
                faults::reach("schedule", "after-act");
                return Ok(Made::There);
            }
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(match existing(store, &due.run).await? {
        Some(run) if is_run_of(&run, &due.run) => Made::There,
        Some(_) => Made::Taken,
        None => Made::Late,
    })
}

async fn existing(
    store: &dyn Store,
    run: &WorkflowRun,
) -> Result<Option<Box<WorkflowRun>>, StoreError> {
    let name = run.metadata.name.clone().unwrap_or_default();
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    match store.get(&Key { kind: Kind::WorkflowRun, namespace, name }).await? {
        Some(Resource::WorkflowRun(run)) => Ok(Some(run)),
        _ => Ok(None),
    }
}
