//! Excel workbooks: one sheet, a header, numbers as numbers, all else as text.
//!
//! What a sheet cannot hold is refused, never rounded or cut: whole numbers beyond 2^53, decimals of
//! more than 15 digits, `NaN` and infinity, texts of more than 32,767 characters, more than 1,048,575
//! rows or 16,384 columns. Dates, times and timestamps are written as ISO 8601 texts, because a sheet
//! has neither microseconds nor years before 1900.

use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};

use super::encoder::{Counted, Encoder, unwritable, write_error};
use super::storable::Stored;
use crate::engines::table::Format;
use crate::formats::bytes::size_of_buffer;
use crate::formats::csv::cells;
use crate::formats::error::FormatError;

/// Rows of a sheet, with the header.
const MOST_ROWS: u32 = 1_048_576;
/// Columns of a sheet.
const MOST_COLUMNS: usize = 16_384;
/// Characters of a cell.
const MOST_CHARACTERS: usize = 32_767;
/// Whole numbers up to this size are exact in a cell.
const EXACT: u64 = 1 << 53;
/// Digits that Excel keeps.
const EXACT_DIGITS: usize = 15;

/// Writes one workbook; rows wait in a temporary file.
pub(super) struct XlsxEncoder {
    workbook: Workbook,
    out: Counted,
    next_row: u32,
    cell_bytes: u64,
    names: Vec<String>,
}

impl XlsxEncoder {
    pub(super) fn new(stored: &Stored, out: Counted) -> Result<Self, FormatError> {
        let names: Vec<String> =
            stored.schema.fields().iter().map(|field| field.name().clone()).collect();
        if names.len() > MOST_COLUMNS {
            let message = format!("{} columns are more than {MOST_COLUMNS}", names.len());
            return Err(unwritable(Format::Xlsx, message));
        }
        let mut encoder =
            Self { workbook: Workbook::new(), out, next_row: 0, cell_bytes: 0, names };
        encoder.workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        let names = std::mem::take(&mut encoder.names);
        for (column, name) in names.iter().enumerate() {
            encoder.write_text(column, name, name)?;
        }
        encoder.names = names;
        encoder.next_row = 1;
        Ok(encoder)
    }

    fn sheet(&mut self) -> Result<&mut Worksheet, FormatError> {
        self.workbook.worksheet_from_index(0).map_err(failed)
    }

    fn write_text(&mut self, column: usize, name: &str, text: &str) -> Result<(), FormatError> {
        // Excel counts UTF-16 units.
        if text.len() > MOST_CHARACTERS && text.encode_utf16().count() > MOST_CHARACTERS {
            let message =
                format!("column `{name}`: a text is longer than {MOST_CHARACTERS} characters");
            return Err(unwritable(Format::Xlsx, message));
        }
        self.cell_bytes += size_of_buffer(text.len());
        let (row, column) = (self.next_row, index(column)?);
        self.sheet()?.write_string(row, column, text).map(|_| ()).map_err(failed)
    }

    fn write_cell(&mut self, at: usize, cell: &Cell<'_>) -> Result<(), FormatError> {
        let (row, column) = (self.next_row, index(at)?);
        match cell {
            Cell::Text(text) => {
                let name = self.names.get(at).cloned().unwrap_or_default();
                return self.write_text(at, &name, text);
            }
            Cell::Number(value) => {
                self.cell_bytes += 8;
                self.sheet()?.write_number(row, column, *value).map_err(failed)?;
            }
            Cell::Boolean(value) => {
                self.cell_bytes += 1;
                self.sheet()?.write_boolean(row, column, *value).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn refuse(&self, column: usize, message: &str) -> FormatError {
        let name = self.names.get(column).map_or("", String::as_str);
        unwritable(Format::Xlsx, format!("column `{name}`: {message}; cast it to text"))
    }
}

fn index(column: usize) -> Result<u16, FormatError> {
    u16::try_from(column).map_err(|error| write_error(Format::Xlsx, error))
}

fn failed(error: XlsxError) -> FormatError {
    write_error(Format::Xlsx, error)
}

/// A value of a sheet.
enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Boolean(bool),
}

/// Returns a number that a cell keeps.
fn exact_number(text: &str) -> Result<f64, &'static str> {
    let outline = cells::number(text.as_bytes()).ok_or("the value is no number")?;
    let value: f64 = text.parse().map_err(|_| "the value is no number")?;
    let digits = outline.whole_digits + outline.fraction_digits;
    if outline.fraction_digits == 0 {
        let size = text.trim_start_matches('-').parse::<u64>().unwrap_or(u64::MAX);
        return if size <= EXACT { Ok(value) } else { Err("a whole number is beyond 2^53") };
    }
    if digits > EXACT_DIGITS {
        return Err("a decimal has more than 15 digits");
    }
    Ok(value)
}

/// One column of a batch, ready to be written row by row.
enum Column {
    Text(Vec<Option<String>>),
    Number(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
}

impl XlsxEncoder {
    /// Returns the texts of a column.
    fn printed(&self, at: usize, array: &ArrayRef) -> Result<Vec<Option<String>>, FormatError> {
        let options = FormatOptions::new().with_display_error(false);
        let formatter = ArrayFormatter::try_new(array.as_ref(), &options)
            .map_err(|error| self.refuse(at, &error.to_string()))?;
        let text = |row: usize| {
            let text = (!array.is_null(row)).then(|| formatter.value(row).try_to_string());
            let row = size_of_buffer(row) + u64::from(self.next_row);
            let refused =
                |_| self.refuse(at, &format!("no calendar or clock has that of row {row}"));
            text.transpose().map_err(refused)
        };
        (0..array.len()).map(text).collect()
    }

    fn column(&self, at: usize, array: &ArrayRef) -> Result<Column, FormatError> {
        let data_type = array.data_type();
        if data_type == &DataType::Boolean {
            return Ok(Column::Boolean(array.as_boolean().iter().collect()));
        }
        if data_type.is_floating() {
            let wide = cast(array, &DataType::Float64)
                .map_err(|error| write_error(Format::Xlsx, error))?;
            let floats = wide.as_primitive::<Float64Type>();
            if floats.iter().flatten().any(|value| !value.is_finite()) {
                return Err(self.refuse(at, "it holds NaN or infinity"));
            }
            return Ok(Column::Number(floats.iter().collect()));
        }
        let texts = self.printed(at, array)?;
        if !data_type.is_numeric() {
            return Ok(Column::Text(texts));
        }
        let number = |text: Option<String>| text.map(|text| exact_number(&text)).transpose();
        let numbers = texts.into_iter().map(number).collect::<Result<_, _>>();
        Ok(Column::Number(numbers.map_err(|message| self.refuse(at, message))?))
    }
}

impl Column {
    fn cell(&self, row: usize) -> Option<Cell<'_>> {
        match self {
            Self::Text(texts) => texts.get(row)?.as_deref().map(Cell::Text),
            Self::Number(numbers) => (*numbers.get(row)?).map(Cell::Number),
            Self::Boolean(booleans) => (*booleans.get(row)?).map(Cell::Boolean),
        }
    }
}

impl Encoder for XlsxEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        if rows > MOST_ROWS - self.next_row {
            let message = format!("there are more than {} rows below the header", MOST_ROWS - 1);
            return Err(unwritable(Format::Xlsx, message));
        }
        let columns = batch
            .columns()
            .iter()
            .enumerate()
            .map(|(at, array)| self.column(at, array))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            for (at, column) in columns.iter().enumerate() {
                if let Some(cell) = column.cell(row) {
                    self.write_cell(at, &cell)?;
                }
            }
            self.next_row += 1;
        }
        Ok(())
    }

    fn bytes_written(&self) -> u64 {
        self.cell_bytes
    }

    fn finish(mut self: Box<Self>) -> Result<u64, FormatError> {
        let count = self.out.count();
        self.workbook.save_to_writer(&mut self.out).map_err(failed)?;
        std::io::Write::flush(&mut self.out).map_err(|error| write_error(Format::Xlsx, error))?;
        Ok(count.load(Ordering::Relaxed))
    }
}
