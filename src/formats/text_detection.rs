//! Which encoding a text has, by its bytes.
//!
//! A mark states it, zeros in every second byte show UTF-16, and bytes that are all UTF-8 are it.
//! Where some are not: text that has characters of several bytes stays UTF-8 with broken places, for a
//! reader to name; text whose other bytes stand where Western letters do is Latin-1; and what is
//! neither has to be stated.

use std::io::{self, Read};

use super::compression;
use super::error::FormatError;
use super::text_encoding::{by_mark, fill, utf16_by_zeros};
use crate::engines::files::ByteSource;
use crate::engines::table::TextEncoding;

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detected {
    /// Text in this encoding; in UTF-8 some places may be broken.
    Text(TextEncoding),
    /// Perhaps text, but neither UTF-8, UTF-16 nor Latin-1.
    Other,
    /// No text.
    Binary,
}

/// What is said of text in another encoding.
pub(crate) const NEITHER: &str =
    "it is neither UTF-8, UTF-16 nor Latin-1 (windows-1252); state its encoding";

/// Bytes of the beginning that show whether a text is UTF-16 without a mark.
const BEGINNING: usize = 256 * 1024;

/// Returns what a beginning shows. `is_text`: control characters but zeros do not make it binary,
/// since its name or what is stated says that it is text.
pub(crate) fn detect(prefix: &[u8], whole: bool, is_text: bool) -> Detected {
    if let Some(encoding) = utf16_or_mark(prefix) {
        return Detected::Text(encoding);
    }
    let prefix = if whole { without_end_mark(prefix) } else { prefix };
    let controls = prefix.iter().filter(|byte| is_control(**byte)).count();
    // Even a delimiter that is one is not nearly everything.
    let binary = if is_text { controls * 10 > prefix.len() * 9 } else { controls > 0 };
    if binary || prefix.contains(&0) {
        return Detected::Binary;
    }
    let mut census = Census::default();
    census.add(prefix);
    census.verdict(whole)
}

/// Returns what all bytes of a file show, within its compression.
///
/// # Errors
/// `Read` when they cannot be read.
pub(crate) fn of_file(source: &dyn ByteSource) -> Result<Detected, FormatError> {
    let failed = |cause| FormatError::reading(source.path(), cause);
    let (_, mut reader) = compression::open(source)?;
    of_text(&mut reader).map_err(failed)
}

fn of_text(reader: &mut dyn Read) -> io::Result<Detected> {
    let mut chunk = vec![0; BEGINNING];
    let mut count = fill(reader, &mut chunk)?;
    if let Some(encoding) = utf16_or_mark(&chunk[..count]) {
        return Ok(Detected::Text(encoding));
    }
    let mut census = Census::default();
    while count > 0 {
        census.add(&chunk[..count]);
        count = fill(reader, &mut chunk)?;
    }
    Ok(census.verdict(true))
}

/// Returns the encoding that a mark or zeros show.
pub(crate) fn utf16_or_mark(prefix: &[u8]) -> Option<TextEncoding> {
    by_mark(prefix).map(|(encoding, _)| encoding).or_else(|| utf16_by_zeros(prefix))
}

/// Returns bytes without the Ctrl-Z that DOS ends texts with.
pub(crate) fn without_end_mark(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != super::text_encoding::END_MARK);
    &bytes[..end.map_or(0, |last| last + 1)]
}

/// Whether it is a control character that texts seldom have.
fn is_control(byte: u8) -> bool {
    matches!(byte, 1..=8 | 0x0e..=0x1a | 0x1c..=0x1e | 0x7f)
}

/// Counts what speaks for UTF-8 and for Latin-1.
#[derive(Debug, Default)]
struct Census {
    /// Bytes of a character that the next chunk ends.
    carried: Vec<u8>,
    /// Characters of several bytes.
    characters: u64,
    /// Places that are not UTF-8.
    broken: u64,
    /// Bytes that are not ASCII; those of them that Western text has; those in rows of three and more.
    high: u64,
    western: u64,
    in_rows: u64,
    row: u64,
    /// The two bytes before.
    before: [u8; 2],
}

impl Census {
    fn add(&mut self, chunk: &[u8]) {
        // Nothing can be learned from it, but what the byte before it belongs to.
        if chunk.is_ascii() && self.carried.is_empty() && self.before[1].is_ascii() {
            let last = |back: usize| chunk.len().checked_sub(back).map(|at| chunk[at]);
            self.before = [last(2).unwrap_or(self.before[1]), last(1).unwrap_or_default()];
            return;
        }
        for byte in chunk {
            self.add_western(*byte);
        }
        let mut bytes = std::mem::take(&mut self.carried);
        bytes.extend_from_slice(chunk);
        let mut rest = bytes.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.characters += leads(text.as_bytes());
                    return;
                }
                Err(error) => {
                    let (valid, wrong) = rest.split_at(error.valid_up_to());
                    self.characters += leads(valid);
                    let Some(length) = error.error_len() else {
                        self.carried = wrong.to_vec();
                        return;
                    };
                    self.broken += 1;
                    rest = &wrong[length..];
                }
            }
        }
    }

    fn add_western(&mut self, byte: u8) {
        let [letter, sign] = self.before;
        if !sign.is_ascii() && !is_letter(sign) && letter.is_ascii_alphabetic() {
            // A sign such as `³` within a word is a letter of another encoding.
            self.western -= u64::from(is_sign(sign) && byte.is_ascii_alphabetic());
        }
        self.before = [sign, byte];
        if byte.is_ascii() {
            self.end_row();
            return;
        }
        self.high += 1;
        self.row += 1;
        self.western += u64::from(is_letter(byte) || is_sign(byte) || is_within_words(byte));
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        self.in_rows += if row > 2 { row } else { 0 };
    }

    /// `whole`: a character that is cut at the end is broken.
    fn verdict(mut self, whole: bool) -> Detected {
        self.end_row();
        self.broken += u64::from(whole && !self.carried.is_empty());
        // Two Western letters look like a character of UTF-8 once in a while.
        if self.broken == 0 || self.characters * 20 > self.broken {
            return Detected::Text(TextEncoding::Utf8);
        }
        if self.western * 10 >= self.high * 9 && self.in_rows * 4 <= self.high {
            return Detected::Text(TextEncoding::Latin1);
        }
        Detected::Other
    }
}

/// How many characters of several bytes begin.
fn leads(text: &[u8]) -> u64 {
    if text.is_ascii() {
        return 0;
    }
    text.iter().filter(|byte| **byte >= 0xc0).count() as u64
}

/// Letters of windows-1252.
fn is_letter(byte: u8) -> bool {
    matches!(byte, 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0xff | 0x8a | 0x8c | 0x8e | 0x9a | 0x9c | 0x9e)
        || byte == 0x9f
}

/// Signs of windows-1252 that stand beside words: currencies, quotes, degrees, fractions.
fn is_sign(byte: u8) -> bool {
    let currency = matches!(byte, 0x80 | 0xa2 | 0xa3 | 0xa5);
    let quote =
        matches!(byte, 0x82 | 0x84 | 0x85 | 0x91 | 0x93..=0x95 | 0x99 | 0xa1 | 0xab | 0xbb | 0xbf);
    let other =
        matches!(byte, 0xa7 | 0xa9 | 0xaa | 0xae | 0xb0..=0xb3 | 0xb5 | 0xb9 | 0xba | 0xbc..=0xbe);
    currency || quote || other || matches!(byte, 0xd7 | 0xf7)
}

/// Signs of windows-1252 that also stand within words: apostrophe, dashes, space, dot.
fn is_within_words(byte: u8) -> bool {
    matches!(byte, 0x92 | 0x96 | 0x97 | 0xa0 | 0xad | 0xb7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Detected {
        let detected = detect(bytes, true, true);
        let streamed = of_text(&mut io::Cursor::new(bytes)).expect("should be read");
        assert_eq!(detected, streamed, "{bytes:?}");
        // Wherever a chunk ends.
        for at in 0..bytes.len().min(40) {
            let mut census = Census::default();
            let (left, right) = bytes.split_at(at);
            census.add(left);
            census.add(right);
            assert_eq!(census.verdict(true), detected, "{bytes:?} at {at}");
        }
        detected
    }

    const UTF8: Detected = Detected::Text(TextEncoding::Utf8);
    const LATIN1: Detected = Detected::Text(TextEncoding::Latin1);

    #[test]
    fn text_with_characters_of_several_bytes_stays_utf8() {
        for text in [
            &b"plain"[..],
            "Zürich, Łódź, 東京".as_bytes(),
            b"id,city\n1,Z\xc3\xbcrich\n2,broken \xff byte\n",
            b"\xc3\xbc\xc3\xb6\xff\xfe\xfd",
            // A file of two encodings is not one of Latin-1.
            b"Z\xc3\xbcrich\nK\xf6ln\nM\xfcnchen\nD\xfcren\n",
            b"cut at the end \xc3\xbc \xc3",
        ] {
            assert_eq!(seen(text), UTF8, "{text:?}");
        }
    }

    #[test]
    fn western_text_is_latin1_and_other_bytes_are_not() {
        for text in [
            &b"name,city\nJos\xe9,K\xf6ln\n"[..],
            b"Gr\xf6\xdfe 5\xb0, 3 m\xb2, \x80 20, \xabcr\xe9\xe9e\xbb, l\x92\xe9t\xe9",
            b"broken \xff byte",
        ] {
            assert_eq!(seen(text), LATIN1, "{text:?}");
        }
        let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("名前,都市\n太郎,東京\nテスト,大阪\n");
        let (russian, ..) = encoding_rs::WINDOWS_1251.encode("имя,город\nИван,Москва\n");
        let (polish, ..) =
            encoding_rs::WINDOWS_1250.encode("imię,miasto\nStanisław,Łódź\nBłażej,Wąwóz\n");
        let (chinese, ..) = encoding_rs::GBK.encode("姓名,城市\n张三,北京\n");
        for text in [japanese, russian, polish, chinese] {
            assert_eq!(seen(&text), Detected::Other, "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_text_where_text_is_stated() {
        for (bytes, is_text, detected) in [
            (&b"1\x01x\x01y\n"[..], true, UTF8),
            (b"1\x01x\x01y\n", false, Detected::Binary),
            (b"a,b\r\n1,2\r\n\x1a", false, UTF8),
            (b"a,b\n\x1a\x1a\x1a\x1a\x1a\x1a\x1a", true, UTF8),
            (b"a\0b,c\n", true, Detected::Binary),
            (b"\x01\x02\x03\x04", true, Detected::Binary),
        ] {
            assert_eq!(detect(bytes, true, is_text), detected, "{bytes:?}");
        }
    }
}
