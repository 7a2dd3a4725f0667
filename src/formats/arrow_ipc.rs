//! Arrow IPC, files and streams.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};

use super::bytes::{ByteSource, size_of_buffer};
use super::compression;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::projection;
use crate::engines::schema::Schema;
use crate::engines::table::Compression;

const FILE_MAGIC: &[u8] = b"ARROW1";

fn broken(path: &str, error: &ArrowError) -> FormatError {
    FormatError::Broken {
        path: path.to_owned(),
        format: "arrow".to_owned(),
        message: error.to_string(),
    }
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

type Stream<'a> = StreamReader<BufReader<Box<dyn Read + Send + 'a>>>;

enum Opened<'a, S> {
    File(FileReader<BufReader<Cursor<S>>>),
    Stream(Stream<'a>),
}

fn open<'a, S: ByteSource + 'a>(source: S) -> Result<Opened<'a, S>, FormatError> {
    let path = source.path().to_owned();
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
    let reader = StreamReader::try_new(reader, None).map_err(|error| broken(&path, &error))?;
    Ok(Opened::Stream(reader))
}

/// Returns the schema that the file declares.
pub(crate) fn header(source: &dyn ByteSource) -> Result<Schema, FormatError> {
    Ok(match open(source)? {
        Opened::File(reader) => Schema::from_arrow(&reader.schema()),
        Opened::Stream(reader) => Schema::from_arrow(&reader.schema()),
    })
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    let batches: projection::Read = match open(source)? {
        Opened::File(reader) => Box::new(reader),
        Opened::Stream(reader) => Box::new(reader),
    };
    Ok(projection::conform(batches, path, "arrow", options))
}
