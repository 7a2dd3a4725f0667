//! Delimited text as batches, parsed in several threads, in the order of the file.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::columns::Cells;
use super::names::Names;
use super::records::{Record, RecordParser};
use super::{Opened, Tokens, broken};
use crate::engines::counted::counted;
use crate::engines::job_spec::BadRows;
use crate::engines::table::CsvDialect;
use crate::formats::batches::{self, BlockBatches};
use crate::formats::blocks::{InOrder, ParseBlock, Parsed};
use crate::formats::bytes::{ByteSource, size_of_buffer};
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
}

/// What is wrong with a row of a block.
#[derive(Debug)]
pub(crate) enum RowError {
    /// Another number of cells than the header.
    Ragged { found: usize },
    /// A cell with text behind its closing quote; why it cannot be read.
    Quotes(String),
    /// A cell does not fit its column.
    Value { column: usize, cell: String },
    /// A cell of text is not UTF-8.
    NotUtf8 { column: usize, cell: String },
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
    let plan = Arc::new(plan(path.clone(), tokens, &names, options)?);
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
    let ordered = InOrder::new(results, Decoder::new(Arc::clone(&plan)), path, "csv");
    let error = move |before, (row, error)| plan.error(before + row + 1, error);
    Ok(batches::in_order(ordered, Arc::clone(&options.nulled), error))
}

fn plan(
    path: String,
    tokens: Tokens,
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
    Ok(Plan {
        path,
        tokens,
        schema: Arc::clone(&options.schema),
        cells,
        expected: names.names.len(),
        batch_rows: options.batch_rows.max(1),
        bad_rows: options.bad_rows,
    })
}

struct Decoder {
    plan: Arc<Plan>,
    parser: RecordParser,
    nulled: u64,
    /// Whether every cell is looked at, since a text of the block is not UTF-8.
    looks_for_broken_text: bool,
}

impl Decoder {
    fn new(plan: Arc<Plan>) -> Self {
        let parser = RecordParser::new(&plan.tokens);
        Self { plan, parser, nulled: 0, looks_for_broken_text: false }
    }

    fn columns(&self) -> Vec<Cells> {
        let new = |field: &Arc<arrow::datatypes::Field>| {
            Cells::new(field.data_type(), self.plan.batch_rows).unwrap_or(Cells::Null(0))
        };
        self.plan.schema.fields().iter().map(new).collect()
    }

    fn add_row(
        &mut self,
        columns: &mut [Cells],
        block: &[u8],
        record: Record,
    ) -> Result<(), RowError> {
        let stray = self.parser.text_behind_quote(block, record);
        let found = self.parser.count();
        if stray.is_some() || found != self.plan.expected {
            if self.plan.bad_rows != BadRows::Null {
                return Err(match stray {
                    Some(stray) => RowError::Quotes(stray.why(block)),
                    None => RowError::Ragged { found },
                });
            }
            // No cell is surely in its column: the whole row is null.
            self.nulled += size_of_buffer(columns.len());
            columns.iter_mut().for_each(Cells::null);
            return Ok(());
        }
        for (column, index) in self.plan.cells.iter().enumerate() {
            let cell = self.parser.cell(*index);
            if self.plan.tokens.may_be_null(cell) && !self.parser.is_quoted(*index) {
                columns[column].null();
                continue;
            }
            let is_text = !self.looks_for_broken_text || std::str::from_utf8(cell).is_ok();
            if is_text && columns[column].value(cell) {
                continue;
            }
            if self.plan.bad_rows != BadRows::Null {
                let cell = shown(cell);
                return Err(if is_text {
                    RowError::Value { column, cell }
                } else {
                    RowError::NotUtf8 { column, cell }
                });
            }
            self.nulled += 1;
            columns[column].null();
        }
        Ok(())
    }

    fn batch(&self, columns: Vec<Cells>, rows: usize) -> Result<RecordBatch, RowError> {
        let arrays = columns
            .into_iter()
            .zip(self.plan.schema.fields())
            .map(|(cells, field)| cells.finish(field.data_type()))
            .collect::<Result<Vec<_>, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        arrays
            .and_then(|arrays| {
                RecordBatch::try_new_with_options(Arc::clone(&self.plan.schema), arrays, &options)
            })
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
        let parsed = self.parse_rows(block);
        let broken = matches!(parsed.output.failed, Some((_, RowError::Broken(_))));
        if !broken || std::str::from_utf8(&parsed.block).is_ok() {
            return parsed;
        }
        // Text is checked by the batch: once more, to find the cell.
        self.looks_for_broken_text = true;
        let parsed = self.parse_rows(parsed.block);
        self.looks_for_broken_text = false;
        parsed
    }
}

impl Decoder {
    fn parse_rows(&mut self, block: Vec<u8>) -> Parsed<BlockBatches<(u64, RowError)>> {
        let mut batches = Vec::new();
        let mut columns = self.columns();
        let (mut at, mut rows, mut in_batch) = (0, 0_u64, 0);
        let mut failed = None;
        self.nulled = 0;
        while failed.is_none()
            && let Some(record) = self.parser.next(&block, at)
        {
            failed = self.add_row(&mut columns, &block, record).err();
            if failed.is_some() {
                break;
            }
            (at, rows, in_batch) = (record.end, rows + 1, in_batch + 1);
            if in_batch == self.plan.batch_rows {
                let full = std::mem::replace(&mut columns, self.columns());
                match self.batch(full, in_batch) {
                    Ok(batch) => batches.push(batch),
                    Err(error) => failed = Some(error),
                }
                in_batch = 0;
            }
        }
        if in_batch > 0 && failed.is_none() {
            match self.batch(columns, in_batch) {
                Ok(batch) => batches.push(batch),
                Err(error) => failed = Some(error),
            }
        }
        let tail =
            if failed.is_some() { block.len() } else { self.parser.skip_between(&block, at) };
        let failed = failed.map(|error| (rows, error));
        let output = BlockBatches { batches, failed, nulled: self.nulled };
        Parsed { output, block, tail, rows }
    }
}

impl Plan {
    fn error(&self, row: u64, error: RowError) -> FormatError {
        let path = self.path.clone();
        match error {
            RowError::Ragged { found } => ragged(&path, row, self.expected, found),
            RowError::NotUtf8 { column, cell } => {
                let column = self.schema.field(column).name().clone();
                let message = format!("`{cell}` is not UTF-8; correct it, or state the encoding");
                FormatError::Value { path, row, column, message }
            }
            RowError::Quotes(why) => broken(&path, format!("row {row} {why}")),
            RowError::Broken(message) => broken(&path, format!("before row {row}: {message}")),
            RowError::Value { column, cell } => {
                let field = self.schema.field(column);
                let message = format!("`{cell}` is not a value of type {}", field.data_type());
                FormatError::Value { path, row, column: field.name().clone(), message }
            }
        }
    }
}

/// Returns the error of a row with another number of cells than the first record has.
pub(crate) fn ragged(path: &str, row: u64, expected: usize, found: usize) -> FormatError {
    broken(path, format!("row {row} has {}, not {expected}", counted(found, "cell")))
}
