//! Dates, times of day and timestamps as cells have them.
//!
//! A timestamp may have an offset: the instant is kept, the offset is not.

fn two_digits(text: &[u8]) -> Option<u32> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    }
}

/// Returns the days since 1970-01-01 of a date `YYYY-MM-DD` that the calendar has.
#[inline]
pub(crate) fn date32(cell: &[u8]) -> Option<i32> {
    if cell.len() != 10 || cell[4] != b'-' || cell[7] != b'-' {
        return None;
    }
    let year = two_digits(&cell[..2])? * 100 + two_digits(&cell[2..4])?;
    let (month, day) = (two_digits(&cell[5..7])?, two_digits(&cell[8..10])?);
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > last {
        return None;
    }
    days_since_1970(year, month, day)
}

/// # Source
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<i32> {
    // March is the first month, so that a leap day is the last of its year.
    let year = i32::try_from(year).ok()? - i32::from(month <= 2);
    let shifted = i32::try_from((month + 9) % 12).ok()?;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * shifted + 2) / 5 + i32::try_from(day).ok()? - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// How a timestamp is written: all cells of a column alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimestampForm {
    /// `T` or a space.
    pub(crate) separator: u8,
    /// Whether it ends with `Z` or an offset.
    pub(crate) zoned: bool,
}

/// Returns the nanoseconds since midnight of `HH:MM:SS` with up to nine digits after a point, and the
/// number of those digits.
#[inline]
pub(crate) fn time_of_day(cell: &[u8]) -> Option<(i64, usize)> {
    if cell.len() < 8 || cell[2] != b':' || cell[5] != b':' {
        return None;
    }
    let (hour, minute) = (two_digits(&cell[..2])?, two_digits(&cell[3..5])?);
    let second = two_digits(&cell[6..8])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    let fraction = match &cell[8..] {
        [] => &[][..],
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut nanos = 0_i64;
    for index in 0..9 {
        let digit = fraction.get(index).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        nanos = nanos * 10 + i64::from(digit - b'0');
    }
    Some((seconds * 1_000_000_000 + nanos, fraction.len()))
}

/// A timestamp: days since 1970 and nanoseconds of the day; in UTC if it names an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    days: i32,
    nanos: i64,
    /// Digits after the second's point, 0 to 9.
    pub(crate) fraction_digits: usize,
    pub(crate) form: TimestampForm,
}

/// The first and the last day of the years 0 to 9999, which have four digits.
const YEARS: std::ops::RangeInclusive<i32> = -719_528..=2_932_896;

impl Timestamp {
    /// Returns microseconds since 1970; `None` when it is finer.
    pub(crate) fn micros(self) -> Option<i64> {
        (self.nanos % 1000 == 0).then(|| i64::from(self.days) * 86_400_000_000 + self.nanos / 1000)
    }

    /// Returns nanoseconds since 1970; `None` outside of the years 1677 to 2262.
    pub(crate) fn nanos(self) -> Option<i64> {
        i64::from(self.days).checked_mul(86_400_000_000_000)?.checked_add(self.nanos)
    }

    /// Returns the instant in UTC of a local time so many seconds ahead of it; `None` when its year
    /// no longer has four digits.
    fn ahead_of_utc(mut self, seconds: i64) -> Option<Self> {
        const DAY: i64 = 86_400_000_000_000;
        let nanos = self.nanos - seconds * 1_000_000_000;
        self.days += i32::try_from(nanos.div_euclid(DAY)).ok()?;
        self.nanos = nanos.rem_euclid(DAY);
        YEARS.contains(&self.days).then_some(self)
    }
}

/// Splits `Z` or an offset `+HH:MM`, `+HHMM` or `+HH` off a time; the offset is in seconds.
#[inline]
fn split_offset(time: &[u8]) -> Option<(&[u8], Option<i64>)> {
    // Nothing shorter than `HH:MM:SS` comes before it.
    let rest = time.get(8..)?;
    let Some(at) = rest.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-')) else {
        return Some((time, None));
    };
    let (clock, offset) = time.split_at(8 + at);
    let (hours, minutes) = match offset {
        b"Z" => return Some((clock, Some(0))),
        [_, hours @ ..] if hours.len() == 2 => (hours, &b"00"[..]),
        [_, digits @ ..] if digits.len() == 4 => digits.split_at(2),
        [_, digits @ ..] if digits.len() == 5 && digits[2] == b':' => (&digits[..2], &digits[3..]),
        _ => return None,
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    Some((clock, Some(if offset[0] == b'-' { -seconds } else { seconds })))
}

/// Returns the timestamp `YYYY-MM-DD`, `T` or a space, a time of day, perhaps `Z` or an offset.
#[inline]
pub(crate) fn timestamp(cell: &[u8]) -> Option<Timestamp> {
    if cell.len() < 19 {
        return None;
    }
    let separator = cell[10];
    if !matches!(separator, b'T' | b' ') {
        return None;
    }
    let days = date32(&cell[..10])?;
    let (clock, offset) = split_offset(&cell[11..])?;
    let (nanos, fraction_digits) = time_of_day(clock)?;
    let form = TimestampForm { separator, zoned: offset.is_some() };
    Timestamp { days, nanos, fraction_digits, form }.ahead_of_utc(offset.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_are_instants_in_utc() {
        let micros = |cell: &str| timestamp(cell.as_bytes()).and_then(Timestamp::micros);
        let noon = micros("2020-01-01T12:00:00Z");
        assert!(noon.is_some());
        for same in [
            "2020-01-01T14:00:00+02:00",
            "2020-01-01 14:00:00+0200",
            "2020-01-01T14:00:00.000+02",
            "2020-01-01T12:00:00-00:00",
            "2019-12-31T22:30:00-13:30",
        ] {
            assert_eq!(micros(same), noon, "{same}");
        }
        for bad in [
            "2020-01-01T12:00:00+24:00",
            "2020-01-01T12:00:00+02:60",
            "2020-01-01T12:00:00+2",
            "2020-01-01T12:00:00+02:0",
            "2020-01-01T12:00:00+02:00:00",
            "2020-01-01T12:00:00 +02:00",
            "2020-01-01T12:00:00Z+02:00",
            "2020-01-01T12:00:00z",
            "2020-01-01T12:00+02:00",
            "0000-01-01T00:00:00+02:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_and_times_exist() {
        assert_eq!(date32(b"1970-01-01"), Some(0));
        assert_eq!(date32(b"2000-02-29"), Some(11016));
        for bad in ["1900-02-29", "2020-13-01", "2020-00-10", "2020-1-01", "03/04/2020", "20200101"]
        {
            assert_eq!(date32(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(time_of_day(b"23:59:59.25"), Some((86_399_250_000_000, 2)));
        assert_eq!(time_of_day(b"23:59:60"), None);
        let at = timestamp(b"2013-01-01T05:00:00Z").expect("should be a timestamp");
        assert_eq!(at.micros(), Some(1_357_016_400_000_000));
        assert!(at.form.zoned && at.form.separator == b'T');
    }

    proptest! {
        #[test]
        fn dates_agree_with_the_calendar(days in -719_162_i32..2_932_896) {
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            prop_assert_eq!(date32(date.to_string().as_bytes()), Some(days));
        }

        #[test]
        fn an_offset_moves_the_clock_and_not_the_instant(
            second in -60_000_000_000_i64..250_000_000_000, minutes in -1439_i32..1440,
        ) {
            let at = jiff::Timestamp::from_second(second).expect("should be an instant");
            let offset = jiff::tz::Offset::from_seconds(minutes * 60).expect("should be an offset");
            let text = at.display_with_offset(offset).to_string();
            let read = timestamp(text.as_bytes()).and_then(Timestamp::micros);
            prop_assert_eq!(read, Some(second * 1_000_000), "{}", text);
        }
    }
}
