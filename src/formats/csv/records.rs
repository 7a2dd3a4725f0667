//! One record at a time from a block, by `csv_core`; and which of its cells are quoted.

use csv_core::{ReadFieldResult, ReadRecordResult, Reader, ReaderBuilder};

use super::Tokens;

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
    quote: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    quoted: Vec<bool>,
}

impl RecordParser {
    pub(crate) fn new(tokens: &Tokens) -> Self {
        let reader =
            || ReaderBuilder::new().delimiter(tokens.delimiter).quote(tokens.quote).build();
        let mut parser = Self {
            records: reader(),
            fields: reader(),
            quote: tokens.quote,
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
        let start = skip_line_ends(block, at);
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
        self.quoted.clear();
        let raw = &block[record.start..record.end];
        if memchr::memchr(self.quote, raw).is_none() {
            self.quoted.resize(self.count, false);
            return;
        }
        let mut position = 0;
        let mut out = [0; 1024];
        while self.quoted.len() < self.count {
            self.quoted.push(raw.get(position) == Some(&self.quote));
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
pub(crate) fn skip_line_ends(block: &[u8], mut at: usize) -> usize {
    while block.get(at).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens { delimiter: b',', quote: b'"', nulls: Vec::new() }
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
    fn records_of_many_and_long_cells_are_read() {
        let long = "x".repeat(10_000);
        let block = format!("{}{long}\n", "1,".repeat(1000));
        let mut parser = RecordParser::new(&tokens());
        parser.next(block.as_bytes(), 0).expect("should be a record");
        assert_eq!(parser.count(), 1001);
        assert_eq!(parser.cell(1000), long.as_bytes());
    }
}
