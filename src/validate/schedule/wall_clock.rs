//! The times at which a cron expression fires in a time zone, also where its clock changes.
//!
//! Croner says which wall-clock times match; it is asked without a zone, because it does otherwise than is wanted here
//! where clocks change (see the tests). This module maps wall-clock times to instants, one stretch of constant offset at a
//! time:
//!
//! - Fixed times (no `*` in minute and hour): what falls into a gap fires at its end, several together once; what is
//!   passed twice fires the first time.
//! - Others go by real time: what falls into a gap does not exist, what is passed twice fires twice.
//!
//! Pure: no clock is read.

use croner::{Cron, Weekday};
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// How many stretches of constant offset a search looks at; those in which nothing can be are skipped.
const STRETCHES: usize = 200;
/// More than any clock was ever changed by.
const AROUND: SignedDuration = SignedDuration::from_hours(48);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// Enough years for every combination of weekday and length of February.
const CALENDARS: [i16; 2] = [2000, 2028];

/// A cron expression in its time zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WallClock {
    cron: Cron,
    zone: TimeZone,
    is_fixed: bool,
    /// The matching minutes of an hour and hours of a day, as bits.
    minutes: u64,
    hours: u32,
}

/// A time during which the zone's offset is constant.
struct Stretch {
    /// Its first second; none if it has no beginning.
    start: Option<Timestamp>,
    /// The second after its last; none if it has no end.
    end: Option<Timestamp>,
    offset: Offset,
    /// The offset before its start.
    before: Offset,
}

impl Stretch {
    fn around(zone: &TimeZone, time: Timestamp) -> Self {
        let offset = zone.to_offset(time);
        let after = time.checked_add(SECOND).unwrap_or(time);
        let start = zone.preceding(after).next().map(|change| change.timestamp());
        let end = zone.following(time).next().map(|change| change.timestamp());
        let before = start.and_then(|start| start.checked_sub(SECOND).ok());
        Self { start, end, offset, before: before.map_or(offset, |before| zone.to_offset(before)) }
    }

    fn wall(&self, time: Timestamp) -> DateTime {
        self.offset.to_datetime(time)
    }

    /// The wall-clock times that are skipped at its start: the first of them, and the first after them.
    fn gap(&self) -> Option<(DateTime, DateTime)> {
        let start = self.start?;
        let (from, to) = (self.before.to_datetime(start), self.wall(start));
        (from < to).then_some((from, to))
    }

    /// The first wall-clock time that has not been passed before its start.
    fn first_fresh(&self) -> Option<DateTime> {
        let start = self.start?;
        Some(self.before.to_datetime(start).max(self.wall(start)))
    }
}

impl WallClock {
    pub(crate) fn new(cron: Cron, zone: TimeZone, is_fixed: bool) -> Self {
        let (minutes, hours) = (cron.pattern.minutes.values(), cron.pattern.hours.values());
        let minutes = minutes.into_iter().fold(0, |bits, minute| bits | 1 << minute);
        let hours = hours.into_iter().fold(0, |bits, hour| bits | 1 << hour);
        Self { cron, zone, is_fixed, minutes, hours }
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(crate) fn describe(&self) -> String {
        self.cron.describe()
    }

    /// Returns whether some day of the calendar matches; looks at 28 years of days at most.
    pub(crate) fn has_days(&self) -> bool {
        let [first, last] = CALENDARS.map(|year| jiff::civil::date(year, 1, 1));
        first.series(1.day()).take_while(|day| *day < last).any(|day| self.is_day(day))
    }

    /// Returns the first time at or after the given one.
    pub(crate) fn first(&self, from: Timestamp) -> Option<Timestamp> {
        let mut from = whole_second_after(from)?;
        for _ in 0..STRETCHES {
            let stretch = Stretch::around(&self.zone, from);
            let lowest = stretch.wall(from);
            if self.fires_after_gap(&stretch, from) {
                return Some(from);
            }
            let wall = self.next_wall(self.lowest(&stretch, lowest))?;
            let time = stretch.offset.to_timestamp(wall).ok()?;
            match stretch.end {
                Some(end) if time >= end => from = self.ahead(from, end, wall),
                _ => return Some(time),
            }
        }
        None
    }

    /// Returns the last time at or before the given one.
    pub(crate) fn last(&self, until: Timestamp) -> Option<Timestamp> {
        let mut until = whole_second_before(until)?;
        for _ in 0..STRETCHES {
            let stretch = Stretch::around(&self.zone, until);
            let wall = self.previous_wall(stretch.wall(until))?;
            let Some(start) = stretch.start else { return stretch.offset.to_timestamp(wall).ok() };
            if wall >= self.lowest(&stretch, stretch.wall(start)) {
                return stretch.offset.to_timestamp(wall).ok();
            }
            if self.fires_after_gap(&stretch, start) {
                return Some(start);
            }
            until = self.back(until, start, wall)?;
        }
        None
    }

    /// Returns how many times there are after the first given time and at or before the second. The cost grows with the
    /// days between, not with the times: about 0.1 µs a day.
    pub(crate) fn count(&self, after: Timestamp, until: Timestamp) -> u64 {
        let Some(mut from) = after.checked_add(SECOND).ok().and_then(whole_second_before) else {
            return 0;
        };
        let mut count = 0;
        while from <= until {
            let stretch = Stretch::around(&self.zone, from);
            let end = stretch.end.filter(|end| *end <= until);
            let last = end.and_then(|end| end.checked_sub(SECOND).ok()).unwrap_or(until);
            let lowest = self.lowest(&stretch, stretch.wall(from));
            count += self.count_walls(lowest, stretch.wall(last));
            let wall = stretch.wall(from);
            let is_counted = self.next_wall(wall) == Some(wall);
            count += u64::from(self.fires_after_gap(&stretch, from) && !is_counted);
            match end {
                Some(end) => from = end,
                None => break,
            }
        }
        count
    }

    /// The first wall-clock time that counts in a stretch, from the given one on.
    fn lowest(&self, stretch: &Stretch, wall: DateTime) -> DateTime {
        let fresh = stretch.first_fresh().filter(|_| self.is_fixed);
        fresh.map_or(wall, |fresh| fresh.max(wall))
    }

    /// Whether the time is the end of a gap in which a fixed time, or several, would have been.
    fn fires_after_gap(&self, stretch: &Stretch, time: Timestamp) -> bool {
        let gap = stretch.gap().filter(|_| self.is_fixed && stretch.start == Some(time));
        gap.is_some_and(|(from, to)| self.next_wall(from).is_some_and(|wall| wall < to))
    }

    /// Where to search on when nothing matches before a wall-clock time that is beyond the stretch.
    fn ahead(&self, from: Timestamp, end: Timestamp, wall: DateTime) -> Timestamp {
        let is_far = from.checked_add(AROUND).is_ok_and(|around| around < end);
        let near = wall.checked_sub(AROUND).ok().filter(|_| is_far);
        near.and_then(|near| self.zone.to_timestamp(near).ok()).map_or(end, |near| near.max(end))
    }

    /// Where to search on backwards when nothing matches after a wall-clock time that is before the stretch.
    fn back(&self, until: Timestamp, start: Timestamp, wall: DateTime) -> Option<Timestamp> {
        let before = start.checked_sub(SECOND).ok()?;
        let is_far = start.checked_add(AROUND).is_ok_and(|around| around < until);
        let near = wall.checked_add(AROUND).ok().filter(|_| is_far);
        let near = near.and_then(|near| self.zone.to_timestamp(near).ok());
        Some(near.map_or(before, |near| near.min(before)))
    }

    fn next_wall(&self, from: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&from, true).ok()
    }

    fn previous_wall(&self, until: DateTime) -> Option<DateTime> {
        self.cron.find_previous_occurrence(&until, true).ok()
    }

    fn is_day(&self, day: Date) -> bool {
        let pattern = &self.cron.pattern;
        let [month, number] = [day.month(), day.day()].map(i8::unsigned_abs).map(u32::from);
        let weekday = day.weekday().to_sunday_zero_offset().unsigned_abs();
        let weekday = Weekday::from_days_from_sunday(weekday.into());
        pattern.month_match(month).unwrap_or(false)
            && pattern.day_match(day.year().into(), month, number, weekday).unwrap_or(false)
    }

    /// Counts the matching wall-clock times from the first to the last, both included.
    fn count_walls(&self, first: DateTime, last: DateTime) -> u64 {
        if first > last {
            return 0;
        }
        let days = first.date().series(1.day()).take_while(|day| *day <= last.date());
        let whole = self.count_of_day(0, 24 * 60 - 1);
        let of_day = |day: Date| {
            let from = if day == first.date() { minute_of_day(first, true) } else { 0 };
            let until = if day == last.date() { minute_of_day(last, false) } else { 24 * 60 - 1 };
            match (from, until) {
                (0, 1439) => whole,
                _ => self.count_of_day(from, until),
            }
        };
        days.filter(|day| self.is_day(*day)).map(of_day).sum()
    }

    /// Counts the matching minutes of a day from the first to the last, both included.
    fn count_of_day(&self, first: u32, last: u32) -> u64 {
        let of_hour = |hour: u32| {
            let from = first.saturating_sub(hour * 60).min(60);
            let beyond = (last + 1).saturating_sub(hour * 60).min(60);
            let below = |minute: u32| (1_u64 << minute) - 1;
            u64::from((self.minutes & below(beyond) & !below(from)).count_ones())
        };
        (0..24).filter(|hour| self.hours >> hour & 1 == 1).map(of_hour).sum()
    }
}

/// The number of the minute of its day, 1440 for the next day's first.
fn minute_of_day(time: DateTime, is_rounded_up: bool) -> u32 {
    let [hour, minute, second] =
        [time.hour(), time.minute(), time.second()].map(|part| u32::from(part.unsigned_abs()));
    hour * 60 + minute + u32::from(is_rounded_up && second > 0)
}

fn whole_second_after(time: Timestamp) -> Option<Timestamp> {
    let before = whole_second_before(time)?;
    if before == time { Some(time) } else { before.checked_add(SECOND).ok() }
}

/// Drops what a time has beyond whole seconds.
pub(crate) fn whole_second_before(time: Timestamp) -> Option<Timestamp> {
    let second = time.as_nanosecond().div_euclid(1_000_000_000);
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}

#[cfg(test)]
#[path = "wall_clock_tests.rs"]
mod tests;
