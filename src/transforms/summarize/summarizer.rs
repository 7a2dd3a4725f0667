//! Takes up batches, column by column, and keeps what it holds of them within the memory it may use.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::column::ColumnState;
use super::frequent::Room;
use super::statistics::{ColumnStatistics, Statistics};
use super::values::Scratch;
use crate::engines::job_spec::SummaryMethod;
use crate::transforms::column_index;
use crate::transforms::error::OperationError;

/// What is asked of a summary.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryOptions {
    /// The columns; all when empty.
    pub columns: Vec<String>,
    /// Whether figures may be estimates.
    pub method: SummaryMethod,
    /// Which quantiles, each within 0 to 1.
    pub quantiles: Vec<f64>,
    /// How many of the most frequent values.
    pub top: usize,
    /// How much memory the exact method may use for the distinct values of all columns. Columns that
    /// do not fit, the largest first, are left over.
    pub exact_memory_bytes: usize,
}

/// Takes up batches and gives the statistics of their columns. Several of them, each with a part of
/// the batches, can be merged.
#[derive(Debug)]
pub struct Summarizer {
    options: SummaryOptions,
    columns: Vec<SummarizedColumn>,
    rows: u64,
    scratch: Scratch,
}

#[derive(Debug)]
struct SummarizedColumn {
    index: usize,
    name: String,
    data_type: String,
    state: ColumnState,
}

impl Summarizer {
    /// Makes a summary of batches of this schema.
    ///
    /// # Errors
    /// `InvalidInput` for a column that does not exist and a quantile outside 0 to 1.
    pub fn new(schema: &SchemaRef, options: SummaryOptions) -> Result<Self, OperationError> {
        if let Some(bad) = options.quantiles.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            let message = format!("quantile {bad} is not within 0 to 1");
            return Err(OperationError::InvalidInput(message));
        }
        let room = match options.method {
            SummaryMethod::Approximate => Room::Fixed,
            SummaryMethod::Exact => Room::Growing,
        };
        let column = |index: usize| {
            let field = schema.field(index);
            SummarizedColumn {
                index,
                name: field.name().clone(),
                data_type: field.data_type().to_string(),
                state: ColumnState::new(field.data_type(), room),
            }
        };
        let columns = wanted_columns(schema, &options.columns)?.into_iter().map(column).collect();
        Ok(Self { options, columns, rows: 0, scratch: Scratch::default() })
    }

    /// Takes up a batch.
    ///
    /// # Errors
    /// Whatever Arrow says; not foreseen.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), OperationError> {
        self.rows += batch.num_rows() as u64;
        for column in &mut self.columns {
            let array = batch.column(column.index);
            column
                .state
                .update(array, &mut self.scratch)
                .map_err(OperationError::arrow("summarise a column"))?;
        }
        self.stay_within_memory();
        Ok(())
    }

    /// Takes up what another summary of the same schema and options has seen.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.state.merge(&theirs.state);
        }
        self.stay_within_memory();
    }

    /// Returns how many rows were taken up.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the statistics, and frees the memory they took.
    ///
    /// # Errors
    /// Whatever Arrow says; not foreseen.
    pub fn finish(self) -> Result<Statistics, OperationError> {
        let Self { options, columns, rows, .. } = self;
        let finish = |column: SummarizedColumn| {
            let (summary, left) = column.state.finish(&options.quantiles, options.top)?;
            let SummarizedColumn { name, data_type, .. } = column;
            Ok(ColumnStatistics { name, data_type, summary, left })
        };
        let columns: Result<_, _> = columns.into_iter().map(finish).collect();
        let columns = columns.map_err(OperationError::arrow("finish a summary"))?;
        Ok(Statistics { rows, method: options.method, quantiles: options.quantiles, columns })
    }

    /// Lets one of several parts have what they may use together, before the others are merged in.
    pub(crate) fn allow_memory(&mut self, exact_memory_bytes: usize) {
        self.options.exact_memory_bytes = exact_memory_bytes;
    }

    /// Leaves the largest columns over until the others fit.
    fn stay_within_memory(&mut self) {
        if self.options.method == SummaryMethod::Approximate {
            return;
        }
        let bytes = |column: &SummarizedColumn| column.state.memory_bytes();
        while self.columns.iter().map(bytes).sum::<usize>() > self.options.exact_memory_bytes {
            let Some(largest) = self.columns.iter_mut().max_by_key(|column| bytes(column)) else {
                return;
            };
            largest.state.forget_values();
        }
    }
}

fn wanted_columns(schema: &Schema, wanted: &[String]) -> Result<Vec<usize>, OperationError> {
    if wanted.is_empty() {
        return Ok((0..schema.fields().len()).collect());
    }
    let index = |name: &String| column_index(schema, name);
    wanted.iter().map(index).collect()
}
