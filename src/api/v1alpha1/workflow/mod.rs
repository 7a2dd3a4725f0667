//! `Workflow`: operators as the steps of a graph, with conditions, clean-up and outputs.

mod approval;
mod concurrency;
mod for_each;
mod schedule;
mod spec;
mod status;

pub use approval::{Approval, OnTimeout};
pub use concurrency::{Concurrency, ConcurrencyPolicy};
pub use for_each::ForEach;
pub use schedule::{CatchUp, History, ScheduleStatus, ScheduledRun, WorkflowSchedule};
pub use spec::{Workflow, WorkflowSpec, WorkflowStep};
pub use status::{WorkflowColumns, WorkflowStatus};
