//! What every encoder has, and which one a format gets.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::{columnar, csv, json, storable, xlsx};
use crate::engines::table::Format;
use crate::formats::bytes::size_of_buffer;
use crate::formats::error::FormatError;

/// Writes one file.
pub trait Encoder: Send {
    /// Writes a batch of the schema the encoder was made with.
    ///
    /// # Errors
    /// `Unwritable` for a value the format cannot hold; `Write`.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError>;

    /// Returns about how many bytes the file has so far.
    fn bytes_written(&self) -> u64;

    /// Writes what is left and returns the size of the file.
    ///
    /// # Errors
    /// `Write`.
    fn finish(self: Box<Self>) -> Result<u64, FormatError>;
}

/// Returns about how many bytes an encoder holds besides the values of rows: what it keeps for each
/// column, which counts when there are many of them, or many encoders.
#[must_use]
pub fn held_bytes(format: Format, schema: &Schema) -> u64 {
    match format {
        Format::Parquet => columnar::held_bytes(schema),
        _ => 0,
    }
}

/// Makes an encoder.
///
/// Types that a format stores under a wider one (`Int8` as Avro's `int`, dictionaries as their values)
/// are widened; no value is changed.
///
/// # Errors
/// `Unwritable` when the format is read only or cannot hold a column's type: every such column is named.
#[expect(clippy::needless_pass_by_value, reason = "an encoder keeps the schema, widened or not")]
pub fn encoder(
    format: Format,
    schema: SchemaRef,
    out: Box<dyn Write + Send>,
) -> Result<Box<dyn Encoder>, FormatError> {
    let stored = storable::check(format, &schema)?;
    let counted = Counted { inner: out, count: Arc::default() };
    Ok(match format {
        Format::Parquet => Box::new(columnar::ParquetEncoder::new(stored, counted)?),
        Format::Avro => Box::new(columnar::AvroEncoder::new(stored, counted)?),
        Format::Arrow => Box::new(columnar::ArrowEncoder::new(stored, counted)?),
        Format::Csv => Box::new(csv::CsvEncoder::new(stored, counted)?),
        Format::Json | Format::Jsonl => Box::new(json::JsonEncoder::new(format, counted)?),
        Format::Xlsx => Box::new(xlsx::XlsxEncoder::new(&stored, counted)?),
        Format::Orc | Format::Msgpack => return Err(read_only(format)),
    })
}

pub(super) fn read_only(format: Format) -> FormatError {
    unwritable(format, "it is read, but not written")
}

pub(super) fn unwritable(format: Format, message: impl Into<String>) -> FormatError {
    FormatError::Unwritable { format: format.as_str().to_owned(), message: message.into() }
}

pub(super) fn write_error(
    format: Format,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> FormatError {
    FormatError::Write { format: format.as_str().to_owned(), source: io::Error::other(source) }
}

/// Counts what is written.
pub(super) struct Counted {
    inner: Box<dyn Write + Send>,
    count: Arc<AtomicU64>,
}

impl Counted {
    pub(super) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.count.fetch_add(size_of_buffer(written), Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
