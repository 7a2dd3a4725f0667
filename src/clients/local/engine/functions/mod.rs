//! Functions of our own in place of DataFusion's, where those give another value than SQL: sums that
//! do not wrap, extremes that know NaN and infinity, arithmetic that fails instead of wrapping.

mod arithmetic;
mod average;
mod canonical;
mod distinct_sum;
mod extremes;
mod folding;
mod sliding;
mod sum;

pub(super) use arithmetic::{Checked, checked};
pub(super) use canonical::{canonical_function, canonical_scalar};

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

/// Returns the aggregates that replace those of the same name.
pub(super) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let sum: AggregateUDF = sum::Sum::default().into();
    vec![
        Arc::new(sum),
        Arc::new(extremes::min().into()),
        Arc::new(extremes::max().into()),
        average::average(),
    ]
}
