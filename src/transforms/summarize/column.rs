//! One column: the statistics that its type has.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, i256};
use arrow::error::ArrowError;

use super::found::ColumnSummary;
use super::frequent::Room;
use super::moments::Moments;
use super::numbers::{Gathered, Lane, Numbers};
use super::quantiles::rank_of;
use super::sorted::{Runs, SortedColumn, SortedValues};
use super::texts::Texts;
use super::values::{Scratch, for_each_text, plain};

/// What is known of one column.
#[derive(Debug, Clone)]
pub(super) struct ColumnState {
    values: u64,
    nulls: u64,
    not_numbers: u64,
    /// What all values take in memory, nulls too.
    bytes: u64,
    moments: Moments,
    data_type: DataType,
    values_seen: Values,
}

/// What is kept of values; nothing once they did not fit.
#[derive(Debug, Clone)]
enum Values {
    Booleans {
        true_values: u64,
    },
    Narrow(Option<Numbers<u64>>),
    Decimal(Option<Numbers<i128>>),
    WideDecimal(Option<Numbers<i256>>),
    Texts(Option<Texts>),
    /// Lists, structs and the like: counted only.
    Opaque,
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
            bytes: 0,
            moments: Moments::default(),
            data_type,
            values_seen,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match &self.values_seen {
            Values::Narrow(numbers) => numbers.as_ref().map_or(0, Numbers::memory_bytes),
            Values::Decimal(numbers) => numbers.as_ref().map_or(0, Numbers::memory_bytes),
            Values::WideDecimal(numbers) => numbers.as_ref().map_or(0, Numbers::memory_bytes),
            Values::Texts(texts) => texts.as_ref().map_or(0, Texts::memory_bytes),
            Values::Booleans { .. } | Values::Opaque => 0,
        }
    }

    /// Stops keeping values: they have to be read again, sorted.
    pub(super) fn forget_values(&mut self) {
        match &mut self.values_seen {
            Values::Narrow(numbers) => *numbers = None,
            Values::Decimal(numbers) => *numbers = None,
            Values::WideDecimal(numbers) => *numbers = None,
            Values::Texts(texts) => *texts = None,
            Values::Booleans { .. } | Values::Opaque => {}
        }
    }

    pub(super) fn update(
        &mut self,
        array: &ArrayRef,
        scratch: &mut Scratch,
    ) -> Result<(), ArrowError> {
        let plain = plain(array, &self.data_type)?;
        let nulls = plain.logical_null_count() as u64;
        self.nulls += nulls;
        self.values += plain.len() as u64 - nulls;
        self.bytes += plain.to_data().get_slice_memory_size()? as u64;
        let (moments, not_numbers) = (&mut self.moments, &mut self.not_numbers);
        match &mut self.values_seen {
            Values::Booleans { true_values } => {
                *true_values += plain.as_boolean().true_count() as u64;
                Ok(())
            }
            Values::Narrow(numbers) => {
                take_up(&plain, &mut scratch.narrow, numbers.as_mut(), moments, not_numbers)
            }
            Values::Decimal(numbers) => {
                take_up(&plain, &mut scratch.decimal, numbers.as_mut(), moments, not_numbers)
            }
            Values::WideDecimal(numbers) => {
                take_up(&plain, &mut scratch.wide, numbers.as_mut(), moments, not_numbers)
            }
            Values::Texts(Some(texts)) => for_each_text(&plain, |text| texts.update(text)),
            Values::Texts(None) | Values::Opaque => Ok(()),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.nulls += other.nulls;
        self.bytes += other.bytes;
        self.not_numbers += other.not_numbers;
        self.moments.merge(other.moments);
        match (&mut self.values_seen, &other.values_seen) {
            (Values::Booleans { true_values }, Values::Booleans { true_values: theirs }) => {
                *true_values += theirs;
            }
            (Values::Narrow(mine), Values::Narrow(theirs)) => {
                both(mine, theirs.as_ref(), Numbers::merge);
            }
            (Values::Decimal(mine), Values::Decimal(theirs)) => {
                both(mine, theirs.as_ref(), Numbers::merge);
            }
            (Values::WideDecimal(mine), Values::WideDecimal(theirs)) => {
                both(mine, theirs.as_ref(), Numbers::merge);
            }
            (Values::Texts(mine), Values::Texts(theirs)) => {
                both(mine, theirs.as_ref(), Texts::merge);
            }
            _ => {}
        }
    }

    /// Returns what is known, and what is left to do when the values did not fit.
    pub(super) fn finish(
        &self,
        quantiles: &[f64],
        top: usize,
    ) -> Result<(ColumnSummary, Option<SortedColumn>), ArrowError> {
        let count = self.values - self.not_numbers;
        let ranks: Vec<u64> = quantiles.iter().map(|quantile| rank_of(*quantile, count)).collect();
        let mut left = None;
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
        let data_type = &self.data_type;
        match &self.values_seen {
            Values::Booleans { true_values } => summary.put_booleans(*true_values, top),
            Values::Narrow(Some(all)) => {
                summary.put_numbers(all.found(count, quantiles, top), data_type)?;
            }
            Values::Decimal(Some(all)) => {
                summary.put_numbers(all.found(count, quantiles, top), data_type)?;
            }
            Values::WideDecimal(Some(all)) => {
                summary.put_numbers(all.found(count, quantiles, top), data_type)?;
            }
            Values::Texts(Some(all)) => summary.put_texts(all.found(count, top), data_type)?,
            Values::Narrow(None) => left = Some(SortedValues::Narrow(Runs::new(&ranks, top))),
            Values::Decimal(None) => left = Some(SortedValues::Decimal(Runs::new(&ranks, top))),
            Values::WideDecimal(None) => {
                left = Some(SortedValues::WideDecimal(Runs::new(&ranks, top)));
            }
            Values::Texts(None) => left = Some(SortedValues::Texts(Runs::new(&[], top))),
            Values::Opaque => {}
        }
        let mean_bytes = self.bytes / (self.values + self.nulls).max(1);
        let left =
            left.map(|values| SortedColumn::new(data_type.clone(), count, mean_bytes, values));
        Ok((summary, left))
    }
}

impl Values {
    fn of(data_type: &DataType, room: Room) -> Self {
        match data_type {
            DataType::Boolean => Self::Booleans { true_values: 0 },
            DataType::Decimal128(..) => Self::Decimal(Some(Numbers::new(room))),
            DataType::Decimal256(..) => Self::WideDecimal(Some(Numbers::new(room))),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Texts(Some(Texts::new(room))),
            DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Duration(_) => Self::Narrow(Some(Numbers::new(room))),
            number if number.is_integer() || number.is_floating() => {
                Self::Narrow(Some(Numbers::new(room)))
            }
            _ => Self::Opaque,
        }
    }
}

/// What two parts have between them: nothing when either has forgotten its values.
fn both<T>(mine: &mut Option<T>, theirs: Option<&T>, merge: impl FnOnce(&mut T, &T)) {
    match (mine.as_mut(), theirs) {
        (Some(mine), Some(theirs)) => merge(mine, theirs),
        _ => *mine = None,
    }
}

fn take_up<K: Lane>(
    array: &dyn Array,
    gathered: &mut Gathered<K>,
    numbers: Option<&mut Numbers<K>>,
    moments: &mut Moments,
    not_numbers: &mut u64,
) -> Result<(), ArrowError> {
    gathered.refill(array)?;
    *not_numbers += gathered.not_numbers;
    moments.update(&gathered.numbers);
    if let Some(numbers) = numbers {
        numbers.update(&gathered.keys);
    }
    Ok(())
}
