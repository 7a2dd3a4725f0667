//! Parquet, Avro and Arrow IPC: the crates' writers, with bounded memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Fields, Schema as ArrowSchema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_avro::compression::CompressionCodec;
use arrow_avro::writer::format::AvroOcfFormat;
use arrow_avro::writer::{Writer as AvroWriter, WriterBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::encoder::{Counted, Encoder, write_error};
use super::storable::Stored;
use crate::engines::nesting::element;
use crate::engines::table::Format;
use crate::formats::bytes::size_of_buffer;
use crate::formats::error::FormatError;

/// Rows of a row group: many enough to compress and skip well, few enough for memory.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Bytes of a row group that is not written yet; wide rows end it early.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Most columns that are compressed with zstd: it holds a state for each.
const MOST_ZSTD_COLUMNS: usize = 1_000;

/// What is held for each column besides its values, with zstd and with Snappy.
const ZSTD_BYTES: u64 = 192 * 1024;
const SNAPPY_BYTES: u64 = 48 * 1024;

/// Returns about how many bytes a Parquet file that is being written holds besides values.
pub(super) fn held_bytes(schema: &ArrowSchema) -> u64 {
    let columns = leaves(schema.fields());
    let each = if columns > MOST_ZSTD_COLUMNS { SNAPPY_BYTES } else { ZSTD_BYTES };
    size_of_buffer(columns).saturating_mul(each)
}

/// The columns that are stored, of which a nested one has several.
fn leaves(fields: &Fields) -> usize {
    fields.iter().map(|field| leaves_of(field.data_type())).sum()
}

fn leaves_of(data_type: &DataType) -> usize {
    match (data_type, element(data_type)) {
        (DataType::Struct(members), _) => leaves(members),
        (_, Some(element)) => leaves_of(element.data_type()),
        _ => 1,
    }
}

/// Writes Parquet, compressed with zstd; with Snappy when there are many columns.
pub(super) struct ParquetEncoder {
    stored: Stored,
    writer: ArrowWriter<Counted>,
}

impl ParquetEncoder {
    pub(super) fn new(stored: Stored, out: Counted) -> Result<Self, FormatError> {
        let compression = if leaves(stored.schema.fields()) > MOST_ZSTD_COLUMNS {
            Compression::SNAPPY
        } else {
            Compression::ZSTD(ZstdLevel::default())
        };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&stored.schema), Some(properties))
            .map_err(|error| super::encoder::unwritable(Format::Parquet, error.to_string()))?;
        Ok(Self { stored, writer })
    }
}

impl Encoder for ParquetEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let batch = self.stored.batch(batch)?;
        let failed = |error| write_error(Format::Parquet, error);
        self.writer.write(&batch).map_err(failed)?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(failed)?;
        }
        Ok(())
    }

    fn bytes_written(&self) -> u64 {
        size_of_buffer(self.writer.bytes_written() + self.writer.in_progress_size())
    }

    fn finish(self: Box<Self>) -> Result<u64, FormatError> {
        let count = self.writer.inner().count();
        let failed = |error| write_error(Format::Parquet, error);
        let mut out = self.writer.into_inner().map_err(failed)?;
        flushed(&mut out, Format::Parquet)?;
        Ok(count.load(Ordering::Relaxed))
    }
}

/// Flushes what stands between an encoder and the file.
fn flushed(out: &mut Counted, format: Format) -> Result<(), FormatError> {
    std::io::Write::flush(out).map_err(|error| write_error(format, error))
}

/// Writes Avro object container files, compressed with zstd.
pub(super) struct AvroEncoder {
    stored: Stored,
    writer: AvroWriter<Counted, AvroOcfFormat>,
    count: Arc<AtomicU64>,
}

impl AvroEncoder {
    pub(super) fn new(stored: Stored, out: Counted) -> Result<Self, FormatError> {
        let count = out.count();
        let writer = WriterBuilder::new(stored.schema.as_ref().clone())
            .with_compression(Some(CompressionCodec::ZStandard))
            .build::<_, AvroOcfFormat>(out)
            .map_err(|error| super::encoder::unwritable(Format::Avro, error.to_string()))?;
        Ok(Self { stored, writer, count })
    }
}

impl Encoder for AvroEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let batch = self.stored.batch(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.writer.write(&batch).map_err(|error| write_error(Format::Avro, error))
    }

    fn bytes_written(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn finish(mut self: Box<Self>) -> Result<u64, FormatError> {
        self.writer.finish().map_err(|error| write_error(Format::Avro, error))?;
        Ok(self.count.load(Ordering::Relaxed))
    }
}

/// Writes Arrow IPC files, compressed with LZ4.
pub(super) struct ArrowEncoder {
    stored: Stored,
    writer: FileWriter<Counted>,
    count: Arc<AtomicU64>,
}

impl ArrowEncoder {
    pub(super) fn new(stored: Stored, out: Counted) -> Result<Self, FormatError> {
        let count = out.count();
        let refused = |error: arrow::error::ArrowError| {
            super::encoder::unwritable(Format::Arrow, error.to_string())
        };
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(refused)?;
        let writer =
            FileWriter::try_new_with_options(out, &stored.schema, options).map_err(refused)?;
        Ok(Self { stored, writer, count })
    }
}

impl Encoder for ArrowEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let batch = self.stored.batch(batch)?;
        self.writer.write(&batch).map_err(|error| write_error(Format::Arrow, error))
    }

    fn bytes_written(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn finish(mut self: Box<Self>) -> Result<u64, FormatError> {
        self.writer.finish().map_err(|error| write_error(Format::Arrow, error))?;
        flushed(self.writer.get_mut(), Format::Arrow)?;
        Ok(self.count.load(Ordering::Relaxed))
    }
}
