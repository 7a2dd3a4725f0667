//! Values out of text: what SQL's cast reads, and as it reads it, unless something would be lost. What
//! is rounded or cut there does not fit here.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, LargeStringArray, PrimitiveArray};
use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime, string_to_time_nanoseconds};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use arrow::error::ArrowError;

use crate::formats::exact_float::{Binary, names_exactly};

/// Arrow's casts, with null for what cannot be.
pub(super) fn lenient() -> CastOptions<'static> {
    CastOptions { safe: true, ..CastOptions::default() }
}

/// Parses texts; what does not fit is null.
pub(super) fn from_text(texts: &LargeStringArray, to: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match to {
        DataType::Int8 => parsed::<Int8Type>(texts, Int8Type::parse),
        DataType::Int16 => parsed::<Int16Type>(texts, Int16Type::parse),
        DataType::Int32 => parsed::<Int32Type>(texts, Int32Type::parse),
        DataType::Int64 => parsed::<Int64Type>(texts, Int64Type::parse),
        DataType::UInt8 => parsed::<UInt8Type>(texts, UInt8Type::parse),
        DataType::UInt16 => parsed::<UInt16Type>(texts, UInt16Type::parse),
        DataType::UInt32 => parsed::<UInt32Type>(texts, UInt32Type::parse),
        DataType::UInt64 => parsed::<UInt64Type>(texts, UInt64Type::parse),
        DataType::Float32 => parsed::<Float32Type>(texts, float),
        DataType::Float64 => parsed::<Float64Type>(texts, float),
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
        DataType::Time32(TimeUnit::Second) => parsed::<Time32SecondType>(texts, |text| {
            time_of_day(text, 1_000_000_000)?.try_into().ok()
        }),
        DataType::Time32(_) => parsed::<Time32MillisecondType>(texts, |text| {
            time_of_day(text, 1_000_000)?.try_into().ok()
        }),
        DataType::Time64(TimeUnit::Microsecond) => {
            parsed::<Time64MicrosecondType>(texts, |text| time_of_day(text, 1_000))
        }
        DataType::Time64(_) => parsed::<Time64NanosecondType>(texts, |text| time_of_day(text, 1)),
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

/// A float fits when the text names it exactly; NaN and infinities by name.
fn float<F: Binary + FromStr>(text: &str) -> Option<F> {
    let text = text.trim_ascii();
    let value: F = text.parse().ok()?;
    if value.into().is_finite() {
        return names_exactly(text.as_bytes(), value).then_some(value);
    }
    // Digits too large for a float are no infinity.
    (!text.contains(|character: char| character.is_ascii_digit())).then_some(value)
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
    let digits = Digits::of(text.trim())?;
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

/// A date, perhaps with midnight behind it: no other time is dropped.
fn date(text: &str) -> Option<i32> {
    let days = Date32Type::parse(text)?;
    let time = text.get(11..).filter(|_| !text.starts_with(['+', '-'])).unwrap_or_default();
    let is_midnight = time.chars().all(|character| matches!(character, '0' | ':' | '.'));
    is_midnight.then_some(days)
}

/// Returns a time of day in whole units of so many nanoseconds; a number is one of units.
fn time_of_day(text: &str, unit_nanoseconds: i64) -> Option<i64> {
    const DAY: i64 = 86_400_000_000_000;
    let Ok(nanoseconds) = string_to_time_nanoseconds(text) else {
        let units: i64 = text.parse().ok()?;
        return (0..DAY / unit_nanoseconds).contains(&units).then_some(units);
    };
    // A leap second is no second of the day, and digits below a nanosecond would be dropped.
    let fits = nanoseconds < DAY && !text.contains(":60") && fraction_digits(text) <= 9;
    (fits && nanoseconds % unit_nanoseconds == 0).then(|| nanoseconds / unit_nanoseconds)
}

/// Returns how many digits stand behind the point.
fn fraction_digits(text: &str) -> usize {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count()
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
    if fraction_digits(text) > 9 {
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
    // A second of 60 stands as a billion nanoseconds and more.
    if below % nanoseconds != 0 || below >= 1_000_000_000 {
        return None;
    }
    time.timestamp().checked_mul(per_second)?.checked_add(below / nanoseconds)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use proptest::prelude::*;
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
    #[case(DataType::Int64, " 1 ", Some("1"))]
    #[case(DataType::Int64, "+1", Some("1"))]
    #[case(DataType::Int64, "", None)]
    #[case(DataType::Int64, "007", Some("7"))]
    #[case(DataType::UInt8, "-1", None)]
    #[case(DataType::Float64, "0.1", Some("0.1"))]
    #[case(DataType::Float64, "1.50", Some("1.5"))]
    #[case(DataType::Float64, "48.053808600000004", Some("48.0538086"))]
    #[case(DataType::Float64, " +1E-05 ", Some("0.00001"))]
    #[case(DataType::Float64, ".5", Some("0.5"))]
    #[case(DataType::Float64, "NAN", Some("NaN"))]
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
    #[case(DataType::Boolean, "1", Some("true"))]
    #[case(DataType::Boolean, "Off", Some("false"))]
    #[case(DataType::Boolean, "2", None)]
    #[case(DataType::Date32, "2024-02-29", Some("2024-02-29"))]
    #[case(DataType::Date32, "2023-02-29", None)]
    #[case(DataType::Date32, "29.02.2024", None)]
    #[case(DataType::Date32, "2024-2-9", Some("2024-02-09"))]
    #[case(DataType::Date32, "2024-02-29 00:00:00", Some("2024-02-29"))]
    #[case(DataType::Date32, "2024-02-29T12:00:00", None)]
    #[case(DataType::Date32, "2024-02-29T00:00:00+02:00", None)]
    #[case(DataType::Time64(TimeUnit::Microsecond), "12:30:00.5", Some("12:30:00.500"))]
    #[case(DataType::Time64(TimeUnit::Microsecond), "6:30 PM", Some("18:30:00"))]
    #[case(DataType::Time64(TimeUnit::Microsecond), "12:30:00.1234567", None)]
    #[case(DataType::Time32(TimeUnit::Second), "12:30:00.5", None)]
    #[case(DataType::Time64(TimeUnit::Microsecond), "23:59:60", None)]
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

    /// Texts of every sort, from parts that casts read or nearly read.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ +-]?[0-9]{0,19}(\\.[0-9]{0,12})?([eE][+-]?[0-9]{1,2})? ?",
            "(t|tr|true|TRUE|False|y|yes|on|off|no|n|0|1|2| true|maybe)",
            "20[0-9]{2}-[01]?[0-9]-[0-3]?[0-9]([T ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,10})?(Z|[ ]?[+-]0[0-9]:?[03]0)?)?",
            "[0-2]?[0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{1,10})?)?( AM| PM)?",
            "(NaN|nan|inf|-Infinity|NULL|)",
        ]
    }

    fn types() -> impl Strategy<Value = DataType> {
        let micros =
            |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        proptest::sample::select(vec![
            DataType::Int8,
            DataType::UInt16,
            DataType::Int64,
            DataType::Float32,
            DataType::Float64,
            DataType::Decimal128(10, 2),
            DataType::Decimal128(38, 6),
            DataType::Boolean,
            DataType::Date32,
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Time64(TimeUnit::Nanosecond),
            micros(None),
            micros(Some("UTC")),
            DataType::Timestamp(TimeUnit::Second, None),
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_fits_is_what_the_cast_of_sql_reads(text in texts(), to in types()) {
            let array = LargeStringArray::from(vec![text.as_str()]);
            let ours = from_text(&array, &to).expect("should convert");
            let theirs = cast_with_options(&array, &to, &lenient()).expect("should convert");
            if ours.is_valid(0) {
                // Decimals with an exponent are read here only.
                let same = ours.to_data() == theirs.to_data();
                prop_assert!(same || to.is_decimal() && text.contains(['e', 'E']), "{:?} as {}", text, to);
            } else if theirs.is_valid(0) {
                prop_assert!(is_lossy(&text, &to), "{:?} as {}", text, to);
            }
        }
    }

    /// Whether a text says more than the type keeps.
    fn is_lossy(text: &str, to: &DataType) -> bool {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        match to {
            DataType::Float32 => digits > 6 || text.contains(['e', 'E']),
            DataType::Float64 => digits > 15,
            DataType::Decimal128(_, scale) => {
                fraction_digits(text) > usize::from(scale.unsigned_abs())
            }
            DataType::Date32 => text.len() > 10,
            DataType::Time64(_) | DataType::Timestamp(..) => {
                fraction_digits(text) > 0
                    || text.contains(":60")
                    || names_offset(text)
                    || text.parse::<i64>().is_ok()
            }
            _ => false,
        }
    }
}
