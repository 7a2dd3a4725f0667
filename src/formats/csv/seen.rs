//! What the cells of a column have in common: the types that hold what every one of them says.

use arrow::datatypes::{DataType, TimeUnit};

use super::cells;
use super::sorts::{self, KINDS};
use super::times::{self, TimestampForm};
use crate::formats::kinds::{Kinds, Met, NearlyTyped};

const BOOLEAN: u8 = 1;
const INT64: u8 = 1 << 1;
const DECIMAL: u8 = 1 << 2;
const FLOAT64: u8 = 1 << 3;
const DATE: u8 = 1 << 4;
const TIMESTAMP: u8 = 1 << 5;
const TIME: u8 = 1 << 6;
const ALL: u8 = (1 << 7) - 1;
const NUMBERS: u8 = INT64 | DECIMAL | FLOAT64;

/// Most digits of a decimal of 64 bits; all columns up to it have the same type.
const NARROW_DIGITS: usize = 18;
const WIDE_DIGITS: usize = 38;
/// Most digits of a fraction of a second in microseconds.
const MICROS: usize = 6;

/// What is known of the cells of one column, in order. The type does not depend on the order.
///
/// While a type fits, all cells are of the kind of the first: they are counted when that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The types that hold every value so far.
    fits: u8,
    values: u64,
    nulls: u64,
    /// Whether a value is a plain number and not `NaN` or `inf`.
    plain_number: bool,
    whole_digits: usize,
    scale: Option<usize>,
    spelling: Option<cells::Spelling>,
    timestamp: Option<TimestampForm>,
    nanos_fit: bool,
    /// Most digits of a fraction of a second.
    second_digits: usize,
    kinds: Kinds<KINDS>,
    /// How many values are counted in `kinds`.
    counted: u64,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            fits: ALL,
            values: 0,
            nulls: 0,
            plain_number: false,
            whole_digits: 0,
            scale: None,
            spelling: None,
            timestamp: None,
            nanos_fit: true,
            second_digits: 0,
            kinds: Kinds::default(),
            counted: 0,
        }
    }
}

fn met(before: u64, cell: &[u8]) -> impl FnOnce() -> Met {
    move || Met::new(before, &String::from_utf8_lossy(cell))
}

impl Seen {
    /// Takes note of a null.
    #[inline]
    pub(crate) fn null(&mut self) {
        self.nulls += 1;
    }

    /// Takes note of a value.
    #[inline]
    pub(crate) fn value(&mut self, cell: &[u8]) {
        let row = self.values + self.nulls;
        self.values += 1;
        if self.fits == 0 {
            self.counted += 1;
            if sorts::may_be_typed(cell) || !self.kinds.knows_words() {
                self.kinds.add(sorts::of(cell), met(row, cell));
            }
            return;
        }
        if self.values == 1 {
            self.kinds.add(sorts::of(cell), met(row, cell));
            self.counted = 1;
        }
        if self.fits & NUMBERS != 0 && self.number(cell, row) {
            self.fits &= NUMBERS;
            return;
        }
        self.fits &= !NUMBERS;
        if self.fits & BOOLEAN != 0 && !self.boolean(cell) {
            self.fits &= !BOOLEAN;
        }
        if self.fits & DATE != 0 && times::date32(cell).is_none() {
            self.fits &= !DATE;
        }
        if self.fits & TIMESTAMP != 0 && !self.timestamp(cell, row) {
            self.fits &= !TIMESTAMP;
        }
        if self.fits & TIME != 0 && !self.time(cell) {
            self.fits &= !TIME;
        }
        if self.fits == 0 && self.counted < self.values {
            self.kinds.add_like_first(self.values - 1 - self.counted);
            self.kinds.add(sorts::of(cell), met(row, cell));
            self.counted = self.values;
        }
    }

    /// Narrows the numeric types; false when the cell is no number of any of them.
    #[inline]
    fn number(&mut self, cell: &[u8], row: u64) -> bool {
        let outline = cells::number(cell);
        if let Some(number) = outline {
            self.plain_number = true;
            self.whole_or_decimal(cell, number);
        } else if cells::is_number(cell) {
            self.plain_number = true;
            self.fits &= !(INT64 | DECIMAL);
        } else if cells::is_special_float(cell) {
            self.fits &= !(INT64 | DECIMAL);
        } else {
            return false;
        }
        if self.fits & FLOAT64 != 0 && !cells::is_float64(cell, outline) {
            self.fits &= !FLOAT64;
            self.kinds.add_unheld(sorts::of(cell), met(row, cell));
        }
        self.fits & NUMBERS != 0
    }

    #[inline]
    fn whole_or_decimal(&mut self, cell: &[u8], number: cells::Number) {
        let negative_zero = number.zero && number.negative;
        if number.fraction_digits == 0 {
            self.fits &= !DECIMAL;
            let surely = number.whole_digits <= NARROW_DIGITS && !negative_zero;
            if self.fits & INT64 != 0 && !surely && cells::int64(cell).is_none() {
                self.fits &= !INT64;
            }
            return;
        }
        self.fits &= !INT64;
        let scale = *self.scale.get_or_insert(number.fraction_digits);
        self.whole_digits = self.whole_digits.max(number.whole_digits);
        if scale != number.fraction_digits
            || self.whole_digits + scale > WIDE_DIGITS
            || negative_zero
        {
            self.fits &= !DECIMAL;
        }
    }

    fn boolean(&mut self, cell: &[u8]) -> bool {
        cells::boolean(cell)
            .is_some_and(|(_, spelling)| *self.spelling.get_or_insert(spelling) == spelling)
    }

    fn timestamp(&mut self, cell: &[u8], row: u64) -> bool {
        let Some(at) = times::timestamp(cell) else { return false };
        if at.nanos().is_none() {
            self.nanos_fit = false;
            self.kinds.add_unheld(sorts::of(cell), met(row, cell));
        }
        self.second_digits = self.second_digits.max(at.fraction_digits);
        *self.timestamp.get_or_insert(at.form) == at.form && self.unit_fits()
    }

    /// Whether one unit has the digits of all timestamps and reaches their years.
    fn unit_fits(&self) -> bool {
        self.second_digits <= MICROS || self.nanos_fit
    }

    fn time(&mut self, cell: &[u8]) -> bool {
        let Some((_, digits)) = times::time_of_day(cell) else { return false };
        self.second_digits = self.second_digits.max(digits);
        true
    }

    /// Adds what the next part of the column has.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.kinds.add_like_first(self.values - self.counted);
        self.kinds.merge(self.values + self.nulls, &later.kinds, later.values - later.counted);
        self.fits &= later.fits;
        self.values += later.values;
        self.counted = self.values;
        self.nulls += later.nulls;
        self.plain_number |= later.plain_number;
        self.whole_digits = self.whole_digits.max(later.whole_digits);
        self.nanos_fit &= later.nanos_fit;
        self.second_digits = self.second_digits.max(later.second_digits);
        self.scale = self.agree(DECIMAL, self.scale, later.scale);
        if self.whole_digits + self.scale.unwrap_or(0) > WIDE_DIGITS {
            self.fits &= !DECIMAL;
        }
        self.spelling = self.agree(BOOLEAN, self.spelling, later.spelling);
        self.timestamp = self.agree(TIMESTAMP, self.timestamp, later.timestamp);
        if !self.unit_fits() {
            self.fits &= !TIMESTAMP;
        }
    }

    /// Keeps what both have in common; a type whose forms differ no longer fits.
    fn agree<T: PartialEq + Copy>(
        &mut self,
        kind: u8,
        left: Option<T>,
        right: Option<T>,
    ) -> Option<T> {
        if let (Some(left), Some(right)) = (left, right)
            && left != right
        {
            self.fits &= !kind;
        }
        left.or(right)
    }

    /// Returns the type; `Null` for a column without a value.
    pub(crate) fn data_type(&self) -> DataType {
        let fits = |kind| self.fits & kind != 0;
        let unit =
            if self.second_digits > MICROS { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
        if self.values == 0 {
            return DataType::Null;
        }
        if fits(BOOLEAN) {
            return DataType::Boolean;
        }
        if fits(INT64) {
            return DataType::Int64;
        }
        if fits(DATE) {
            return DataType::Date32;
        }
        if let (true, Some(form)) = (fits(TIMESTAMP), self.timestamp) {
            return DataType::Timestamp(unit, form.zoned.then(|| "UTC".into()));
        }
        if fits(TIME) {
            return DataType::Time64(unit);
        }
        if let (true, Some(scale)) = (fits(DECIMAL), self.scale) {
            let narrow = self.whole_digits + scale <= NARROW_DIGITS;
            let precision = if narrow { NARROW_DIGITS } else { WIDE_DIGITS };
            if let (Ok(precision), Ok(scale)) = (u8::try_from(precision), i8::try_from(scale)) {
                return DataType::Decimal128(precision, scale);
            }
        }
        if fits(FLOAT64) && self.plain_number {
            return DataType::Float64;
        }
        DataType::Utf8
    }

    /// Returns what kept a column of text from the type that at least half of its values are of.
    pub(crate) fn nearly(&self, column: &str) -> Option<NearlyTyped> {
        let is_text = self.data_type() == DataType::Utf8;
        is_text.then(|| sorts::nearly(&self.kinds, self.values, column)).flatten()
    }
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
