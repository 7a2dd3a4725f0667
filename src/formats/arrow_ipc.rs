//! Arrow IPC, files and streams.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::root_as_message;

use super::arrow_early::is_compressed_early;
use super::bytes::size_of_buffer;
use super::compression;
use super::declared::declared;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::projection;
use crate::engines::files::ByteSource;
use crate::engines::schema::Schema;
use crate::engines::table::Compression;

const FILE_MAGIC: &[u8] = b"ARROW1";

/// Before the length of a message, but for streams of very old writers.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Most bytes of a stream's first message that are looked at before it is read.
const MOST_SCHEMA_BYTES: u64 = 256 * 1024 * 1024;

fn broken(path: &str, error: &ArrowError) -> FormatError {
    unreadable(path, error.to_string())
}

fn unreadable(path: &str, message: String) -> FormatError {
    FormatError::Broken { path: path.to_owned(), format: "arrow".to_owned(), message }
}

/// A source with a position.
struct Cursor<S> {
    source: S,
    position: u64,
}

impl<S: ByteSource> Read for Cursor<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size().saturating_sub(self.position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let count = self.source.read_at(&mut out[..wanted], self.position)?;
        self.position += size_of_buffer(count);
        Ok(count)
    }
}

impl<S: ByteSource> Seek for Cursor<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.source.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.position)
    }
}

type Content<'a> = BufReader<Box<dyn Read + Send + 'a>>;
type Stream<'a> = StreamReader<io::Chain<io::Cursor<Vec<u8>>, Content<'a>>>;

enum Opened<'a, S> {
    File(FileReader<BufReader<Cursor<S>>>),
    Stream(Stream<'a>),
}

/// Refuses what the reader of batches would take for values.
fn refuse_early(source: &dyn ByteSource) -> Result<(), FormatError> {
    let (_, mut reader) = compression::open(source)?;
    let mut start = [0; 8];
    let path = source.path();
    let count = super::text_encoding::fill(&mut reader, &mut start)
        .map_err(|source| FormatError::reading(path, source))?;
    let is_file = start.starts_with(FILE_MAGIC);
    let messages = if is_file { &[] } else { &start[..count] };
    if is_compressed_early(messages.chain(reader)) {
        let message = "it is compressed as Arrow 0.17 did, before the format said how: write it \
                       anew with a later version";
        return Err(FormatError::broken(path, "arrow", message));
    }
    Ok(())
}

fn open<'a, S: ByteSource + 'a>(source: S) -> Result<Opened<'a, S>, FormatError> {
    let path = source.path().to_owned();
    refuse_early(&source)?;
    let prefix = super::bytes::read_prefix(&source, 16)?;
    if prefix.starts_with(FILE_MAGIC) {
        let reader = BufReader::with_capacity(64 * 1024, Cursor { source, position: 0 });
        let reader = FileReader::try_new(reader, None).map_err(|error| broken(&path, &error))?;
        return Ok(Opened::File(reader));
    }
    let (compression, reader) = compression::open(source)?;
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    let start =
        io::BufRead::fill_buf(&mut reader).map_err(|source| FormatError::reading(&path, source))?;
    if compression != Compression::None && start.starts_with(FILE_MAGIC) {
        return Err(FormatError::Unrecognised {
            path,
            message: "arrow files are read at random places and must not be compressed as a whole"
                .to_owned(),
        });
    }
    open_stream(&path, reader).map(Opened::Stream)
}

/// Opens a stream, but none whose values are big-endian: the reader would take their bytes in the wrong
/// order.
fn open_stream<'a>(path: &str, mut reader: Content<'a>) -> Result<Stream<'a>, FormatError> {
    let (begin, schema) =
        first_message(&mut reader).map_err(|source| FormatError::reading(path, source))?;
    let message = root_as_message(&schema).ok();
    if let Some(schema) = message.and_then(|message| message.header_as_schema())
        && !schema.endianness().equals_to_target_endianness()
    {
        let message =
            "its values are big-endian; write it on a little-endian machine, or as Parquet";
        return Err(unreadable(path, message.to_owned()));
    }
    let whole = io::Cursor::new([begin, schema].concat()).chain(reader);
    StreamReader::try_new(whole, None).map_err(|error| broken(path, &error))
}

/// Returns what stands before the first message of a stream, and the message, as far as they go.
///
/// # Source
/// <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>
fn first_message(reader: &mut impl Read) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut begin = Vec::new();
    reader.take(4).read_to_end(&mut begin)?;
    if begin == CONTINUATION {
        reader.take(4).read_to_end(&mut begin)?;
    }
    let length = begin.last_chunk::<4>().map(|bytes| i32::from_le_bytes(*bytes));
    let length = length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
    let mut message = Vec::new();
    reader.take(length.min(MOST_SCHEMA_BYTES)).read_to_end(&mut message)?;
    Ok((begin, message))
}

/// Returns the schema that the file declares.
pub(crate) fn header(source: &dyn ByteSource) -> Result<Schema, FormatError> {
    let schema = match open(source)? {
        Opened::File(reader) => reader.schema(),
        Opened::Stream(reader) => reader.schema(),
    };
    declared(source.path(), "arrow", &schema)
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    let (schema, batches): (_, projection::Read) = match open(source)? {
        Opened::File(reader) => (reader.schema(), Box::new(reader)),
        Opened::Stream(reader) => (reader.schema(), Box::new(reader)),
    };
    options.take_unknown_of(&path, &schema);
    Ok(projection::conform(batches, path, "arrow", options))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema as ArrowSchema;
    use arrow::ipc::convert::IpcSchemaEncoder;
    use arrow::ipc::{Endianness, MessageBuilder, MessageHeader, MetadataVersion, SchemaBuilder};

    use super::*;
    use crate::formats::bytes::MemoryBytes;

    /// Returns a stream that says of its values that they are in this order of bytes.
    fn stream(endianness: Endianness) -> Vec<u8> {
        let mut builder = IpcSchemaEncoder::new().schema_to_fb(&ArrowSchema::empty());
        builder.reset();
        builder.start_vector::<u32>(0);
        let none = builder.end_vector(0);
        let mut schema = SchemaBuilder::new(&mut builder);
        schema.add_endianness(endianness);
        schema.add_fields(none);
        let schema = schema.finish();
        let mut message = MessageBuilder::new(&mut builder);
        message.add_version(MetadataVersion::V5);
        message.add_header_type(MessageHeader::Schema);
        message.add_header(schema.as_union_value());
        let message = message.finish();
        builder.finish(message, None);
        let message = builder.finished_data();
        let length = i32::try_from(message.len()).expect("should be short").to_le_bytes();
        [&CONTINUATION[..], &length, message].concat()
    }

    #[test]
    fn big_endian_streams_are_refused() {
        let refused = header(&MemoryBytes::new("d/t.arrows", stream(Endianness::Big)));
        assert_eq!(
            refused.expect_err("should be refused").to_string(),
            "`d/t.arrows` is not readable as arrow: its values are big-endian; \
             write it on a little-endian machine, or as Parquet"
        );
        let read = header(&MemoryBytes::new("d/t.arrows", stream(Endianness::Little)));
        assert_eq!(read.expect("should be read"), Schema::default());
    }
}
