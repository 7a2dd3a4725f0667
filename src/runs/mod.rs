//! Runs: the one thin layer of effects that every door shares.
//!
//! `gather` reads, `plan` decides (pure), `act` performs one effect, `record` says what is known now
//! (pure), and one status write by compare-and-swap keeps it. Between any two of these the process
//! may die. Decides nothing itself; may import `api`, `engines`, `validate`, `plan`, `operators`
//! and `store`.

mod act;
mod admission;
mod budget;
mod context;
mod drive;
mod gather;
mod lifetime;
mod look_up;
#[cfg(test)]
mod mutations;
mod present;
mod prune;
mod reconciled;
mod record;
mod resources;
mod results;
mod schedule;
mod session;
mod watch;
mod workflow_run;

pub use act::{Outcome, Step, act};
pub use admission::{Admission, Namespaces, Places, Unbounded};
pub use budget::ProgressBudget;
pub use context::{
    Clock, LookUp, Observer, OpenEngines, RunContext, RunError, SystemClock, Unwatched,
    action_descriptions,
};
pub use drive::{AFTER_CONFLICT, drive, reconcile};
pub use gather::gather;
pub use look_up::EachTime;
pub use present::RESULT_BYTES;
pub use reconciled::{LeftBehind, Reconciled, Wake};
pub use record::record;
pub use resources::{Library, Resources};
pub use schedule::{Kept, ScheduleError, SchedulePass, keep_workflow};
pub use session::{Pending, Session};
pub use watch::unseen;
pub use workflow_run::{
    WorkflowObserver, WorkflowPass, check_workflow, check_workflow_run, drive_workflow,
    reconcile_workflow,
};

#[cfg(test)]
mod tests;
