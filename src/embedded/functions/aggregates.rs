//! The list of our aggregates.

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

use super::{average, extremes, percentile, sum};

/// Returns the aggregates that replace those of the same name.
pub(in super::super) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let sum: AggregateUDF = sum::Sum::default().into();
    vec![
        Arc::new(sum),
        Arc::new(extremes::min().into()),
        Arc::new(extremes::max().into()),
        Arc::new(average::average().into()),
        Arc::new(percentile::percentile().into()),
    ]
}
