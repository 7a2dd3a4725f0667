//! Clock changes, against tables by hand and against every minute tried one by one.

use jiff::tz::{AmbiguousOffset, TimeZoneDatabase};
use proptest::prelude::*;
use rstest::rstest;

use super::super::cron_text::read_cron;
use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("should be a zone")
}

fn clock(expression: &str, name: &str) -> WallClock {
    let read = read_cron("cron", expression).expect("should be read");
    WallClock::new(read.canonical.parse().expect("should parse"), zone(name), read.is_fixed)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("should be a time")
}

/// The times of a day of the zone, as its clock shows them, with the offset.
fn on(clock: &WallClock, day: &str) -> Vec<String> {
    let day: Date = day.parse().expect("should be a day");
    let start = day.to_zoned(clock.zone.clone()).expect("should exist").timestamp();
    let end = day.tomorrow().and_then(|next| next.to_zoned(clock.zone.clone()));
    let end = end.expect("should exist").timestamp();
    let times = std::iter::successors(clock.first(start), |time| clock.first(*time + SECOND));
    let shown =
        |time: Timestamp| time.to_zoned(clock.zone.clone()).strftime("%H:%M%:z").to_string();
    times.take_while(|time| *time < end).map(shown).collect()
}

#[rstest]
// The clock goes from 02:00 to 03:00.
#[case("Europe/Vienna", "2026-03-29", "30 2 * * *", &["03:00+02:00"])]
#[case("Europe/Vienna", "2027-03-28", "30 2 * * *", &["03:00+02:00"])]
#[case("Europe/Vienna", "2026-03-29", "0 2 * * *", &["03:00+02:00"])]
#[case("Europe/Vienna", "2026-03-29", "0 3 * * *", &["03:00+02:00"])]
#[case("Europe/Vienna", "2026-03-29", "0,30 2,3 * * *", &["03:00+02:00", "03:30+02:00"])]
#[case("Europe/Vienna", "2026-03-29", "30 2,14 * * SUN", &["03:00+02:00", "14:30+02:00"])]
#[case("Europe/Vienna", "2026-03-29", "*/30 1-3 * * *", &["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"])]
#[case("Europe/Vienna", "2027-03-28", "*/30 1-3 * * *", &["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"])]
#[case("Europe/Vienna", "2026-03-29", "*/20 2 * * *", &[])]
// The clock goes from 03:00 back to 02:00.
#[case("Europe/Vienna", "2026-10-25", "30 2 * * *", &["02:30+02:00"])]
#[case("Europe/Vienna", "2027-10-31", "30 2 * * *", &["02:30+02:00"])]
#[case("Europe/Vienna", "2026-10-25", "0 2 * * *", &["02:00+02:00"])]
#[case("Europe/Vienna", "2026-10-25", "0 3 * * *", &["03:00+01:00"])]
#[case("Europe/Vienna", "2026-10-25", "0,30 2,3 * * *", &["02:00+02:00", "02:30+02:00", "03:00+01:00", "03:30+01:00"])]
#[case("Europe/Vienna", "2026-10-25", "*/30 2 * * *", &["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"])]
#[case("Europe/Vienna", "2027-10-31", "*/30 2 * * *", &["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"])]
// The clock goes from 02:00 to 02:30.
#[case("Australia/Lord_Howe", "2026-10-04", "15 2 * * *", &["02:30+11:00"])]
#[case("Australia/Lord_Howe", "2027-10-03", "15 2 * * *", &["02:30+11:00"])]
#[case("Australia/Lord_Howe", "2026-10-04", "45 2 * * *", &["02:45+11:00"])]
#[case("Australia/Lord_Howe", "2026-10-04", "*/30 1-2 * * *", &["01:00+10:30", "01:30+10:30", "02:30+11:00"])]
// The clock goes from 02:00 back to 01:30.
#[case("Australia/Lord_Howe", "2026-04-05", "45 1 * * *", &["01:45+11:00"])]
#[case("Australia/Lord_Howe", "2027-04-04", "45 1 * * *", &["01:45+11:00"])]
#[case("Australia/Lord_Howe", "2026-04-05", "*/30 1-2 * * *", &["01:00+11:00", "01:30+11:00", "01:30+10:30", "02:00+10:30", "02:30+10:30"])]
// The clock goes from 23:00 on Saturday to midnight: the run of Saturday starts on Sunday.
#[case("America/Nuuk", "2026-03-29", "30 23 * * SAT", &["00:00-01:00"])]
// The clock goes from midnight to 01:00.
#[case("Africa/Cairo", "2026-04-24", "@daily", &["01:00+03:00"])]
fn clock_changes(
    #[case] name: &str,
    #[case] day: &str,
    #[case] expression: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(on(&clock(expression, name), day), expected);
}

#[test]
fn every_half_hour_goes_by_real_time_through_every_change() {
    for name in ["Europe/Vienna", "Australia/Lord_Howe"] {
        let clock = clock("*/30 * * * *", name);
        let mut time = at("2026-01-01T00:00:00Z");
        while time < at("2028-01-01T00:00:00Z") {
            let next = clock.first(time + SECOND).expect("should fire");
            assert_eq!(next.as_second() - time.as_second(), 1_800, "{name} after {time}");
            time = next;
        }
    }
}

#[test]
fn searching_back_finds_the_end_of_a_gap() {
    let clock = clock("30 2 * * *", "Europe/Vienna");
    assert_eq!(clock.last(at("2026-03-29T12:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
    assert_eq!(clock.last(at("2026-03-29T00:59:59Z")), Some(at("2026-03-28T01:30:00Z")));
}

#[test]
fn the_last_time_may_be_in_the_first_pass_of_an_overlap() {
    let clock = clock("50 2 * * *", "Europe/Vienna");
    assert_eq!(clock.last(at("2026-10-25T01:10:00Z")), Some(at("2026-10-25T00:50:00Z")));
}

#[test]
fn rare_days_are_found() {
    let leap = clock("0 0 29 2 *", "Europe/Vienna");
    assert_eq!(leap.first(at("2096-03-01T00:00:00Z")), Some(at("2104-02-28T23:00:00Z")));
    assert_eq!(leap.last(at("2104-02-01T00:00:00Z")), Some(at("2096-02-28T23:00:00Z")));
    let fifth = clock("*/5 * * 2 FRI#5", "Europe/Vienna");
    assert_eq!(fifth.first(at("2092-03-01T00:00:00Z")), Some(at("2104-02-28T23:00:00Z")));
    assert!(fifth.has_days());
    assert!(!clock("0 0 30 2 *", "UTC").has_days());
    assert!(!clock("0 0 31 2,4,6,9,11 *", "UTC").has_days());
}

#[rstest]
#[case("0 0 L * *", &["2026-01-31", "2026-02-28", "2026-03-31"])]
#[case("0 0 LW * *", &["2026-01-30", "2026-02-27", "2026-03-31"])]
#[case("0 0 15W * *", &["2026-01-15", "2026-02-16", "2026-03-16"])]
#[case("0 0 * * FRI#2", &["2026-01-09", "2026-02-13", "2026-03-13"])]
#[case("0 0 * * 7L", &["2026-01-25", "2026-02-22", "2026-03-29"])]
#[case("0 0 1 * SUN#1", &["2026-01-01", "2026-01-04", "2026-02-01"])]
fn special_days(#[case] expression: &str, #[case] expected: &[&str]) {
    let clock = clock(expression, "UTC");
    let first = clock.first(at("2026-01-01T00:00:00Z"));
    let days = std::iter::successors(first, |time| clock.first(*time + SECOND)).take(3);
    let days: Vec<String> = days.map(|time| time.strftime("%F").to_string()).collect();
    assert_eq!(days, expected);
}

/// An expression, with the values of its fields.
#[derive(Debug, Clone)]
struct Expression {
    text: String,
    is_fixed: bool,
    fields: [Vec<i8>; 5],
    is_any_day: [bool; 2],
}

impl Expression {
    fn matches(&self, wall: DateTime) -> bool {
        let [minutes, hours, days, months, weekdays] = &self.fields;
        let day = days.contains(&wall.day());
        let weekday = weekdays.contains(&wall.weekday().to_sunday_zero_offset());
        let is_day = match self.is_any_day {
            [false, false] => day || weekday,
            _ => day && weekday,
        };
        is_day
            && minutes.contains(&wall.minute())
            && hours.contains(&wall.hour())
            && months.contains(&wall.month())
    }

    /// Every time of a range, found by trying every minute.
    fn tried(&self, zone: &TimeZone, (from, until): (Timestamp, Timestamp)) -> Vec<Timestamp> {
        let mut times = Vec::new();
        if self.is_fixed {
            let mut wall =
                zone.to_datetime(from - AROUND).with().second(0).build().expect("should be");
            let end = zone.to_datetime(until + AROUND);
            while wall < end {
                if self.matches(wall) {
                    times.push(instant(zone, wall));
                }
                wall = wall.checked_add(60.seconds()).expect("should be");
            }
            times.dedup();
            times.retain(|time| *time > from && *time <= until);
        } else {
            let mut second = (from.as_second().div_euclid(60) + 1) * 60;
            while second <= until.as_second() {
                let time = Timestamp::from_second(second).expect("should be");
                if self.matches(zone.to_datetime(time)) {
                    times.push(time);
                }
                second += 60;
            }
        }
        times
    }
}

fn instant(zone: &TimeZone, wall: DateTime) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let earlier = ambiguous.earlier().expect("should be");
    let change = zone.following(earlier).next().map(|change| change.timestamp());
    change.filter(|_| is_gap).unwrap_or(earlier)
}

fn field(least: i8, most: i8) -> impl Strategy<Value = (String, Vec<i8>)> {
    let all: Vec<i8> = (least..=most).collect();
    let list = proptest::collection::btree_set(least..=most, 1..4).prop_map(|set| {
        let values: Vec<i8> = set.into_iter().collect();
        let text: Vec<String> = values.iter().map(ToString::to_string).collect();
        (text.join(","), values)
    });
    let range = (least..=most, least..=most, 1_i8..5).prop_map(move |(a, b, step)| {
        let (a, b) = (a.min(b), a.max(b));
        let step_values = (a..=b).step_by(step.unsigned_abs().into()).collect();
        (if step == 1 { format!("{a}-{b}") } else { format!("{a}-{b}/{step}") }, step_values)
    });
    let steps = (2_i8..6).prop_map(move |step| {
        (format!("*/{step}"), (least..=most).step_by(step.unsigned_abs().into()).collect())
    });
    prop_oneof![Just(("*".to_owned(), all)), list, range, steps]
}

prop_compose! {
    fn expression()(
        minute in field(0, 59), hour in prop_oneof![field(0, 4), field(0, 23)], day in field(1, 28),
        month in prop_oneof![3 => Just(("*".to_owned(), (1..=12).collect::<Vec<i8>>())), 1 => field(1, 12)],
        weekday in prop_oneof![2 => Just(("*".to_owned(), (0..=6).collect::<Vec<i8>>())), 1 => field(0, 6)],
        every_day in any::<bool>(),
    ) -> Expression {
        let any_day = ("*".to_owned(), (1..=31).collect::<Vec<i8>>());
        let mixes = weekday.0 != "*" && (day.0.contains('*') || weekday.0.contains('*'));
        let day = if every_day || mixes || day.0 == "*" || day.0.starts_with("*/") { any_day } else { day };
        let hour = if hour.0.starts_with('*') {
            let step = hour.0.strip_prefix("*/").map_or(1, |step| step.parse().expect("should be"));
            (hour.0, (0..24).step_by(step).collect())
        } else { hour };
        let text = [&minute.0, &hour.0, &day.0, &month.0, &weekday.0].map(String::as_str).join(" ");
        let is_fixed = !minute.0.contains('*') && !hour.0.contains('*');
        let is_any_day = [day.0 == "*", weekday.0 == "*"];
        Expression { text, is_fixed, fields: [minute.1, hour.1, day.1, month.1, weekday.1], is_any_day }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn times_are_those_found_by_trying_every_minute(
        expression in expression(),
        zone_and_change in prop_oneof![
            Just(("Europe/Vienna", "2026-03-29T01:00:00Z")), Just(("Europe/Vienna", "2026-10-25T01:00:00Z")),
            Just(("Australia/Lord_Howe", "2027-10-02T15:30:00Z")), Just(("Australia/Lord_Howe", "2027-04-03T15:00:00Z")),
            Just(("Africa/Casablanca", "2026-02-15T02:00:00Z")), Just(("America/Nuuk", "2026-03-29T01:00:00Z")),
            Just(("America/Nuuk", "2026-10-25T01:00:00Z")), Just(("Africa/Cairo", "2026-04-23T22:00:00Z")),
            Just(("America/Havana", "2026-11-01T05:00:00Z")), Just(("Pacific/Apia", "2011-12-30T10:00:00Z")),
            Just(("UTC", "2026-03-29T01:00:00Z")),
        ],
        (before, length) in (0_i64..300_000, 1_i64..400_000),
    ) {
        let (name, change) = zone_and_change;
        let clock = clock(&expression.text, name);
        let from = at(change) - SignedDuration::from_secs(before);
        let until = from + SignedDuration::from_secs(length);
        let tried = expression.tried(&clock.zone, (from, until));
        let first = clock.first(from + SECOND);
        let times = std::iter::successors(first, |time| clock.first(*time + SECOND));
        let forward: Vec<Timestamp> = times.take_while(|time| *time <= until).collect();
        prop_assert_eq!(&forward, &tried, "forward");
        let last = clock.last(until);
        let times = std::iter::successors(last, |time| clock.last(*time - SECOND));
        let mut backward: Vec<Timestamp> = times.take_while(|time| *time > from).collect();
        backward.reverse();
        prop_assert_eq!(&backward, &tried, "backward");
        prop_assert_eq!(clock.count(from, until), u64::try_from(tried.len()).unwrap_or(0), "count");
    }
}
