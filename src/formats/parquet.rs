//! Parquet: schemas from the footer, batches by column.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, PageIndexPolicy, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy,
};
use parquet::file::reader::{ChunkReader, Length};

use super::bytes::{ByteSource, SourceReader, size_of_buffer};
use super::declared::declared;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::projection;
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

/// Schema and number of rows from the footer.
pub(crate) fn footer(source: &dyn ByteSource) -> Result<(Schema, u64), FormatError> {
    let path = source.path();
    let tail = Tail::read(source, TAIL_BYTES)?;
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Skip)
        .with_metadata_options(Some(without_statistics()))
        .parse_and_finish(&tail)
        .map_err(|error| broken(path, &error))?;
    let file = metadata.file_metadata();
    let arrow = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())
        .map_err(|error| broken(path, &error))?;
    let rows = u64::try_from(file.num_rows()).map_err(|_| {
        broken(path, &ParquetError::General("a negative number of rows".to_owned()))
    })?;
    let schema = declared(path, "parquet", &arrow)?;
    Ok((with_source_types(schema, file), rows))
}

/// Keeps the file's own word where the canonical type says less.
fn with_source_types(mut schema: Schema, file: &FileMetaData) -> Schema {
    for leaf in file.schema_descr().columns() {
        if leaf.physical_type() == PhysicalType::INT96
            && let [name] = leaf.path().parts()
            && let Some(column) = schema.columns.iter_mut().find(|column| column.name == *name)
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
    let builder = ParquetRecordBatchReaderBuilder::try_new(Chunks(source))
        .map_err(|error| broken(&path, &error))?;
    let wanted = options.schema.fields();
    let roots: Vec<usize> = builder
        .schema()
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| wanted.iter().any(|wanted| wanted.name() == field.name()))
        .map(|(index, _)| index)
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(options.batch_rows.max(1))
        .build()
        .map_err(|error| broken(&path, &error))?;
    Ok(projection::conform(Box::new(reader), path, "parquet", options))
}
