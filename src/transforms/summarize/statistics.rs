//! What is known of a table when all its batches were seen, and of columns that are read once more.

use arrow::array::ArrayRef;
use serde_json::Value;

use super::answer::answer;
use super::found::ColumnSummary;
use super::sorted::SortedColumn;
use crate::engines::job_spec::SummaryMethod;
use crate::transforms::error::OperationError;

/// The statistics of a table.
#[derive(Debug)]
pub struct Statistics {
    pub(super) rows: u64,
    pub(super) method: SummaryMethod,
    pub(super) quantiles: Vec<f64>,
    pub(super) columns: Vec<ColumnStatistics>,
}

/// The statistics of one column.
#[derive(Debug)]
pub struct ColumnStatistics {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) summary: ColumnSummary,
    pub(super) left: Option<SortedColumn>,
}

impl Statistics {
    /// Returns the columns whose values did not fit into memory: each has to be handed all its values
    /// again, sorted, and to be ended.
    pub fn left_over(&mut self) -> impl Iterator<Item = &mut ColumnStatistics> {
        self.columns.iter_mut().filter(|column| column.left.is_some())
    }

    /// Returns the statistics as the answer of the job, one object.
    ///
    /// # Errors
    /// When a column is left over.
    pub fn answer(&self) -> Result<Value, OperationError> {
        answer(self)
    }
}

impl ColumnStatistics {
    /// Returns the name of the column.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what a value of a column that is left over takes in memory on average, in bytes.
    #[must_use]
    pub fn mean_bytes(&self) -> u64 {
        self.left.as_ref().map_or(0, |left| left.mean_bytes)
    }

    /// Returns what is known of the column.
    #[must_use]
    pub fn summary(&self) -> &ColumnSummary {
        &self.summary
    }

    /// Takes up the next values of a column that was left over, in ascending order; nulls count for
    /// nothing.
    ///
    /// # Errors
    /// When they are not sorted.
    pub fn update_sorted(&mut self, array: &ArrayRef) -> Result<(), OperationError> {
        let Some(left) = &mut self.left else { return Ok(()) };
        left.update(array).map_err(OperationError::arrow("count sorted values"))
    }

    /// Ends a column that was left over.
    ///
    /// # Errors
    /// When its values were not as many as the first time.
    pub fn end_sorted(&mut self) -> Result<(), OperationError> {
        let Some(left) = self.left.take() else { return Ok(()) };
        left.finish(&mut self.summary).map_err(OperationError::arrow("count sorted values"))
    }
}
