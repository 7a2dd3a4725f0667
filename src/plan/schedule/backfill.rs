//! Planned times of a stretch of time that is past, for runs that are made up for.

use jiff::{SignedDuration, Timestamp};

use crate::validate::Schedule;

/// Returns the planned times from the first to the second given time, both included, the oldest first. `base` is when the
/// schedule was created, last edited or resumed: `every` counts from it.
///
/// # Errors
/// How many there are, when those are more than `at_most`.
pub fn times_to_backfill(
    schedule: &Schedule,
    base: Timestamp,
    (from, to): (Timestamp, Timestamp),
    at_most: usize,
) -> Result<Vec<Timestamp>, u64> {
    let times = schedule.times(base);
    let before = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(from);
    let count = times.count_between(before, to);
    if count > u64::try_from(at_most).unwrap_or(u64::MAX) {
        return Err(count);
    }
    let mut planned = times.upcoming(before, at_most);
    planned.retain(|time| *time <= to);
    Ok(planned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("should be a time")
    }

    #[test]
    fn both_ends_belong_to_what_is_made_up_for_and_too_much_is_refused() {
        let schedule = Schedule::parse(Some("0 2 * * *"), None, None).expect("should be valid");
        let stretch = (at("2026-12-01T02:00:00Z"), at("2026-12-03T02:00:00Z"));
        let found = |at_most| times_to_backfill(&schedule, stretch.1, stretch, at_most);
        let days = ["2026-12-01T02:00:00Z", "2026-12-02T02:00:00Z", "2026-12-03T02:00:00Z"];
        assert_eq!(found(3), Ok(days.map(at).to_vec()));
        assert_eq!(found(2), Err(3));
        let none = (at("2026-12-01T02:00:01Z"), at("2026-12-01T23:00:00Z"));
        assert_eq!(times_to_backfill(&schedule, stretch.1, none, 3), Ok(Vec::new()));
    }
}
