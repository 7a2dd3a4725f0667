//! Where bytes come from: random access to one file of known size.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::FormatError;
use crate::engines::files::ByteSource;

/// A file held in memory.
#[derive(Debug, Clone)]
pub struct MemoryBytes {
    path: String,
    content: bytes::Bytes,
}

impl MemoryBytes {
    /// Returns a file of this name and content.
    #[must_use]
    pub fn new(path: impl Into<String>, content: impl Into<bytes::Bytes>) -> Self {
        Self { path: path.into(), content: content.into() }
    }
}

impl ByteSource for MemoryBytes {
    fn path(&self) -> &str {
        &self.path
    }

    fn size(&self) -> u64 {
        size_of_buffer(self.content.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.content.len());
        let available = self.content.get(start..).unwrap_or_default();
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        Ok(count)
    }
}

/// An open file of this machine. A change of its size or time of modification fails the next read.
#[derive(Debug)]
pub struct FileBytes {
    path: String,
    file: File,
    size: u64,
    modified: Option<std::time::SystemTime>,
}

impl FileBytes {
    /// Opens a file.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::new(path.to_string_lossy().into_owned(), File::open(path)?)
    }

    /// Takes an open file, named so in messages.
    ///
    /// # Errors
    /// When its metadata cannot be read.
    pub fn new(path: String, file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { path, file, size: metadata.len(), modified: metadata.modified().ok() })
    }

    fn check_unchanged(&self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        if metadata.len() == self.size && metadata.modified().ok() == self.modified {
            return Ok(());
        }
        Err(io::Error::other(format!("`{}` was changed while it was read", self.path)))
    }
}

impl ByteSource for FileBytes {
    fn path(&self) -> &str {
        &self.path
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + size_of_buffer(filled)) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.check_unchanged()?;
        Ok(filled)
    }
}

/// Returns a length in memory as a size of a file.
pub(crate) fn size_of_buffer(length: usize) -> u64 {
    u64::try_from(length).expect("should be no longer than 64 bits")
}

/// Reads a source from an offset to its end, one large read at a time.
pub(crate) struct SourceReader<S> {
    source: S,
    offset: u64,
    buffer: Vec<u8>,
    start: usize,
}

impl<S: ByteSource> SourceReader<S> {
    /// Bytes asked for at once.
    const CHUNK: usize = 256 * 1024;

    pub(crate) fn new(source: S, offset: u64) -> Self {
        Self { source, offset, buffer: Vec::new(), start: 0 }
    }

    fn refill(&mut self) -> io::Result<()> {
        let left = self.source.size().saturating_sub(self.offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(Self::CHUNK);
        self.buffer.resize(wanted, 0);
        self.start = 0;
        if wanted == 0 {
            return Ok(());
        }
        let count = self.source.read_at(&mut self.buffer, self.offset)?;
        if count < wanted {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("`{}` is shorter than when it was opened", self.source.path()),
            ));
        }
        self.offset += size_of_buffer(count);
        Ok(())
    }
}

impl<S: ByteSource> Read for SourceReader<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = io::BufRead::fill_buf(self)?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.start += count;
        Ok(count)
    }
}

impl<S: ByteSource> io::BufRead for SourceReader<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start >= self.buffer.len() {
            self.refill()?;
        }
        Ok(&self.buffer[self.start..])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
    }
}

/// Reads at most the first `length` bytes.
pub(crate) fn read_prefix(source: &dyn ByteSource, length: usize) -> Result<Vec<u8>, FormatError> {
    let wanted = usize::try_from(source.size()).unwrap_or(usize::MAX).min(length);
    read_range(source, 0, wanted)
}

/// Reads exactly these bytes.
pub(crate) fn read_range(
    source: &dyn ByteSource,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, FormatError> {
    let mut buffer = vec![0; length];
    let read = |cause| FormatError::reading(source.path(), cause);
    let count = source.read_at(&mut buffer, offset).map_err(read)?;
    if count < length {
        return Err(read(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn file_that_grows_while_read_is_an_error_naming_it() {
        let mut file = tempfile::NamedTempFile::new().expect("should make a file");
        file.write_all(b"abc").expect("should write");
        let source = FileBytes::open(file.path()).expect("should open");
        let mut buffer = [0; 3];
        assert_eq!(source.read_at(&mut buffer, 0).expect("should read"), 3);
        file.write_all(b"def").expect("should write");
        let error = source.read_at(&mut buffer, 0).expect_err("should notice");
        assert!(error.to_string().contains("changed while it was read"), "{error}");
    }

    #[test]
    fn reader_gives_all_bytes_from_an_offset() {
        let content: Vec<u8> = (0..600_000_u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
        let source = MemoryBytes::new("m", content.clone());
        let mut read = Vec::new();
        SourceReader::new(&source, 7).read_to_end(&mut read).expect("should read");
        assert_eq!(read, content[7..]);
    }
}
