//! Delimited text as batches, parsed in several threads, in the order of the file.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;

use super::columns::Cells;
use super::names::Names;
use super::open::{Opened, broken};
use super::records::{Record, RecordParser};
use super::tokens::Tokens;
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::counted::counted;
use crate::engines::files::ByteSource;
use crate::engines::table::CsvDialect;
use crate::formats::batches::{self, BlockBatches};
use crate::formats::blocks::{InOrder, ParseBlock, Parsed};
use crate::formats::decoding::{Batches, DecodeOptions};
use crate::formats::error::FormatError;
use crate::formats::pipeline;

/// What all threads know.
struct Plan {
    path: String,
    tokens: Tokens,
    schema: SchemaRef,
    /// The cell of a record for each column wanted.
    cells: Vec<usize>,
    expected: usize,
    batch_rows: usize,
    bad_rows: BadRows,
    /// The encoding's name, for messages.
    encoding: &'static str,
}

/// What is wrong with a row of a block.
#[derive(Debug)]
pub(crate) enum RowError {
    /// Another number of cells than the header.
    Ragged { found: usize },
    /// A cell with text behind its closing quote; why it cannot be read.
    Quotes(String),
    /// A cell does not fit its column.
    Value { column: usize, why: String },
    /// Not text, or not an array.
    Broken(String),
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    dialect: &CsvDialect,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    let Opened { names, tokens, first, mut cutter } = super::open(source, dialect)?;
    let names = names.map_err(|problem| broken(&path, problem))?;
    let encoding = dialect.encoding.as_encoding().name();
    let plan = Arc::new(plan(path.clone(), (tokens, encoding), &names, options)?);
    let produce = move |emit: pipeline::Emit<'_, Vec<u8>>| {
        let mut wanted = emit(first);
        while wanted && let Some(block) = cutter.next_block()? {
            wanted = emit(block);
        }
        Ok(())
    };
    let parser = || {
        let mut parser = Decoder::new(Arc::clone(&plan));
        move |block| parser.parse(block)
    };
    let results = pipeline::spawn(options.threads, produce, parser);
    let ordered = InOrder::new(results, Decoder::new(Arc::clone(&plan)), path.clone(), "csv");
    let error = move |before, (row, error)| plan.error(before + row + 1, error);
    Ok(batches::in_order(ordered, path, Arc::clone(&options.bad), error))
}

fn plan(
    path: String,
    (tokens, encoding): (Tokens, &'static str),
    names: &Names,
    options: &DecodeOptions,
) -> Result<Plan, FormatError> {
    let mut cells = Vec::with_capacity(options.schema.fields().len());
    // A file without any record has no column to look for.
    let empty = names.names.is_empty();
    for field in options.schema.fields() {
        if Cells::new(field.data_type(), 0).is_none() {
            let message =
                format!("text is not read as {} (column `{}`)", field.data_type(), field.name());
            return Err(broken(&path, message));
        }
        match names.names.iter().position(|name| name == field.name()) {
            Some(index) => cells.push(index),
            None if empty => cells.push(0),
            None => {
                return Err(broken(&path, format!("it has no column `{}`", field.name())));
            }
        }
    }
    options.take_unknown(&path, names.names.iter().map(String::as_str));
    Ok(Plan {
        path,
        tokens,
        schema: Arc::clone(&options.schema),
        cells,
        expected: names.names.len(),
        batch_rows: options.batch_rows.max(1),
        bad_rows: options.bad_rows,
        encoding,
    })
}

struct Decoder {
    plan: Arc<Plan>,
    parser: RecordParser,
    /// A number with a point for its comma.
    number: Vec<u8>,
    /// Whether the block is valid text, and so is every cell.
    is_valid: bool,
    bad: Bad,
}

/// The rows of a batch that are being read.
struct Rows {
    columns: Vec<Cells>,
    count: usize,
    /// Which of them are left out: found to be bad when a part of their cells had been read.
    left_out: Vec<usize>,
}

impl Decoder {
    fn new(plan: Arc<Plan>) -> Self {
        let parser = RecordParser::new(&plan.tokens);
        Self { plan, parser, number: Vec::new(), is_valid: true, bad: Bad::default() }
    }

    fn no_rows(&self) -> Rows {
        let new = |field: &Arc<arrow::datatypes::Field>| {
            Cells::new(field.data_type(), self.plan.batch_rows).unwrap_or(Cells::Null(0))
        };
        let columns = self.plan.schema.fields().iter().map(new).collect();
        Rows { columns, count: 0, left_out: Vec::new() }
    }

    /// Adds the latest record, the `row`th of its block, from 1. What is bad in it is left out or null
    /// where that is asked for.
    fn add_row(
        &mut self,
        rows: &mut Rows,
        block: &[u8],
        record: Record,
        row: u64,
    ) -> Result<(), RowError> {
        let stray = self.parser.text_behind_quote(block, record);
        let found = self.parser.count();
        let error = match stray {
            Some(stray) => RowError::Quotes(stray.why(block)),
            None if found != self.plan.expected => RowError::Ragged { found },
            None => return self.add_whole_row(rows, row),
        };
        match self.plan.bad_rows {
            BadRows::Fail | BadRows::Reject => return Err(error),
            BadRows::Skip => self.bad.rows.add("", row, || self.plan.why(&error)),
            BadRows::Null => {
                // No cell is surely in its column.
                self.bad.blanked.add("", row, || self.plan.why(&error));
                rows.columns.iter_mut().for_each(Cells::null);
                rows.count += 1;
            }
        }
        Ok(())
    }

    /// Adds a row that has a cell for every column.
    fn add_whole_row(&mut self, rows: &mut Rows, row: u64) -> Result<(), RowError> {
        match self.add_cells(&mut rows.columns, row) {
            Ok(()) => {}
            Err((added, error)) if self.plan.bad_rows == BadRows::Skip => {
                rows.columns[added..].iter_mut().for_each(Cells::null);
                rows.left_out.push(rows.count);
                self.bad.rows.add("", row, || self.plan.why(&error));
            }
            Err((_, error)) => return Err(error),
        }
        rows.count += 1;
        Ok(())
    }

    /// Adds the cells of the latest record; an error comes with the number of columns that got one.
    fn add_cells(&mut self, columns: &mut [Cells], row: u64) -> Result<(), (usize, RowError)> {
        for (column, cells) in columns.iter_mut().enumerate() {
            let index = self.plan.cells[column];
            let cell = self.parser.cell(index);
            if self.plan.tokens.may_be_null(cell) && !self.parser.is_quoted(index) {
                cells.null();
                continue;
            }
            let Err(why) = self.add_cell(cells, index, column) else { continue };
            if self.plan.bad_rows != BadRows::Null {
                return Err((column, RowError::Value { column, why }));
            }
            self.bad.add_cell(self.plan.schema.field(column).name(), row, || why);
            cells.null();
        }
        Ok(())
    }

    /// Adds a cell to its column; says why when it does not fit, and then nothing is added.
    fn add_cell(&mut self, cells: &mut Cells, index: usize, column: usize) -> Result<(), String> {
        let cell = self.parser.cell(index);
        if !self.is_valid && std::str::from_utf8(cell).is_err() {
            return Err(format!("`{}` is not {}", shown(cell), self.plan.encoding));
        }
        if !cells.is_text() {
            if cells.value(self.plan.tokens.number(cell, &mut self.number)) {
                return Ok(());
            }
            let data_type = self.plan.schema.field(column).data_type();
            return Err(format!("`{}` is not a value of type {data_type}", shown(cell)));
        }
        if cells.value(cell) {
            return Ok(());
        }
        Err("the texts of its rows are longer than 2 GiB".to_owned())
    }

    fn batch(&self, rows: Rows) -> Result<RecordBatch, RowError> {
        let arrays = rows
            .columns
            .into_iter()
            .zip(self.plan.schema.fields())
            .map(|(cells, field)| cells.finish(field.data_type()))
            .collect::<Result<Vec<_>, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.count));
        let all = |arrays| {
            RecordBatch::try_new_with_options(Arc::clone(&self.plan.schema), arrays, &options)
        };
        let kept = |batch| {
            if rows.left_out.is_empty() {
                return Ok(batch);
            }
            let mut kept = vec![true; rows.count];
            rows.left_out.iter().for_each(|row| kept[*row] = false);
            filter_record_batch(&batch, &BooleanArray::from(kept))
        };
        arrays
            .and_then(all)
            .and_then(kept)
            .map_err(|error| RowError::Broken(format!("in these rows: {error}")))
    }
}

/// Returns a cell as a message shows it.
pub(crate) fn shown(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    let cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

impl ParseBlock for Decoder {
    /// A row that failed comes with the number of rows before it.
    type Output = BlockBatches<(u64, RowError)>;

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Self::Output> {
        let mut batches = Vec::new();
        let mut rows = self.no_rows();
        let (mut at, mut read) = (0, 0_u64);
        let mut failed = None;
        self.is_valid = std::str::from_utf8(&block).is_ok();
        self.bad = Bad::default();
        while failed.is_none()
            && let Some(record) = self.parser.next(&block, at)
        {
            failed = self.add_row(&mut rows, &block, record, read + 1).err();
            if failed.is_some() {
                break;
            }
            (at, read) = (record.end, read + 1);
            if rows.count == self.plan.batch_rows {
                let full = std::mem::replace(&mut rows, self.no_rows());
                match self.batch(full) {
                    Ok(batch) => batches.push(batch),
                    Err(error) => failed = Some(error),
                }
            }
        }
        if rows.count > 0 && failed.is_none() {
            match self.batch(rows) {
                Ok(batch) => batches.push(batch),
                Err(error) => failed = Some(error),
            }
        }
        let tail =
            if failed.is_some() { block.len() } else { self.parser.skip_between(&block, at) };
        let failed = failed.map(|error| (read, error));
        let output = BlockBatches { batches, failed, bad: std::mem::take(&mut self.bad) };
        Parsed { output, block, tail, rows: read }
    }
}

impl Plan {
    fn error(&self, row: u64, error: RowError) -> FormatError {
        let path = self.path.clone();
        match error {
            RowError::Ragged { found } => ragged(&path, row, self.expected, found),
            RowError::Quotes(why) => broken(&path, format!("row {row} {why}")),
            RowError::Broken(message) => broken(&path, format!("before row {row}: {message}")),
            RowError::Value { column, why } => {
                let column = self.schema.field(column).name().clone();
                FormatError::Value { path, row, column, message: why }
            }
        }
    }

    /// Returns what is wrong with a row, where it is said of which row it is.
    fn why(&self, error: &RowError) -> String {
        match error {
            RowError::Ragged { found } => cells_said(*found, self.expected),
            RowError::Quotes(why) => why.clone(),
            RowError::Value { column, why } => {
                format!("column `{}`: {why}", self.schema.field(*column).name())
            }
            RowError::Broken(message) => message.clone(),
        }
    }
}

/// Returns the error of a row with another number of cells than the first record has.
pub(crate) fn ragged(path: &str, row: u64, expected: usize, found: usize) -> FormatError {
    broken(path, format!("row {row} has {}", cells_said(found, expected)))
}

/// Returns how many cells a row has, and should have.
pub(crate) fn cells_said(found: usize, expected: usize) -> String {
    format!("{}, not {expected}", counted(found, "cell"))
}
