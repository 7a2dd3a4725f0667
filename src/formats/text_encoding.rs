//! Text of other encodings as UTF-8, in a stream. A byte order mark states the encoding and is dropped.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use crate::engines::table::TextEncoding;

/// Returns the encoding that a byte order mark states, and the mark's length.
pub(crate) fn by_mark(prefix: &[u8]) -> Option<(TextEncoding, usize)> {
    match prefix {
        [0xef, 0xbb, 0xbf, ..] => Some((TextEncoding::Utf8, 3)),
        [0xff, 0xfe, ..] => Some((TextEncoding::Utf16Le, 2)),
        [0xfe, 0xff, ..] => Some((TextEncoding::Utf16Be, 2)),
        _ => None,
    }
}

/// Returns the encoding that the beginning of a text shows: its mark, a pattern of zero bytes, or
/// bytes that are not UTF-8. `None` when it is binary.
pub(crate) fn detect(prefix: &[u8], whole: bool) -> Option<TextEncoding> {
    if let Some((encoding, _)) = by_mark(prefix) {
        return Some(encoding);
    }
    if let Some(encoding) = utf16_by_zeros(prefix) {
        return Some(encoding);
    }
    if prefix.iter().any(|byte| is_binary(*byte)) {
        return None;
    }
    match std::str::from_utf8(prefix) {
        Ok(_) => Some(TextEncoding::Utf8),
        // The prefix may end in the middle of a character.
        Err(error) if error.error_len().is_none() && !whole => Some(TextEncoding::Utf8),
        Err(_) => Some(TextEncoding::Latin1),
    }
}

/// Whether no text has this byte.
fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1e | 0x7f)
}

/// Mostly ASCII in UTF-16 has a zero in every second byte.
fn utf16_by_zeros(prefix: &[u8]) -> Option<TextEncoding> {
    let pairs = prefix.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |parity: usize| {
        prefix.iter().skip(parity).step_by(2).take(pairs).filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 >= pairs * 7 && even == 0 {
        return Some(TextEncoding::Utf16Le);
    }
    (even * 10 >= pairs * 7 && odd == 0).then_some(TextEncoding::Utf16Be)
}

/// Returns what a result says about a conversion.
pub(crate) fn note(encoding: TextEncoding) -> Option<String> {
    let name = match encoding {
        TextEncoding::Utf8 => return None,
        TextEncoding::Utf16Le => "UTF-16 (little endian)",
        TextEncoding::Utf16Be => "UTF-16 (big endian)",
        TextEncoding::Latin1 => "Latin-1 (windows-1252)",
        TextEncoding::Other(_) => encoding.as_encoding().name(),
    };
    Some(format!("encoding: converted from {name}"))
}

/// Returns a reader of the text as UTF-8. A byte order mark goes before the stated encoding. Text in
/// UTF-8 is passed as it is: whoever parses it checks it.
pub(crate) fn to_utf8<'a>(
    mut reader: Box<dyn Read + Send + 'a>,
    stated: TextEncoding,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut start = [0; 3];
    let filled = fill(&mut reader, &mut start)?;
    let mark = by_mark(&start[..filled]);
    let skipped = mark.map_or(0, |(_, length)| length);
    let rest = io::Cursor::new(start[skipped..filled].to_vec()).chain(reader);
    match mark.map_or(stated, |(encoding, _)| encoding) {
        TextEncoding::Utf8 => Ok(Box::new(rest)),
        other => Ok(Box::new(Converting::new(rest, other.as_encoding()))),
    }
}

/// Reads until the buffer is full or the end is reached.
pub(crate) fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Converting<R> {
    inner: R,
    decoder: Decoder,
    input: Vec<u8>,
    input_start: usize,
    output: Vec<u8>,
    output_start: usize,
    output_end: usize,
    ended: bool,
}

impl<R: Read> Converting<R> {
    const CHUNK: usize = 64 * 1024;

    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: Vec::new(),
            input_start: 0,
            output: vec![0; Self::CHUNK * 3],
            output_start: 0,
            output_end: 0,
            ended: false,
        }
    }

    fn convert(&mut self) -> io::Result<()> {
        if self.input_start >= self.input.len() {
            self.input.resize(Self::CHUNK, 0);
            let count = fill(&mut self.inner, &mut self.input)?;
            self.input.truncate(count);
            self.input_start = 0;
        }
        let last = self.input.len() < Self::CHUNK;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[self.input_start..],
            &mut self.output,
            last,
        );
        self.input_start += read;
        (self.output_start, self.output_end) = (0, written);
        match result {
            DecoderResult::Malformed(..) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a character is not valid {}", self.decoder.encoding().name()),
            )),
            DecoderResult::InputEmpty => {
                self.ended = last;
                Ok(())
            }
            DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: Read> Read for Converting<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.output_start == self.output_end && !self.ended {
            self.convert()?;
        }
        let count = out.len().min(self.output_end - self.output_start);
        out[..count].copy_from_slice(&self.output[self.output_start..self.output_start + count]);
        self.output_start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: Vec<u8>, encoding: TextEncoding) -> io::Result<String> {
        let mut text = String::new();
        to_utf8(Box::new(io::Cursor::new(content)), encoding)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn encodings_are_told_apart_and_converted() {
        let text = "name,city\nJosé,Köln\n".repeat(5000);
        let utf16 =
            |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let latin1 =
            text.chars().map(|c| u8::try_from(u32::from(c)).expect("latin")).collect::<Vec<u8>>();
        for (content, encoding) in [
            (text.clone().into_bytes(), TextEncoding::Utf8),
            (utf16(u16::to_le_bytes), TextEncoding::Utf16Le),
            (utf16(u16::to_be_bytes), TextEncoding::Utf16Be),
            (latin1, TextEncoding::Latin1),
        ] {
            assert_eq!(detect(&content, true), Some(encoding));
            assert_eq!(read(content, encoding).expect("should convert"), text);
        }
    }

    #[test]
    fn mark_goes_before_what_is_stated() {
        let mut content = vec![0xff, 0xfe];
        content.extend("a,b".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(detect(&content, true), Some(TextEncoding::Utf16Le));
        assert_eq!(read(content, TextEncoding::Utf8).expect("should convert"), "a,b");
        let marked = b"\xef\xbb\xbfa,b".to_vec();
        assert_eq!(read(marked, TextEncoding::Latin1).expect("should convert"), "a,b");
    }

    #[test]
    fn half_a_character_at_the_end_is_an_error() {
        let mut content: Vec<u8> = "a,b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        content.pop();
        assert!(read(content, TextEncoding::Utf16Le).is_err());
    }
}
