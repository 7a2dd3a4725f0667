//! `min` and `max` of floats in groups: NaN is the largest, and infinity is larger than every number.
//! All else is that of DataFusion, whose groups compare floats by `<` with the largest number to begin.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_datafusion_err};
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
    StatisticsArgs,
};

use super::folding::{Fold, FoldedGroups, Native};

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
    fn name(&self) -> &str {
        self.plain.name()
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

    fn reverse_expr(&self) -> ReversedUDAF {
        self.plain.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.plain.order_sensitivity()
    }

    fn is_descending(&self) -> Option<bool> {
        self.plain.is_descending()
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        if args.return_type.is_floating() { None } else { self.plain.value_from_stats(args) }
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.plain.set_monotonicity(data_type)
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

/// Floats in the order in which NaN is the largest.
trait Ordered: Copy {
    /// Less than every canonical float.
    const LEAST: Self;
    /// No less than every canonical float.
    const LARGEST: Self;
    fn order(self, other: Self) -> Ordering;
}

impl Ordered for f64 {
    const LEAST: Self = Self::NEG_INFINITY;
    const LARGEST: Self = Self::NAN;

    fn order(self, other: Self) -> Ordering {
        self.total_cmp(&other)
    }
}

impl Ordered for f32 {
    const LEAST: Self = Self::NEG_INFINITY;
    const LARGEST: Self = Self::NAN;

    fn order(self, other: Self) -> Ordering {
        self.total_cmp(&other)
    }
}

impl<T> Fold for Furthest<T>
where
    T: ArrowPrimitiveType + Debug + Send,
    T::Native: Ordered,
{
    type Input = T;
    type State = T;

    fn start(&self) -> Native<T> {
        if self.is_max { Ordered::LEAST } else { Ordered::LARGEST }
    }

    fn add(&self, state: &mut Native<T>, value: Native<T>) -> bool {
        let further = if self.is_max { Ordering::Greater } else { Ordering::Less };
        if value.order(*state) == further {
            *state = value;
        }
        true
    }

    fn merge(&self, state: &mut Native<T>, other: Native<T>) -> bool {
        self.add(state, other)
    }

    fn remove(&self, _state: &mut Native<T>, _value: Native<T>) -> bool {
        false
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
