//! Streams a file's rows as Arrow batches, with the parser and the rules of inference.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::bytes::ByteSource;
use super::error::FormatError;
use super::{arrow_ipc, avro, csv, json, msgpack, orc, parquet};
use crate::engines::job_spec::BadRows;
use crate::engines::table::{FileFormat, Format};

/// How a file is read.
///
/// Columns of the file that the schema lacks are left out; a column of the schema that the file lacks
/// is an error, except for JSON and `MessagePack`, where a missing key is a null.
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// The columns wanted, by name, in order; types are those the file was inferred with.
    pub schema: SchemaRef,
    /// Most rows in a batch.
    pub batch_rows: usize,
    /// How many threads may parse one file.
    pub threads: usize,
    /// What happens to a cell that does not fit its type.
    pub bad_rows: BadRows,
    /// Counts cells that became null because they did not fit.
    pub nulled: Arc<AtomicU64>,
}

/// Batches of one file, in the order of the file.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, FormatError>> + Send>;

/// Opens a file. Compression is found by content.
///
/// # Errors
/// `Broken` or `Read` when the beginning is not readable.
pub fn decode(
    source: Arc<dyn ByteSource>,
    format: &FileFormat,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    match format.format {
        Format::Csv => {
            let dialect = format.csv.as_ref().ok_or_else(|| FormatError::Unrecognised {
                path: source.path().to_owned(),
                message: "its dialect is not stated".to_owned(),
            })?;
            csv::decode::decode(source, dialect, options)
        }
        Format::Parquet => parquet::decode(source, options),
        Format::Json | Format::Jsonl => Ok(json::decode(source, format.format, options)),
        Format::Avro => avro::decode(source, options),
        Format::Orc => orc::decode(source, options),
        Format::Msgpack => msgpack::decode(source, options),
        Format::Arrow => arrow_ipc::decode(source, options),
        Format::Xlsx => Err(FormatError::Unrecognised {
            path: source.path().to_owned(),
            message: "Excel workbooks are written, but not read".to_owned(),
        }),
    }
}
