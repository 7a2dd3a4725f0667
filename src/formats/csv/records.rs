//! One record at a time from a block, by `csv_core`; and which of its cells are quoted.
//!
//! `csv_core` drops an escape before any character and ends a comment at a line feed only: records with
//! an escape are read in `escaped`, comments are left out here.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::escaped::{self, Escaped};
use super::tokens::Tokens;

/// Where a record is in its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Its first byte.
    pub(crate) start: usize,
    /// After its last byte.
    pub(crate) end: usize,
}

/// A cell with text behind its closing quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stray {
    /// The cell, from 0.
    pub(crate) cell: usize,
    /// Where it begins in its block.
    pub(crate) at: usize,
}

impl Stray {
    /// Returns what is wrong and what to state, to stand behind the name of the row.
    pub(crate) fn why(self, block: &[u8]) -> String {
        let raw = &block[self.at..];
        let end = memchr::memchr2(b'\r', b'\n', raw).unwrap_or(raw.len());
        format!(
            "has text behind the closing quote of cell {}: `{}`; state quote=none if quotes are \
             characters like any other, or escape if one makes them so",
            self.cell + 1,
            super::decode::shown(&raw[..end])
        )
    }
}

/// Tokenises records; holds the cells of the latest.
pub(crate) struct RecordParser {
    records: Reader,
    tokens: Tokens,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    quoted: Vec<bool>,
    stray: Option<Stray>,
    /// Where the next quote is, unless a record begins behind it.
    next_quote: usize,
}

impl RecordParser {
    pub(crate) fn new(tokens: &Tokens) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(tokens.delimiter).quoting(tokens.quote.is_some());
        let mut parser = Self {
            records: builder.quote(tokens.quote.unwrap_or(b'"')).build(),
            tokens: tokens.clone(),
            text: vec![0; 4096],
            ends: vec![0; 256],
            count: 0,
            quoted: Vec::new(),
            stray: None,
            next_quote: 0,
        };
        parser.reset();
        parser
    }

    /// Begins anew. The line feed keeps `csv_core` from taking a first character for a byte order mark.
    fn reset(&mut self) {
        self.records.reset();
        self.records.read_record(b"\n", &mut self.text, &mut self.ends);
    }

    /// Reads the record that begins at or after `at`; `None` when the block does not end it.
    #[inline]
    pub(crate) fn next(&mut self, block: &[u8], at: usize) -> Option<Record> {
        if at == 0 {
            // Another block.
            self.next_quote = 0;
        }
        let start = self.skip_between(block, at);
        if self.tokens.escape.is_some() {
            return self.next_escaped(block, start);
        }
        let (mut position, mut written, mut ended) = (start, 0, 0);
        while position < block.len() {
            let (result, read, out, ends) = self.records.read_record(
                &block[position..],
                &mut self.text[written..],
                &mut self.ends[ended..],
            );
            position += read;
            written += out;
            ended += ends;
            match result {
                ReadRecordResult::Record => {
                    self.count = ended;
                    return Some(Record { start, end: position });
                }
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
            }
        }
        self.reset();
        self.count = 0;
        None
    }

    fn next_escaped(&mut self, block: &[u8], start: usize) -> Option<Record> {
        let (text, ends, quoted) = (&mut self.text, &mut self.ends, &mut self.quoted);
        let mut record = Escaped { text, ends, quoted, stray: &mut self.stray };
        let end = escaped::next_record(&self.tokens, block, start, &mut record);
        self.count = end.map_or(0, |_| self.ends.len());
        end.map(|end| Record { start, end })
    }

    /// Returns where the next record begins: behind line ends and whole comments.
    #[inline]
    pub(crate) fn skip_between(&self, block: &[u8], at: usize) -> usize {
        let mut at = skip_line_ends(block, at);
        if let Some(comment) = &self.tokens.comment {
            while block[at..].starts_with(comment)
                && let Some(end) = memchr::memchr2(b'\r', b'\n', &block[at..])
            {
                at = skip_line_ends(block, at + end);
            }
        }
        at
    }

    /// Returns how many cells the latest record has.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns a cell of the latest record, without its quotes.
    #[inline]
    pub(crate) fn cell(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// Returns the cells of the latest record.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|index| self.cell(index))
    }

    /// Returns the first cell of the latest record with text behind its closing quote, which `csv_core`
    /// would join to the rest. Only a record that holds a quote takes time.
    #[inline]
    pub(crate) fn text_behind_quote(&mut self, block: &[u8], record: Record) -> Option<Stray> {
        if self.tokens.escape.is_some() {
            return self.stray;
        }
        let quote = self.tokens.quote?;
        if self.next_quote < record.start {
            let next = memchr::memchr(quote, &block[record.start..]);
            self.next_quote = next.map_or(usize::MAX, |at| record.start + at);
        }
        if self.next_quote >= record.end {
            self.quoted.clear();
            return None;
        }
        self.look_at_quotes(quote, block, record)
    }

    fn look_at_quotes(&mut self, quote: u8, block: &[u8], record: Record) -> Option<Stray> {
        self.quoted.clear();
        let raw = &block[..record.end];
        let (mut at, mut start) = (record.start, 0);
        for (cell, end) in self.ends[..self.count].iter().enumerate() {
            let quoted = raw.get(at) == Some(&quote);
            self.quoted.push(quoted);
            let begins = at;
            at = if quoted { behind_closing(quote, raw, at + 1) } else { at + end - start };
            if raw.get(at).is_some_and(|byte| {
                *byte != self.tokens.delimiter && !matches!(byte, b'\r' | b'\n')
            }) {
                return Some(Stray { cell, at: begins });
            }
            (at, start) = (at + 1, *end);
        }
        None
    }

    /// Whether a cell of the latest record is quoted, after [`Self::text_behind_quote`].
    pub(crate) fn is_quoted(&self, index: usize) -> bool {
        self.quoted.get(index).copied().unwrap_or(false)
    }
}

/// Returns where the byte behind the quote is that closes a cell; two quotes are one within it.
fn behind_closing(quote: u8, raw: &[u8], mut at: usize) -> usize {
    while let Some(next) = raw.get(at..).and_then(|rest| memchr::memchr(quote, rest)) {
        at += next + 1;
        if raw.get(at) != Some(&quote) {
            return at;
        }
        at += 1;
    }
    raw.len()
}

/// Returns where the next byte is that ends no line.
fn skip_line_ends(block: &[u8], mut at: usize) -> usize {
    while block.get(at).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::plain(b',')
    }

    #[test]
    fn quoted_cells_are_told_from_unquoted() {
        let block = b"\"\",,x,\"a\"\"b,\n\",\"\"\n";
        let mut parser = RecordParser::new(&tokens());
        let record = parser.next(block, 0).expect("should be a record");
        assert_eq!(parser.text_behind_quote(block, record), None);
        let cells: Vec<_> = parser.cells().map(String::from_utf8_lossy).collect();
        assert_eq!(cells, ["", "", "x", "a\"b,\n", ""]);
        let quoted: Vec<_> = (0..5).map(|index| parser.is_quoted(index)).collect();
        assert_eq!(quoted, [true, false, false, true, true]);
    }

    #[test]
    fn text_behind_a_closing_quote_is_found() {
        for (block, stray) in [
            (&b"\"Others\" and,x\n"[..], Some(Stray { cell: 0, at: 0 })),
            (b"a b,,\"x\"\"y\" z\r\n", Some(Stray { cell: 2, at: 5 })),
            (b"1,\"say \\\"hi\\\" now\"\n", Some(Stray { cell: 1, at: 2 })),
            (b"5\" pipe,\"x\",6\"\"\n", None),
            (b"\"\",\"\"\"\",\"a\nb\"\r", None),
            (b"plain,x\n", None),
        ] {
            let mut parser = RecordParser::new(&tokens());
            let record = parser.next(block, 0).expect("should be a record");
            assert_eq!(parser.text_behind_quote(block, record), stray, "{block:?}");
        }
        // Also behind records without any quote, and in the next block.
        let mut parser = RecordParser::new(&tokens());
        for block in [&b"a\nb\n\"c\"d\n"[..], b"\"e\"f\n"] {
            let (mut at, mut found) = (0, Vec::new());
            while let Some(record) = parser.next(block, at) {
                found.push(parser.text_behind_quote(block, record).is_some());
                at = record.end;
            }
            assert_eq!(found.pop(), Some(true));
            assert!(!found.contains(&true));
        }
    }

    #[test]
    fn open_quote_is_no_record() {
        let mut parser = RecordParser::new(&tokens());
        assert!(parser.next(b"a,\"b\n", 0).is_none());
        assert!(parser.next(b"a,b\n", 0).is_some());
        assert!(parser.next(b"\r\n\n", 0).is_none());
    }

    #[test]
    fn comments_are_left_out_and_belong_to_no_record() {
        let tokens = Tokens { comment: Some(b"--".to_vec()), ..tokens() };
        let block = b"-- \"one\r\n--\n-5,\"--x\ny\"\r--two\rz,--\n--three\n--four";
        let mut parser = RecordParser::new(&tokens);
        let mut at = 0;
        let mut cells = Vec::new();
        while let Some(record) = parser.next(block, at) {
            cells.extend(parser.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()));
            at = record.end;
        }
        assert_eq!(cells, ["-5", "--x\ny", "z", "--"]);
        assert_eq!(&block[parser.skip_between(block, at)..], b"--four");
    }

    #[test]
    fn without_quoting_a_quote_is_text() {
        let mut parser = RecordParser::new(&Tokens { quote: None, ..tokens() });
        let block = b"\"a,b\n\"\",\n";
        let record = parser.next(block, 0).expect("should be a record");
        assert_eq!(parser.cells().collect::<Vec<_>>(), [b"\"a", &b"b"[..]]);
        assert_eq!(parser.text_behind_quote(block, record), None);
        assert!(!parser.is_quoted(0));
        parser.next(block, record.end).expect("should be a record");
        assert_eq!(parser.cells().collect::<Vec<_>>(), [b"\"\"", &b""[..]]);
    }

    #[test]
    fn records_of_many_and_long_cells_are_read() {
        let long = "x".repeat(10_000);
        let block = format!("{}{long}\n", "1,".repeat(1000));
        let mut parser = RecordParser::new(&tokens());
        parser.next(block.as_bytes(), 0).expect("should be a record");
        assert_eq!(parser.count(), 1001);
        assert_eq!(parser.cell(1000), long.as_bytes());
    }
}
