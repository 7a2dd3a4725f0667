//! Schedules of workflows: which planned times become runs, and when to look again.

mod backfill;
mod decision;
mod history;
mod pass;

pub use backfill::times_to_backfill;
pub use decision::run_name;
pub use history::to_clear;
pub use pass::{DueRun, ScheduleMove, is_run_of, plan_schedule_of, scheduled_run, settled};
