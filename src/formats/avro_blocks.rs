//! Walks the blocks of an Avro file without decoding them: counts rows, and finds a file that was cut.
//!
//! The decoder takes the end of the bytes for the end of the file, wherever it comes: a cut file would
//! lose its last rows in silence. Each block states its rows and size and ends with the file's marker.
//!
//! # Source
//! <https://avro.apache.org/docs/1.11.1/specification/#object-container-files>

use std::io::{self, Read};

use super::compression;
use crate::engines::files::ByteSource;
use crate::engines::table::Compression;

const MAGIC: &[u8] = b"Obj\x01";

/// Returns the number of rows that the blocks state. Reads only the heads of the blocks, unless the
/// file as a whole is compressed.
///
/// # Errors
/// `UnexpectedEof` when the file ends within a block; `InvalidData` when a block does not end with the
/// file's marker.
pub(crate) fn count_rows(source: &dyn ByteSource) -> io::Result<u64> {
    let prefix = super::bytes::read_prefix(source, 16).map_err(io::Error::other)?;
    if compression::detect(&prefix) == Compression::None {
        return walk(&mut Positioned { source, offset: 0 });
    }
    let (_, reader) = compression::open(source).map_err(io::Error::other)?;
    walk(&mut Streamed(io::BufReader::new(reader)))
}

/// A reader that can pass over bytes.
trait Passing: Read {
    fn pass(&mut self, bytes: u64) -> io::Result<()>;
}

/// Reads a source where it is, so that passing over bytes costs nothing.
struct Positioned<'a> {
    source: &'a dyn ByteSource,
    offset: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size().saturating_sub(self.offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.source.read_at(&mut buffer[..wanted], self.offset)?;
        self.offset += super::bytes::size_of_buffer(count);
        Ok(count)
    }
}

impl Passing for Positioned<'_> {
    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        self.offset = self.offset.saturating_add(bytes);
        if self.offset > self.source.size() { Err(cut()) } else { Ok(()) }
    }
}

struct Streamed<R>(R);

impl<R: Read> Read for Streamed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Passing for Streamed<R> {
    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut (&mut self.0).take(bytes), &mut io::sink())?;
        if passed == bytes { Ok(()) } else { Err(cut()) }
    }
}

fn walk(reader: &mut impl Passing) -> io::Result<u64> {
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(invalid("it does not begin as an Avro file"));
    }
    pass_metadata(reader)?;
    let (mut marker, mut found, mut rows) = ([0; 16], [0; 16], 0);
    reader.read_exact(&mut marker)?;
    loop {
        let mut first = [0];
        if reader.read(&mut first)? == 0 {
            return Ok(rows);
        }
        rows += length(read_long(&mut first.chain(&mut *reader))?)?;
        let size = length(read_long(reader)?)?;
        reader.pass(size)?;
        reader.read_exact(&mut found)?;
        if found != marker {
            return Err(invalid("a block of rows does not end with the file's marker"));
        }
    }
}

/// Passes over the map of the header: counts of pairs, the last of them 0.
fn pass_metadata(reader: &mut impl Passing) -> io::Result<()> {
    loop {
        let mut pairs = read_long(reader)?;
        if pairs == 0 {
            return Ok(());
        }
        if pairs < 0 {
            read_long(reader)?; // a negative count is followed by the size in bytes
            pairs = pairs.saturating_neg();
        }
        for _ in 0..pairs.saturating_mul(2) {
            let bytes = length(read_long(reader)?)?;
            reader.pass(bytes)?;
        }
    }
}

/// Reads a zigzag-encoded variable-length integer.
fn read_long(reader: &mut impl Read) -> io::Result<i64> {
    let (mut value, mut shift) = (0_u64, 0);
    loop {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
        shift += 7;
        if shift > 63 {
            return Err(invalid("a number is longer than 64 bits"));
        }
    }
}

fn length(value: i64) -> io::Result<u64> {
    u64::try_from(value).map_err(|_| invalid("a length is negative"))
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it ends within a block of rows")
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use arrow_avro::writer::AvroWriter;

    use super::count_rows;
    use crate::formats::bytes::MemoryBytes;

    fn file() -> Vec<u8> {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
        let batch = RecordBatch::try_from_iter([("n", column)]).expect("should be a batch");
        let mut writer =
            AvroWriter::new(Vec::new(), batch.schema().as_ref().clone()).expect("should begin");
        writer.write(&batch).and_then(|()| writer.write(&batch)).expect("should write");
        writer.finish().expect("should finish");
        writer.into_inner()
    }

    #[test]
    fn rows_are_counted_without_decoding_them() {
        assert_eq!(count_rows(&MemoryBytes::new("a.avro", file())).expect("should count"), 2_000);
    }

    #[test]
    fn a_file_cut_anywhere_behind_its_header_is_an_error() {
        let whole = file();
        for cut in [1, 15, 17, 40, 1_500, 2_500] {
            let bytes = whole[..whole.len() - cut].to_vec();
            assert!(count_rows(&MemoryBytes::new("a.avro", bytes)).is_err(), "cut by {cut}");
        }
    }
}
