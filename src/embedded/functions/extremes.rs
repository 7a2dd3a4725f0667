//! `min` and `max` of floats in groups: NaN is the largest, and infinity is larger than every number.
//! All else is that of DataFusion, whose groups compare floats by `<` with the largest number to begin.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, PrimitiveArray};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use super::folding::{Fold, FoldedGroups, Native};
use super::forward::forward_to_plain;

/// An extreme of DataFusion that knows floats.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Extreme<P> {
    plain: P,
    is_max: bool,
}

pub(super) fn min() -> Extreme<Min> {
    Extreme { plain: Min::new(), is_max: false }
}

pub(super) fn max() -> Extreme<Max> {
    Extreme { plain: Max::new(), is_max: true }
}

impl<P: AggregateUDFImpl + PartialEq + Eq + std::hash::Hash> AggregateUDFImpl for Extreme<P> {
    forward_to_plain!();

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        args.return_field.data_type() != &DataType::Float16
            && self.plain.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            DataType::Float64 => {
                Ok(Box::new(FoldedGroups::new(Furthest::<Float64Type>::new(self.is_max))))
            }
            DataType::Float32 => {
                Ok(Box::new(FoldedGroups::new(Furthest::<Float32Type>::new(self.is_max))))
            }
            _ => self.plain.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.plain.create_sliding_accumulator(args)
    }
}

/// The furthest float in one direction.
#[derive(Debug)]
struct Furthest<T> {
    is_max: bool,
    input: PhantomData<fn() -> T>,
}

impl<T> Furthest<T> {
    fn new(is_max: bool) -> Self {
        Self { is_max, input: PhantomData }
    }
}

impl<T> Fold for Furthest<T>
where
    T: ArrowPrimitiveType + Debug + Send,
{
    type Input = T;
    type State = T;

    fn start(&self) -> Native<T> {
        if self.is_max { Native::<T>::MIN_TOTAL_ORDER } else { Native::<T>::MAX_TOTAL_ORDER }
    }

    fn add(&self, state: &mut Native<T>, value: Native<T>) -> bool {
        let is_further = if self.is_max { value.is_gt(*state) } else { value.is_lt(*state) };
        if is_further {
            *state = value;
        }
        true
    }

    fn merge(&self, state: &mut Native<T>, other: Native<T>) -> bool {
        self.add(state, other)
    }

    fn state_type(&self) -> DataType {
        T::DATA_TYPE
    }

    fn finish(&self, states: PrimitiveArray<T>) -> Result<ArrayRef> {
        Ok(Arc::new(states))
    }

    fn too_large(&self) -> DataFusionError {
        internal_datafusion_err!("an extreme cannot be taken out of a group again")
    }
}
