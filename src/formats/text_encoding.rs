//! Text of other encodings as UTF-8, in a stream. A byte order mark states the encoding and is dropped.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::text_detection::{Detected, detect};
use crate::engines::table::TextEncoding;

/// What DOS programs end a text with: Ctrl-Z.
pub(crate) const END_MARK: u8 = 0x1a;

/// Returns the encoding that a byte order mark states, and the mark's length.
pub(crate) fn by_mark(prefix: &[u8]) -> Option<(TextEncoding, usize)> {
    match prefix {
        [0xef, 0xbb, 0xbf, ..] => Some((TextEncoding::Utf8, 3)),
        [0xff, 0xfe, ..] => Some((TextEncoding::Utf16Le, 2)),
        [0xfe, 0xff, ..] => Some((TextEncoding::Utf16Be, 2)),
        _ => None,
    }
}

/// Mostly ASCII in UTF-16 has a zero in every second byte.
pub(super) fn utf16_by_zeros(prefix: &[u8]) -> Option<TextEncoding> {
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

/// Characters of several bytes that show UTF-8: so many are no chance where each byte is a character, and so
/// many where characters have two.
const BY_CHANCE: (usize, usize) = (2, 7);

/// Returns why a text cannot be in the encoding that is stated, by the bytes at its beginning, in words.
/// A byte order mark goes before what is stated.
pub(crate) fn contradiction(stated: TextEncoding, beginning: &[u8]) -> Option<String> {
    if stated == TextEncoding::PerFile || by_mark(beginning).is_some() {
        return None;
    }
    let is_utf16 = matches!(stated, TextEncoding::Utf16Le | TextEncoding::Utf16Be);
    let by_bytes = match utf16_by_zeros(beginning) {
        Some(TextEncoding::Utf16Be) => Some((TextEncoding::Utf16Be, "UTF-16 (big endian)")),
        Some(_) => Some((TextEncoding::Utf16Le, "UTF-16 (little endian)")),
        None if stated == TextEncoding::Utf8 => None,
        None if is_utf16 => {
            // The line ends and delimiters of UTF-16 have zeros.
            let is_text = !beginning.is_empty() && !beginning.contains(&0);
            match detect(beginning, false, true) {
                _ if !is_text => None,
                _ if utf8_part(beginning).is_some() => Some((TextEncoding::Utf8, "UTF-8")),
                Detected::Text(TextEncoding::Latin1) => Some((TextEncoding::Latin1, "Latin-1")),
                _ => None,
            }
        }
        None => {
            let encoding = stated.as_encoding();
            let chance = if encoding.is_single_byte() { BY_CHANCE.0 } else { BY_CHANCE.1 };
            // A text of seven bits shows nothing, and neither do the escapes of ISO-2022-JP.
            let several = |text: &str| text.chars().filter(|one| !one.is_ascii()).count() > chance;
            utf8_part(beginning).filter(|text| several(text)).map(|_| (TextEncoding::Utf8, "UTF-8"))
        }
    };
    let (_, shown) = by_bytes.filter(|(encoding, _)| *encoding != stated)?;
    let stated = stated.as_encoding().name();
    Some(format!(
        "parameter `encoding` states {stated}, but the bytes are {shown}; leave `encoding` out, or state what the \
         file has"
    ))
}

/// A beginning as UTF-8, without a character that is cut at its end; `None` when it is not UTF-8.
fn utf8_part(beginning: &[u8]) -> Option<&str> {
    match std::str::from_utf8(beginning) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_some() => None,
        Err(error) => std::str::from_utf8(&beginning[..error.valid_up_to()]).ok(),
    }
}

/// Returns what a result says about a conversion.
pub(crate) fn note(encoding: TextEncoding) -> Option<String> {
    let name = match encoding {
        TextEncoding::Utf8 | TextEncoding::PerFile => return None,
        TextEncoding::Utf16Le => "UTF-16 (little endian)",
        TextEncoding::Utf16Be => "UTF-16 (big endian)",
        TextEncoding::Latin1 => "Latin-1 (windows-1252)",
        TextEncoding::Other(_) => encoding.as_encoding().name(),
    };
    Some(format!("encoding: converted from {name}"))
}

/// Returns a reader of the text as UTF-8. A byte order mark goes before the stated encoding. Text in
/// UTF-8 is passed as it is: its parser checks it.
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
        TextEncoding::Utf8 | TextEncoding::PerFile => Ok(Box::new(rest)),
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

/// Stands for bytes that are no character of the text's encoding: a byte that UTF-8 never has.
const NOT_A_CHARACTER: u8 = 0xff;

/// Text without the marks that DOS programs end it with.
pub(crate) struct WithoutEndMark<'a> {
    inner: Box<dyn Read + Send + 'a>,
    /// Marks that are left out unless something follows them.
    held: usize,
    behind: Vec<u8>,
}

impl<'a> WithoutEndMark<'a> {
    pub(crate) fn new(inner: Box<dyn Read + Send + 'a>) -> Self {
        Self { inner, held: 0, behind: Vec::new() }
    }
}

impl Read for WithoutEndMark<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.behind.is_empty() {
            let count = self.inner.read(out)?;
            if count == 0 {
                return Ok(0);
            }
            let text = super::text_detection::without_end_mark(&out[..count]).len();
            if self.held == 0 || text == 0 {
                self.held += count - text;
                if text > 0 {
                    return Ok(text);
                }
                continue;
            }
            // Marks in the middle of the text are characters like any other.
            self.behind = vec![END_MARK; std::mem::replace(&mut self.held, count - text)];
            self.behind.extend_from_slice(&out[..text]);
        }
        let count = out.len().min(self.behind.len());
        out[..count].copy_from_slice(&self.behind[..count]);
        self.behind.drain(..count);
        Ok(count)
    }
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
        let room = self.output.len() - 1;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[self.input_start..],
            &mut self.output[..room],
            last,
        );
        self.input_start += read;
        (self.output_start, self.output_end) = (0, written);
        match result {
            // What parses the text finds the byte, and names its row.
            DecoderResult::Malformed(..) => {
                self.output[written] = NOT_A_CHARACTER;
                self.output_end += 1;
            }
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
        }
        Ok(())
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

    /// Reads a few bytes at a time.
    struct Slow(io::Cursor<Vec<u8>>, usize);

    impl Read for Slow {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let most = out.len().min(self.1);
            self.0.read(&mut out[..most])
        }
    }

    #[test]
    fn bytes_contradict_the_encoding_that_is_stated() {
        let stated = |label: &str| TextEncoding::from_label(label).expect("should be an encoding");
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        let (ascii, umlauts) =
            ("id,name\n1,a\n2,b\n", "id,name\n1,Käse\n2,Öl\n3,Süß\n4,Tür\n5,Ähre\n6,üü\n");
        let latin1 = encoding_rs::WINDOWS_1252.encode(umlauts).0.into_owned();
        let chinese = "编号,名字\n1,中文很好上上\n2,联通在哪里\n";
        let gbk = encoding_rs::GBK.encode(chinese).0.into_owned();
        for (label, bytes, shown) in [
            ("utf-16le", ascii.as_bytes().to_vec(), Some("the bytes are UTF-8")),
            ("utf-16be", umlauts.as_bytes().to_vec(), Some("the bytes are UTF-8")),
            ("utf-16le", latin1.clone(), Some("the bytes are Latin-1")),
            ("utf-16le", utf16(ascii, true), Some("UTF-16 (big endian)")),
            ("utf-8", utf16(ascii, false), Some("UTF-16 (little endian)")),
            ("latin1", utf16(ascii, false), Some("UTF-16 (little endian)")),
            ("latin1", umlauts.as_bytes().to_vec(), Some("the bytes are UTF-8")),
            ("gbk", chinese.as_bytes().to_vec(), Some("the bytes are UTF-8")),
            ("utf-16le", utf16(ascii, false), None),
            ("utf-16le", utf16(chinese, false), None),
            (
                "utf-16le",
                "中文很好上上联通在哪里".encode_utf16().flat_map(u16::to_le_bytes).collect(),
                None,
            ),
            ("utf-16be", utf16(chinese, true), None),
            ("latin1", latin1, None),
            ("latin1", ascii.as_bytes().to_vec(), None),
            ("gbk", gbk, None),
            ("gbk", encoding_rs::GBK.encode("联通\n").0.into_owned(), None),
            ("shift_jis", ascii.as_bytes().to_vec(), None),
            ("utf-16le", Vec::new(), None),
        ] {
            let found = contradiction(stated(label), &bytes);
            match shown {
                Some(shown) => assert!(
                    found.as_ref().is_some_and(|why| why.contains(shown)),
                    "{label} {found:?}"
                ),
                None => assert_eq!(found, None, "{label}"),
            }
        }
    }

    #[test]
    fn marks_of_the_end_are_left_out_at_the_end_only() {
        for (text, expected) in [
            ("a,b\n\u{1a}", "a,b\n"),
            ("a\u{1a}b\u{1a}\u{1a}\u{1a}", "a\u{1a}b"),
            ("\u{1a}\u{1a}a", "\u{1a}\u{1a}a"),
            ("\u{1a}", ""),
            ("", ""),
        ] {
            for step in 1..5 {
                let inner = Slow(io::Cursor::new(text.as_bytes().to_vec()), step);
                let mut read = String::new();
                let mut reader = WithoutEndMark::new(Box::new(inner));
                reader.read_to_string(&mut read).expect("should be read");
                assert_eq!(read, expected, "{text:?} by {step}");
            }
        }
    }

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
            assert_eq!(detect(&content, true, false), Detected::Text(encoding));
            assert_eq!(read(content, encoding).expect("should convert"), text);
        }
    }

    #[test]
    fn mark_goes_before_what_is_stated() {
        let mut content = vec![0xff, 0xfe];
        content.extend("a,b".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(detect(&content, true, false), Detected::Text(TextEncoding::Utf16Le));
        assert_eq!(read(content, TextEncoding::Utf8).expect("should convert"), "a,b");
        let marked = b"\xef\xbb\xbfa,b".to_vec();
        assert_eq!(read(marked, TextEncoding::Latin1).expect("should convert"), "a,b");
    }

    #[test]
    fn what_is_no_character_is_a_byte_that_no_text_has() {
        let mut content: Vec<u8> = "a,b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        content.pop();
        assert!(read(content.clone(), TextEncoding::Utf16Le).is_err());
        let mut bytes = Vec::new();
        let converted = to_utf8(Box::new(io::Cursor::new(content)), TextEncoding::Utf16Le);
        converted.and_then(|mut text| text.read_to_end(&mut bytes)).expect("should be read");
        assert_eq!(bytes, b"a,\xff");
        let japanese = TextEncoding::from_label("shift_jis").expect("should be known");
        let mut bytes = Vec::new();
        let content = b"\x93\x8c\x8b\x9e,\xff,\x93\x8c\n".repeat(20_000);
        let converted = to_utf8(Box::new(io::Cursor::new(content)), japanese);
        converted.and_then(|mut text| text.read_to_end(&mut bytes)).expect("should be read");
        let mut expected = "東京,".as_bytes().to_vec();
        expected.extend_from_slice(b"\xff,");
        expected.extend_from_slice("東\n".as_bytes());
        assert_eq!(bytes, expected.repeat(20_000));
    }
}
