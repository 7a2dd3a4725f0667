//! Parquet: schemas from the footer, batches by column.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, PageIndexPolicy, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy,
};
use parquet::file::reader::{ChunkReader, Length};

use super::bytes::{SourceReader, size_of_buffer};
use super::declared::declared;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::parquet_trust::trusted;
use super::projection;
use crate::engines::files::ByteSource;
use crate::engines::schema::Schema;

/// Read from the end at once: most footers fit, so that one read is enough.
const TAIL_BYTES: u64 = 64 * 1024;

fn broken(path: &str, error: &ParquetError) -> FormatError {
    FormatError::Broken {
        path: path.to_owned(),
        format: "parquet".to_owned(),
        message: error.to_string(),
    }
}

/// The end of a file as if the whole were there.
struct Tail<'a> {
    source: &'a dyn ByteSource,
    start: u64,
    bytes: Bytes,
}

impl<'a> Tail<'a> {
    fn read(source: &'a dyn ByteSource, length: u64) -> Result<Self, FormatError> {
        let length = length.min(source.size());
        let start = source.size() - length;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = super::bytes::read_range(source, start, length)?.into();
        Ok(Self { source, start, bytes })
    }
}

impl Length for Tail<'_> {
    fn len(&self) -> u64 {
        self.source.size()
    }
}

impl ChunkReader for Tail<'_> {
    type T = io::Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let length = usize::try_from(self.source.size().saturating_sub(start)).unwrap_or(0);
        Ok(io::Cursor::new(self.get_bytes(start, length)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if let Some(offset) = start.checked_sub(self.start) {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = offset.saturating_add(length);
            if end <= self.bytes.len() {
                return Ok(self.bytes.slice(offset..end));
            }
        }
        read_chunk(self.source, start, length)
    }
}

fn read_chunk(source: &dyn ByteSource, start: u64, length: usize) -> Result<Bytes, ParquetError> {
    if start.saturating_add(size_of_buffer(length)) > source.size() {
        return Err(ParquetError::EOF("a part lies beyond the end of the file".to_owned()));
    }
    let mut buffer = vec![0; length];
    let count = source
        .read_at(&mut buffer, start)
        .map_err(|error| ParquetError::External(Box::new(error)))?;
    if count < length {
        return Err(ParquetError::EOF("the file is shorter than when it was opened".to_owned()));
    }
    Ok(buffer.into())
}

/// Statistics say nothing about the schema, and are most of a footer.
fn without_statistics() -> ParquetMetaDataOptions {
    ParquetMetaDataOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
}

/// What a footer says of its file.
#[derive(Debug)]
pub(crate) struct Footer {
    /// The columns.
    pub(crate) schema: Schema,
    /// The rows of all row groups.
    pub(crate) rows: u64,
    /// What a reader should know.
    pub(crate) note: Option<String>,
}

/// Reads what the footer says.
pub(crate) fn footer(source: &dyn ByteSource) -> Result<Footer, FormatError> {
    let wrong = |error: ParquetError| broken(source.path(), &error);
    let tail = Tail::read(source, TAIL_BYTES)?;
    let stated = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Skip)
        .with_metadata_options(Some(without_statistics()))
        .parse_and_finish(&tail)
        .map_err(wrong)?;
    let stated_rows = stated.file_metadata().num_rows();
    let metadata = trusted(stated).map_err(wrong)?;
    let file = metadata.file_metadata();
    let arrow =
        parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).map_err(wrong)?;
    let rows = file.num_rows();
    let note = (rows != stated_rows).then(|| {
        format!("its footer states {stated_rows} rows, and its row groups have {rows}: these count")
    });
    let schema = declared(source.path(), "parquet", &arrow)?;
    Ok(Footer { schema: with_source_types(schema, file), rows: rows.unsigned_abs(), note })
}

/// Keeps the file's own word where the canonical type says less.
fn with_source_types(mut schema: Schema, file: &FileMetaData) -> Schema {
    let leaves = file.schema_descr();
    for leaf in 0..leaves.num_columns() {
        // Arrow has the columns of a file in the same order as Parquet.
        if leaves.column(leaf).physical_type() == PhysicalType::INT96
            && leaves.get_column_root(leaf).is_primitive()
            && let Some(column) = schema.columns.get_mut(leaves.get_column_root_idx(leaf))
        {
            column.source_type = Some("INT96".to_owned());
        }
    }
    schema
}

/// A source as Parquet's reader wants it.
struct Chunks(Arc<dyn ByteSource>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.size()
    }
}

impl ChunkReader for Chunks {
    type T = SourceReader<Arc<dyn ByteSource>>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(SourceReader::new(Arc::clone(&self.0), start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        read_chunk(&*self.0, start, length)
    }
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    let wrong = |error: ParquetError| broken(&path, &error);
    let chunks = Chunks(source);
    let stated = ParquetMetaDataReader::new().parse_and_finish(&chunks).map_err(wrong)?;
    let metadata = Arc::new(trusted(stated).map_err(wrong)?);
    let metadata =
        ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new()).map_err(wrong)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, metadata);
    options.take_unknown_of(&path, builder.schema());
    let wanted: HashSet<&str> =
        options.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let fields = builder.schema().fields().iter().enumerate();
    let roots: Vec<usize> = fields
        .filter(|(_, field)| wanted.contains(field.name().as_str()))
        .map(|(index, _)| index)
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(options.batch_rows.max(1))
        .build()
        .map_err(wrong)?;
    Ok(projection::conform(Box::new(reader), path, "parquet", options))
}
