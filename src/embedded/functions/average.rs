//! `avg` whose windows forget what has left them; all else is that of DataFusion.

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::functions_aggregate::average::Avg as Plain;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use super::forward::forward_to_plain;
use super::sliding::SlidingFloats;

/// Returns the aggregate.
pub(super) fn average() -> Average {
    Average { plain: Plain::new() }
}

/// An average of DataFusion that forgets.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Average {
    plain: Plain,
}

impl AggregateUDFImpl for Average {
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
        if !args.is_distinct && args.return_field.data_type() == &DataType::Float64 {
            return Ok(Box::new(SlidingFloats::average()));
        }
        self.plain.create_sliding_accumulator(args)
    }
}
