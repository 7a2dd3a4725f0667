//! Batches of a format that declares its schema, as batches of the columns wanted.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::fit::fit;

/// Batches as a reader gives them.
pub(crate) type Read = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Gives each batch the columns wanted, in their order.
pub(crate) fn conform(
    read: Read,
    path: String,
    format: &'static str,
    options: &DecodeOptions,
) -> Batches {
    let schema = Arc::clone(&options.schema);
    let most = options.batch_rows.max(1);
    let broken = move |message: String| FormatError::Broken {
        path: path.clone(),
        format: format.to_owned(),
        message,
    };
    let mut failed = false;
    let conformed = read.flat_map(move |batch| {
        let batch =
            batch.map_err(|error| error.to_string()).and_then(|batch| project(&batch, &schema));
        match batch {
            Ok(batch) => pieces(&batch, most).into_iter().map(Ok).collect::<Vec<_>>(),
            Err(message) => vec![Err(broken(message))],
        }
    });
    // After an error a reader may go on at a wrong place.
    Box::new(conformed.take_while(move |batch| {
        let wanted = !failed;
        failed = batch.is_err();
        wanted
    }))
}

fn pieces(batch: &RecordBatch, most: usize) -> Vec<RecordBatch> {
    if batch.num_rows() <= most {
        return vec![batch.clone()];
    }
    (0..batch.num_rows())
        .step_by(most)
        .map(|start| batch.slice(start, most.min(batch.num_rows() - start)))
        .collect()
}

fn project(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = field.name();
        let column =
            batch.column_by_name(name).ok_or_else(|| format!("it has no column `{name}`"))?;
        let fitted = fit(column, field.data_type());
        columns.push(fitted.map_err(|misfit| format!("column `{name}`: {misfit}"))?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| error.to_string())
}
