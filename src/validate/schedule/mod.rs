//! Schedules of workflows: from what a person wrote to the times that it stands for.

mod cron_text;
mod expression;
mod valid_schedule;
mod wall_clock;

pub use expression::{Schedule, Times};
pub use valid_schedule::{ValidSchedule, validate_schedule};
