//! What is known of a column in the end.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::distinct::DistinctSketch;
use super::numbers::{Lane, NumbersFound, most_frequent};
use super::texts::TextsFound;

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

impl ColumnSummary {
    /// Puts what came of values of fixed size.
    pub(super) fn put_numbers<K: Lane>(
        &mut self,
        found: NumbersFound<K>,
        data_type: &DataType,
    ) -> Result<(), ArrowError> {
        let array = |keys: &[K]| K::array(keys, data_type);
        self.min = found.least.map(|key| array(&[key])).transpose()?;
        self.max = found.greatest.map(|key| array(&[key])).transpose()?;
        self.distinct = Some(distinct(found.distinct));
        self.quantiles =
            Some(Quantiles { values: array(&found.at_quantiles)?, rank_error: found.rank_error });
        let (values, counts): (Vec<K>, Vec<u64>) = found.frequent.into_iter().unzip();
        let undercount = found.undercount;
        self.top = Some(Top { values: array(&values)?, counts, undercount, cut: false });
        Ok(())
    }

    /// Puts what came of texts or bytes.
    pub(super) fn put_texts(
        &mut self,
        found: TextsFound,
        data_type: &DataType,
    ) -> Result<(), ArrowError> {
        let array = |texts: Vec<Vec<u8>>| text_array(texts, data_type);
        self.min = found.least.map(|text| array(vec![text])).transpose()?;
        self.max = found.greatest.map(|text| array(vec![text])).transpose()?;
        self.distinct = Some(distinct(found.distinct));
        let cut = found.frequent.iter().any(|((text, length), _)| text.len() < *length);
        let (texts, counts): (Vec<_>, Vec<u64>) = found.frequent.into_iter().unzip();
        let texts = texts.into_iter().map(|(text, _)| text).collect();
        self.top = Some(Top { values: array(texts)?, counts, undercount: found.undercount, cut });
        Ok(())
    }

    /// Puts what came of booleans.
    pub(super) fn put_booleans(&mut self, true_values: u64, top: usize) {
        let false_values = self.count - true_values;
        let seen: Vec<(bool, u64)> = [(false, false_values), (true, true_values)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        let one = |value: bool| Arc::new(BooleanArray::from(vec![value])) as ArrayRef;
        self.true_values = Some(true_values);
        self.min = seen.first().map(|(value, _)| one(*value));
        self.max = seen.last().map(|(value, _)| one(*value));
        self.distinct = Some(Distinct { count: seen.len() as u64, standard_error: 0.0 });
        let (values, counts): (Vec<bool>, Vec<u64>) =
            most_frequent(seen, 0, top).into_iter().unzip();
        let values = Arc::new(BooleanArray::from(values));
        self.top = Some(Top { values, counts, undercount: 0, cut: false });
    }
}

/// A text that was cut within a character ends before it.
fn text_array(texts: Vec<Vec<u8>>, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let is_text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
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
    cast(&array, data_type)
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
