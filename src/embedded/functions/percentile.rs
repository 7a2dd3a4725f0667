//! `percentile_cont` that stays what it is: at 0 and 1 DataFusion puts its own `min` and `max` in its
//! place, past those of [`super::extremes`].

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::functions_aggregate::percentile_cont::PercentileCont as Plain;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use super::forward::forward_to_plain;

/// A percentile of DataFusion without its simplification.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile {
    plain: Plain,
}

/// Returns the aggregate.
pub(super) fn percentile() -> Percentile {
    Percentile { plain: Plain::new() }
}

impl AggregateUDFImpl for Percentile {
    forward_to_plain!();

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.plain.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.plain.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.plain.create_sliding_accumulator(args)
    }
}
