//! Avro object container files.

use std::io::BufReader;
use std::sync::Arc;

use arrow_avro::reader::{Reader, ReaderBuilder};

use super::avro_blocks::count_rows;
use super::compression;
use super::declared::declared;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::projection;
use crate::engines::files::ByteSource;
use crate::engines::schema::Schema;

type Stream<'a> = Reader<BufReader<Box<dyn std::io::Read + Send + 'a>>>;

fn open<'a, S: ByteSource + 'a>(source: S, batch_rows: usize) -> Result<Stream<'a>, FormatError> {
    let path = source.path().to_owned();
    let (_, reader) = compression::open(source)?;
    ReaderBuilder::new()
        .with_batch_size(batch_rows)
        .build(BufReader::with_capacity(256 * 1024, reader))
        .map_err(|error| broken(&path, &error))
}

fn broken(path: &str, error: &dyn std::error::Error) -> FormatError {
    FormatError::Broken {
        path: path.to_owned(),
        format: "avro".to_owned(),
        message: error.to_string(),
    }
}

/// Returns the schema that the header declares, and the rows that the blocks state.
pub(crate) fn header(source: &dyn ByteSource) -> Result<(Schema, u64), FormatError> {
    let rows = count_rows(source).map_err(|error| broken(source.path(), &error))?;
    Ok((declared(source.path(), "avro", &open(source, 1)?.schema())?, rows))
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    count_rows(&source).map_err(|error| broken(&path, &error))?;
    let reader = open(source, options.batch_rows.max(1))?;
    options.take_unknown_of(&path, &reader.schema());
    Ok(projection::conform(Box::new(reader), path, "avro", options))
}
