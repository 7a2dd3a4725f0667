//! Compression around a file's bytes, found by content: every member, frame or stream is read, and
//! an end that comes too early is an error.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::bytes::SourceReader;
use super::error::FormatError;
use crate::engines::files::ByteSource;
use crate::engines::table::Compression;

/// Returns the compression that the first bytes of a file show.
pub(crate) fn detect(prefix: &[u8]) -> Compression {
    const BZIP2_BLOCK: &[u8] = &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    const BZIP2_EMPTY: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    let bzip2 = |rest: &[u8]| {
        rest.first().is_some_and(|level| (b'1'..=b'9').contains(level))
            && (rest[1..].starts_with(BZIP2_BLOCK) || rest[1..].starts_with(BZIP2_EMPTY))
    };
    match prefix {
        [0x1f, 0x8b, 8, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        [skippable, 0x2a, 0x4d, 0x18, ..] if skippable >> 4 == 5 => Compression::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [b'B', b'Z', b'h', rest @ ..] if bzip2(rest) => Compression::Bzip2,
        _ => Compression::None,
    }
}

/// Returns the compression of a source and a reader of what is within.
pub(crate) fn open<'a, S: ByteSource + 'a>(
    source: S,
) -> Result<(Compression, Box<dyn Read + Send + 'a>), FormatError> {
    let path = source.path().to_owned();
    let prefix = super::bytes::read_prefix(&source, 16)?;
    let compression = detect(&prefix);
    let source_failed = Arc::new(AtomicBool::new(false));
    let watched =
        Watched { reader: SourceReader::new(source, 0), failed: Arc::clone(&source_failed) };
    let reader =
        decompress(watched, compression).map_err(|source| FormatError::reading(&path, source))?;
    if compression == Compression::None {
        return Ok((compression, reader));
    }
    Ok((compression, Box::new(Unpacked { reader, compression, source_failed })))
}

/// What a decompressor found wrong with the bytes that it was given.
#[derive(Debug)]
pub(crate) struct Damaged {
    compression: &'static str,
    message: String,
}

impl Damaged {
    /// Returns the name of the compression.
    pub(crate) fn compression(&self) -> &str {
        self.compression
    }

    /// Returns what is wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the {} around it: {}", self.compression, self.message)
    }
}

impl std::error::Error for Damaged {}

/// A source that remembers whether it failed itself.
struct Watched<R> {
    reader: R,
    failed: Arc<AtomicBool>,
}

impl<R> Watched<R> {
    fn noted<T>(failed: &AtomicBool, ended: io::Result<T>) -> io::Result<T> {
        if ended.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
            failed.store(true, Ordering::Relaxed);
        }
        ended
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Self::noted(&self.failed, self.reader.read(out))
    }
}

impl<R: BufRead> BufRead for Watched<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Self::noted(&self.failed, self.reader.fill_buf())
    }

    fn consume(&mut self, count: usize) {
        self.reader.consume(count);
    }
}

/// What is within a compression: an error that is not of the source says that the bytes are damaged.
struct Unpacked<'a> {
    reader: Box<dyn Read + Send + 'a>,
    compression: Compression,
    source_failed: Arc<AtomicBool>,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out).map_err(|error| {
            let passed_on = self.source_failed.load(Ordering::Relaxed);
            if passed_on || error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let message = if is_cut(&error) {
                format!("it ends too early, as a file that was cut does ({error})")
            } else {
                error.to_string()
            };
            let damaged = Damaged { compression: name(self.compression), message };
            io::Error::new(io::ErrorKind::InvalidData, damaged)
        })
    }
}

/// The decompressors say it in several ways.
fn is_cut(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
        || ["incomplete", "premature"].iter().any(|word| error.to_string().contains(word))
}

fn name(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "no compression",
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
        Compression::Bzip2 => "bzip2",
        Compression::Xz => "xz",
    }
}

/// Returns a reader of what is within.
pub(crate) fn decompress<'a, R: BufRead + Send + 'a>(
    reader: R,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(BufReader::with_capacity(
            64 * 1024,
            flate2::bufread::MultiGzDecoder::new(reader),
        )),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)),
    })
}

/// Returns the compression that an ending of a name states.
pub(crate) fn by_ending(ending: &str) -> Option<Compression> {
    match ending {
        "gz" | "gzip" => Some(Compression::Gzip),
        "zst" | "zstd" => Some(Compression::Zstd),
        "bz2" | "bzip2" => Some(Compression::Bzip2),
        "xz" => Some(Compression::Xz),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;
    use crate::formats::bytes::MemoryBytes;

    /// Compresses, for tests.
    pub(crate) fn compress(content: &[u8], compression: Compression) -> Vec<u8> {
        match compression {
            Compression::None => content.to_vec(),
            Compression::Gzip => {
                let mut out =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                out.write_all(content).expect("should compress");
                out.finish().expect("should compress")
            }
            Compression::Zstd => zstd::encode_all(content, 1).expect("should compress"),
            Compression::Bzip2 => {
                let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                out.write_all(content).expect("should compress");
                out.finish().expect("should compress")
            }
            Compression::Xz => {
                let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
                out.write_all(content).expect("should compress");
                out.finish().expect("should compress")
            }
        }
    }

    const ALL: [Compression; 4] =
        [Compression::Gzip, Compression::Zstd, Compression::Bzip2, Compression::Xz];

    fn read_all(content: Vec<u8>) -> Result<Vec<u8>, io::Error> {
        let (_, mut reader) = open(MemoryBytes::new("m", content)).expect("should open");
        let mut out = Vec::new();
        reader.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn every_member_is_read() {
        for compression in ALL {
            let mut content = compress(b"one\n", compression);
            content.extend(compress(b"", compression));
            content.extend(compress(b"two\n", compression));
            assert_eq!(detect(&content), compression);
            assert_eq!(read_all(content).expect("should read"), b"one\ntwo\n", "{compression:?}");
        }
    }

    #[test]
    fn a_cut_file_is_broken_and_a_source_that_fails_is_not() {
        let text = (0..5000).map(|n| format!("{n},{}\n", n * 7)).collect::<Vec<_>>().concat();
        for compression in ALL {
            let whole = compress(text.as_bytes(), compression);
            let error = read_all(whole[..whole.len() / 2].to_vec()).expect_err("should be cut");
            let error = FormatError::reading("t/a.csv", error).to_string();
            let named = format!("`t/a.csv` is not readable as {}: it ends", name(compression));
            assert!(error.starts_with(&named), "{error}");
            let gone = Gone(MemoryBytes::new("m", whole));
            let (_, mut reader) = open(&gone).expect("should open");
            let error = reader.read_to_end(&mut Vec::new()).expect_err("should fail");
            let error = FormatError::reading("t/a.csv", error);
            assert!(matches!(error, FormatError::Read { .. }), "{error}");
        }
    }

    /// A source that has gone after its first bytes were looked at.
    struct Gone(MemoryBytes);

    impl ByteSource for Gone {
        fn path(&self) -> &str {
            self.0.path()
        }

        fn size(&self) -> u64 {
            self.0.size()
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if buffer.len() > 16 {
                return Err(io::ErrorKind::StaleNetworkFileHandle.into());
            }
            self.0.read_at(buffer, offset)
        }
    }

    #[test]
    fn truncated_stream_is_an_error() {
        let text = (0..5000).map(|n| format!("{n},{}\n", n * 7)).collect::<Vec<_>>().concat();
        for compression in ALL {
            let whole = compress(text.as_bytes(), compression);
            for cut in [1, 4, 9, whole.len() / 2] {
                assert!(
                    read_all(whole[..whole.len() - cut].to_vec()).is_err(),
                    "{compression:?} {cut}"
                );
            }
            let mut two = whole.clone();
            two.extend(&whole[..whole.len() / 2]);
            assert!(read_all(two).is_err(), "{compression:?}, second member");
        }
    }
}
