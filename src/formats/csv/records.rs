//! One record at a time from a block, by `csv_core`; and which of its cells are quoted.
//!
//! `csv_core` drops an escape before any character and ends a comment at a line feed only: records with
//! an escape are read in `escaped`, comments are left out here.

use csv_core::{ReadFieldResult, ReadRecordResult, Reader, ReaderBuilder};

use super::Tokens;
use super::escaped::{self, Escaped};

/// Where a record is in its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Its first byte.
    pub(crate) start: usize,
    /// After its last byte.
    pub(crate) end: usize,
}

/// Tokenises records; holds the cells of the latest.
pub(crate) struct RecordParser {
    records: Reader,
    fields: Reader,
    tokens: Tokens,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    quoted: Vec<bool>,
}

impl RecordParser {
    pub(crate) fn new(tokens: &Tokens) -> Self {
        let reader = || {
            let mut builder = ReaderBuilder::new();
            builder.delimiter(tokens.delimiter).quoting(tokens.quote.is_some());
            builder.quote(tokens.quote.unwrap_or(b'"')).build()
        };
        let mut parser = Self {
            records: reader(),
            fields: reader(),
            tokens: tokens.clone(),
            text: vec![0; 4096],
            ends: vec![0; 256],
            count: 0,
            quoted: Vec::new(),
        };
        parser.reset();
        parser
    }

    /// Begins anew. The line feed keeps `csv_core` from taking a first character for a byte order mark.
    fn reset(&mut self) {
        for reader in [&mut self.records, &mut self.fields] {
            reader.reset();
            reader.read_record(b"\n", &mut self.text, &mut self.ends);
        }
    }

    /// Reads the record that begins at or after `at`; `None` when the block does not end it.
    #[inline]
    pub(crate) fn next(&mut self, block: &[u8], at: usize) -> Option<Record> {
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
        let mut record = Escaped { text, ends, quoted };
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

    /// Finds which cells of the latest record are quoted. Only needed when a cell looks like null.
    pub(crate) fn find_quoted(&mut self, block: &[u8], record: Record) {
        if self.tokens.escape.is_some() {
            // They are known.
            return;
        }
        self.quoted.clear();
        let raw = &block[record.start..record.end];
        let quote = self.tokens.quote.filter(|quote| memchr::memchr(*quote, raw).is_some());
        let Some(quote) = quote else {
            self.quoted.resize(self.count, false);
            return;
        };
        let mut position = 0;
        let mut out = [0; 1024];
        while self.quoted.len() < self.count {
            self.quoted.push(raw.get(position) == Some(&quote));
            loop {
                let (result, read, _) = self.fields.read_field(&raw[position..], &mut out);
                position += read;
                match result {
                    ReadFieldResult::OutputFull => {}
                    _ => break,
                }
            }
        }
    }

    /// Whether a cell of the latest record is quoted, after [`Self::find_quoted`].
    pub(crate) fn is_quoted(&self, index: usize) -> bool {
        self.quoted.get(index).copied().unwrap_or(false)
    }
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
        parser.find_quoted(block, record);
        let cells: Vec<_> = parser.cells().map(String::from_utf8_lossy).collect();
        assert_eq!(cells, ["", "", "x", "a\"b,\n", ""]);
        let quoted: Vec<_> = (0..5).map(|index| parser.is_quoted(index)).collect();
        assert_eq!(quoted, [true, false, false, true, true]);
        // The reader of cells is at the beginning of a record again.
        parser.find_quoted(block, record);
        assert!(parser.is_quoted(4) && !parser.is_quoted(1));
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
        parser.find_quoted(block, record);
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
