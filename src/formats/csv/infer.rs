//! The types of delimited text from every row, or from the first ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;

use super::columns::Cells;
use super::decode::{cells_said, ragged, shown};
use super::open::{Opened, broken};
use super::records::{Record, RecordParser};
use super::seen::Seen;
use super::tokens::Tokens;
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::files::ByteSource;
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::{CsvDialect, TextEncoding};
use crate::formats::blocks::{InOrder, MAX_ROW_BYTES, NEVER_CLOSED, ParseBlock, Parsed};
use crate::formats::error::FormatError;
use crate::formats::kinds::NearlyTyped;
use crate::formats::pipeline;
use crate::formats::text_detection::{self, Detected};

/// The schema of one text.
pub(crate) struct Found {
    pub(crate) schema: Schema,
    /// How many rows were looked at, without those that are left out.
    pub(crate) rows: u64,
    pub(crate) complete: bool,
    pub(crate) bad: Bad,
    pub(crate) notes: Vec<String>,
    /// The columns of text that nearly have another type.
    pub(crate) nearly: Vec<NearlyTyped>,
    /// The encoding that could be read; differs from the dialect's when a late byte is not UTF-8.
    pub(crate) encoding: TextEncoding,
}

/// How many threads look at the cells.
const THREADS: usize = 2;

/// What is looked at, and what happens to bad rows.
#[derive(Clone, Copy)]
pub(crate) struct Looking<'a> {
    /// Types of columns that are stated.
    pub(crate) types: &'a BTreeMap<String, ColumnType>,
    /// At most this many rows.
    pub(crate) rows: Option<u64>,
    pub(crate) bad_rows: BadRows,
    /// Whether the encoding is stated, so that nothing in the text says another.
    pub(crate) encoding_is_stated: bool,
}

enum Wrong {
    Ragged { found: usize },
    Value { column: usize, why: String },
    Quotes(String),
    NotUtf8(String),
}

/// A column of the text.
struct Named {
    name: String,
    stated: Option<DataType>,
}

/// What is known of the cells of a column.
enum Known {
    /// What they have in common.
    Found(Seen),
    /// That they fit a type that is stated.
    Stated(Cells),
}

struct Looker {
    parser: RecordParser,
    tokens: Tokens,
    columns: Arc<Vec<Named>>,
    bad_rows: BadRows,
    most_rows: Option<u64>,
    /// Whether texts that are not of the encoding are bad rows, by the name of the encoding.
    tolerated: Option<&'static str>,
    /// Whether the block is valid text, and so is every cell.
    is_valid: bool,
    /// A number with a point for its comma.
    number: Vec<u8>,
    bad: Bad,
}

struct Output {
    seen: Vec<Seen>,
    bad: Bad,
    wrong: Option<(u64, Wrong)>,
}

impl Looker {
    fn known(&self) -> Vec<Known> {
        let new = |column: &Named| match &column.stated {
            None => Known::Found(Seen::default()),
            Some(stated) => Known::Stated(Cells::new(stated, 0).unwrap_or(Cells::Null(0))),
        };
        self.columns.iter().map(new).collect()
    }

    /// Looks at the latest record, the `row`th of its block, from 1.
    fn look(
        &mut self,
        known: &mut [Known],
        block: &[u8],
        record: Record,
        row: u64,
    ) -> Result<(), Wrong> {
        let stray = self.parser.text_behind_quote(block, record);
        let found = self.parser.count();
        let wrong = match stray {
            Some(stray) => Wrong::Quotes(stray.why(block)),
            None if found != self.columns.len() => Wrong::Ragged { found },
            None => return self.look_at_cells(known, row),
        };
        let why = || match &wrong {
            Wrong::Quotes(why) => why.clone(),
            _ => cells_said(found, self.columns.len()),
        };
        match self.bad_rows {
            BadRows::Fail | BadRows::Reject => return Err(wrong),
            BadRows::Skip => self.bad.rows.add("", row, why),
            BadRows::Null => self.bad.blanked.add("", row, why),
        }
        // Also a row that is left out counts, so that the next ones have their numbers.
        known.iter_mut().for_each(Known::null);
        Ok(())
    }

    fn look_at_cells(&mut self, known: &mut [Known], row: u64) -> Result<(), Wrong> {
        let nulls = self.parser.cells().any(|cell| self.tokens.may_be_null(cell));
        let is_null = |parser: &RecordParser, index| {
            nulls && self.tokens.may_be_null(parser.cell(index)) && !parser.is_quoted(index)
        };
        // A row that is left out says nothing of any column: what may leave it out comes first.
        let (mut is_left_out, mut nulled) = (false, Vec::new());
        for (index, known) in known.iter_mut().enumerate() {
            let cell = self.parser.cell(index);
            let why = match known {
                _ if !self.is_valid && std::str::from_utf8(cell).is_err() => {
                    format!("`{}` is not {}", shown(cell), self.tolerated.unwrap_or_default())
                }
                Known::Stated(cells) if !is_null(&self.parser, index) => {
                    if cells.value(self.tokens.number(cell, &mut self.number)) {
                        continue;
                    }
                    let stated = self.columns[index].stated.as_ref().unwrap_or(&DataType::Null);
                    format!("`{}` is not a value of type {stated}", shown(cell))
                }
                _ => continue,
            };
            let name = &self.columns[index].name;
            match self.bad_rows {
                BadRows::Fail | BadRows::Reject => {
                    return Err(Wrong::Value { column: index, why });
                }
                BadRows::Null => {
                    self.bad.add_cell(name, row, || why);
                    nulled.push(index);
                }
                BadRows::Skip => {
                    self.bad.rows.add("", row, || format!("column `{name}`: {why}"));
                    is_left_out = true;
                    break;
                }
            }
        }
        for (index, known) in known.iter_mut().enumerate() {
            let Known::Found(seen) = known else { continue };
            if is_left_out || nulled.contains(&index) || is_null(&self.parser, index) {
                seen.null();
            } else {
                seen.value(self.tokens.number(self.parser.cell(index), &mut self.number));
            }
        }
        Ok(())
    }
}

impl Known {
    fn null(&mut self) {
        if let Self::Found(seen) = self {
            seen.null();
        }
    }

    fn into_seen(self) -> Seen {
        match self {
            Self::Found(seen) => seen,
            Self::Stated(_) => Seen::default(),
        }
    }
}

impl ParseBlock for Looker {
    type Output = Output;

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Output> {
        let mut known = self.known();
        let (mut at, mut rows) = (0, 0_u64);
        let mut wrong = None;
        self.bad = Bad::default();
        self.is_valid = self.tolerated.is_none() || std::str::from_utf8(&block).is_ok();
        while self.most_rows.is_none_or(|most| rows < most)
            && let Some(record) = self.parser.next(&block, at)
        {
            if let Err(found) = self.look(&mut known, &block, record, rows + 1) {
                wrong = Some((rows, found));
                break;
            }
            (at, rows) = (record.end, rows + 1);
        }
        if self.tolerated.is_none()
            && let Err(error) = std::str::from_utf8(&block[..at])
        {
            wrong = Some(self.not_utf8(&block, error.valid_up_to()));
        }
        let tail = if wrong.is_some() { block.len() } else { self.parser.skip_between(&block, at) };
        let seen = known.into_iter().map(Known::into_seen).collect();
        let output = Output { seen, bad: std::mem::take(&mut self.bad), wrong };
        Parsed { output, block, tail, rows }
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
    looking: Looking<'_>,
) -> Result<Found, FormatError> {
    let place = match attempt(source, dialect, looking, false)? {
        Ok(found) => return Ok(found),
        Err(place) => place,
    };
    // A late byte: all of the file says whether it is Latin-1.
    let is_latin1 = dialect.encoding == TextEncoding::Utf8
        && !looking.encoding_is_stated
        && text_detection::of_file(source)? == Detected::Text(TextEncoding::Latin1);
    if is_latin1 {
        let latin1 = CsvDialect { encoding: TextEncoding::Latin1, ..dialect.clone() };
        if let Ok(found) = attempt(source, &latin1, looking, false)? {
            return Ok(found);
        }
    }
    if matches!(looking.bad_rows, BadRows::Skip | BadRows::Null)
        && let Ok(found) = attempt(source, dialect, looking, true)?
    {
        return Ok(found);
    }
    let message = format!("{place}; correct it, or state the encoding");
    Err(broken(source.path(), message))
}

/// Returns the first place that is not UTF-8, in words, when there is one.
fn attempt(
    source: &dyn ByteSource,
    dialect: &CsvDialect,
    looking: Looking<'_>,
    is_tolerant: bool,
) -> Result<Result<Found, String>, FormatError> {
    let Opened { names, tokens, first, mut cutter } = super::open(source, dialect)?;
    let names = match names {
        Ok(names) => names,
        Err(problem) => return Ok(Err(problem)),
    };
    let path = cutter.path().to_owned();
    let encoding = dialect.encoding.as_encoding().name();
    let columns = Arc::new(named(&names.names, looking.types, &path)?);
    let expected = columns.len();
    let looker = |most_rows| Looker {
        parser: RecordParser::new(&tokens),
        tokens: tokens.clone(),
        columns: Arc::clone(&columns),
        bad_rows: looking.bad_rows,
        most_rows,
        tolerated: is_tolerant.then_some(encoding),
        is_valid: true,
        number: Vec::new(),
        bad: Bad::default(),
    };
    let mut gathered = Gathered {
        path: path.clone(),
        encoding,
        seen: vec![Seen::default(); expected],
        bad: Bad::default(),
        rows: 0,
        complete: true,
    };
    let outcome = if let Some(most) = looking.rows {
        let blocks = std::iter::once(Ok(first))
            .chain(std::iter::from_fn(|| cutter.next_block().transpose()));
        gathered.sample(blocks, looker(None), most)
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
        Err(Stop::Value { row, column, why }) => {
            let column = columns[column].name.clone();
            return Err(FormatError::Value { path, row, column, message: why });
        }
        Err(Stop::Quotes { row, why }) => return Err(broken(&path, format!("row {row} {why}"))),
        Err(Stop::Failed(error)) => return Err(error),
    }
    let found = || columns.iter().zip(&gathered.seen);
    Ok(Ok(Found {
        schema: Schema { columns: found().map(|(column, seen)| column.found(seen)).collect() },
        nearly: found().filter_map(|(column, seen)| column.nearly(seen, &tokens)).collect(),
        rows: gathered.rows - gathered.bad.rows.count,
        complete: gathered.complete,
        bad: gathered.bad,
        notes: names.notes,
        encoding: dialect.encoding,
    }))
}

/// Why looking stops.
enum Stop {
    NotUtf8(String),
    Ragged { row: u64, found: usize },
    Value { row: u64, column: usize, why: String },
    Quotes { row: u64, why: String },
    Failed(FormatError),
}

struct Gathered {
    path: String,
    /// The encoding's name, for messages.
    encoding: &'static str,
    bad: Bad,
    seen: Vec<Seen>,
    rows: u64,
    complete: bool,
}

impl Gathered {
    fn add(&mut self, output: Output, before: u64, rows: u64) -> Result<(), Stop> {
        match output.wrong {
            Some((row, Wrong::NotUtf8(text))) => {
                let row = before + row + 1;
                let encoding = self.encoding;
                return Err(Stop::NotUtf8(format!("row {row} is not {encoding}: `{text}`")));
            }
            Some((row, Wrong::Ragged { found })) => {
                return Err(Stop::Ragged { row: before + row + 1, found });
            }
            Some((row, Wrong::Quotes(why))) => {
                return Err(Stop::Quotes { row: before + row + 1, why });
            }
            Some((row, Wrong::Value { column, why })) => {
                return Err(Stop::Value { row: before + row + 1, column, why });
            }
            None => {}
        }
        for (whole, part) in self.seen.iter_mut().zip(&output.seen) {
            whole.merge(part);
        }
        if !output.bad.is_none() {
            self.bad.add_part(output.bad, &self.path, before);
        }
        self.rows = before + rows;
        Ok(())
    }

    fn all(&mut self, mut ordered: InOrder<Looker>) -> Result<(), Stop> {
        while let Some(next) = ordered.next() {
            let (output, before) = next.map_err(Stop::Failed)?;
            self.add(output, before, ordered.rows() - before)?;
        }
        Ok(())
    }

    /// Looks at the first rows only, without threads.
    fn sample(
        &mut self,
        mut blocks: impl Iterator<Item = Result<Vec<u8>, FormatError>>,
        mut looker: Looker,
        most: u64,
    ) -> Result<(), Stop> {
        let mut text = Vec::new();
        loop {
            looker.most_rows = Some(most - self.rows);
            let next = blocks.next().transpose().map_err(Stop::Failed)?;
            let ended = next.is_none();
            text.extend(next.unwrap_or_else(|| b"\n".to_vec()));
            let parsed = looker.parse(std::mem::take(&mut text));
            self.add(parsed.output, self.rows, parsed.rows)?;
            text = parsed.block.get(parsed.tail..).unwrap_or_default().to_vec();
            if ended || self.rows >= most {
                break;
            }
            if text.len() > MAX_ROW_BYTES {
                let message = format!("row {} is longer than 16 MiB", self.rows + 1);
                return Err(Stop::Failed(broken(&self.path, message)));
            }
        }
        self.complete = text.is_empty() && blocks.next().is_none();
        if !self.complete && self.rows < most {
            let message = format!("a quote opened in row {} {NEVER_CLOSED}", self.rows + 1);
            return Err(Stop::Failed(broken(&self.path, message)));
        }
        Ok(())
    }
}

/// Returns the columns with the types that are stated of them.
fn named(
    names: &[String],
    types: &BTreeMap<String, ColumnType>,
    path: &str,
) -> Result<Vec<Named>, FormatError> {
    let column = |name: &String| {
        let stated = types.get(name).map(|stated| stated.0.clone());
        if let Some(stated) = stated.as_ref().filter(|stated| Cells::new(stated, 0).is_none()) {
            return Err(broken(path, format!("text is not read as {stated} (column `{name}`)")));
        }
        Ok(Named { name: name.clone(), stated })
    };
    names.iter().map(column).collect()
}

impl Named {
    /// Returns what kept the column from a type, if it is nearly of one. Nothing is said where a number
    /// would be shown otherwise than it stands.
    fn nearly(&self, seen: &Seen, tokens: &Tokens) -> Option<NearlyTyped> {
        let nearly = self.stated.is_none().then(|| seen.nearly(&self.name)).flatten();
        nearly.filter(|nearly| !tokens.decimal_comma || !nearly.value.contains([',', '.']))
    }

    fn found(&self, seen: &Seen) -> Column {
        let data_type = self.stated.clone().unwrap_or_else(|| seen.data_type());
        Column {
            name: self.name.clone(),
            data_type: ColumnType(data_type),
            nullable: true,
            source_type: None,
        }
    }
}
