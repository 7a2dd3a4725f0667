//! Statistics of every column, in one pass over batches.
//!
//! `approximate` keeps a bounded amount per column: distinct counts, quantiles and top values are
//! exact while a column has at most 6,144 distinct values, then estimates whose error is stated.
//! `exact` keeps every distinct value and ends with an error when that needs more memory than it
//! may use. Every other figure is exact in both. No sampling; the same batches give the same answer.

mod answer;
mod column;
mod distinct;
mod frequent;
mod hash;
mod moments;
mod numbers;
mod quantiles;
#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
mod tests;
mod texts;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use serde_json::Value;

use self::column::{ColumnState, Scratch};
pub use self::column::{ColumnSummary, Distinct, Quantiles, Top};
use self::frequent::Room;
use super::error::OperationError;
use crate::engines::job_spec::SummaryMethod;

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
    /// How much memory the exact method may use for the distinct values of all columns.
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
    /// `OutOfMemory` when the exact method needs more than it may use.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), OperationError> {
        self.rows += batch.num_rows() as u64;
        for column in &mut self.columns {
            let array = batch.column(column.index);
            column
                .state
                .update(array, &mut self.scratch)
                .map_err(OperationError::arrow("summarise a column"))?;
        }
        self.check_memory()
    }

    /// Takes up what another summary of the same schema and options has seen.
    ///
    /// # Errors
    /// `OutOfMemory` as [`Summarizer::update`].
    pub fn merge(&mut self, other: &Self) -> Result<(), OperationError> {
        self.rows += other.rows;
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.state.merge(&theirs.state);
        }
        self.check_memory()
    }

    /// Returns how many rows were taken up.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the statistics as the answer of the job, one object.
    ///
    /// # Errors
    /// Whatever Arrow says; not foreseen.
    pub fn finish(&self) -> Result<Value, OperationError> {
        answer::answer(self)
    }

    /// Returns the statistics of each column, by name, in the order of the columns.
    ///
    /// # Errors
    /// Whatever Arrow says; not foreseen.
    pub fn summaries(&self) -> Result<Vec<(&str, ColumnSummary)>, OperationError> {
        let summary = |column: &'_ SummarizedColumn| {
            column.state.finish(&self.options.quantiles, self.options.top)
        };
        self.columns
            .iter()
            .map(|column| Ok((column.name.as_str(), summary(column)?)))
            .collect::<Result<_, _>>()
            .map_err(OperationError::arrow("finish a summary"))
    }

    /// Stops counting memory: what is merged now was counted part by part.
    pub(crate) fn allow_memory_of_all(&mut self) {
        self.options.exact_memory_bytes = usize::MAX;
    }

    fn check_memory(&self) -> Result<(), OperationError> {
        let limit_bytes = self.options.exact_memory_bytes;
        if self.options.method == SummaryMethod::Approximate {
            return Ok(());
        }
        let used: usize = self.columns.iter().map(|column| column.state.memory_bytes()).sum();
        if used <= limit_bytes {
            return Ok(());
        }
        let what = "the exact summary of so many distinct values".to_owned();
        Err(OperationError::OutOfMemory { what, limit_bytes })
    }
}

fn wanted_columns(schema: &Schema, wanted: &[String]) -> Result<Vec<usize>, OperationError> {
    if wanted.is_empty() {
        return Ok((0..schema.fields().len()).collect());
    }
    let index = |name: &String| super::column_index(schema, name);
    wanted.iter().map(index).collect()
}
