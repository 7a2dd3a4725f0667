//! Values out of text, strictly: what is rounded, cut or guessed elsewhere does not fit here.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, BooleanArray, LargeStringArray, PrimitiveArray};
use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};
use arrow::error::ArrowError;

/// Arrow's casts, with null for what cannot be.
pub(super) fn lenient() -> CastOptions<'static> {
    CastOptions { safe: true, ..CastOptions::default() }
}

/// Parses texts; what does not fit is null.
pub(super) fn from_text(texts: &LargeStringArray, to: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match to {
        DataType::Int8 => parsed::<Int8Type>(texts, |text| text.parse().ok()),
        DataType::Int16 => parsed::<Int16Type>(texts, |text| text.parse().ok()),
        DataType::Int32 => parsed::<Int32Type>(texts, |text| text.parse().ok()),
        DataType::Int64 => parsed::<Int64Type>(texts, |text| text.parse().ok()),
        DataType::UInt8 => parsed::<UInt8Type>(texts, |text| text.parse().ok()),
        DataType::UInt16 => parsed::<UInt16Type>(texts, |text| text.parse().ok()),
        DataType::UInt32 => parsed::<UInt32Type>(texts, |text| text.parse().ok()),
        DataType::UInt64 => parsed::<UInt64Type>(texts, |text| text.parse().ok()),
        DataType::Float32 => parsed::<Float32Type>(texts, float32),
        DataType::Float64 => parsed::<Float64Type>(texts, float64),
        DataType::Boolean => {
            Arc::new(texts.iter().map(|text| text.and_then(boolean)).collect::<BooleanArray>())
        }
        DataType::Decimal128(precision, scale) => {
            let array = parse::<Decimal128Type>(texts, |text| {
                decimal_digits(text, *precision, *scale)?.parse().ok()
            });
            Arc::new(array.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Decimal256(precision, scale) => {
            let array = parse::<Decimal256Type>(texts, |text| {
                i256::from_string(&decimal_digits(text, *precision, *scale)?)
            });
            Arc::new(array.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Date32 => parsed::<Date32Type>(texts, date),
        DataType::Date64 => cast(&parsed::<Date32Type>(texts, date), to)?,
        DataType::Timestamp(unit, zone) => timestamps(texts, *unit, zone.as_deref(), to)?,
        _ => cast_with_options(texts, to, &lenient())?,
    })
}

fn parse<T: ArrowPrimitiveType>(
    texts: &LargeStringArray,
    value: impl Fn(&str) -> Option<T::Native>,
) -> PrimitiveArray<T> {
    texts.iter().map(|text| text.and_then(&value)).collect()
}

fn parsed<T: ArrowPrimitiveType>(
    texts: &LargeStringArray,
    value: impl Fn(&str) -> Option<T::Native>,
) -> ArrayRef {
    Arc::new(parse::<T>(texts, value))
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A float fits when its shortest print has the digits of the text; NaN and infinities by name.
fn float64(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let same = !value.is_finite() || Digits::of(text)? == Digits::of(&format!("{value:e}"))?;
    (same && is_named_if_infinite(text, value.is_finite())).then_some(value)
}

fn float32(text: &str) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    let same = !value.is_finite() || Digits::of(text)? == Digits::of(&format!("{value:e}"))?;
    (same && is_named_if_infinite(text, value.is_finite())).then_some(value)
}

/// Digits too large for a float are no infinity.
fn is_named_if_infinite(text: &str, finite: bool) -> bool {
    finite || !text.contains(|character: char| character.is_ascii_digit())
}

/// A decimal number's digits, without zeros at either end, and the power of ten of their unit.
#[derive(Debug, PartialEq, Eq)]
struct Digits {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Digits {
    /// Takes a number apart: sign, digits, at most one point, exponent.
    fn of(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let trimmed = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - trimmed.len()).ok()?;
        let trimmed = trimmed.trim_start_matches('0');
        if trimmed.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let exponent =
            exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
        Some(Self { negative, digits: trimmed.to_owned(), exponent })
    }
}

/// Returns a decimal's integer of units as text, if it has no digit beyond scale and precision.
fn decimal_digits(text: &str, precision: u8, scale: i8) -> Option<String> {
    let digits = Digits::of(text)?;
    if digits.digits.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = usize::try_from(digits.exponent.checked_add(i64::from(scale))?).ok()?;
    if digits.digits.len().checked_add(zeros)? > usize::from(precision) {
        return None;
    }
    let sign = if digits.negative { "-" } else { "" };
    Some(format!("{sign}{}{}", digits.digits, "0".repeat(zeros)))
}

/// `2024-02-29` and nothing else.
fn date(text: &str) -> Option<i32> {
    (text.len() == 10).then(|| Date32Type::parse(text)).flatten()
}

fn timestamps(
    texts: &LargeStringArray,
    unit: TimeUnit,
    zone: Option<&str>,
    to: &DataType,
) -> Result<ArrayRef, ArrowError> {
    let local: Tz = zone.unwrap_or("+00:00").parse()?;
    let value = |text: &str| {
        if zone.is_none() && names_offset(text) {
            return None;
        }
        instant(text, local, unit)
    };
    let array = match unit {
        TimeUnit::Second => parsed::<TimestampSecondType>(texts, value),
        TimeUnit::Millisecond => parsed::<TimestampMillisecondType>(texts, value),
        TimeUnit::Microsecond => parsed::<TimestampMicrosecondType>(texts, value),
        TimeUnit::Nanosecond => parsed::<TimestampNanosecondType>(texts, value),
    };
    // Only the zone's name is put beside: the instants are final.
    if zone.is_none() {
        return Ok(array);
    }
    let instants = array.to_data().into_builder().data_type(to.clone()).build()?;
    Ok(arrow::array::make_array(instants))
}

/// Whether anything but a time stands behind the date.
fn names_offset(text: &str) -> bool {
    let time = text.get(11..).unwrap_or_default();
    time.contains(|character: char| !(character.is_ascii_digit() || matches!(character, ':' | '.')))
}

/// Returns the instant in whole units.
fn instant(text: &str, local: Tz, unit: TimeUnit) -> Option<i64> {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let fraction = fraction.split(|character: char| !character.is_ascii_digit()).next();
    if fraction.is_some_and(|digits| digits.len() > 9) {
        return None;
    }
    let time = string_to_datetime(&local, text).ok()?;
    let (per_second, nanoseconds) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    let below = i64::from(time.timestamp_subsec_nanos());
    if below % nanoseconds != 0 {
        return None;
    }
    time.timestamp().checked_mul(per_second)?.checked_add(below / nanoseconds)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use rstest::rstest;

    use super::*;

    fn printed(text: &str, to: &DataType) -> Option<String> {
        let array = from_text(&LargeStringArray::from(vec![text]), to).expect("should convert");
        assert_eq!(array.data_type(), to);
        let printed = cast(&array, &DataType::Utf8).expect("should print");
        printed.is_valid(0).then(|| printed.as_string::<i32>().value(0).to_owned())
    }

    #[rstest]
    #[case(DataType::Int8, "127", Some("127"))]
    #[case(DataType::Int8, "300", None)]
    #[case(DataType::Int64, "1.5", None)]
    #[case(DataType::Int64, " 1", None)]
    #[case(DataType::Int64, "", None)]
    #[case(DataType::Int64, "007", Some("7"))]
    #[case(DataType::UInt8, "-1", None)]
    #[case(DataType::Float64, "0.1", Some("0.1"))]
    #[case(DataType::Float64, "1.50", Some("1.5"))]
    #[case(DataType::Float64, "9007199254740993", None)]
    #[case(DataType::Float64, "9007199254740992", Some("9007199254740992.0"))]
    #[case(DataType::Float64, "1e400", None)]
    #[case(DataType::Float64, "0.10000000000000000001", None)]
    #[case(DataType::Float64, "-0", Some("-0.0"))]
    #[case(DataType::Float32, "0.1", Some("0.1"))]
    #[case(DataType::Float32, "0.123456789", None)]
    #[case(DataType::Decimal128(5, 2), "1.5", Some("1.50"))]
    #[case(DataType::Decimal128(5, 2), "-001.500", Some("-1.50"))]
    #[case(DataType::Decimal128(5, 2), "1.505", None)]
    #[case(DataType::Decimal128(5, 2), "1000", None)]
    #[case(DataType::Decimal128(5, -2), "1200", Some("1200"))]
    #[case(DataType::Decimal128(5, -2), "1250", None)]
    #[case(
        DataType::Decimal256(50, 1),
        "-12345678901234567890123456789012345678901.5",
        Some("-12345678901234567890123456789012345678901.5")
    )]
    #[case(DataType::Boolean, "True", Some("true"))]
    #[case(DataType::Boolean, "1", None)]
    #[case(DataType::Date32, "2024-02-29", Some("2024-02-29"))]
    #[case(DataType::Date32, "2023-02-29", None)]
    #[case(DataType::Date32, "29.02.2024", None)]
    #[case(
        DataType::Timestamp(TimeUnit::Second, None),
        "2024-01-02 03:04:05",
        Some("2024-01-02T03:04:05")
    )]
    #[case(DataType::Timestamp(TimeUnit::Second, None), "2024-01-02 03:04:05.5", None)]
    #[case(DataType::Timestamp(TimeUnit::Microsecond, None), "2024-01-02T03:04:05Z", None)]
    #[case(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "2024-01-02T03:04:05+02:00", Some("2024-01-02T01:04:05Z"))]
    #[case(DataType::Timestamp(TimeUnit::Nanosecond, None), "2024-01-02T03:04:05.1234567891", None)]
    fn text_fits_when_it_says_the_value_exactly(
        #[case] to: DataType,
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(printed(text, &to).as_deref(), expected, "{text:?} as {to}");
    }
}
