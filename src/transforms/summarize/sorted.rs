//! The exact figures of a column whose values come sorted, from one pass over runs of equal values.
//!
//! Holds the run it is in, the values at quantiles and the most frequent values, so that a column may
//! have any number of distinct values. That the values are sorted, and as many as were counted before,
//! is checked: anything else is an error.

use std::borrow::Borrow;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, i256};
use arrow::error::ArrowError;

use super::floats::to_float;
use super::found::ColumnSummary;
use super::numbers::{Gathered, Lane, NumbersFound};
use super::texts::TextsFound;
use super::values::{Scratch, for_each_text, plain};

/// A column that is read again, sorted.
#[derive(Debug)]
pub(super) struct SortedColumn {
    data_type: DataType,
    count: u64,
    /// What a value takes in memory, on average.
    pub(super) mean_bytes: u64,
    values: SortedValues,
    scratch: Scratch,
}

#[derive(Debug)]
pub(super) enum SortedValues {
    Narrow(Runs<u64>),
    Decimal(Runs<i128>),
    WideDecimal(Runs<i256>),
    Texts(Runs<Vec<u8>>),
}

impl SortedColumn {
    /// Makes one for so many values, neither null nor NaN.
    pub(super) fn new(
        data_type: DataType,
        count: u64,
        mean_bytes: u64,
        values: SortedValues,
    ) -> Self {
        Self { data_type, count, mean_bytes, values, scratch: Scratch::default() }
    }

    /// Takes up the next values; nulls and NaN are passed over.
    pub(super) fn update(&mut self, array: &ArrayRef) -> Result<(), ArrowError> {
        let plain = plain(array, &self.data_type)?;
        let scratch = &mut self.scratch;
        match &mut self.values {
            SortedValues::Narrow(runs) => runs.update(&plain, &mut scratch.narrow),
            SortedValues::Decimal(runs) => runs.update(&plain, &mut scratch.decimal),
            SortedValues::WideDecimal(runs) => runs.update(&plain, &mut scratch.wide),
            SortedValues::Texts(runs) => {
                let mut added = Ok(());
                for_each_text(&plain, |text| {
                    if added.is_ok() {
                        added = runs.add(text);
                    }
                })?;
                added
            }
        }
    }

    /// Puts what came of all values.
    pub(super) fn finish(self, summary: &mut ColumnSummary) -> Result<(), ArrowError> {
        let (data_type, count) = (&self.data_type, self.count);
        match self.values {
            SortedValues::Narrow(runs) => summary.put_numbers(runs.numbers(count)?, data_type),
            SortedValues::Decimal(runs) => summary.put_numbers(runs.numbers(count)?, data_type),
            SortedValues::WideDecimal(runs) => summary.put_numbers(runs.numbers(count)?, data_type),
            SortedValues::Texts(runs) => summary.put_texts(runs.texts(count)?, data_type),
        }
    }
}

/// The runs of equal values up to now.
#[derive(Debug)]
pub(super) struct Runs<V> {
    /// The run that may go on.
    current: Option<(V, u64)>,
    least: Option<V>,
    /// How many values are in runs that have ended, and how many such runs there are.
    seen: u64,
    distinct: u64,
    /// The wanted ranks with their positions, the largest first; those that were passed are gone.
    ranks: Vec<(u64, usize)>,
    at_ranks: Vec<(usize, V)>,
    /// The most frequent values, the least frequent of them on top.
    frequent: BinaryHeap<(Reverse<u64>, V)>,
    top: usize,
}

impl<V: Ord + Clone> Runs<V> {
    /// Begins with no value; ranks count from 1.
    pub(super) fn new(ranks: &[u64], top: usize) -> Self {
        let mut ranks: Vec<_> =
            ranks.iter().enumerate().map(|(position, rank)| (*rank, position)).collect();
        ranks.sort_unstable_by(|left, right| right.cmp(left));
        Self {
            current: None,
            least: None,
            seen: 0,
            distinct: 0,
            ranks,
            at_ranks: Vec::new(),
            frequent: BinaryHeap::new(),
            top,
        }
    }

    fn add<Q>(&mut self, value: &Q) -> Result<(), ArrowError>
    where
        V: Borrow<Q>,
        Q: Ord + ToOwned<Owned = V> + ?Sized,
    {
        if let Some((current, times)) = &mut self.current {
            match value.cmp((*current).borrow()) {
                Ordering::Equal => {
                    *times += 1;
                    return Ok(());
                }
                Ordering::Less => return Err(wrong("they are not sorted")),
                Ordering::Greater => {}
            }
        }
        if let Some((value, times)) = self.current.replace((value.to_owned(), 1)) {
            self.end_run(value, times);
        }
        Ok(())
    }

    fn end_run(&mut self, value: V, times: u64) {
        self.least.get_or_insert_with(|| value.clone());
        self.seen += times;
        self.distinct += 1;
        while let Some((_, position)) = self.ranks.pop_if(|(rank, _)| *rank <= self.seen) {
            self.at_ranks.push((position, value.clone()));
        }
        let entry = (Reverse(times), value);
        if self.frequent.len() < self.top {
            self.frequent.push(entry);
        } else if let Some(mut last) = self.frequent.peek_mut().filter(|last| entry < **last) {
            *last = entry;
        }
    }

    /// Ends the last run, and makes sure that all values came.
    fn end(&mut self, count: u64) -> Result<Option<V>, ArrowError> {
        let greatest = self.current.as_ref().map(|(value, _)| value.clone());
        if let Some((value, times)) = self.current.take() {
            self.end_run(value, times);
        }
        if self.seen == count {
            return Ok(greatest);
        }
        Err(wrong(&format!("there are {} of {count}", self.seen)))
    }

    /// Returns the most frequent values, the most frequent first, then the smallest first.
    fn most_frequent(frequent: BinaryHeap<(Reverse<u64>, V)>) -> Vec<(V, u64)> {
        let ordered = frequent.into_sorted_vec().into_iter();
        ordered.map(|(Reverse(times), value)| (value, times)).collect()
    }
}

impl<K: Lane> Runs<K> {
    fn update(&mut self, array: &dyn Array, gathered: &mut Gathered<K>) -> Result<(), ArrowError> {
        gathered.refill(array)?;
        gathered.keys.iter().try_for_each(|key| self.add(key))
    }

    fn numbers(mut self, count: u64) -> Result<NumbersFound<K>, ArrowError> {
        let greatest = self.end(count)?;
        self.at_ranks.sort_unstable();
        Ok(NumbersFound {
            least: self.least,
            greatest,
            distinct: (to_float(self.distinct), true),
            at_quantiles: self.at_ranks.into_iter().map(|(_, key)| key).collect(),
            rank_error: 0.0,
            frequent: Self::most_frequent(self.frequent),
            undercount: 0,
        })
    }
}

impl Runs<Vec<u8>> {
    fn texts(mut self, count: u64) -> Result<TextsFound, ArrowError> {
        let greatest = self.end(count)?;
        let frequent = Self::most_frequent(self.frequent).into_iter();
        Ok(TextsFound {
            least: self.least,
            greatest,
            distinct: (to_float(self.distinct), true),
            frequent: frequent
                .map(|(text, times)| {
                    let length = text.len();
                    ((text, length), times)
                })
                .collect(),
            undercount: 0,
        })
    }
}

fn wrong(what: &str) -> ArrowError {
    ArrowError::ComputeError(format!("the values are not those that were read before: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_order_and_values_that_are_missing_are_errors() {
        let mut runs = Runs::new(&[1], 1);
        runs.add(&2_u64).expect("should be the first");
        let error = runs.add(&1).expect_err("should be refused");
        assert!(error.to_string().contains("not sorted"), "{error}");
        let error = runs.numbers(2).err().expect("should lack one");
        assert!(error.to_string().contains("there are 1 of 2"), "{error}");
    }
}
