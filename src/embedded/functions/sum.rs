//! `sum` that fails where its type does not hold the sum, instead of wrapping.
//!
//! Integers are added as 128 bits, so that the order of the rows does not matter; decimals in their own
//! width; floats as they are. Durations and intervals are those of DataFusion.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, PrimitiveArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, DecimalType, Field, FieldRef, Int64Type, UInt64Type,
    i256,
};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::functions_aggregate::sum::Sum as Plain;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
    Volatility,
};

use super::distinct_sum::{DistinctSum, SlidingDistinctSum};
use super::folding::{Fold, Folded, FoldedGroups, Native, Retract};
use super::sliding::SlidingFloats;
use crate::embedded::error::failed;
use crate::engines::ErrorKind;

/// A sum that does not wrap.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sum {
    signature: Signature,
    plain: Plain,
}

impl Default for Sum {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), plain: Plain::new() }
    }
}

/// Calls with the fold of a type, or else.
macro_rules! with_fold {
    ($args:expr, $made:expr, $otherwise:expr) => {
        match $args.return_field.data_type() {
            DataType::Int64 => $made(Total::<Int64Type>::new($args.name)),
            DataType::UInt64 => $made(Total::<UInt64Type>::new($args.name)),
            DataType::Decimal128(precision, scale) => {
                $made(DecimalTotal::<Decimal128Type>::new($args.name, *precision, *scale))
            }
            DataType::Decimal256(precision, scale) => {
                $made(DecimalTotal::<Decimal256Type>::new($args.name, *precision, *scale))
            }
            _ => $otherwise,
        }
    };
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [one] = types else {
            return plan_err!("`sum` takes one argument, not {}", types.len());
        };
        summed(one).map(|summed| vec![summed])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.plain.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            let plain = self.plain.accumulator(args.clone())?;
            return with_fold!(args, |fold| Ok(of_distinct(plain, fold)), Ok(plain));
        }
        with_fold!(args, |fold| Ok(boxed(fold)), self.plain.accumulator(args))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let data_type = match args.return_type() {
            DataType::Int64 | DataType::UInt64 if !args.is_distinct => WIDE,
            _ => return self.plain.state_fields(args),
        };
        let field = Field::new(format_state_name(args.name, "sum"), data_type, true);
        Ok(vec![Arc::new(field)])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        with_fold!(args, |fold| Ok(grouped(fold)), self.plain.create_groups_accumulator(args))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return with_fold!(
                args,
                |fold| Ok(sliding_distinct(fold)),
                self.plain.create_sliding_accumulator(args)
            );
        }
        if args.return_field.data_type() == &DataType::Float64 {
            return Ok(Box::new(SlidingFloats::default()));
        }
        with_fold!(args, |fold| Ok(boxed(fold)), self.plain.create_sliding_accumulator(args))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.plain.set_monotonicity(data_type)
    }
}

fn boxed<F: Retract>(fold: F) -> Box<dyn Accumulator> {
    Box::new(Folded::new(fold))
}

fn grouped<F: Fold>(fold: F) -> Box<dyn GroupsAccumulator> {
    Box::new(FoldedGroups::new(fold))
}

fn of_distinct<F: Retract>(plain: Box<dyn Accumulator>, fold: F) -> Box<dyn Accumulator> {
    Box::new(DistinctSum::new(plain, fold))
}

fn sliding_distinct<F>(fold: F) -> Box<dyn Accumulator>
where
    F: Retract,
    Native<F::Input>: Eq + Hash,
{
    Box::new(SlidingDistinctSum::new(fold))
}

/// The type in which values of a type are added.
fn summed(data_type: &DataType) -> Result<DataType> {
    Ok(match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Null => {
            DataType::Int64
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            DataType::UInt64
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => DataType::Decimal128(*precision, *scale),
        DataType::Decimal256(..) | DataType::Duration(_) | DataType::Interval(_) => {
            data_type.clone()
        }
        DataType::Dictionary(_, values) => return summed(values),
        other => return plan_err!("`sum` needs a number, not {other}"),
    })
}

/// What sums of integers are kept in.
const WIDE: DataType = DataType::Decimal128(38, 0);

fn beyond(name: &str, what: &str) -> DataFusionError {
    let message = format!("`{name}` is beyond {what}");
    let error = failed(ErrorKind::InvalidInput, "run the query", message);
    let hint = "cast the values first: to `decimal(38, 0)` to add more integers, to `double` for an \
                inexact sum";
    DataFusionError::External(Box::new(error.with_hint(hint)))
}

/// The sum of integers.
#[derive(Debug)]
struct Total<T> {
    name: String,
    input: PhantomData<fn() -> T>,
}

impl<T> Total<T> {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), input: PhantomData }
    }
}

impl<T> Fold for Total<T>
where
    T: arrow::array::ArrowPrimitiveType + Debug + Send,
    T::Native: Into<i128> + TryFrom<i128>,
{
    type Input = T;
    type State = Decimal128Type;

    fn start(&self) -> i128 {
        0
    }

    fn add(&self, state: &mut i128, value: Native<T>) -> bool {
        // More than 2^63 rows would be needed.
        *state += value.into();
        true
    }

    fn merge(&self, state: &mut i128, other: i128) -> bool {
        *state += other;
        true
    }

    fn state_type(&self) -> DataType {
        WIDE
    }

    fn finish(&self, states: PrimitiveArray<Decimal128Type>) -> Result<ArrayRef> {
        let narrow = |sum| T::Native::try_from(sum).map_err(|_| self.too_large());
        let sums: PrimitiveArray<T> = states.try_unary(narrow)?;
        Ok(Arc::new(sums))
    }

    fn too_large(&self) -> DataFusionError {
        beyond(&self.name, "a 64-bit integer")
    }
}

impl<T> Retract for Total<T>
where
    T: arrow::array::ArrowPrimitiveType + Debug + Send,
    T::Native: Into<i128> + TryFrom<i128>,
{
    fn remove(&self, state: &mut i128, value: Native<T>) -> bool {
        *state -= value.into();
        true
    }
}

/// The sum of decimals.
#[derive(Debug)]
struct DecimalTotal<T> {
    name: String,
    precision: u8,
    scale: i8,
    input: PhantomData<fn() -> T>,
}

impl<T> DecimalTotal<T> {
    fn new(name: &str, precision: u8, scale: i8) -> Self {
        Self { name: name.to_owned(), precision, scale, input: PhantomData }
    }
}

/// Adding that tells whether it wrapped.
trait Adding: Sized {
    fn add_to(self, sum: &mut Self) -> bool;
    fn take_from(self, sum: &mut Self) -> bool;
}

impl Adding for i128 {
    fn add_to(self, sum: &mut Self) -> bool {
        let (added, wrapped) = sum.overflowing_add(self);
        *sum = added;
        !wrapped
    }

    fn take_from(self, sum: &mut Self) -> bool {
        let (left, wrapped) = sum.overflowing_sub(self);
        *sum = left;
        !wrapped
    }
}

impl Adding for i256 {
    fn add_to(self, sum: &mut Self) -> bool {
        let added = sum.checked_add(self);
        *sum = added.unwrap_or(*sum);
        added.is_some()
    }

    fn take_from(self, sum: &mut Self) -> bool {
        let left = sum.checked_sub(self);
        *sum = left.unwrap_or(*sum);
        left.is_some()
    }
}

impl<T> Fold for DecimalTotal<T>
where
    T: DecimalType + Debug + Send,
    T::Native: Adding,
{
    type Input = T;
    type State = T;

    fn start(&self) -> Native<T> {
        T::default_value()
    }

    fn add(&self, state: &mut Native<T>, value: Native<T>) -> bool {
        value.add_to(state)
    }

    fn merge(&self, state: &mut Native<T>, other: Native<T>) -> bool {
        other.add_to(state)
    }

    fn state_type(&self) -> DataType {
        T::TYPE_CONSTRUCTOR(self.precision, self.scale)
    }

    fn finish(&self, states: PrimitiveArray<T>) -> Result<ArrayRef> {
        match states.validate_decimal_precision(self.precision) {
            Ok(()) => Ok(Arc::new(states)),
            Err(_) => Err(self.too_large()),
        }
    }

    fn too_large(&self) -> DataFusionError {
        beyond(&self.name, &format!("{} digits", self.precision))
    }
}

impl<T> Retract for DecimalTotal<T>
where
    T: DecimalType + Debug + Send,
    T::Native: Adding,
{
    fn remove(&self, state: &mut Native<T>, value: Native<T>) -> bool {
        value.take_from(state)
    }
}
