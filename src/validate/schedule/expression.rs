//! When a workflow is run by itself: a cron expression in a time zone, or a length of time between runs.
//!
//! [`Schedule::parse`] makes a checked value of what a person wrote; [`Times`] answers what times it stands for. No answer
//! costs more when more times have passed. Pure: no clock is read, and the time zones are those in the binary.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::cron_text::read_cron;
use super::wall_clock::{WallClock, whole_second_before};
use crate::engines::nearest::nearest;
use crate::validate::problem::{Problem, Problems};

const CRON: &str = "spec.schedule.cron";
const EVERY: &str = "spec.schedule.every";
const TIME_ZONE: &str = "spec.schedule.timeZone";
/// The shortest and the longest time between two runs.
const BOUNDS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(366 * 24));
/// A cron expression has to fire at some time after this one, 2024-01-01.
const PROBE: i64 = 1_704_067_200;

/// A schedule that has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    rhythm: Rhythm,
}

#[derive(Debug, Clone, PartialEq)]
enum Rhythm {
    Cron(Box<WallClock>),
    /// Seconds between two times.
    Every(i64),
}

impl Schedule {
    /// Checks a schedule: exactly one of `cron` (five fields or a shorthand such as `@daily`) and `every` (10 seconds to
    /// 366 days, whole seconds). The time zone is one of the IANA database, by its exact name; UTC unless it is given.
    ///
    /// # Errors
    /// Every problem, each with the path of its field. A cron expression that never fires is a problem.
    pub fn parse(
        cron: Option<&str>,
        every: Option<Duration>,
        time_zone: Option<&str>,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let zone = collect(time_zone.map_or(Ok(TimeZone::UTC), read_zone), &mut problems);
        let rhythm = match (cron, every) {
            (Some(_), Some(_)) => {
                problems.push(Problem::new(EVERY, "stands beside `cron`; one of them says when"));
                None
            }
            (None, None) => {
                let hint = "give `cron: 0 2 * * *` or `every: 90s`";
                problems.push(Problem::new("spec.schedule", "says no time").hint(hint));
                None
            }
            (Some(cron), None) => collect(read_cron_in(cron, zone), &mut problems),
            (None, Some(every)) => {
                if time_zone.is_some() {
                    problems.push(Problem::new(TIME_ZONE, "means nothing with `every`"));
                }
                collect(read_every(every), &mut problems)
            }
        };
        match rhythm.filter(|_| problems.is_empty()) {
            Some(rhythm) => Ok(Self { rhythm }),
            None => Err(problems),
        }
    }

    /// Returns the times that the schedule stands for. `every` counts from the anchor, without the anchor itself, in whole
    /// seconds; `cron` does not depend on it.
    #[must_use]
    pub fn times(&self, anchor: Timestamp) -> Times<'_> {
        Times { schedule: self, anchor: whole_second_before(anchor).unwrap_or(anchor) }
    }

    /// Returns the schedule as a phrase, `at 02:00, on Monday (Europe/Vienna)` or `every 1m30s`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.rhythm {
            Rhythm::Cron(clock) => {
                let words = clock.describe();
                let words = words
                    .strip_prefix("At every")
                    .map_or_else(|| words.clone(), |rest| format!("every{rest}"));
                let (first, rest) = words.split_at(words.len().min(1));
                let zone = clock.zone().iana_name().unwrap_or("UTC");
                format!("{}{} ({zone})", first.to_lowercase(), rest.trim_end_matches('.'))
            }
            Rhythm::Every(seconds) => format!("every {}", length_in_words(*seconds)),
        }
    }
}

/// The times of a schedule, all in whole seconds.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    schedule: &'a Schedule,
    anchor: Timestamp,
}

impl Times<'_> {
    /// Returns the first time after the given one; none if there is none before the year 5000.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        match &self.schedule.rhythm {
            Rhythm::Cron(clock) => {
                clock.first(whole_second_before(time)?.checked_add(SECOND).ok()?)
            }
            Rhythm::Every(every) => self.nth(self.passed(time, *every) + 1, *every),
        }
    }

    /// Returns the last time that is after the first given one and at or before the second.
    #[must_use]
    pub fn latest_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        if until <= after {
            return None;
        }
        let latest = match &self.schedule.rhythm {
            Rhythm::Cron(clock) => clock.last(until),
            Rhythm::Every(every) => match self.passed(until, *every) {
                0 => None,
                passed => self.nth(passed, *every),
            },
        };
        latest.filter(|latest| *latest > after)
    }

    /// Returns how many times there are after the first given one and at or before the second.
    #[must_use]
    pub fn count_between(&self, after: Timestamp, until: Timestamp) -> u64 {
        if until <= after {
            return 0;
        }
        match &self.schedule.rhythm {
            Rhythm::Cron(clock) => clock.count(after, until),
            Rhythm::Every(every) => {
                let count = self.passed(until, *every) - self.passed(after, *every);
                u64::try_from(count).unwrap_or_default()
            }
        }
    }

    /// Returns the first times after the given one, oldest first, at most so many.
    #[must_use]
    pub fn upcoming(&self, after: Timestamp, at_most: usize) -> Vec<Timestamp> {
        let first = self.next_after(after);
        std::iter::successors(first, |time| self.next_after(*time)).take(at_most).collect()
    }

    /// How many times of a length have passed since the anchor.
    fn passed(&self, time: Timestamp, every: i64) -> i64 {
        let second = whole_second_before(time).unwrap_or(time).as_second();
        second.saturating_sub(self.anchor.as_second()).max(0) / every
    }

    fn nth(&self, number: i64, every: i64) -> Option<Timestamp> {
        let length = number.checked_mul(every)?;
        Timestamp::from_second(self.anchor.as_second().checked_add(length)?).ok()
    }
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn collect<T>(read: Result<T, Vec<Problem>>, problems: &mut Problems) -> Option<T> {
    read.map_err(|found| problems.extend(found)).ok()
}

fn read_cron_in(text: &str, zone: Option<TimeZone>) -> Result<Rhythm, Vec<Problem>> {
    let read = read_cron(CRON, text)?;
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let refuse = |message: String| vec![Problem::new(CRON, message)];
    let cron = parser
        .parse(&read.canonical)
        .map_err(|error| refuse(format!("`{text}` is not a cron expression: {error}")))?;
    let clock = WallClock::new(cron, zone.unwrap_or(TimeZone::UTC), read.is_fixed);
    if !clock.has_days() {
        return Err(refuse(format!("`{text}` never fires: no month has such a day")));
    }
    let probe = Timestamp::from_second(PROBE).unwrap_or_default();
    if clock.first(probe).is_none() {
        return Err(refuse(format!("`{text}` never fires: the clock is always put forward then")));
    }
    Ok(Rhythm::Cron(Box::new(clock)))
}

fn read_every(every: Duration) -> Result<Rhythm, Vec<Problem>> {
    let refuse = |message: &str| vec![Problem::new(EVERY, message)];
    if every < BOUNDS.0 {
        return Err(refuse("is shorter than 10s"));
    }
    if every > BOUNDS.1 {
        return Err(refuse("is longer than 366d"));
    }
    if every.subsec_nanos() > 0 {
        return Err(refuse("is not a number of whole seconds"));
    }
    let seconds = i64::try_from(every.as_secs()).map_err(|_| refuse("is longer than 366d"))?;
    Ok(Rhythm::Every(seconds))
}

fn read_zone(name: &str) -> Result<TimeZone, Vec<Problem>> {
    let zones = TimeZoneDatabase::bundled();
    let zone = zones.get(name).ok();
    let zone = zone.filter(|zone| !zone.is_unknown() && zone.iana_name() == Some(name));
    zone.ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        let message = format!("`{shown}` is not a time zone of the IANA database");
        let known: Vec<String> = zones.available().map(|zone| zone.to_string()).collect();
        let hint = near_zone(&shown, &known).map(|near| format!("did you mean `{near}`?"));
        let otherwise = || Some("for example `Europe/Vienna` or `UTC`".to_owned());
        vec![Problem::new(TIME_ZONE, message).hint_if(hint.or_else(otherwise))]
    })
}

/// The zone whose city was given, or whose name is nearest.
fn near_zone<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let city = name.rsplit('/').next().unwrap_or(name).replace(' ', "_");
    let has_city = |zone: &&String| {
        zone.rsplit('/').next().is_some_and(|other| other.eq_ignore_ascii_case(&city))
    };
    let same = known.iter().find(has_city).map(String::as_str);
    same.or_else(|| nearest(name, known.iter().map(String::as_str)))
}

fn length_in_words(seconds: i64) -> String {
    let units = [("d", 86_400, i64::MAX), ("h", 3_600, 24), ("m", 60, 60), ("s", 1, 60)];
    let counts = units.map(|(unit, length, beyond)| (unit, seconds / length % beyond));
    let shown = counts.iter().filter(|(_, count)| *count > 0);
    shown.map(|(unit, count)| format!("{count}{unit}")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("should be a time")
    }

    fn every(seconds: u64) -> Schedule {
        Schedule::parse(None, Some(Duration::from_secs(seconds)), None).expect("should be valid")
    }

    fn problems(cron: Option<&str>, every: Option<Duration>, zone: Option<&str>) -> String {
        Schedule::parse(cron, every, zone).expect_err("should be refused").to_string()
    }

    #[test]
    fn exactly_one_of_cron_and_every_says_when() {
        let both = problems(Some("@daily"), Some(Duration::from_mins(1)), None);
        assert_eq!(both, "spec.schedule.every: stands beside `cron`; one of them says when");
        assert!(problems(None, None, None).starts_with("spec.schedule: says no time"));
        let zone = problems(None, Some(Duration::from_mins(1)), Some("UTC"));
        assert_eq!(zone, "spec.schedule.timeZone: means nothing with `every`");
    }

    #[rstest]
    #[case(Duration::from_secs(9), "is shorter than 10s")]
    #[case(Duration::from_millis(10_500), "is not a number of whole seconds")]
    #[case(Duration::from_hours(367 * 24), "is longer than 366d")]
    fn every_has_bounds(#[case] length: Duration, #[case] message: &str) {
        assert_eq!(problems(None, Some(length), None), format!("spec.schedule.every: {message}"));
    }

    #[rstest]
    #[case("Europe/Wienna", "did you mean `Europe/Vienna`?")]
    #[case("europe/vienna", "did you mean `Europe/Vienna`?")]
    #[case("Vienna", "did you mean `Europe/Vienna`?")]
    #[case("new york", "did you mean `America/New_York`?")]
    #[case("Local", "for example `Europe/Vienna` or `UTC`")]
    #[case("", "for example `Europe/Vienna` or `UTC`")]
    fn unknown_zones_are_refused_with_a_hint(#[case] name: &str, #[case] hint: &str) {
        let expected = format!(
            "spec.schedule.timeZone: `{name}` is not a time zone of the IANA database (hint: {hint})"
        );
        assert_eq!(problems(Some("@daily"), None, Some(name)), expected);
    }

    #[test]
    fn every_problem_is_said_at_once() {
        let all = problems(Some("60 24 * * *"), None, Some("Nowhere"));
        assert_eq!(all.lines().count(), 3, "{all}");
    }

    #[rstest]
    #[case("0 0 30 2 *", None, "no month has such a day")]
    #[case("0 0 31 4,6 *", None, "no month has such a day")]
    #[case("*/30 2 * 3 SUNL", Some("Europe/Vienna"), "the clock is always put forward then")]
    fn what_never_fires_is_a_problem(
        #[case] cron: &str,
        #[case] zone: Option<&str>,
        #[case] why: &str,
    ) {
        let message = format!("spec.schedule.cron: `{cron}` never fires: {why}");
        assert_eq!(problems(Some(cron), None, zone), message);
    }

    #[test]
    fn every_counts_from_the_anchor() {
        let every = every(90);
        let times = every.times(at("2026-12-01T10:00:00.7Z"));
        assert_eq!(times.next_after(at("2020-01-01T00:00:00Z")), Some(at("2026-12-01T10:01:30Z")));
        assert_eq!(times.next_after(at("2026-12-01T10:01:30Z")), Some(at("2026-12-01T10:03:00Z")));
        let (after, until) = (at("2026-12-01T10:01:30Z"), at("2026-12-01T11:00:00Z"));
        assert_eq!(times.latest_between(after, until), Some(until));
        assert_eq!(times.count_between(after, until), 39);
        assert_eq!(times.latest_between(until, at("2026-12-01T11:01:29Z")), None);
        assert_eq!(
            times.latest_between(at("2026-01-01T00:00:00Z"), at("2026-12-01T10:01:29Z")),
            None
        );
    }

    #[rstest]
    #[case("0 2 * * MON", "at 02:00, on Monday (Europe/Vienna)")]
    #[case("@daily", "at 00:00 (Europe/Vienna)")]
    #[case("*/15 * * * *", "every 15 minutes (Europe/Vienna)")]
    fn schedules_are_shown_in_words(#[case] cron: &str, #[case] words: &str) {
        let schedule = Schedule::parse(Some(cron), None, Some("Europe/Vienna"));
        assert_eq!(schedule.expect("should be valid").in_words(), words);
        assert_eq!(every(5_430).in_words(), "every 1h30m30s");
    }
}
