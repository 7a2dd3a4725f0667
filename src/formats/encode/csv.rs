//! Delimited text: commas, quotes where they are needed, a header, line feeds.
//!
//! Cells are written so that reading them gives the values back: empty texts are quoted, nulls are
//! empty, floats are the shortest text that reads as them, every timestamp has all its digits.

use std::fmt::Write as _;
use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::encoder::{Counted, Encoder, unwritable, write_error};
use super::storable::Stored;
use crate::engines::table::Format;
use crate::formats::csv::times;
use crate::formats::error::FormatError;
use crate::formats::exact_float::write_float;

/// Writes delimited text.
pub(super) struct CsvEncoder {
    stored: Stored,
    out: Counted,
    text: String,
    rows: u64,
}

impl CsvEncoder {
    pub(super) fn new(stored: Stored, out: Counted) -> Result<Self, FormatError> {
        let mut encoder = Self { stored, out, text: String::new(), rows: 0 };
        let mut header = String::new();
        for (index, field) in encoder.stored.schema.fields().iter().enumerate() {
            if index > 0 {
                header.push(',');
            }
            push_cell(&mut header, field.name());
        }
        header.push('\n');
        encoder
            .out
            .write_all(header.as_bytes())
            .map_err(|error| write_error(Format::Csv, error))?;
        Ok(encoder)
    }
}

/// Prints the cells of one column.
enum Printer<'a> {
    Text(Box<dyn Fn(usize) -> &'a str + 'a>),
    Float64(&'a arrow::array::Float64Array),
    Float32(&'a arrow::array::Float32Array),
    Other(ArrayFormatter<'a>),
    /// Printed text that must be read back as a date or timestamp.
    Dated(ArrayFormatter<'a>),
}

impl<'a> Printer<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self, FormatError> {
        Ok(match array.data_type() {
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                Self::Text(Box::new(|row| texts.value(row)))
            }
            DataType::LargeUtf8 => {
                let texts = array.as_string::<i64>();
                Self::Text(Box::new(|row| texts.value(row)))
            }
            DataType::Utf8View => {
                let texts = array.as_string_view();
                Self::Text(Box::new(|row| texts.value(row)))
            }
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>()),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>()),
            DataType::Timestamp(..) | DataType::Date32 => Self::Dated(formatter(array)?),
            _ => Self::Other(formatter(array)?),
        })
    }

    fn push(&self, row: usize, out: &mut String) -> Result<(), String> {
        let printed = match self {
            Self::Text(text) => {
                push_cell(out, text(row));
                Ok(())
            }
            Self::Float64(floats) => write_float(out, floats.value(row)),
            Self::Float32(floats) => write_float(out, floats.value(row)),
            Self::Other(formatter) => write!(out, "{}", formatter.value(row)),
            Self::Dated(formatter) => {
                let text = formatter.value(row).try_to_string();
                let text = text.map_err(|_| "no calendar has the value".to_owned())?;
                if times::timestamp(text.as_bytes()).is_none()
                    && times::date32(text.as_bytes()).is_none()
                {
                    return Err(format!("`{text}` is outside of the years 0 to 9999"));
                }
                out.push_str(&text);
                Ok(())
            }
        };
        printed.map_err(|_| "no clock has the value".to_owned())
    }
}

const PLAIN: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

/// All cells of a column have the same number of digits after the second.
fn formatter(array: &ArrayRef) -> Result<ArrayFormatter<'_>, FormatError> {
    let unit = match array.data_type() {
        DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) => *unit,
        _ => TimeUnit::Second,
    };
    let (local, utc, time) = match unit {
        TimeUnit::Second => ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%H:%M:%S"),
        TimeUnit::Millisecond => {
            ("%Y-%m-%dT%H:%M:%S%.3f", "%Y-%m-%dT%H:%M:%S%.3fZ", "%H:%M:%S%.3f")
        }
        TimeUnit::Microsecond => {
            ("%Y-%m-%dT%H:%M:%S%.6f", "%Y-%m-%dT%H:%M:%S%.6fZ", "%H:%M:%S%.6f")
        }
        TimeUnit::Nanosecond => ("%Y-%m-%dT%H:%M:%S%.9f", "%Y-%m-%dT%H:%M:%S%.9fZ", "%H:%M:%S%.9f"),
    };
    let options = PLAIN
        .with_timestamp_format(Some(local))
        .with_timestamp_tz_format(Some(utc))
        .with_time_format(Some(time));
    ArrayFormatter::try_new(array.as_ref(), &options)
        .map_err(|error| unwritable(Format::Csv, error.to_string()))
}

/// Writes a text so that it is read back as it is.
fn push_cell(out: &mut String, text: &str) {
    let special = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    // A byte order mark at the beginning of a file would be dropped.
    if !text.is_empty() && !text.bytes().any(special) && !text.starts_with('\u{feff}') {
        out.push_str(text);
        return;
    }
    out.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

impl Encoder for CsvEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let batch = self.stored.batch(batch)?;
        let printers =
            batch.columns().iter().map(Printer::new).collect::<Result<Vec<_>, FormatError>>()?;
        self.text.clear();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            for (index, (column, printer)) in batch.columns().iter().zip(&printers).enumerate() {
                if index > 0 {
                    self.text.push(',');
                }
                let name = || self.stored.schema.field(index).name();
                let is_null = column.is_null(row) || column.data_type() == &DataType::Null;
                if is_null && printers.len() == 1 {
                    let message = format!(
                        "column `{}` is the only one and holds a null, which would be an empty line",
                        name()
                    );
                    return Err(unwritable(Format::Csv, message));
                }
                if is_null {
                    continue;
                }
                printer.push(row, &mut self.text).map_err(|message| {
                    let message = format!("column `{}`, row {}: {message}", name(), self.rows);
                    unwritable(Format::Csv, format!("{message}; cast it to text"))
                })?;
            }
            self.text.push('\n');
        }
        self.out.write_all(self.text.as_bytes()).map_err(|error| write_error(Format::Csv, error))
    }

    fn bytes_written(&self) -> u64 {
        self.out.count().load(std::sync::atomic::Ordering::Relaxed)
    }

    fn finish(mut self: Box<Self>) -> Result<u64, FormatError> {
        self.out.flush().map_err(|error| write_error(Format::Csv, error))?;
        Ok(self.bytes_written())
    }
}
