//! The sum and the average of floats in a window that moves: values leave it without a trace.
//!
//! Subtracting what leaves does not do: a NaN or an infinity would stay for ever, and a large value
//! would take the digits of small ones with it. Two stacks keep the sums of what is left.

use std::mem::size_of;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

/// The floats that were added and not yet taken away, in the order of a queue.
#[derive(Debug, Default)]
pub(super) struct SlidingFloats {
    /// For each of the older values, the sum from it to the youngest of the older ones; the oldest last.
    older: Vec<f64>,
    younger: Vec<f64>,
    younger_sum: f64,
    is_average: bool,
}

impl SlidingFloats {
    /// Begins an average.
    pub(super) fn average() -> Self {
        Self { is_average: true, ..Self::default() }
    }

    fn value(&self) -> Option<f64> {
        let sum = self.sum()?;
        let values = self.older.len() + self.younger.len();
        #[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 rows")]
        let values = values as f64;
        Some(if self.is_average { sum / values } else { sum })
    }

    fn push(&mut self, value: f64) {
        self.younger.push(value);
        self.younger_sum += value;
    }

    fn pop(&mut self) {
        if self.older.is_empty() {
            let mut sum = 0.0;
            for value in self.younger.drain(..).rev() {
                sum += value;
                self.older.push(sum);
            }
            self.younger_sum = 0.0;
        }
        self.older.pop();
    }

    fn sum(&self) -> Option<f64> {
        match self.older.last() {
            Some(older) => Some(older + self.younger_sum),
            None => (!self.younger.is_empty()).then_some(self.younger_sum),
        }
    }
}

impl Accumulator for SlidingFloats {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Float64Type>().iter().flatten() {
            self.push(value);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for _ in 0..values[0].len() - values[0].null_count() {
            self.pop();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.value()))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + (self.older.capacity() + self.younger.capacity()) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_a_window_leaves_no_trace() {
        let mut sum = SlidingFloats::default();
        assert_eq!(sum.sum(), None);
        for value in [f64::NAN, 1e300, 0.5, 0.25] {
            sum.push(value);
        }
        assert!(sum.sum().is_some_and(f64::is_nan));
        sum.pop();
        sum.pop();
        assert_eq!(sum.sum(), Some(0.75));
        sum.push(2.0);
        assert_eq!(sum.sum(), Some(2.75));
        sum.pop();
        sum.pop();
        assert_eq!(sum.sum(), Some(2.0));
        sum.pop();
        assert_eq!(sum.sum(), None);
    }
}
