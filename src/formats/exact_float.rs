//! Whether a decimal text names a binary float exactly, so that nothing is lost when only the float
//! is kept.
//!
//! A text names the float that it reads as when its significant digits (without zeros at either end)
//!
//! 1. are the shortest that read as this float, or
//! 2. are at most 17 (9 in single precision), and the float rounded to as many digits has the same:
//!    what `printf("%.17g")` and the like print, or
//! 3. are all digits that the float has.
//!
//! Any other text says more than the float keeps.

use std::fmt::{self, Display, LowerExp, Write as _};

/// A binary float.
pub(crate) trait Binary: Display + LowerExp + Into<f64> + Copy {
    /// Decimals of at most so many digits are always named by the float they read as.
    const SURE_DIGITS: usize;
    /// ... while the power of ten of their first digit is within this of zero.
    const SURE_EXPONENT: i64;
    /// So many digits tell every float from all others.
    const MOST_DIGITS: usize;
    /// The digits of the longest float, after the first.
    const LONGEST: usize;

    /// Returns the shortest digits as another printer has them, where two are equally near.
    fn shortest_otherwise(self) -> Option<String>;
}

impl Binary for f64 {
    const SURE_DIGITS: usize = 15;
    const SURE_EXPONENT: i64 = 300;
    const MOST_DIGITS: usize = 17;
    const LONGEST: usize = 766;

    fn shortest_otherwise(self) -> Option<String> {
        serde_json::Number::from_f64(self).map(|number| number.to_string())
    }
}

impl Binary for f32 {
    const SURE_DIGITS: usize = 6;
    const SURE_EXPONENT: i64 = 30;
    const MOST_DIGITS: usize = 9;
    const LONGEST: usize = 111;

    fn shortest_otherwise(self) -> Option<String> {
        None
    }
}

/// Whether a number's text names a float, which it reads as.
pub(crate) fn names_exactly<F: Binary>(text: &[u8], value: F) -> bool {
    if Printed::of(format_args!("{value}")).is_some_and(|printed| printed.bytes() == text) {
        return true;
    }
    let Some(digits) = Digits::of(text) else { return false };
    let sure = F::SURE_EXPONENT;
    if digits.count <= F::SURE_DIGITS && (digits.count == 0 || digits.exponent.abs() <= sure) {
        return true;
    }
    if digits.count > F::MOST_DIGITS {
        return is_all_digits(text, value);
    }
    let is_same = |printed: &[u8]| Digits::of(printed).as_ref() == Some(&digits);
    let is_printed = |arguments: fmt::Arguments<'_>| {
        Printed::of(arguments).is_some_and(|printed| is_same(printed.bytes()))
    };
    is_printed(format_args!("{:.*e}", digits.count.saturating_sub(1), value))
        || is_printed(format_args!("{value:e}"))
        || value.shortest_otherwise().is_some_and(|text| is_same(text.as_bytes()))
}

/// Whether the text has every digit of the float.
fn is_all_digits<F: Binary>(text: &[u8], value: F) -> bool {
    let printed = format!("{value:.*e}", F::LONGEST);
    let (Some(left), Some(right)) = (Digits::of(text), Digits::of(printed.as_bytes())) else {
        return false;
    };
    left == right && significant(text, left.count).eq(significant(printed.as_bytes(), right.count))
}

/// Returns so many digits, from the first that is no zero.
fn significant(text: &[u8], count: usize) -> impl Iterator<Item = u8> {
    let mantissa = text.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    let digits = mantissa.copied().filter(u8::is_ascii_digit);
    digits.skip_while(|digit| *digit == b'0').take(count)
}

/// The significant digits of a number, without zeros at either end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digits {
    negative: bool,
    /// How many there are; none for zero.
    count: usize,
    /// The power of ten of the first.
    exponent: i64,
    /// The first of them; zeros behind the last.
    first: [u8; 17],
}

impl Digits {
    /// Takes a number apart: sign, digits, at most one point, exponent.
    fn of(text: &[u8]) -> Option<Self> {
        let (negative, rest) = match text.first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(rest.len());
        let power = match rest.get(end + 1..) {
            Some(power) => std::str::from_utf8(power).ok()?.parse::<i64>().ok()?,
            None => 0,
        };
        let mut digits = Self { negative, count: 0, exponent: 0, first: [0; 17] };
        let (mut seen, mut before_point, mut point) = (0_usize, 0_i64, false);
        for byte in &rest[..end] {
            match byte {
                b'.' if !point => point = true,
                b'0' if seen == 0 => before_point -= i64::from(point),
                b'0'..=b'9' => {
                    before_point += i64::from(!point);
                    if let Some(kept) = digits.first.get_mut(seen) {
                        *kept = byte - b'0';
                    }
                    seen += 1;
                    if *byte != b'0' {
                        digits.count = seen;
                    }
                }
                _ => return None,
            }
        }
        if digits.count > 0 {
            digits.exponent = power.checked_add(before_point - 1)?;
        }
        Some(digits)
    }
}

/// A float as it is printed, without memory of its own.
struct Printed {
    text: [u8; 40],
    length: usize,
}

impl Printed {
    /// Returns what is printed, if it is not long.
    fn of(arguments: fmt::Arguments<'_>) -> Option<Self> {
        let mut printed = Self { text: [0; 40], length: 0 };
        printed.write_fmt(arguments).is_ok().then_some(printed)
    }

    fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

impl fmt::Write for Printed {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.length + part.len();
        self.text.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Writes a float so that it reads as the same: the shortest digits, with an exponent only for whole
/// numbers beyond 2^53, which without one would be taken for identifiers, and below a millionth.
pub(crate) fn write_float<F: Binary>(out: &mut impl fmt::Write, value: F) -> fmt::Result {
    const EXACT_WHOLE: f64 = 9_007_199_254_740_992.0;
    const SMALL: f64 = 1e-6;
    let size = value.into().abs();
    let plain = !size.is_finite() || size == 0.0 || (SMALL..=EXACT_WHOLE).contains(&size);
    if plain { write!(out, "{value}") } else { write!(out, "{value:e}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> bool {
        text.parse::<f64>().is_ok_and(|value| names_exactly(text.as_bytes(), value))
    }

    #[test]
    fn a_text_names_its_float_by_its_digits() {
        for (text, expected) in [
            ("0", true),
            ("-0.000", true),
            ("0e500", true),
            ("10.0", true),
            ("1e-05", true),
            (".5", true),
            ("1.", true),
            ("123456789012345", true),
            ("48.053808600000004", true),
            ("0.10000000000000001", true),
            ("0.10000000000000000", true),
            ("0.10000000000000002", true),
            ("0.10000000000000004", false),
            ("0.100000000000000006", false),
            ("0.1000000000000000055511151231257827021181583404541015625", true),
            ("0.1000000000000000055511151231257827021181583404541015624", false),
            ("0.10000000000000000555", false),
            ("12345678901234567890", false),
            ("9007199254740993", false),
            ("9007199254740993.0", false),
            ("9007199254740992", true),
            ("5e-324", true),
            ("4.9E-324", true),
            ("4.94065645841247e-324", true),
            ("3e-324", false),
            ("1.7976931348623157e+308", true),
            ("5.684341886080802e-14", true),
            ("5.6843418860808015e-14", true),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
        assert!(names_exactly(b"0.1", 0.1_f32) && names_exactly(b"0.100000001", 0.1_f32));
        assert!(!names_exactly(b"0.123456789", 0.123_456_79_f32));
    }

    #[test]
    fn whole_numbers_beyond_those_of_a_float_are_written_with_an_exponent() {
        for (value, expected) in [
            (9_007_199_254_740_992.0, "9007199254740992"),
            (9_007_199_254_740_994.0, "9.007199254740994e15"),
            (-1e300, "-1e300"),
            (0.000_001, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (-0.0, "-0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut text = String::new();
            write_float(&mut text, value).expect("should be written");
            assert_eq!(text, expected);
        }
    }

    /// Returns a number in the way of C's `%.*g`, which keeps no zeros at the end.
    fn general(value: f64, digits: usize) -> String {
        let printed = format!("{value:.*e}", digits - 1);
        let (mantissa, exponent) = printed.split_once('e').expect("should have an exponent");
        let exponent: i32 = exponent.parse().expect("should be a number");
        let trimmed = |text: &str| {
            let is_fraction = text.contains('.');
            let end =
                if is_fraction { text.trim_end_matches('0').trim_end_matches('.') } else { text };
            end.to_owned()
        };
        match usize::try_from(exponent) {
            Ok(whole) if whole < digits => trimmed(&format!("{value:.*}", digits - 1 - whole)),
            Err(_) if exponent >= -4 => {
                let places = digits - 1 + usize::try_from(-exponent).expect("should be positive");
                trimmed(&format!("{value:.places$}"))
            }
            _ => {
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
            }
        }
    }

    proptest! {
        #[test]
        fn every_usual_print_of_a_float_names_it(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut ours = String::new();
            write_float(&mut ours, value).expect("should be written");
            let json = serde_json::to_string(&value).expect("should be printed");
            let forms = [value.to_string(), format!("{value:e}"), format!("{value:?}"), json, ours];
            let exact = general(value, 17);
            for text in forms.into_iter().chain([exact]) {
                let read: f64 = text.parse().expect("should be a number");
                prop_assert_eq!(read.to_bits(), bits, "{}", text);
                prop_assert!(names_exactly(text.as_bytes(), read), "{}", text);
            }
            for digits in 1..=17 {
                let text = general(value, digits);
                let read: f64 = text.parse().expect("should be a number");
                if read.to_bits() == bits {
                    prop_assert!(names_exactly(text.as_bytes(), read), "{}", text);
                }
            }
        }

        #[test]
        fn fifteen_digits_are_always_kept(
            digits in "[1-9][0-9]{0,14}", exponent in -280_i32..280, negative: bool,
        ) {
            let text = format!("{}{digits}e{exponent}", if negative { "-" } else { "" });
            prop_assert!(names(&text), "{}", text);
        }

        #[test]
        fn longer_digits_are_kept_only_if_they_are_those_of_the_float(
            whole in "[1-9][0-9]{0,5}", fraction in "[0-9]{12,30}[1-9]",
        ) {
            let text = format!("{whole}.{fraction}");
            let value: f64 = text.parse().expect("should be a number");
            let all = format!("{value:.800}");
            let count = whole.len() + fraction.len();
            let expected = match count {
                ..=15 => true,
                16..=17 => general(value, count) == text || value.to_string() == text
                    || serde_json::to_string(&value).is_ok_and(|json| json == text),
                _ => all.trim_end_matches('0') == text,
            };
            prop_assert_eq!(names(&text), expected, "{}", text);
        }
    }
}
