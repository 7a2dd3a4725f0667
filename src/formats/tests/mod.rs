//! Files read from sniffing over inference to batches; values are compared.

mod bad_rows;
mod binary;
mod delimited;
mod json;

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;

use super::bytes::MemoryBytes;
use super::decode::decode;
use super::decoding::DecodeOptions;
use super::error::FormatError;
use super::infer::{InferredFile, infer};
use super::sniff::sniff;
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::reading::Reading;

/// A file read from sniffing to batches.
struct Read {
    file: InferredFile,
    batches: Result<Vec<RecordBatch>, FormatError>,
    bad: Bad,
}

impl Read {
    fn rows(&self) -> Vec<Vec<Option<String>>> {
        let batches = self.batches.as_ref().expect("should decode");
        let cell = |batch: &RecordBatch, column: usize, row: usize| {
            let column = batch.column(column);
            let null = column.is_null(row) || column.data_type() == &DataType::Null;
            (!null).then(|| array_value_to_string(column, row).expect("should print"))
        };
        let row = |batch: &RecordBatch, row: usize| {
            (0..batch.num_columns()).map(|column| cell(batch, column, row)).collect()
        };
        batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|at| row(batch, at)).collect::<Vec<_>>())
            .collect()
    }

    fn types(&self) -> Vec<(String, String)> {
        let columns = &self.file.schema.columns;
        columns.iter().map(|c| (c.name.clone(), c.data_type.0.to_string())).collect()
    }
}

fn read_with(
    name: &str,
    content: &[u8],
    options: &Reading,
    change: impl FnOnce(&mut InferredFile),
    bad_rows: BadRows,
) -> Result<Read, FormatError> {
    let source = Arc::new(MemoryBytes::new(name, content.to_vec()));
    let sniffed = sniff(&source, options)?.expect("should have content");
    let mut file = infer(&source, &sniffed, None, options.bad_rows, &|_| true)?;
    change(&mut file);
    let options = DecodeOptions {
        schema: file.schema.to_arrow(),
        batch_rows: 1000,
        threads: 2,
        bad_rows,
        bad: Arc::default(),
        known: None,
    };
    let batches = decode(source, &file.format, &options)?.collect();
    Ok(Read { file, batches, bad: options.bad.total() })
}

fn read(name: &str, content: &[u8]) -> Read {
    let options = Reading::default();
    read_with(name, content, &options, |_| {}, BadRows::Fail).expect("should be readable")
}

fn failure(name: &str, content: &[u8]) -> String {
    let options = Reading::default();
    match read_with(name, content, &options, |_| {}, BadRows::Fail) {
        Err(error) => chain(&error),
        Ok(read) => match read.batches {
            Err(error) => chain(&error),
            Ok(batches) => panic_free(&batches),
        },
    }
}

fn panic_free(batches: &[RecordBatch]) -> String {
    format!("no failure: {batches:?}")
}

fn chain(error: &FormatError) -> String {
    use std::error::Error;
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

fn texts(rows: &[Vec<Option<&str>>]) -> Vec<Vec<Option<String>>> {
    rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect()
}
