//! Streams a file's rows as Arrow batches, with the parser and the rules of inference.

use std::sync::Arc;

use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::guard::{Guarded, guarded};
use super::{arrow_ipc, avro, csv, json, msgpack, orc, parquet};
use crate::engines::files::ByteSource;
use crate::engines::table::{FileFormat, Format};

/// Opens a file. Compression is found by content. A library that panics over the file's content is an
/// error of the file, here and in the batches.
///
/// # Errors
/// `Broken` or `Read` when the beginning is not readable.
pub fn decode(
    source: Arc<dyn ByteSource>,
    format: &FileFormat,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let (path, word) = (source.path().to_owned(), format.format.as_str());
    let batches = guarded(&path, word, || open(source, format, options))?;
    Ok(Box::new(Guarded::new(batches, path, word)))
}

fn open(
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
