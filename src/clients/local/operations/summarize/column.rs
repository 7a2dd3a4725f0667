//! One column: the statistics that its type has.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, i256};
use arrow::error::ArrowError;

use super::distinct::DistinctSketch;
use super::frequent::Room;
use super::moments::Moments;
use super::numbers::{Gathered, Lane, Numbers, NumbersFound, most_frequent};
use super::texts::{Texts, TextsFound};

/// Memory that is used anew for each array.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    narrow: Gathered<u64>,
    decimal: Gathered<i128>,
    wide: Gathered<i256>,
}

/// What is known of one column.
#[derive(Debug, Clone)]
pub(super) struct ColumnState {
    values: u64,
    nulls: u64,
    not_numbers: u64,
    moments: Moments,
    data_type: DataType,
    values_seen: Values,
}

#[derive(Debug, Clone)]
enum Values {
    Booleans {
        true_values: u64,
    },
    Narrow(Numbers<u64>),
    Decimal(Numbers<i128>),
    WideDecimal(Numbers<i256>),
    Texts(Texts),
    /// Lists, structs and the like: counted only.
    Opaque,
}

/// The statistics of one column. What a type does not have is `None`.
#[derive(Debug, Clone)]
pub struct ColumnSummary {
    /// How many values there are: neither null nor NaN.
    pub count: u64,
    /// How many nulls.
    pub nulls: u64,
    /// How many values are NaN, for floats; they count for nothing else.
    pub not_numbers: Option<u64>,
    /// How many are true, for booleans.
    pub true_values: Option<u64>,
    /// The least value, as an array of one.
    pub min: Option<ArrayRef>,
    /// The greatest value, as an array of one.
    pub max: Option<ArrayRef>,
    /// The mean of numbers.
    pub mean: Option<f64>,
    /// The standard deviation of numbers, as of a sample.
    pub standard_deviation: Option<f64>,
    /// How many distinct values.
    pub distinct: Option<Distinct>,
    /// The values at the wanted quantiles.
    pub quantiles: Option<Quantiles>,
    /// The most frequent values.
    pub top: Option<Top>,
}

/// How many distinct values there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distinct {
    /// The number.
    pub count: u64,
    /// The standard error as a fraction of the number; 0 when it is exact.
    pub standard_error: f64,
}

/// Values at quantiles.
#[derive(Debug, Clone)]
pub struct Quantiles {
    /// The values, in the order of the wanted quantiles; empty when there is no value.
    pub values: ArrayRef,
    /// How far a rank may be off as a fraction of the count, with 99 % confidence; 0 when exact.
    pub rank_error: f64,
}

/// The most frequent values.
#[derive(Debug, Clone)]
pub struct Top {
    /// The values, the most frequent first; a text may be cut.
    pub values: ArrayRef,
    /// How often each occurs at least.
    pub counts: Vec<u64>,
    /// How much more often each may occur, and how often a value left out may; 0 when exact.
    pub undercount: u64,
    /// Whether a text was cut.
    pub cut: bool,
}

impl ColumnState {
    pub(super) fn new(data_type: &DataType, room: Room) -> Self {
        let data_type = match data_type {
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            DataType::RunEndEncoded(_, values) => values.data_type().clone(),
            DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                DataType::Decimal128(*precision, *scale)
            }
            other => other.clone(),
        };
        let values_seen = Values::of(&data_type, room);
        Self {
            values: 0,
            nulls: 0,
            not_numbers: 0,
            moments: Moments::default(),
            data_type,
            values_seen,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match &self.values_seen {
            Values::Narrow(numbers) => numbers.memory_bytes(),
            Values::Decimal(numbers) => numbers.memory_bytes(),
            Values::WideDecimal(numbers) => numbers.memory_bytes(),
            Values::Texts(texts) => texts.memory_bytes(),
            Values::Booleans { .. } | Values::Opaque => 0,
        }
    }

    pub(super) fn update(
        &mut self,
        array: &ArrayRef,
        scratch: &mut Scratch,
    ) -> Result<(), ArrowError> {
        let plain = if array.data_type() == &self.data_type {
            Arc::clone(array)
        } else {
            cast(array, &self.data_type)?
        };
        let nulls = plain.logical_null_count() as u64;
        self.nulls += nulls;
        self.values += plain.len() as u64 - nulls;
        let (moments, not_numbers) = (&mut self.moments, &mut self.not_numbers);
        match &mut self.values_seen {
            Values::Booleans { true_values } => {
                *true_values += plain.as_boolean().true_count() as u64;
                Ok(())
            }
            Values::Narrow(numbers) => {
                take_up(&plain, &mut scratch.narrow, numbers, moments, not_numbers)
            }
            Values::Decimal(numbers) => {
                take_up(&plain, &mut scratch.decimal, numbers, moments, not_numbers)
            }
            Values::WideDecimal(numbers) => {
                take_up(&plain, &mut scratch.wide, numbers, moments, not_numbers)
            }
            Values::Texts(texts) => take_up_texts(&plain, texts),
            Values::Opaque => Ok(()),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.nulls += other.nulls;
        self.not_numbers += other.not_numbers;
        self.moments.merge(other.moments);
        match (&mut self.values_seen, &other.values_seen) {
            (Values::Booleans { true_values }, Values::Booleans { true_values: theirs }) => {
                *true_values += theirs;
            }
            (Values::Narrow(mine), Values::Narrow(theirs)) => mine.merge(theirs),
            (Values::Decimal(mine), Values::Decimal(theirs)) => mine.merge(theirs),
            (Values::WideDecimal(mine), Values::WideDecimal(theirs)) => mine.merge(theirs),
            (Values::Texts(mine), Values::Texts(theirs)) => mine.merge(theirs),
            _ => {}
        }
    }

    pub(super) fn finish(
        &self,
        quantiles: &[f64],
        top: usize,
    ) -> Result<ColumnSummary, ArrowError> {
        let count = self.values - self.not_numbers;
        let mut summary = ColumnSummary {
            count,
            nulls: self.nulls,
            not_numbers: self.data_type.is_floating().then_some(self.not_numbers),
            true_values: None,
            min: None,
            max: None,
            mean: self.moments.mean(),
            standard_deviation: self.moments.standard_deviation(),
            distinct: None,
            quantiles: None,
            top: None,
        };
        match &self.values_seen {
            Values::Booleans { true_values } => booleans(&mut summary, *true_values, top),
            Values::Narrow(all) => self.numbers(&mut summary, all.found(count, quantiles, top))?,
            Values::Decimal(all) => self.numbers(&mut summary, all.found(count, quantiles, top))?,
            Values::WideDecimal(all) => {
                self.numbers(&mut summary, all.found(count, quantiles, top))?;
            }
            Values::Texts(all) => self.texts(&mut summary, all.found(count, top))?,
            Values::Opaque => {}
        }
        Ok(summary)
    }

    fn numbers<K: Lane>(
        &self,
        summary: &mut ColumnSummary,
        found: NumbersFound<K>,
    ) -> Result<(), ArrowError> {
        let array = |keys: &[K]| K::array(keys, &self.data_type);
        summary.min = found.least.map(|key| array(&[key])).transpose()?;
        summary.max = found.greatest.map(|key| array(&[key])).transpose()?;
        summary.distinct = Some(distinct(found.distinct));
        summary.quantiles =
            Some(Quantiles { values: array(&found.at_quantiles)?, rank_error: found.rank_error });
        let (values, counts): (Vec<K>, Vec<u64>) = found.frequent.into_iter().unzip();
        let undercount = found.undercount;
        summary.top = Some(Top { values: array(&values)?, counts, undercount, cut: false });
        Ok(())
    }

    fn texts(&self, summary: &mut ColumnSummary, found: TextsFound) -> Result<(), ArrowError> {
        let array = |texts: Vec<Vec<u8>>| self.text_array(texts);
        summary.min = found.least.map(|text| array(vec![text])).transpose()?;
        summary.max = found.greatest.map(|text| array(vec![text])).transpose()?;
        summary.distinct = Some(distinct(found.distinct));
        let cut = found.frequent.iter().any(|((text, length), _)| text.len() < *length);
        let (texts, counts): (Vec<_>, Vec<u64>) = found.frequent.into_iter().unzip();
        let texts = texts.into_iter().map(|(text, _)| text).collect();
        summary.top =
            Some(Top { values: array(texts)?, counts, undercount: found.undercount, cut });
        Ok(())
    }

    /// A text that was cut within a character ends before it.
    fn text_array(&self, texts: Vec<Vec<u8>>) -> Result<ArrayRef, ArrowError> {
        let is_text =
            matches!(self.data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if !is_text {
            return Ok(Arc::new(BinaryArray::from_iter_values(texts)));
        }
        let whole = |text: Vec<u8>| match String::from_utf8(text) {
            Ok(text) => text,
            Err(error) => {
                let end = error.utf8_error().valid_up_to();
                String::from_utf8_lossy(&error.as_bytes()[..end]).into_owned()
            }
        };
        let array = StringArray::from_iter_values(texts.into_iter().map(whole));
        cast(&array, &self.data_type)
    }
}

impl Values {
    fn of(data_type: &DataType, room: Room) -> Self {
        match data_type {
            DataType::Boolean => Self::Booleans { true_values: 0 },
            DataType::Decimal128(..) => Self::Decimal(Numbers::new(room)),
            DataType::Decimal256(..) => Self::WideDecimal(Numbers::new(room)),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Texts(Texts::new(room)),
            DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Duration(_) => Self::Narrow(Numbers::new(room)),
            number if number.is_integer() || number.is_floating() => {
                Self::Narrow(Numbers::new(room))
            }
            _ => Self::Opaque,
        }
    }
}

fn take_up<K: Lane>(
    array: &dyn Array,
    gathered: &mut Gathered<K>,
    numbers: &mut Numbers<K>,
    moments: &mut Moments,
    not_numbers: &mut u64,
) -> Result<(), ArrowError> {
    gathered.keys.clear();
    gathered.numbers.clear();
    gathered.not_numbers = 0;
    K::gather(array, gathered)?;
    *not_numbers += gathered.not_numbers;
    moments.update(&gathered.numbers);
    numbers.update(&gathered.keys);
    Ok(())
}

fn take_up_texts(array: &dyn Array, texts: &mut Texts) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::Utf8 => {
            texts.update(array.as_string::<i32>().iter().flatten().map(str::as_bytes));
        }
        DataType::LargeUtf8 => {
            texts.update(array.as_string::<i64>().iter().flatten().map(str::as_bytes));
        }
        DataType::Utf8View => {
            texts.update(array.as_string_view().iter().flatten().map(str::as_bytes));
        }
        DataType::Binary => texts.update(array.as_binary::<i32>().iter().flatten()),
        DataType::LargeBinary => texts.update(array.as_binary::<i64>().iter().flatten()),
        DataType::BinaryView => texts.update(array.as_binary_view().iter().flatten()),
        DataType::FixedSizeBinary(_) => {
            texts.update(array.as_fixed_size_binary().iter().flatten());
        }
        other => {
            return Err(ArrowError::InvalidArgumentError(format!("{other} is no text")));
        }
    }
    Ok(())
}

fn booleans(summary: &mut ColumnSummary, true_values: u64, top: usize) {
    let false_values = summary.count - true_values;
    let seen: Vec<(bool, u64)> = [(false, false_values), (true, true_values)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    let one = |value: bool| Arc::new(BooleanArray::from(vec![value])) as ArrayRef;
    summary.true_values = Some(true_values);
    summary.min = seen.first().map(|(value, _)| one(*value));
    summary.max = seen.last().map(|(value, _)| one(*value));
    summary.distinct = Some(Distinct { count: seen.len() as u64, standard_error: 0.0 });
    let (values, counts): (Vec<bool>, Vec<u64>) = most_frequent(seen, 0, top).into_iter().unzip();
    let values = Arc::new(BooleanArray::from(values));
    summary.top = Some(Top { values, counts, undercount: 0, cut: false });
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate is at least 0 and bounded by a count; the cast saturates"
)]
fn distinct((count, exact): (f64, bool)) -> Distinct {
    let standard_error = if exact { 0.0 } else { DistinctSketch::STANDARD_ERROR };
    Distinct { count: count.round() as u64, standard_error }
}
