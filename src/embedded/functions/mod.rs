//! Functions of our own in place of DataFusion's, where those give another value than SQL: sums that
//! do not wrap, extremes that know NaN and infinity, arithmetic that fails instead of wrapping, texts of
//! nested values that hold no words of an error.

/// Forwards to `self.plain` what an aggregate of our own shares with DataFusion's.
macro_rules! forward_to_plain {
    () => {
        fn name(&self) -> &str {
            self.plain.name()
        }

        fn aliases(&self) -> &[String] {
            self.plain.aliases()
        }

        fn signature(&self) -> &Signature {
            self.plain.signature()
        }

        fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
            self.plain.coerce_types(types)
        }

        fn return_type(&self, types: &[DataType]) -> Result<DataType> {
            self.plain.return_type(types)
        }

        fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
            self.plain.accumulator(args)
        }

        fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
            self.plain.state_fields(args)
        }

        fn reverse_expr(&self) -> ReversedUDAF {
            self.plain.reverse_expr()
        }

        fn order_sensitivity(&self) -> AggregateOrderSensitivity {
            self.plain.order_sensitivity()
        }

        fn is_descending(&self) -> Option<bool> {
            self.plain.is_descending()
        }

        fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
            self.plain.set_monotonicity(data_type)
        }

        fn supports_within_group_clause(&self) -> bool {
            self.plain.supports_within_group_clause()
        }
    };
}

mod arithmetic;
mod average;
mod canonical;
mod casts;
mod distinct_sum;
mod extremes;
mod folding;
mod opaque;
mod percentile;
mod sliding;
mod sum;

pub(super) use arithmetic::{Checked, checked};
pub(super) use canonical::{canonical_function, canonical_scalar};
pub(super) use casts::{is_text, own_cast};
pub(super) use opaque::opaque;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

/// Returns the aggregates that replace those of the same name.
pub(super) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let sum: AggregateUDF = sum::Sum::default().into();
    vec![
        Arc::new(sum),
        Arc::new(extremes::min().into()),
        Arc::new(extremes::max().into()),
        Arc::new(average::average().into()),
        Arc::new(percentile::percentile().into()),
    ]
}
