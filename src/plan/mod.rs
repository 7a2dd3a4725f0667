//! What to do next: pure decisions over what is recorded and what was observed.
//!
//! No client, no clock (`now` is an argument), no environment, no await, no randomness. May import
//! `api`, `engines` and `validate`.

mod attempt;
mod decision;
mod failure;
mod lifetime;
mod observation;
mod operator_run;
mod patience;
mod queue;
mod retries;
mod schedule;
mod workflow;

pub use attempt::{attempt_token, needs_job};
pub use decision::{Decision, Next};
pub(crate) use failure::cut;
pub use failure::{classify, classify_reading, failure_of_job, fenced_by_former_process};
pub use lifetime::{
    DELETION_LIMIT, Keeping, has_result_to_go, is_held, is_leaving, policy_of, requested,
    results_of,
};
pub use observation::{Checked, Observation, Parent, Place, Sight};
pub use operator_run::{UNSEEN_LIMIT, is_about_to_begin, plan};
pub use queue::{AdmissionQueue, Bounds, Needs};
pub use retries::{after_failure, full_jitter};
pub use schedule::{
    DueRun, ScheduleMove, is_run_of, plan_schedule_of, run_name, scheduled_run, settled,
    times_to_backfill, to_clear,
};
pub use workflow::{
    Advance, Asked, ChildKey, ChildRun, ChildSight, Children, Earlier, NewChild, ParentReference,
    Peer, WantedChild, WorkflowChecked, WorkflowDecision, WorkflowNext, WorkflowObservation,
    child_name, fail_item, leaves_at, parent_of, parent_says, peer_of, plan_workflow, settle,
    wanted, wanted_of_earlier,
};
