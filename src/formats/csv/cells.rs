//! What a cell's text is: each reader returns a value only if the text says exactly that value.
//!
//! A whole number has one form. A float is whatever its text names exactly, and a boolean may be
//! spelled in three cases: there the value is kept and the form is not. For execution, zeros at the end of a fraction may be missing or too many.

use crate::formats::exact_float::names_exactly;

/// The outline of a plain number: digits, perhaps a minus before and a fraction after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) negative: bool,
    pub(crate) whole_digits: usize,
    pub(crate) fraction_digits: usize,
    pub(crate) zero: bool,
}

/// Most digits that every `f64` keeps.
const EXACT_DIGITS: usize = 15;

/// The largest whole number below which an `f64` has all others.
const EXACT_WHOLE: u64 = 1 << 53;

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
        return Some(Number { negative, whole_digits, fraction_digits: 0, zero: zero_whole });
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

/// Whether a cell is a number of any form that a float is read from: as [`number`], but digits may be
/// missing on one side of the point, and there may be an exponent.
pub(crate) fn is_number(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let run = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = run(digits);
    if whole > 1 && digits[0] == b'0' {
        return false;
    }
    let (fraction, rest) = match &digits[whole..] {
        [b'.', rest @ ..] => (run(rest), &rest[run(rest)..]),
        rest => (0, rest),
    };
    match rest {
        _ if whole + fraction == 0 => false,
        [] => true,
        [b'e' | b'E', b'+' | b'-', power @ ..] | [b'e' | b'E', power @ ..] => {
            (1..=MOST_POWER_DIGITS).contains(&power.len()) && run(power) == power.len()
        }
        _ => false,
    }
}

/// Most digits of an exponent.
const MOST_POWER_DIGITS: usize = 5;

/// Whether a cell names an `f64` exactly, and is no identifier: whole numbers without point and
/// exponent go up to 2^53.
#[inline]
pub(crate) fn is_float64(cell: &[u8], outline: Option<Number>) -> bool {
    match outline {
        Some(outline) if outline.whole_digits + outline.fraction_digits <= EXACT_DIGITS => true,
        Some(outline) if outline.fraction_digits == 0 => {
            int64(cell).is_some_and(|value| value.unsigned_abs() <= EXACT_WHOLE)
        }
        Some(_) => named_float(cell).is_some(),
        None => float64(cell).is_some(),
    }
}

/// The names of what is no finite number: `NaN`, `inf` and `-inf` as languages print them.
pub(crate) fn is_special_float(cell: &[u8]) -> bool {
    let unsigned = cell.strip_prefix(b"-").unwrap_or(cell);
    matches!(cell, b"NaN" | b"nan") || matches!(unsigned, b"inf" | b"Inf" | b"Infinity")
}

fn parse_f64(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// Returns the `f64` that a cell names exactly.
#[inline]
pub(crate) fn float64(cell: &[u8]) -> Option<f64> {
    if let Some(outline) = number(cell)
        && outline.whole_digits + outline.fraction_digits <= EXACT_DIGITS
    {
        return parse_f64(cell);
    }
    if !is_number(cell) {
        return is_special_float(cell).then(|| parse_f64(cell)).flatten();
    }
    named_float(cell)
}

/// Returns the float that a number names exactly.
fn named_float(cell: &[u8]) -> Option<f64> {
    parse_f64(cell).filter(|value| value.is_finite() && names_exactly(cell, *value))
}

/// Returns the `f32` that a cell names exactly.
pub(crate) fn float32(cell: &[u8]) -> Option<f32> {
    let value: f32 = std::str::from_utf8(cell).ok()?.parse().ok()?;
    if is_number(cell) {
        return (value.is_finite() && names_exactly(cell, value)).then_some(value);
    }
    is_special_float(cell).then_some(value)
}

/// How a boolean is spelled: all cells of a column alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `true`
    Lower,
    /// `True`
    Title,
    /// `TRUE`
    Upper,
}

/// Returns a boolean.
#[inline]
pub(crate) fn boolean(cell: &[u8]) -> Option<(bool, Spelling)> {
    match cell {
        b"true" => Some((true, Spelling::Lower)),
        b"false" => Some((false, Spelling::Lower)),
        b"True" => Some((true, Spelling::Title)),
        b"False" => Some((false, Spelling::Title)),
        b"TRUE" => Some((true, Spelling::Upper)),
        b"FALSE" => Some((false, Spelling::Upper)),
        _ => None,
    }
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
    fn floats_are_what_their_text_names() {
        for (cell, fits) in [
            ("10", true),
            ("10.0", true),
            ("0.1", true),
            ("-.5", true),
            ("1.", true),
            ("1e-05", true),
            ("1.5E+10", true),
            ("1e400", false),
            ("1e-400", false),
            ("0e-400", true),
            ("0.30000000000000004", true),
            ("0.3000000000000000444", false),
            ("48.053808600000004", true),
            ("1.50", true),
            ("01.5", false),
            ("+1.5", false),
            (" 1.5", false),
            ("1_0", false),
            ("1e", false),
            (".", false),
            ("-", false),
            ("", false),
            ("e5", false),
            ("0x10", false),
            ("-0", true),
            ("NaN", true),
            ("nan", true),
            ("-Infinity", true),
            ("+inf", false),
            ("NAN", false),
            ("9007199254740992", true),
            ("9007199254740993", false),
            ("9007199254740994", false),
            ("9007199254740994.0", true),
            ("100000000000000000000", false),
            ("1e20", true),
        ] {
            let cell = cell.as_bytes();
            assert_eq!(is_float64(cell, number(cell)), fits, "{}", cell.escape_ascii());
        }
        assert_eq!(float64(b"1.50"), Some(1.5));
        assert_eq!(float64(b"-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
        // Whole numbers that a float has are read where the type is known.
        assert_eq!(float64(b"100000000000000000000"), Some(1e20));
        assert_eq!(float64(b"9007199254740993"), None);
        assert_eq!(float32(b"0.10"), Some(0.1));
        assert_eq!(float32(b"16777217"), None);
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
            let same = |read: f64| read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan());
            prop_assert!(read.is_some_and(same), "{}", text);
        }

        #[test]
        fn what_inference_takes_execution_reads(text in "-?[0-9]{0,18}(\\.[0-9]{0,18})?(e-?[0-9]{1,3})?") {
            let cell = text.as_bytes();
            if is_float64(cell, number(cell)) {
                let read = float64(cell);
                prop_assert_eq!(read.map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
            }
        }

    }
}
