//! The types of delimited text from every row, or from the first ones.

use arrow::datatypes::DataType;

use super::decode::{ragged, shown};
use super::records::RecordParser;
use super::seen::Seen;
use super::{Opened, Tokens, broken};
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::{CsvDialect, TextEncoding};
use crate::formats::blocks::{InOrder, MAX_ROW_BYTES, NEVER_CLOSED, ParseBlock, Parsed};
use crate::formats::bytes::ByteSource;
use crate::formats::error::FormatError;
use crate::formats::kinds::NearlyTyped;
use crate::formats::pipeline;
use crate::formats::text_detection::{self, Detected};

/// The schema of one text.
pub(crate) struct Found {
    pub(crate) schema: Schema,
    pub(crate) rows: u64,
    pub(crate) complete: bool,
    pub(crate) notes: Vec<String>,
    /// The columns of text that nearly have another type.
    pub(crate) nearly: Vec<NearlyTyped>,
    /// The encoding that could be read; differs from the dialect's when a late byte is not UTF-8.
    pub(crate) encoding: TextEncoding,
}

/// How many threads look at the cells.
const THREADS: usize = 2;

enum Wrong {
    Ragged { found: usize },
    Quotes(String),
    NotUtf8(String),
}

struct Looker {
    parser: RecordParser,
    tokens: Tokens,
    expected: usize,
    most_rows: Option<u64>,
}

type Output = (Vec<Seen>, Option<(u64, Wrong)>);

impl ParseBlock for Looker {
    type Output = Output;

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Output> {
        let mut seen = vec![Seen::default(); self.expected];
        let (mut at, mut rows) = (0, 0_u64);
        let mut wrong = None;
        while self.most_rows.is_none_or(|most| rows < most)
            && let Some(record) = self.parser.next(&block, at)
        {
            if let Some(stray) = self.parser.text_behind_quote(&block, record) {
                wrong = Some((rows, Wrong::Quotes(stray.why(&block))));
                break;
            }
            let found = self.parser.count();
            if found != self.expected {
                wrong = Some((rows, Wrong::Ragged { found }));
                break;
            }
            let nulls = self.parser.cells().any(|cell| self.tokens.may_be_null(cell));
            for (index, seen) in seen.iter_mut().enumerate() {
                let cell = self.parser.cell(index);
                if nulls && self.tokens.may_be_null(cell) && !self.parser.is_quoted(index) {
                    seen.null();
                } else {
                    seen.value(cell);
                }
            }
            (at, rows) = (record.end, rows + 1);
        }
        if let Err(error) = std::str::from_utf8(&block[..at]) {
            wrong = Some(self.not_utf8(&block, error.valid_up_to()));
        }
        let tail = if wrong.is_some() { block.len() } else { self.parser.skip_between(&block, at) };
        Parsed { output: (seen, wrong), block, tail, rows }
    }
}

impl Looker {
    /// Returns the row of a place that is not UTF-8, with what stands there.
    fn not_utf8(&mut self, block: &[u8], place: usize) -> (u64, Wrong) {
        let (mut at, mut row) = (0, 0);
        while let Some(record) = self.parser.next(block, at)
            && record.end <= place
        {
            (at, row) = (record.end, row + 1);
        }
        let line = |byte: &u8| !matches!(byte, b'\r' | b'\n');
        let around = &block[place.saturating_sub(20)..];
        let around: Vec<u8> = around.iter().take(40).copied().filter(line).collect();
        (row, Wrong::NotUtf8(shown(&around)))
    }
}

/// Looks at every row, or at the first `rows`.
pub(crate) fn infer(
    source: &dyn ByteSource,
    dialect: &CsvDialect,
    rows: Option<u64>,
) -> Result<Found, FormatError> {
    let place = match attempt(source, dialect, rows)? {
        Ok(found) => return Ok(found),
        Err(place) => place,
    };
    // A late byte: all of the file says whether it is Latin-1.
    let is_latin1 = dialect.encoding == TextEncoding::Utf8
        && text_detection::of_file(source)? == Detected::Text(TextEncoding::Latin1);
    if is_latin1 {
        let latin1 = CsvDialect { encoding: TextEncoding::Latin1, ..dialect.clone() };
        if let Ok(found) = attempt(source, &latin1, rows)? {
            return Ok(found);
        }
    }
    let message = format!("{place}; correct it, or state the encoding");
    Err(broken(source.path(), message))
}

/// Returns the first place that is not UTF-8, in words, when there is one.
fn attempt(
    source: &dyn ByteSource,
    dialect: &CsvDialect,
    most_rows: Option<u64>,
) -> Result<Result<Found, String>, FormatError> {
    let opened = match super::open(source, dialect) {
        Ok(opened) => opened,
        Err(FormatError::Broken { message, .. }) if message.contains("is not UTF-8") => {
            return Ok(Err(message));
        }
        Err(error) => return Err(error),
    };
    let Opened { names, tokens, first, mut cutter } = opened;
    let path = cutter.path().to_owned();
    let expected = names.names.len();
    let looker = |most_rows| Looker {
        parser: RecordParser::new(&tokens),
        tokens: tokens.clone(),
        expected,
        most_rows,
    };
    let mut gathered = Gathered { seen: vec![Seen::default(); expected], rows: 0, complete: true };
    let outcome = if let Some(most) = most_rows {
        let blocks = std::iter::once(Ok(first))
            .chain(std::iter::from_fn(|| cutter.next_block().transpose()));
        gathered.sample(blocks, looker(None), most, &path)
    } else {
        let produce = |emit: pipeline::Emit<'_, Vec<u8>>| {
            let mut wanted = emit(first);
            while wanted && let Some(block) = cutter.next_block()? {
                wanted = emit(block);
            }
            Ok(())
        };
        let parser = || {
            let mut looker = looker(None);
            move |block| looker.parse(block)
        };
        pipeline::scoped(THREADS, produce, parser, |results| {
            gathered.all(InOrder::new(results, looker(None), path.clone(), "csv"))
        })
    };
    match outcome {
        Ok(()) => {}
        Err(Stop::NotUtf8(place)) => return Ok(Err(place)),
        Err(Stop::Ragged { row, found }) => return Err(ragged(&path, row, expected, found)),
        Err(Stop::Quotes { row, why }) => return Err(broken(&path, format!("row {row} {why}"))),
        Err(Stop::Failed(error)) => return Err(error),
    }
    let columns = || names.names.iter().zip(&gathered.seen);
    Ok(Ok(Found {
        schema: Schema { columns: columns().map(|(name, seen)| column(name, seen)).collect() },
        nearly: columns().filter_map(|(name, seen)| seen.nearly(name)).collect(),
        rows: gathered.rows,
        complete: gathered.complete,
        notes: names.notes,
        encoding: dialect.encoding,
    }))
}

/// Why looking stops.
enum Stop {
    NotUtf8(String),
    Ragged { row: u64, found: usize },
    Quotes { row: u64, why: String },
    Failed(FormatError),
}

struct Gathered {
    seen: Vec<Seen>,
    rows: u64,
    complete: bool,
}

impl Gathered {
    fn add(&mut self, output: &Output, before: u64, rows: u64) -> Result<(), Stop> {
        match &output.1 {
            Some((row, Wrong::NotUtf8(text))) => {
                let row = before + row + 1;
                return Err(Stop::NotUtf8(format!("row {row} is not UTF-8: `{text}`")));
            }
            Some((row, Wrong::Ragged { found })) => {
                return Err(Stop::Ragged { row: before + row + 1, found: *found });
            }
            Some((row, Wrong::Quotes(why))) => {
                return Err(Stop::Quotes { row: before + row + 1, why: why.clone() });
            }
            None => {}
        }
        for (whole, part) in self.seen.iter_mut().zip(&output.0) {
            whole.merge(part);
        }
        self.rows = before + rows;
        Ok(())
    }

    fn all(&mut self, mut ordered: InOrder<Looker>) -> Result<(), Stop> {
        while let Some(next) = ordered.next() {
            let (output, before) = next.map_err(Stop::Failed)?;
            self.add(&output, before, ordered.rows() - before)?;
        }
        Ok(())
    }

    /// Looks at the first rows only, without threads.
    fn sample(
        &mut self,
        mut blocks: impl Iterator<Item = Result<Vec<u8>, FormatError>>,
        mut looker: Looker,
        most: u64,
        path: &str,
    ) -> Result<(), Stop> {
        let mut text = Vec::new();
        loop {
            looker.most_rows = Some(most - self.rows);
            let next = blocks.next().transpose().map_err(Stop::Failed)?;
            let ended = next.is_none();
            text.extend(next.unwrap_or_else(|| b"\n".to_vec()));
            let parsed = looker.parse(std::mem::take(&mut text));
            self.add(&parsed.output, self.rows, parsed.rows)?;
            text = parsed.block.get(parsed.tail..).unwrap_or_default().to_vec();
            if ended || self.rows >= most {
                break;
            }
            if text.len() > MAX_ROW_BYTES {
                let message = format!("row {} is longer than 16 MiB", self.rows + 1);
                return Err(Stop::Failed(broken(path, message)));
            }
        }
        self.complete = text.is_empty() && blocks.next().is_none();
        if !self.complete && self.rows < most {
            let message = format!("a quote opened in row {} {NEVER_CLOSED}", self.rows + 1);
            return Err(Stop::Failed(broken(path, message)));
        }
        Ok(())
    }
}

fn column(name: &str, seen: &Seen) -> Column {
    let data_type: DataType = seen.data_type();
    Column {
        name: name.to_owned(),
        data_type: ColumnType(data_type),
        nullable: true,
        source_type: None,
    }
}
