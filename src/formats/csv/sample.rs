//! The first records of a text, as one way of reading splits it.

use std::io::Read;

use super::delimiters::OneByteDelimiter;
use super::records::RecordParser;
use super::tokens::{Tokens, UNIT_SEPARATOR};

/// Most records looked at.
const RECORDS: usize = 200;

/// How much of a line is kept to see how it begins.
const BEGINS: usize = 16;

/// The beginning of a text, in UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning<'a> {
    /// The text.
    pub(crate) text: &'a str,
    /// Whether it is the whole text.
    pub(crate) whole: bool,
}

impl Beginning<'_> {
    /// Returns it without its first lines.
    pub(super) fn without_lines(self, count: u64) -> Self {
        let mut text = self.text;
        for _ in 0..count {
            let Some(end) = text.find(['\r', '\n']) else { return Self { text: "", ..self } };
            let length = if text[end..].starts_with("\r\n") { 2 } else { 1 };
            text = &text[end + length..];
        }
        Self { text, ..self }
    }
}

/// A cell without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(super) text: Vec<u8>,
    pub(super) quoted: bool,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(super) cells: Vec<Cell>,
    /// The line it begins in, from 1.
    pub(super) line: u64,
    /// How that line begins.
    pub(super) begins: Vec<u8>,
}

/// The first records of a text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub(crate) rows: Vec<Row>,
    /// How many cells are enclosed in quotes.
    pub(super) enclosed: usize,
    /// How many records have a cell with text behind its closing quote.
    pub(super) stray: usize,
    /// Whether the text ends within quotes.
    open: bool,
}

impl Sample {
    /// Returns the first complete records; `None` when the text cannot be read so.
    pub(super) fn new(beginning: Beginning<'_>, delimiter: &str, tokens: &Tokens) -> Option<Self> {
        let mut text = beginning.text.as_bytes().to_vec();
        if beginning.whole {
            text.push(b'\n');
        }
        if delimiter.len() > 1 {
            let mut rewritten = Vec::new();
            let inner = Box::new(std::io::Cursor::new(text));
            let mut reader = OneByteDelimiter::new(inner, delimiter.as_bytes(), tokens);
            reader.read_to_end(&mut rewritten).ok()?;
            text = rewritten;
        }
        let mut parser = RecordParser::new(tokens);
        let mut sample = Self::default();
        let (mut at, mut line, mut counted) = (0, 1, 0);
        while sample.rows.len() < RECORDS
            && let Some(record) = parser.next(&text, at)
        {
            let stray = parser.text_behind_quote(&text, record);
            sample.stray += usize::from(stray.is_some());
            let cell =
                |index| Cell { text: parser.cell(index).to_vec(), quoted: parser.is_quoted(index) };
            let cells: Vec<Cell> = (0..parser.count()).map(cell).collect();
            let enclosed = cells.iter().filter(|cell| cell.quoted).count();
            // Cells behind text that follows a quote are not looked at: one that begins with a quote counts.
            let behind = stray.is_some_and(|stray| {
                let begin = [tokens.delimiter, tokens.quote.unwrap_or_default()];
                memchr::memmem::find(&text[stray.at..record.end], &begin).is_some()
            });
            sample.enclosed += enclosed - usize::from(stray.is_some()) + usize::from(behind);
            line += line_ends(&text[counted..record.start]);
            counted = record.start;
            let begins = &text[record.start..record.end];
            let begins = begins[..begins.len().min(BEGINS)].to_vec();
            sample.rows.push(Row { cells, line, begins });
            at = record.end;
        }
        let rest = parser.skip_between(&text, at);
        sample.open = beginning.whole && sample.rows.len() < RECORDS && rest < text.len();
        Some(sample)
    }

    /// Returns the number of cells that all records have.
    pub(super) fn same_count(&self) -> Option<usize> {
        let count = self.rows.first()?.cells.len();
        self.rows.iter().all(|row| row.cells.len() == count).then_some(count)
    }

    /// Returns the number of cells above one that most records have, and how many these are.
    pub(super) fn usual_count(&self) -> Option<(usize, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.cells.len() > 1) {
            *counts.entry(row.cells.len()).or_insert(0_usize) += 1;
        }
        counts.into_iter().max_by_key(|(_, records)| *records)
    }

    /// Whether every quote that begins a cell also ends it.
    pub(super) fn is_well_quoted(&self) -> bool {
        self.stray == 0 && !self.open
    }
}

/// Returns the tokens for looking at a text: a delimiter of several bytes is read as one.
pub(super) fn tokens(delimiter: &str, quote: Option<u8>, escape: Option<u8>) -> Option<Tokens> {
    let begins = *delimiter.as_bytes().first()?;
    let byte = if delimiter.len() == 1 { begins } else { UNIT_SEPARATOR };
    Some(Tokens { delimiter_begins: begins, quote, escape, ..Tokens::plain(byte) })
}

fn line_ends(text: &[u8]) -> u64 {
    let lone = |at: usize| text[at] == b'\n' || text.get(at + 1) != Some(&b'\n');
    memchr::memchr2_iter(b'\r', b'\n', text).filter(|at| lone(*at)).count() as u64
}
