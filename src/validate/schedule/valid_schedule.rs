//! A schedule of a workflow that has been found valid.

use std::time::Duration;

use super::expression::Schedule;
use crate::api::duration::DurationText;
use crate::api::v1alpha1::{CatchUp, WorkflowSchedule};
use crate::validate::problem::{Problem, Problems};

/// The longest time that a run is held back.
const LONGEST_JITTER: Duration = Duration::from_hours(24);

/// A schedule that has been found valid.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidSchedule {
    /// The planned times.
    pub schedule: Schedule,
    /// How late a run may start; what is later counts as missed. Measured from the planned time with its jitter.
    pub starting_deadline: Option<Duration>,
    /// What happens to planned times that passed.
    pub catch_up: CatchUp,
    /// How many runs [`CatchUp::All`] makes at most in one pass, at least 1.
    pub catch_up_limit: u32,
    /// The longest time that a run is held back, in whole seconds. Zero: none.
    pub jitter: Duration,
    /// Whether nothing is planned.
    pub suspend: bool,
}

/// Returns a schedule with every question answered.
///
/// # Errors
/// Every problem, each with the path of its field, `spec.schedule.cron`.
pub fn validate_schedule(schedule: &WorkflowSchedule) -> Result<ValidSchedule, Problems> {
    let mut problems = Problems::default();
    let every = schedule.every.as_ref().map(DurationText::to_duration);
    let read = Schedule::parse(schedule.cron.as_deref(), every, schedule.time_zone.as_deref());
    let read = read.map_err(|found| problems.extend(found)).ok();
    let starting_deadline = schedule.starting_deadline.as_ref().map(DurationText::to_duration);
    if starting_deadline.is_some_and(|deadline| deadline < Duration::from_secs(1)) {
        let problem = Problem::new("spec.schedule.startingDeadline", "is shorter than 1s");
        problems.push(problem.hint("leave it out for no limit"));
    }
    let jitter = schedule.jitter.as_ref().map(DurationText::to_duration).unwrap_or_default();
    if jitter.subsec_nanos() > 0 || jitter > LONGEST_JITTER {
        let message = "is not a number of whole seconds, at most 24h";
        problems.push(Problem::new("spec.schedule.jitter", message));
    }
    match read.filter(|_| problems.is_empty()) {
        None => Err(problems),
        Some(read) => Ok(ValidSchedule {
            schedule: read,
            starting_deadline,
            catch_up: schedule.catch_up,
            catch_up_limit: schedule.catch_up_limit,
            jitter,
            suspend: schedule.suspend,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_schedule_is_said_at_once() {
        let schedule = serde_json::json!({
            "cron": "0 25 * * *", "timeZone": "Europe/Wien", "startingDeadline": "1ms", "jitter": "25h",
        });
        let schedule = serde_json::from_value(schedule).expect("should be read");
        let problems = validate_schedule(&schedule).expect_err("should be refused");
        let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
        let expected = ["timeZone", "cron", "startingDeadline", "jitter"];
        assert_eq!(paths, expected.map(|field| format!("spec.schedule.{field}")));
    }
}
