//! Schedules of workflows: plan, make the runs that are due, say what is to be recorded.

mod history;
mod keep;
mod pass;

pub use keep::{Kept, keep_workflow};
pub use pass::{ScheduleError, SchedulePass};
