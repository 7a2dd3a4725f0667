//! Values of fixed size: numbers, dates, times. Each becomes a key that is ordered as the values are.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, Decimal256Array, Float64Array,
    Int64Array, PrimitiveArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, UInt64Type, i256,
};
use arrow::error::ArrowError;

use super::distinct::DistinctSketch;
use super::floats::{signed_to_float, to_float, wide_to_float};
use super::frequent::{Frequencies, Room};
use super::hash::Key;
use super::quantiles::{QuantileSketch, at_quantiles};

/// What is taken from one array: keys of every value that is neither null nor NaN, and the same as
/// numbers where they are numbers.
#[derive(Debug)]
pub(super) struct Gathered<K> {
    pub(super) keys: Vec<K>,
    pub(super) numbers: Vec<f64>,
    pub(super) not_numbers: u64,
}

impl<K> Default for Gathered<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), numbers: Vec::new(), not_numbers: 0 }
    }
}

impl<K: Lane> Gathered<K> {
    /// Takes one array's keys in place of those of another.
    pub(super) fn refill(&mut self, array: &dyn Array) -> Result<(), ArrowError> {
        self.keys.clear();
        self.numbers.clear();
        self.not_numbers = 0;
        K::gather(array, self)
    }
}

/// Keys that can be taken from arrays and put into one.
pub(super) trait Lane: Key {
    /// Takes the keys of an array.
    fn gather(array: &dyn Array, into: &mut Gathered<Self>) -> Result<(), ArrowError>;

    /// Makes an array of a type that the keys were taken from.
    fn array(keys: &[Self], data_type: &DataType) -> Result<ArrayRef, ArrowError>;
}

const SIGN: u64 = 1 << 63;

impl Lane for u64 {
    fn gather(array: &dyn Array, into: &mut Gathered<Self>) -> Result<(), ArrowError> {
        let data_type = array.data_type();
        if data_type.is_floating() {
            let floats = cast(array, &DataType::Float64)?;
            gather_floats(floats.as_primitive(), into);
        } else if data_type.is_unsigned_integer() {
            let numbers = cast(array, &DataType::UInt64)?;
            fill::<UInt64Type, _>(numbers.as_primitive(), into, |value| value, Some(to_float));
        } else {
            let numbers = cast(array, &DataType::Int64)?;
            let number = data_type.is_integer().then_some(signed_to_float as fn(i64) -> f64);
            fill::<Int64Type, _>(numbers.as_primitive(), into, signed_key, number);
        }
        Ok(())
    }

    fn array(keys: &[Self], data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let keys = keys.iter().copied();
        if data_type.is_floating() {
            return cast(&Float64Array::from_iter_values(keys.map(float_of)), data_type);
        }
        if data_type.is_unsigned_integer() {
            return cast(&UInt64Array::from_iter_values(keys), data_type);
        }
        let numbers: ArrayRef =
            Arc::new(Int64Array::from_iter_values(keys.map(|key| (key ^ SIGN).cast_signed())));
        let narrow = matches!(data_type, DataType::Date32 | DataType::Time32(_));
        let numbers = if narrow { cast(&numbers, &DataType::Int32)? } else { numbers };
        cast(&numbers, data_type)
    }
}

impl Lane for i128 {
    fn gather(array: &dyn Array, into: &mut Gathered<Self>) -> Result<(), ArrowError> {
        let DataType::Decimal128(_, scale) = array.data_type() else {
            return Err(not_decimal(array));
        };
        let unit = 10.0_f64.powi(-i32::from(*scale));
        let array = array.as_primitive::<Decimal128Type>();
        fill::<Decimal128Type, _>(
            array,
            into,
            |value| value,
            Some(|value| wide_to_float(value) * unit),
        );
        Ok(())
    }

    fn array(keys: &[Self], data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let array = Decimal128Array::from_iter_values(keys.iter().copied());
        Ok(Arc::new(array.with_data_type(data_type.clone())))
    }
}

impl Lane for i256 {
    fn gather(array: &dyn Array, into: &mut Gathered<Self>) -> Result<(), ArrowError> {
        let floats = cast(array, &DataType::Float64)?;
        let array = array.as_primitive_opt::<Decimal256Type>().ok_or_else(|| not_decimal(array))?;
        fill::<Decimal256Type, _>(array, into, |value| value, None::<fn(Self) -> f64>);
        into.numbers.extend(floats.as_primitive::<Float64Type>().iter().flatten());
        Ok(())
    }

    fn array(keys: &[Self], data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let array = Decimal256Array::from_iter_values(keys.iter().copied());
        Ok(Arc::new(array.with_data_type(data_type.clone())))
    }
}

fn not_decimal(array: &dyn Array) -> ArrowError {
    ArrowError::InvalidArgumentError(format!("{} is no decimal", array.data_type()))
}

fn signed_key(value: i64) -> u64 {
    value.cast_unsigned() ^ SIGN
}

/// Negative zero counts as zero.
fn float_key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn float_of(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// Puts the keys, and as numbers if they are, of every value that is not null.
fn fill<T: ArrowPrimitiveType, K>(
    array: &PrimitiveArray<T>,
    into: &mut Gathered<K>,
    key: impl Fn(T::Native) -> K,
    number: Option<impl Fn(T::Native) -> f64>,
) {
    let values = array.values();
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            into.keys.extend(values.iter().map(|value| key(*value)));
            if let Some(number) = number {
                into.numbers.extend(values.iter().map(|value| number(*value)));
            }
        }
        Some(nulls) => {
            into.keys.extend(nulls.valid_indices().map(|index| key(values[index])));
            if let Some(number) = number {
                into.numbers.extend(nulls.valid_indices().map(|index| number(values[index])));
            }
        }
    }
}

fn gather_floats(array: &PrimitiveArray<Float64Type>, into: &mut Gathered<u64>) {
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => into.numbers.extend_from_slice(array.values()),
        Some(nulls) => {
            into.numbers.extend(nulls.valid_indices().map(|index| array.values()[index]));
        }
    }
    let before = into.numbers.len();
    into.numbers.retain(|number| !number.is_nan());
    into.not_numbers += (before - into.numbers.len()) as u64;
    into.keys.extend(into.numbers.iter().map(|number| float_key(*number)));
}

/// What is known of a column of values of fixed size.
#[derive(Debug, Clone)]
pub(super) struct Numbers<K> {
    least: Option<K>,
    greatest: Option<K>,
    frequencies: Frequencies<K>,
    sketch: Option<Sketch<K>>,
    room: Room,
}

/// What is kept once there are more values than can be counted one by one.
#[derive(Debug, Clone)]
struct Sketch<K> {
    distinct: DistinctSketch,
    quantiles: QuantileSketch<K>,
}

/// What came of it, as keys.
pub(super) struct NumbersFound<K> {
    pub(super) least: Option<K>,
    pub(super) greatest: Option<K>,
    /// How many distinct values, and whether that is exact.
    pub(super) distinct: (f64, bool),
    pub(super) at_quantiles: Vec<K>,
    pub(super) rank_error: f64,
    pub(super) frequent: Vec<(K, u64)>,
    pub(super) undercount: u64,
}

impl<K: Key> Numbers<K> {
    pub(super) fn new(room: Room) -> Self {
        Self {
            least: None,
            greatest: None,
            frequencies: Frequencies::new(room),
            sketch: None,
            room,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.frequencies.memory_bytes()
    }

    /// Takes up the keys of values.
    pub(super) fn update(&mut self, keys: &[K]) {
        self.widen(keys.iter().copied().min(), keys.iter().copied().max());
        let mut rest = keys;
        if self.sketch.is_none() {
            rest = &keys[self.frequencies.fill(keys)..];
            if rest.is_empty() {
                return;
            }
        }
        let frequencies = &self.frequencies;
        let sketch = self.sketch.get_or_insert_with(|| Sketch::of(frequencies));
        sketch.quantiles.extend(rest);
        self.frequencies.count(rest, |hash| sketch.distinct.insert(hash));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.widen(other.least, other.greatest);
        match (&mut self.sketch, &other.sketch) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (Some(mine), None) => mine.merge(&Sketch::of(&other.frequencies)),
            (None, Some(theirs)) => {
                let mut sketch = Sketch::of(&self.frequencies);
                sketch.merge(theirs);
                self.sketch = Some(sketch);
            }
            (None, None) => {}
        }
        self.frequencies.merge(&other.frequencies);
        let too_many =
            self.room == Room::Fixed && self.frequencies.len() > super::frequent::CAPACITY;
        if too_many && self.sketch.is_none() {
            self.sketch = Some(Sketch::of(&self.frequencies));
        }
        if self.sketch.is_some() {
            self.frequencies.shrink();
        }
    }

    /// Returns what is known, given how many values there were.
    pub(super) fn found(&self, count: u64, quantiles: &[f64], top: usize) -> NumbersFound<K> {
        let counted = self.frequencies.sorted();
        let distinct = match &self.sketch {
            None => (to_float(self.frequencies.len() as u64), true),
            Some(sketch) => (sketch.distinct.estimate().min(to_float(count)), false),
        };
        let at_quantiles = match &self.sketch {
            None => at_quantiles(&counted, quantiles),
            Some(sketch) => at_quantiles(&sketch.quantiles.weighted(), quantiles),
        };
        let undercount = self.frequencies.undercount();
        NumbersFound {
            least: self.least,
            greatest: self.greatest,
            distinct,
            at_quantiles: self.bounded(at_quantiles, quantiles),
            rank_error: self.sketch.as_ref().map_or(0.0, |sketch| sketch.quantiles.rank_error()),
            frequent: most_frequent(counted, undercount, top),
            undercount,
        }
    }

    /// The least and the greatest value are always known.
    fn bounded(&self, mut keys: Vec<K>, quantiles: &[f64]) -> Vec<K> {
        for (key, quantile) in keys.iter_mut().zip(quantiles) {
            if *quantile <= 0.0 {
                *key = self.least.unwrap_or(*key);
            } else if *quantile >= 1.0 {
                *key = self.greatest.unwrap_or(*key);
            }
        }
        keys
    }

    fn widen(&mut self, least: Option<K>, greatest: Option<K>) {
        self.least = self.least.into_iter().chain(least).min();
        self.greatest = self.greatest.into_iter().chain(greatest).max();
    }
}

impl<K: Key> Sketch<K> {
    fn of(frequencies: &Frequencies<K>) -> Self {
        let counted = frequencies.sorted();
        let mut distinct = DistinctSketch::new();
        for (key, _) in &counted {
            distinct.insert(key.hash());
        }
        let mut quantiles = QuantileSketch::new();
        quantiles.extend_weighted(&counted);
        Self { distinct, quantiles }
    }

    fn merge(&mut self, other: &Self) {
        self.distinct.merge(&other.distinct);
        self.quantiles.merge(&other.quantiles);
    }
}

/// Returns the most frequent values, the most frequent first, then the smallest first: only those that
/// are certainly more frequent than every value left out.
pub(super) fn most_frequent<V: Ord>(
    counted: Vec<(V, u64)>,
    undercount: u64,
    top: usize,
) -> Vec<(V, u64)> {
    let mut kept: Vec<_> = counted.into_iter().filter(|(_, count)| *count > undercount).collect();
    let order = |left: &(V, u64), right: &(V, u64)| right.1.cmp(&left.1).then(left.0.cmp(&right.0));
    if top < kept.len() && top > 0 {
        kept.select_nth_unstable_by(top - 1, order);
    }
    kept.truncate(top);
    kept.sort_unstable_by(order);
    kept
}
