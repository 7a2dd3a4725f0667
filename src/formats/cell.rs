//! One value of an Arrow array, as text.
//!
//! Casts and merges to text, and the examples of reports, print values so. `docs/formats.md` has the
//! table.

use std::fmt::Write as _;

use super::exact_float::write_float;
use super::json_rows::{Form, run_of, values};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
    Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A floating-point number of 64 bits.
    Float(f64),
    /// A floating-point number of 32 bits (or 16), whose shortest text is not that of 64 bits.
    Single(f32),
    /// Text.
    Text(&'a str),
    /// A value whose printed form is fixed: decimals, dates, times, timestamps, durations; binary as
    /// base64, nested values as compact JSON.
    Printed(String),
}

impl<'a> Cell<'a> {
    /// Returns the value of a row.
    #[must_use]
    pub fn of(array: &'a dyn Array, row: usize) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(array.as_boolean().value(row)),
            DataType::Int8 => Self::Integer(value::<Int8Type>(array, row).into()),
            DataType::Int16 => Self::Integer(value::<Int16Type>(array, row).into()),
            DataType::Int32 => Self::Integer(value::<Int32Type>(array, row).into()),
            DataType::Int64 => Self::Integer(value::<Int64Type>(array, row)),
            DataType::UInt8 => Self::Unsigned(value::<UInt8Type>(array, row).into()),
            DataType::UInt16 => Self::Unsigned(value::<UInt16Type>(array, row).into()),
            DataType::UInt32 => Self::Unsigned(value::<UInt32Type>(array, row).into()),
            DataType::UInt64 => Self::Unsigned(value::<UInt64Type>(array, row)),
            DataType::Float16 => Self::Single(value::<Float16Type>(array, row).to_f32()),
            DataType::Float32 => Self::Single(value::<Float32Type>(array, row)),
            DataType::Float64 => Self::Float(value::<Float64Type>(array, row)),
            DataType::Utf8 => Self::Text(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Self::Text(array.as_string::<i64>().value(row)),
            DataType::Utf8View => Self::Text(array.as_string_view().value(row)),
            data_type if is_json(data_type) => Self::Printed(json_text(array, row)),
            DataType::Dictionary(..) => dictionary_value(array, row),
            DataType::RunEndEncoded(..) => {
                let (values, place) = run_of(array, row);
                Cell::of(values.as_ref(), place)
            }
            _ => Self::Printed(printed(array, row)),
        }
    }

    /// Writes the value as one text.
    #[expect(clippy::missing_panics_doc, reason = "writing to a string does not fail")]
    pub fn write_text(&self, out: &mut String) {
        let written = match self {
            Self::Null => Ok(()),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Integer(value) => write!(out, "{value}"),
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::Float(value) => write_float(out, *value),
            Self::Single(value) => write_float(out, *value),
            Self::Text(text) => out.write_str(text),
            Self::Printed(text) => out.write_str(text),
        };
        written.expect("should never fail to write to a string");
    }
}

fn is_json(data_type: &DataType) -> bool {
    data_type.is_nested()
        || matches!(
            data_type,
            DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::FixedSizeBinary(_)
        )
}

fn json_text(array: &dyn Array, row: usize) -> String {
    match values(&array.slice(row, 1), Form::File).pop() {
        Some(serde_json::Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn value<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

fn dictionary_value(array: &dyn Array, row: usize) -> Cell<'_> {
    let dictionary = array.as_any_dictionary();
    let keys = dictionary.normalized_keys();
    keys.get(row).map_or(Cell::Null, |&key| Cell::of(dictionary.values().as_ref(), key))
}

/// Prints what has a fixed form: ISO 8601 for dates and times, `Z` for instants, plain digits for
/// decimals; a number with its unit for what no calendar or clock has. No value is without a form.
pub(super) fn printed(array: &dyn Array, row: usize) -> String {
    match array.data_type() {
        DataType::Decimal32(_, scale) => {
            Decimal32Type::format_exact(value::<Decimal32Type>(array, row).to_string(), *scale)
        }
        DataType::Decimal64(_, scale) => {
            Decimal64Type::format_exact(value::<Decimal64Type>(array, row).to_string(), *scale)
        }
        DataType::Decimal128(_, scale) => {
            Decimal128Type::format_exact(value::<Decimal128Type>(array, row).to_string(), *scale)
        }
        DataType::Decimal256(_, scale) => {
            Decimal256Type::format_exact(value::<Decimal256Type>(array, row).to_string(), *scale)
        }
        DataType::Date32 => date(i64::from(value::<Date32Type>(array, row))),
        DataType::Date64 => date64(value::<Date64Type>(array, row)),
        DataType::Time32(_) | DataType::Time64(_) => time(time_nanoseconds(array, row)),
        DataType::Timestamp(unit, zone) => {
            timestamp(timestamp_nanoseconds(array, row, *unit), zone.is_some())
        }
        DataType::Duration(unit) => duration(duration_nanoseconds(array, row, *unit)),
        _ => {
            // Intervals: years, months, days and nanoseconds that no calendar bounds.
            let options = FormatOptions::new().with_display_error(false);
            let formatter = ArrayFormatter::try_new(array, &options);
            let text = formatter.and_then(|formatter| formatter.value(row).try_to_string());
            text.expect("should print: every interval has a text")
        }
    }
}

/// Exact text of a scaled integer.
trait FormatExact {
    fn format_exact(digits: String, scale: i8) -> String {
        let (sign, digits) =
            digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
        let Ok(scale) = usize::try_from(scale) else {
            return format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs())));
        };
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        format!("{sign}{whole}.{fraction}")
    }
}

impl FormatExact for Decimal32Type {}
impl FormatExact for Decimal64Type {}
impl FormatExact for Decimal128Type {}
impl FormatExact for Decimal256Type {}

fn date(days: i64) -> String {
    let epoch = Date::constant(1970, 1, 1);
    let span = jiff::Span::new().try_days(days);
    match span.and_then(|span| epoch.checked_add(span)) {
        Ok(date) => date.to_string(),
        Err(_) => format!("{days} days since 1970"),
    }
}

/// Days, as milliseconds; a file may hold a part of one.
fn date64(milliseconds: i64) -> String {
    const DAY: i64 = 86_400_000;
    if milliseconds % DAY == 0 {
        return date(milliseconds / DAY);
    }
    match Timestamp::from_millisecond(milliseconds) {
        Ok(timestamp) => timestamp.to_zoned(TimeZone::UTC).datetime().to_string(),
        Err(_) => format!("{milliseconds} ms since 1970"),
    }
}

fn time(nanoseconds: i128) -> String {
    let since = i64::try_from(nanoseconds).ok().map(SignedDuration::from_nanos);
    match since.and_then(|since| Time::midnight().checked_add(since).ok()) {
        Some(time) => time.to_string(),
        None => format!("{nanoseconds} ns since midnight"),
    }
}

fn timestamp(nanoseconds: i128, instant: bool) -> String {
    match Timestamp::from_nanosecond(nanoseconds) {
        Ok(timestamp) if instant => timestamp.to_string(),
        Ok(timestamp) => timestamp.to_zoned(TimeZone::UTC).datetime().to_string(),
        Err(_) => format!("{nanoseconds} ns since 1970"),
    }
}

fn duration(nanoseconds: i128) -> String {
    let text = i64::try_from(nanoseconds)
        .map(|nanoseconds| SignedDuration::from_nanos(nanoseconds).to_string());
    text.unwrap_or_else(|_| format!("{nanoseconds} ns"))
}

fn time_nanoseconds(array: &dyn Array, row: usize) -> i128 {
    match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            i128::from(value::<Time32SecondType>(array, row)) * 1_000_000_000
        }
        DataType::Time32(_) => i128::from(value::<Time32MillisecondType>(array, row)) * 1_000_000,
        DataType::Time64(TimeUnit::Microsecond) => {
            i128::from(value::<Time64MicrosecondType>(array, row)) * 1_000
        }
        _ => i128::from(value::<Time64NanosecondType>(array, row)),
    }
}

fn timestamp_nanoseconds(array: &dyn Array, row: usize, unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => i128::from(value::<TimestampSecondType>(array, row)) * 1_000_000_000,
        TimeUnit::Millisecond => {
            i128::from(value::<TimestampMillisecondType>(array, row)) * 1_000_000
        }
        TimeUnit::Microsecond => i128::from(value::<TimestampMicrosecondType>(array, row)) * 1_000,
        TimeUnit::Nanosecond => i128::from(value::<TimestampNanosecondType>(array, row)),
    }
}

fn duration_nanoseconds(array: &dyn Array, row: usize, unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => i128::from(value::<DurationSecondType>(array, row)) * 1_000_000_000,
        TimeUnit::Millisecond => {
            i128::from(value::<DurationMillisecondType>(array, row)) * 1_000_000
        }
        TimeUnit::Microsecond => i128::from(value::<DurationMicrosecondType>(array, row)) * 1_000,
        TimeUnit::Nanosecond => i128::from(value::<DurationNanosecondType>(array, row)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Date32Array, Decimal128Array, Time64MicrosecondArray, TimestampMicrosecondArray,
    };

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "calls are shorter")]
    fn text(array: ArrayRef) -> String {
        let mut text = String::new();
        Cell::of(array.as_ref(), 0).write_text(&mut text);
        text
    }

    #[test]
    fn decimals_print_all_their_digits() {
        for (value, precision, scale, expected) in [
            (5, 10, 2, "0.05"),
            (-12_345, 10, 2, "-123.45"),
            (100, 10, 0, "100"),
            (7, 10, -2, "700"),
        ] {
            let array =
                Decimal128Array::from(vec![value]).with_precision_and_scale(precision, scale);
            assert_eq!(text(Arc::new(array.expect("should be a decimal"))), expected);
        }
    }

    #[test]
    fn dates_and_times_print_as_iso_8601() {
        assert_eq!(text(Arc::new(Date32Array::from(vec![19_000]))), "2022-01-08");
        assert_eq!(text(Arc::new(Time64MicrosecondArray::from(vec![3_661_500_000]))), "01:01:01.5");
        let plain = TimestampMicrosecondArray::from(vec![1_600_000_000_000_000]);
        assert_eq!(text(Arc::new(plain.clone())), "2020-09-13T12:26:40");
        assert_eq!(text(Arc::new(plain.with_timezone("UTC"))), "2020-09-13T12:26:40Z");
        let before = TimestampMicrosecondArray::from(vec![-1]).with_timezone("+02:00");
        assert_eq!(text(Arc::new(before)), "1969-12-31T23:59:59.999999Z");
    }
}
