//! `sum(distinct …)`: DataFusion finds the different values, and they are added without wrapping.

use arrow::array::ArrayRef;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::folding::{Fold, Folded};

/// The sum of different values.
#[derive(Debug)]
pub(super) struct DistinctSum<F: Fold> {
    values: Box<dyn Accumulator>,
    sum: Folded<F>,
}

impl<F: Fold> DistinctSum<F> {
    pub(super) fn new(values: Box<dyn Accumulator>, fold: F) -> Self {
        Self { values, sum: Folded::new(fold) }
    }
}

impl<F: Fold> Accumulator for DistinctSum<F> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.values.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.values.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.sum.reset();
        for state in self.values.state()? {
            if let ScalarValue::List(lists) = state {
                for list in lists.iter().flatten() {
                    self.sum.add_all(&list)?;
                }
            }
        }
        self.sum.evaluate()
    }

    fn size(&self) -> usize {
        self.values.size()
    }
}
