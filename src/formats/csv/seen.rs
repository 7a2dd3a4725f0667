//! What the cells of a column have in common: the types that print every one of them back.

use arrow::datatypes::{DataType, TimeUnit};

use super::cells::{self, TimeForm, TimestampForm};

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

/// What is known of the cells of one column. Merging is commutative and associative.
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
    timestamp: Option<TimestampForm>,
    nanos_fit: bool,
    time: Option<TimeForm>,
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
            timestamp: None,
            nanos_fit: true,
            time: None,
        }
    }
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
        self.values += 1;
        if self.fits == 0 {
            return;
        }
        if self.fits & NUMBERS != 0 && self.number(cell) {
            self.fits &= NUMBERS;
            return;
        }
        self.fits &= !NUMBERS;
        if self.fits & BOOLEAN != 0 && cells::boolean(cell).is_none() {
            self.fits &= !BOOLEAN;
        }
        if self.fits & DATE != 0 && cells::date32(cell).is_none() {
            self.fits &= !DATE;
        }
        if self.fits & TIMESTAMP != 0 && !self.timestamp(cell) {
            self.fits &= !TIMESTAMP;
        }
        if self.fits & TIME != 0 && !self.time(cell) {
            self.fits &= !TIME;
        }
    }

    /// Narrows the numeric types; false when the cell is no number of any of them.
    #[inline]
    fn number(&mut self, cell: &[u8]) -> bool {
        let outline = cells::number(cell);
        let Some(number) = outline else {
            self.fits &= !(INT64 | DECIMAL);
            return self.fits & FLOAT64 != 0 && cells::is_special_float(cell);
        };
        let before = self.fits;
        self.plain_number = true;
        if number.fraction_digits == 0 {
            self.fits &= !DECIMAL;
            let surely = number.whole_digits <= NARROW_DIGITS && !(number.zero && number.negative);
            if self.fits & INT64 != 0 && !surely && cells::int64(cell).is_none() {
                self.fits &= !INT64;
            }
        } else {
            self.fits &= !INT64;
            let scale = *self.scale.get_or_insert(number.fraction_digits);
            self.whole_digits = self.whole_digits.max(number.whole_digits);
            if scale != number.fraction_digits
                || self.whole_digits + scale > WIDE_DIGITS
                || (number.zero && number.negative)
            {
                self.fits &= !DECIMAL;
            }
        }
        if self.fits & FLOAT64 != 0 && !cells::is_float64(cell, outline) {
            self.fits &= !FLOAT64;
        }
        before & self.fits & NUMBERS != 0
    }

    fn timestamp(&mut self, cell: &[u8]) -> bool {
        let Some((at, form)) = cells::timestamp(cell) else { return false };
        self.nanos_fit &= at.nanos().is_some();
        *self.timestamp.get_or_insert(form) == form && (form.fraction_digits <= 6 || self.nanos_fit)
    }

    fn time(&mut self, cell: &[u8]) -> bool {
        cells::time_of_day(cell).is_some_and(|(_, form)| *self.time.get_or_insert(form) == form)
    }

    /// Adds what another part of the column has.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.fits &= other.fits;
        self.values += other.values;
        self.nulls += other.nulls;
        self.plain_number |= other.plain_number;
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        self.nanos_fit &= other.nanos_fit;
        self.scale = self.agree(DECIMAL, self.scale, other.scale);
        if self.whole_digits + self.scale.unwrap_or(0) > WIDE_DIGITS {
            self.fits &= !DECIMAL;
        }
        self.timestamp = self.agree(TIMESTAMP, self.timestamp, other.timestamp);
        if self.timestamp.is_some_and(|form| form.fraction_digits > 6) && !self.nanos_fit {
            self.fits &= !TIMESTAMP;
        }
        self.time = self.agree(TIME, self.time, other.time);
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
        let unit = |digits: usize| {
            if digits > 6 { TimeUnit::Nanosecond } else { TimeUnit::Microsecond }
        };
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
            let zone = form.utc.then(|| "UTC".into());
            return DataType::Timestamp(unit(form.fraction_digits), zone);
        }
        if let (true, Some(form)) = (fits(TIME), self.time) {
            return DataType::Time64(unit(form.fraction_digits));
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(cells: &[&str]) -> Seen {
        let mut seen = Seen::default();
        for cell in cells {
            seen.value(cell.as_bytes());
        }
        seen
    }

    #[test]
    fn types_follow_the_table_of_rules() {
        let timestamp = |unit, utc: bool| DataType::Timestamp(unit, utc.then(|| "UTC".into()));
        for (cells, data_type) in [
            (&[][..], DataType::Null),
            (&["true", "false"], DataType::Boolean),
            (&["True", "false"], DataType::Utf8),
            (&["1", "0"], DataType::Int64),
            (&["1", "007"], DataType::Utf8),
            (&["+4312345", "1"], DataType::Utf8),
            (&["1e5"], DataType::Utf8),
            (&["1", "-0"], DataType::Utf8),
            (&["9223372036854775808", "1"], DataType::Utf8),
            (&["12345678901234567890"], DataType::Utf8),
            (&["1.50", "20.00"], DataType::Decimal128(18, 2)),
            (&["1.50", "1234567890123456789.00"], DataType::Decimal128(38, 2)),
            (&["1.5", "1.25", "10"], DataType::Float64),
            (&["10", "10.5"], DataType::Float64),
            (&["1.50", "1.5"], DataType::Utf8),
            (&["1.5", "NaN"], DataType::Float64),
            (&["NaN"], DataType::Utf8),
            (&["2020-02-29", "1999-12-31"], DataType::Date32),
            (&["2020-02-30"], DataType::Utf8),
            (&["03/04/2020"], DataType::Utf8),
            (&["2020-01-01T00:00:00Z"], timestamp(TimeUnit::Microsecond, true)),
            (&["2020-01-01 00:00:00.123"], timestamp(TimeUnit::Microsecond, false)),
            (&["2020-01-01T00:00:00.123456789"], timestamp(TimeUnit::Nanosecond, false)),
            (&["9999-01-01T00:00:00.123456789"], DataType::Utf8),
            (&["2020-01-01T00:00:00", "2020-01-01 00:00:00"], DataType::Utf8),
            (&["2020-01-01", "2020-01-01T00:00:00"], DataType::Utf8),
            (&["12:30:00", "23:59:59"], DataType::Time64(TimeUnit::Microsecond)),
            (&["1", "x"], DataType::Utf8),
            (&["1", "true"], DataType::Utf8),
            (&[""], DataType::Utf8),
            (&[" 1"], DataType::Utf8),
        ] {
            assert_eq!(seen(cells).data_type(), data_type, "{cells:?}");
        }
    }

    const CELLS: [&str; 16] = [
        "1",
        "-0",
        "007",
        "1.5",
        "1.50",
        "NaN",
        "true",
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01 00:00:00",
        "12:00:00",
        "12:00:00.5",
        "x",
        "9223372036854775808",
        "9999-01-01T00:00:00.123456789",
        "123456789012345678901234567890.12345678",
    ];

    proptest! {
        #[test]
        fn parts_in_any_order_give_the_same_type(
            picks in proptest::collection::vec(0_usize..CELLS.len(), 0..6),
            cut in 0_usize..6,
        ) {
            let cells: Vec<&str> = picks.iter().map(|pick| CELLS[*pick]).collect();
            let cut = cut.min(cells.len());
            let (left, right) = (seen(&cells[..cut]), seen(&cells[cut..]));
            let whole = seen(&cells);
            for (mut first, second) in [(left.clone(), &right), (right.clone(), &left)] {
                first.merge(second);
                prop_assert_eq!(first.data_type(), whole.data_type(), "{:?}", cells);
            }
        }
    }
}
