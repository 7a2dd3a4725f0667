//! Apache ORC.

use std::io;
use std::sync::Arc;

use orc_rust::reader::ChunkReader;
use orc_rust::{ArrowReaderBuilder, projection::ProjectionMask};

use super::bytes::{ByteSource, SourceReader};
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::projection;
use crate::engines::schema::Schema;

/// A source as ORC's reader wants it.
struct Chunks<S>(S);

impl<S: ByteSource + Clone> ChunkReader for Chunks<S> {
    type T = SourceReader<S>;

    fn len(&self) -> u64 {
        self.0.size()
    }

    fn get_read(&self, offset_from_start: u64) -> io::Result<Self::T> {
        Ok(SourceReader::new(self.0.clone(), offset_from_start))
    }

    fn get_bytes(&self, offset_from_start: u64, length: u64) -> io::Result<bytes::Bytes> {
        // Lengths come from the file: a broken one must not reserve memory.
        if offset_from_start.saturating_add(length) > self.0.size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut buffer = vec![0; length];
        if self.0.read_at(&mut buffer, offset_from_start)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(buffer.into())
    }
}

fn open<S: ByteSource + Clone>(source: S) -> Result<ArrowReaderBuilder<Chunks<S>>, FormatError> {
    let path = source.path().to_owned();
    ArrowReaderBuilder::try_new(Chunks(source)).map_err(|error| FormatError::Broken {
        path,
        format: "orc".to_owned(),
        message: error.to_string(),
    })
}

/// Schema and number of rows from the footer.
pub(crate) fn footer(source: &dyn ByteSource) -> Result<(Schema, u64), FormatError> {
    let builder = open(source)?;
    Ok((Schema::from_arrow(&builder.schema()), builder.file_metadata().number_of_rows()))
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    let builder = open(source)?;
    let names: Vec<&str> =
        options.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mask = ProjectionMask::named_roots(builder.file_metadata().root_data_type(), &names);
    let reader = builder.with_projection(mask).with_batch_size(options.batch_rows.max(1)).build();
    Ok(projection::conform(Box::new(reader), path, "orc", options))
}
