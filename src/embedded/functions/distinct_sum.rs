//! `sum(distinct …)`: different values are added once, without wrapping. Those of a whole input
//! DataFusion finds; those of a window that moves are counted here.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use super::folding::{Fold, Folded, Native, Retract};

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

impl<F: Retract> Accumulator for DistinctSum<F> {
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

/// The sum of the different values in a window that moves.
#[derive(Debug)]
pub(super) struct SlidingDistinctSum<F: Fold> {
    /// How often each value is in the window.
    counts: HashMap<Native<F::Input>, u64>,
    sum: Folded<F>,
}

impl<F: Fold> SlidingDistinctSum<F> {
    pub(super) fn new(fold: F) -> Self {
        Self { counts: HashMap::new(), sum: Folded::new(fold) }
    }
}

impl<F> Accumulator for SlidingDistinctSum<F>
where
    F: Retract,
    Native<F::Input>: Eq + Hash,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut came = Vec::new();
        for value in values[0].as_primitive::<F::Input>().iter().flatten() {
            let count = self.counts.entry(value).or_default();
            *count += 1;
            if *count == 1 {
                came.push(value);
            }
        }
        self.sum.add_all(&PrimitiveArray::<F::Input>::from_iter_values(came))
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut left = Vec::new();
        for value in values[0].as_primitive::<F::Input>().iter().flatten() {
            let Some(count) = self.counts.get_mut(&value) else { continue };
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&value);
                left.push(value);
            }
        }
        self.sum.retract_batch(&[Arc::new(PrimitiveArray::<F::Input>::from_iter_values(left))])
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("windows are not merged")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("windows are not merged")
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.sum.evaluate()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.counts.capacity() * size_of::<(Native<F::Input>, u64)>()
    }
}
