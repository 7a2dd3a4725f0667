//! What a cell's text is: each reader returns a value only if printing it gives the text back.
//!
//! The one exception is for execution: zeros at the end of a fraction may be missing or too many,
//! since the number is the same.

/// The outline of a plain number: digits, perhaps a minus before and a fraction after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) negative: bool,
    pub(crate) whole_digits: usize,
    pub(crate) fraction_digits: usize,
    pub(crate) zero: bool,
    pub(crate) ends_with_zero: bool,
}

/// Most digits that every `f64` keeps.
const EXACT_DIGITS: usize = 15;

/// Returns the outline of a number; `None` for leading zeros, `+`, exponents, a missing whole part.
#[inline]
pub(crate) fn number(cell: &[u8]) -> Option<Number> {
    let negative = cell.first() == Some(&b'-');
    let digits = if negative { &cell[1..] } else { cell };
    let whole_digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if whole_digits == 0 || (whole_digits > 1 && digits[0] == b'0') {
        return None;
    }
    let zero_whole = digits[0] == b'0';
    if whole_digits == digits.len() {
        return Some(Number {
            negative,
            whole_digits,
            fraction_digits: 0,
            zero: zero_whole,
            ends_with_zero: false,
        });
    }
    let fraction = &digits[whole_digits + 1..];
    if digits[whole_digits] != b'.'
        || fraction.is_empty()
        || !fraction.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    Some(Number {
        negative,
        whole_digits,
        fraction_digits: fraction.len(),
        zero: zero_whole && fraction.iter().all(|byte| *byte == b'0'),
        ends_with_zero: fraction.last() == Some(&b'0'),
    })
}

/// Returns a whole number: no leading zeros, no `+`, not `-0`, within 64 bits.
#[inline]
pub(crate) fn int64(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    if digits[0] == b'0' {
        return (digits.len() == 1 && !negative).then_some(0);
    }
    let mut value: i64 = 0;
    for byte in digits {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        // Downwards, because there is one negative number more.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Returns a number with at most `scale` digits after the point, times 10 to the `scale`.
#[inline]
pub(crate) fn decimal(cell: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let outline = number(cell)?;
    if outline.negative && outline.zero {
        return None;
    }
    let scale = usize::from(scale);
    let kept = outline.fraction_digits.min(scale);
    let sign = usize::from(outline.negative);
    let point = sign + outline.whole_digits;
    let fraction = cell.get(point + 1..).unwrap_or_default();
    if outline.whole_digits + scale > 38 || fraction[kept..].iter().any(|byte| *byte != b'0') {
        return None;
    }
    let digits = cell[sign..point].iter().chain(&fraction[..kept]);
    let value = if outline.whole_digits + scale <= 18 {
        let small = digits.fold(0_i64, |value, byte| value * 10 + i64::from(byte - b'0'));
        i128::from(small * 10_i64.pow(u32::try_from(scale - kept).ok()?))
    } else {
        let large = digits.fold(0_i128, |value, byte| value * 10 + i128::from(byte - b'0'));
        large * 10_i128.pow(u32::try_from(scale - kept).ok()?)
    };
    if outline.whole_digits + scale > usize::from(precision)
        && value >= 10_i128.checked_pow(u32::from(precision))?
    {
        return None;
    }
    Some(if outline.negative { -value } else { value })
}

/// Whether a cell is what Rust prints for the `f64` that it reads as: the shortest text without an exponent.
#[inline]
pub(crate) fn is_float64(cell: &[u8], outline: Option<Number>) -> bool {
    let Some(outline) = outline else { return is_special_float(cell) };
    if outline.ends_with_zero || (outline.zero && outline.negative) {
        return false;
    }
    outline.whole_digits + outline.fraction_digits <= EXACT_DIGITS || prints_same(cell)
}

/// `NaN`, `inf` and `-inf`, as Rust prints them.
pub(crate) fn is_special_float(cell: &[u8]) -> bool {
    matches!(cell, b"NaN" | b"inf" | b"-inf")
}

fn prints_same(cell: &[u8]) -> bool {
    parse_f64(cell).is_some_and(|value| value.to_string().as_bytes() == cell)
}

fn parse_f64(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// Returns a number as `f64` if the nearest one prints as this text, or did without the zeros at its end.
#[inline]
pub(crate) fn float64(cell: &[u8]) -> Option<f64> {
    let Some(outline) = number(cell) else {
        return is_special_float(cell).then(|| parse_f64(cell)).flatten();
    };
    if outline.negative && outline.zero {
        return None;
    }
    let value = parse_f64(cell)?;
    if outline.whole_digits + outline.fraction_digits <= EXACT_DIGITS {
        return Some(value);
    }
    let end = if outline.ends_with_zero {
        let trimmed = cell.iter().rposition(|byte| *byte != b'0').map_or(0, |last| last + 1);
        if cell[trimmed - 1] == b'.' { trimmed - 1 } else { trimmed }
    } else {
        cell.len()
    };
    (value.to_string().as_bytes() == &cell[..end]).then_some(value)
}

/// Returns a boolean: `true` or `false`, in lower case.
#[inline]
pub(crate) fn boolean(cell: &[u8]) -> Option<bool> {
    match cell {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

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

/// How a time of day is written: all cells of a column alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeForm {
    /// Digits after the second's point, 0 to 9.
    pub(crate) fraction_digits: usize,
}

/// How a timestamp is written: all cells of a column alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimestampForm {
    /// `T` or a space.
    pub(crate) separator: u8,
    /// Digits after the second's point, 0 to 9.
    pub(crate) fraction_digits: usize,
    /// Whether it ends with `Z`.
    pub(crate) utc: bool,
}

/// Returns the nanoseconds since midnight of `HH:MM:SS` with up to nine digits after a point.
#[inline]
pub(crate) fn time_of_day(cell: &[u8]) -> Option<(i64, TimeForm)> {
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
    Some((seconds * 1_000_000_000 + nanos, TimeForm { fraction_digits: fraction.len() }))
}

/// A timestamp: days since 1970 and nanoseconds of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    days: i32,
    nanos: i64,
}

impl Timestamp {
    /// Returns microseconds since 1970; `None` when it is finer.
    pub(crate) fn micros(self) -> Option<i64> {
        (self.nanos % 1000 == 0).then(|| i64::from(self.days) * 86_400_000_000 + self.nanos / 1000)
    }

    /// Returns nanoseconds since 1970; `None` outside of the years 1677 to 2262.
    pub(crate) fn nanos(self) -> Option<i64> {
        i64::from(self.days).checked_mul(86_400_000_000_000)?.checked_add(self.nanos)
    }
}

/// Returns the timestamp `YYYY-MM-DD`, `T` or a space, a time of day, perhaps `Z`.
#[inline]
pub(crate) fn timestamp(cell: &[u8]) -> Option<(Timestamp, TimestampForm)> {
    if cell.len() < 19 {
        return None;
    }
    let separator = cell[10];
    if !matches!(separator, b'T' | b' ') {
        return None;
    }
    let days = date32(&cell[..10])?;
    let utc = cell.last() == Some(&b'Z');
    let (nanos, time) = time_of_day(&cell[11..cell.len() - usize::from(utc)])?;
    let form = TimestampForm { separator, fraction_digits: time.fraction_digits, utc };
    Some((Timestamp { days, nanos }, form))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_read_only_in_their_one_form() {
        for (cell, value) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("007", None),
            ("-0", None),
            ("+43", None),
            ("1e5", None),
            ("", None),
            ("-", None),
            ("1 ", None),
            ("1_000", None),
        ] {
            assert_eq!(int64(cell.as_bytes()), value, "{cell}");
        }
    }

    #[test]
    fn decimals_keep_their_digits() {
        assert_eq!(decimal(b"1.50", 18, 2), Some(150));
        assert_eq!(decimal(b"-0.05", 18, 2), Some(-5));
        assert_eq!(decimal(b"10", 18, 2), Some(1000));
        assert_eq!(decimal(b"1.5000", 18, 2), Some(150));
        assert_eq!(decimal(b"1.505", 18, 2), None);
        assert_eq!(decimal(b"-0.00", 18, 2), None);
        assert_eq!(decimal(b"123.45", 4, 2), None);
        assert_eq!(
            decimal(b"99999999999999999999999999999999999.125", 38, 3).map(|v| v % 1000),
            Some(125)
        );
    }

    #[test]
    fn floats_print_as_they_are_written() {
        for (cell, fits) in [
            ("10", true),
            ("10.5", true),
            ("0.1", true),
            ("-0.5", true),
            ("0.30000000000000004", true),
            ("0.3000000000000000444", false),
            ("1.50", false),
            ("1e5", false),
            (".5", false),
            ("1.", false),
            ("01.5", false),
            ("-0", false),
            ("NaN", true),
            ("nan", false),
            ("9007199254740993", false),
        ] {
            assert_eq!(is_float64(cell.as_bytes(), number(cell.as_bytes())), fits, "{cell}");
        }
        assert_eq!(float64(b"1.50"), Some(1.5));
        assert_eq!(float64(b"0.300000000000000040"), Some(0.300_000_000_000_000_04));
        assert_eq!(float64(b"10000000000000000.0"), Some(1e16));
    }

    #[test]
    fn dates_and_times_exist() {
        assert_eq!(date32(b"1970-01-01"), Some(0));
        assert_eq!(date32(b"2000-02-29"), Some(11016));
        for bad in ["1900-02-29", "2020-13-01", "2020-00-10", "2020-1-01", "03/04/2020", "20200101"]
        {
            assert_eq!(date32(bad.as_bytes()), None, "{bad}");
        }
        let (nanos, form) = time_of_day(b"23:59:59.25").expect("should be a time");
        assert_eq!((nanos, form.fraction_digits), (86_399_250_000_000, 2));
        assert_eq!(time_of_day(b"23:59:60"), None);
        let (at, form) = timestamp(b"2013-01-01T05:00:00Z").expect("should be a timestamp");
        assert_eq!(at.micros(), Some(1_357_016_400_000_000));
        assert!(form.utc && form.separator == b'T');
        assert_eq!(timestamp(b"2013-01-01T05:00:00+01:00"), None);
    }

    proptest! {
        #[test]
        fn every_whole_number_is_read(value: i64) {
            prop_assert_eq!(int64(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn every_float_is_read(value: f64) {
            let text = value.to_string();
            let read = float64(text.as_bytes());
            if value == 0.0 && value.is_sign_negative() {
                prop_assert_eq!(read, None);
            } else {
                prop_assert_eq!(read.map(f64::to_bits), Some(value.to_bits()));
                prop_assert!(is_float64(text.as_bytes(), number(text.as_bytes())));
            }
        }

        #[test]
        fn what_is_taken_for_a_float_prints_the_same(text in "-?[0-9]{1,18}(\\.[0-9]{1,18})?") {
            if is_float64(text.as_bytes(), number(text.as_bytes())) {
                prop_assert_eq!(text.parse::<f64>().expect("should parse").to_string(), text);
            }
        }

        #[test]
        fn dates_agree_with_the_calendar(days in -719_162_i32..2_932_896) {
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            prop_assert_eq!(date32(date.to_string().as_bytes()), Some(days));
        }
    }
}
