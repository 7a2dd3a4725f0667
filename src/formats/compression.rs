//! Compression around a file's bytes, found by content: every member, frame or stream is read, and
//! an end that comes too early is an error.

use std::io::{self, BufRead, BufReader, Read};

use super::bytes::{ByteSource, SourceReader};
use super::error::FormatError;
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
    let reader = decompress(SourceReader::new(source, 0), compression)
        .map_err(|source| FormatError::Read { path, source })?;
    Ok((compression, reader))
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
