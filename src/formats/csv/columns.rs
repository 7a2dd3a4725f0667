//! Builds Arrow arrays from cells, by type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int64Builder, NullArray, NullBufferBuilder, StringArray, Time64MicrosecondBuilder,
    Time64NanosecondBuilder, TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

use super::times::Timestamp;
use super::{cells, times};

/// Text of one column; checked to be UTF-8 when it is finished.
#[derive(Debug, Default)]
pub(crate) struct TextBuilder {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    valid: Option<NullBufferBuilder>,
}

impl TextBuilder {
    fn new(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { bytes: Vec::new(), ends, valid: Some(NullBufferBuilder::new(rows)) }
    }

    #[inline]
    fn push(&mut self, cell: Option<&[u8]>) -> bool {
        let bytes = cell.unwrap_or_default();
        let Ok(end) = i32::try_from(self.bytes.len() + bytes.len()) else { return false };
        self.bytes.extend_from_slice(bytes);
        self.ends.push(end);
        if let Some(valid) = &mut self.valid {
            valid.append(cell.is_some());
        }
        true
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        let nulls = self.valid.and_then(|mut valid| valid.finish());
        Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(self.bytes), nulls)?))
    }
}

/// Builds the array of one column.
pub(crate) enum Cells {
    /// No value at all.
    Null(usize),
    /// `true`, `false`, in three spellings.
    Boolean(BooleanBuilder),
    /// Whole numbers, with the bounds of the column's type.
    Int(Int64Builder, i64, i64),
    /// Single precision.
    Float32(Float32Builder),
    /// Double precision.
    Float64(Float64Builder),
    /// Decimals of a precision and scale.
    Decimal(Decimal128Builder, u8, u8),
    /// Days.
    Date(Date32Builder),
    /// Microseconds; whether the text ends with `Z` or an offset.
    Micros(TimestampMicrosecondBuilder, bool),
    /// Nanoseconds; whether the text ends with `Z` or an offset.
    Nanos(TimestampNanosecondBuilder, bool),
    /// Microseconds of the day.
    TimeMicros(Time64MicrosecondBuilder),
    /// Nanoseconds of the day.
    TimeNanos(Time64NanosecondBuilder),
    /// Text.
    Text(TextBuilder),
}

impl Cells {
    /// Returns a builder for a type; `None` when text is not read as it.
    pub(crate) fn new(data_type: &DataType, rows: usize) -> Option<Self> {
        let ints =
            |low: i64, high: i64| Some(Self::Int(Int64Builder::with_capacity(rows), low, high));
        match data_type {
            DataType::Null => Some(Self::Null(0)),
            DataType::Boolean => Some(Self::Boolean(BooleanBuilder::with_capacity(rows))),
            DataType::Int64 => ints(i64::MIN, i64::MAX),
            DataType::Int32 => ints(i32::MIN.into(), i32::MAX.into()),
            DataType::Int16 => ints(i16::MIN.into(), i16::MAX.into()),
            DataType::Int8 => ints(i8::MIN.into(), i8::MAX.into()),
            DataType::UInt32 => ints(0, u32::MAX.into()),
            DataType::UInt16 => ints(0, u16::MAX.into()),
            DataType::UInt8 => ints(0, u8::MAX.into()),
            DataType::Float32 => Some(Self::Float32(Float32Builder::with_capacity(rows))),
            DataType::Float64 => Some(Self::Float64(Float64Builder::with_capacity(rows))),
            DataType::Decimal128(precision, scale) => {
                let scale = u8::try_from(*scale).ok()?;
                let builder = Decimal128Builder::with_capacity(rows);
                Some(Self::Decimal(builder, *precision, scale))
            }
            DataType::Date32 => Some(Self::Date(Date32Builder::with_capacity(rows))),
            DataType::Timestamp(unit, zone) => {
                // Text states no zone but an offset, and the instant is kept in UTC.
                let zoned = match zone.as_deref() {
                    None => false,
                    Some("UTC" | "+00:00" | "Z") => true,
                    Some(_) => return None,
                };
                match unit {
                    TimeUnit::Microsecond => {
                        Some(Self::Micros(TimestampMicrosecondBuilder::with_capacity(rows), zoned))
                    }
                    TimeUnit::Nanosecond => {
                        Some(Self::Nanos(TimestampNanosecondBuilder::with_capacity(rows), zoned))
                    }
                    TimeUnit::Second | TimeUnit::Millisecond => None,
                }
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                Some(Self::TimeMicros(Time64MicrosecondBuilder::with_capacity(rows)))
            }
            DataType::Time64(TimeUnit::Nanosecond) => {
                Some(Self::TimeNanos(Time64NanosecondBuilder::with_capacity(rows)))
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Some(Self::Text(TextBuilder::new(rows)))
            }
            _ => None,
        }
    }

    /// Whether cells are kept as they are.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Adds a null.
    #[inline]
    pub(crate) fn null(&mut self) {
        match self {
            Self::Null(count) => *count += 1,
            Self::Boolean(builder) => builder.append_null(),
            Self::Int(builder, ..) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Decimal(builder, ..) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Micros(builder, _) => builder.append_null(),
            Self::Nanos(builder, _) => builder.append_null(),
            Self::TimeMicros(builder) => builder.append_null(),
            Self::TimeNanos(builder) => builder.append_null(),
            Self::Text(builder) => {
                builder.push(None);
            }
        }
    }

    /// Adds a cell; false when it does not fit, and then nothing is added.
    #[inline]
    pub(crate) fn value(&mut self, cell: &[u8]) -> bool {
        match self {
            Self::Null(_) => false,
            Self::Boolean(builder) => {
                add(cells::boolean(cell), |(value, _)| builder.append_value(value))
            }
            Self::Int(builder, low, high) => {
                add(cells::int64(cell).filter(|value| value >= low && value <= high), |value| {
                    builder.append_value(value);
                })
            }
            Self::Float32(builder) => {
                add(cells::float32(cell), |value| builder.append_value(value))
            }
            Self::Float64(builder) => {
                add(cells::float64(cell), |value| builder.append_value(value))
            }
            Self::Decimal(builder, precision, scale) => {
                add(cells::decimal(cell, *precision, *scale), |value| builder.append_value(value))
            }
            Self::Date(builder) => add(times::date32(cell), |value| builder.append_value(value)),
            Self::Micros(builder, zoned) => {
                let at = times::timestamp(cell).filter(|at| at.form.zoned == *zoned);
                add(at.and_then(Timestamp::micros), |value| builder.append_value(value))
            }
            Self::Nanos(builder, zoned) => {
                let at = times::timestamp(cell).filter(|at| at.form.zoned == *zoned);
                add(at.and_then(Timestamp::nanos), |value| builder.append_value(value))
            }
            Self::TimeMicros(builder) => {
                let nanos = times::time_of_day(cell).filter(|(nanos, _)| nanos % 1000 == 0);
                add(nanos, |(nanos, _)| builder.append_value(nanos / 1000))
            }
            Self::TimeNanos(builder) => {
                add(times::time_of_day(cell), |(nanos, _)| builder.append_value(nanos))
            }
            Self::Text(builder) => builder.push(Some(cell)),
        }
    }

    /// Returns the array in the column's type.
    pub(crate) fn finish(self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let array: ArrayRef = match self {
            Self::Null(rows) => Arc::new(NullArray::new(rows)),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder, ..) => Arc::new(builder.finish()),
            Self::Float32(mut builder) => Arc::new(builder.finish()),
            Self::Float64(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder, precision, scale) => {
                let scale = i8::try_from(scale)
                    .map_err(|error| ArrowError::InvalidArgumentError(error.to_string()))?;
                Arc::new(builder.finish().with_precision_and_scale(precision, scale)?)
            }
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Micros(mut builder, _) => {
                Arc::new(builder.finish().with_data_type(data_type.clone()))
            }
            Self::Nanos(mut builder, _) => {
                Arc::new(builder.finish().with_data_type(data_type.clone()))
            }
            Self::TimeMicros(mut builder) => Arc::new(builder.finish()),
            Self::TimeNanos(mut builder) => Arc::new(builder.finish()),
            Self::Text(builder) => builder.finish()?,
        };
        if array.data_type() == data_type {
            return Ok(array);
        }
        cast_with_options(&array, data_type, &CastOptions { safe: false, ..CastOptions::default() })
    }
}

#[inline]
fn add<T>(value: Option<T>, append: impl FnOnce(T)) -> bool {
    value.map(append).is_some()
}
