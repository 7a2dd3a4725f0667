//! `mason explain schedule '0 2 * * *'`: what a schedule means, and its next times.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::duration::DurationText;
use crate::api::v1alpha1::{CatchUp, WorkflowSchedule};
use crate::cli::failure::Failure;
use crate::validate::{Problems, validate_schedule};

/// How many times are shown.
const SHOWN: usize = 5;

/// Returns what a schedule means and its next five times: a cron expression, or a length of time such as `90s`.
///
/// # Errors
/// Every problem of it.
pub(super) fn explain_schedule(
    text: &str,
    time_zone: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<String> {
    let every: Option<DurationText> = text.parse().ok();
    let schedule = WorkflowSchedule {
        cron: every.is_none().then(|| text.to_owned()),
        every,
        time_zone: time_zone.map(str::to_owned),
        starting_deadline: None,
        catch_up: CatchUp::default(),
        catch_up_limit: 1,
        jitter: None,
        suspend: false,
    };
    let valid = validate_schedule(&schedule).map_err(refuse)?;
    let zone = time_zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let times = valid.schedule.times(now).upcoming(now, SHOWN);
    let mut lines = vec![valid.schedule.in_words()];
    for time in times {
        let there = time.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string();
        lines.push(format!("  {there}  in {}", in_words(time, now)));
    }
    Ok(lines.join("\n"))
}

fn refuse(problems: Problems) -> anyhow::Error {
    let said = problems.into_iter().map(|problem| {
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let field = problem.path.rsplit('.').next().unwrap_or_default();
        format!("{field} {}{hint}", problem.message)
    });
    let message = format!("the schedule is wrong: {}", said.collect::<Vec<_>>().join("; "));
    let hint = "for example: mason explain schedule '0 2 * * MON' --time-zone Europe/Vienna";
    Failure::usage(message, hint).into()
}

/// Returns how long it is until a time, by its two largest units.
fn in_words(time: Timestamp, now: Timestamp) -> String {
    let left = Duration::try_from(time.duration_since(now)).unwrap_or_default().as_secs();
    let units =
        [("d", left / 86_400), ("h", left / 3_600 % 24), ("m", left / 60 % 60), ("s", left % 60)];
    let shown: Vec<String> = units
        .iter()
        .skip_while(|(_, count)| *count == 0)
        .take(2)
        .filter(|(_, count)| *count > 0)
        .map(|(unit, count)| format!("{count}{unit}"))
        .collect();
    if shown.is_empty() { "0s".to_owned() } else { shown.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_explained_with_the_times_of_its_zone() {
        let now: Timestamp = "2026-10-24T20:00:00Z".parse().expect("a time");
        let text = explain_schedule("30 2 * * *", Some("Europe/Vienna"), now).expect("valid");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "at 02:30 (Europe/Vienna)");
        assert_eq!(lines[1], "  Sun 2026-10-25 02:30:00 +02:00  in 4h30m");
        assert_eq!(lines[2], "  Mon 2026-10-26 02:30:00 +01:00  in 1d5h");
        let every = explain_schedule("90s", None, now).expect("valid");
        assert!(every.starts_with("every 1m30s\n  Sat 2026-10-24 20:01:30 +00:00  in 1m30s"));
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_said_with_a_hint() {
        let now = Timestamp::UNIX_EPOCH;
        let error = explain_schedule("0 0 30 2 *", Some("Vienna"), now).expect_err("wrong");
        let text = format!("{error:#}");
        assert!(text.contains("never fires") && text.contains("`Europe/Vienna`"), "{text}");
    }
}
