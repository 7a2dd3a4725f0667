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
            (&["True", "False"], DataType::Boolean),
            (&["TRUE", "FALSE"], DataType::Boolean),
            (&["True", "false"], DataType::Utf8),
            (&["yes", "no"], DataType::Utf8),
            (&["1", "0"], DataType::Int64),
            (&["1", "007"], DataType::Utf8),
            (&["+4312345", "1"], DataType::Utf8),
            (&["1e5", "2"], DataType::Float64),
            (&["1", "-0"], DataType::Float64),
            (&["9007199254740993", "0.5"], DataType::Utf8),
            (&["9007199254740992", "0.5"], DataType::Float64),
            (&["9223372036854775808", "1"], DataType::Utf8),
            (&["12345678901234567890"], DataType::Utf8),
            (&["1.50", "20.00"], DataType::Decimal128(18, 2)),
            (&["1.50", "1234567890123456789.00"], DataType::Decimal128(38, 2)),
            (&["1.5", "1.25", "10"], DataType::Float64),
            (&["10", "10.5"], DataType::Float64),
            (&["1.50", "1.5"], DataType::Float64),
            (&["10.0", "0.75", "1e-05", ".5", "1."], DataType::Float64),
            (&["48.053808600000004", "0.5"], DataType::Float64),
            (&["0.12345678901234567890", "0.5"], DataType::Utf8),
            (&["1.50", "-0.00"], DataType::Float64),
            (&["1.5", "NaN"], DataType::Float64),
            (&["1", "nan", "-inf"], DataType::Float64),
            (&["NaN"], DataType::Utf8),
            (&["1.5", "NULL"], DataType::Utf8),
            (&["2020-02-29", "1999-12-31"], DataType::Date32),
            (&["2020-02-30"], DataType::Utf8),
            (&["03/04/2020"], DataType::Utf8),
            (&["2020-01-01T00:00:00Z"], timestamp(TimeUnit::Microsecond, true)),
            (&["2020-01-01 00:00:00.123"], timestamp(TimeUnit::Microsecond, false)),
            (&["2020-01-01T00:00:00.123456789"], timestamp(TimeUnit::Nanosecond, false)),
            (&["9999-01-01T00:00:00.123456789"], DataType::Utf8),
            (&["2020-01-01T00:00:00", "2020-01-01 00:00:00"], DataType::Utf8),
            (&["2020-01-01T00:00:00", "2020-01-01T00:00:00Z"], DataType::Utf8),
            (
                &[
                    "2020-01-01 00:00:00+02:00",
                    "2020-01-01 00:00:00.5+0100",
                    "2020-01-01 00:00:00Z",
                ],
                timestamp(TimeUnit::Microsecond, true),
            ),
            (
                &["2020-01-01T00:00:00", "2020-01-01T00:00:00.1234567"],
                timestamp(TimeUnit::Nanosecond, false),
            ),
            (&["9999-01-01T00:00:00", "2020-01-01T00:00:00.1234567"], DataType::Utf8),
            (&["2020-01-01", "2020-01-01T00:00:00"], DataType::Utf8),
            (&["12:30:00", "23:59:59"], DataType::Time64(TimeUnit::Microsecond)),
            (&["12:30:00", "23:59:59.5"], DataType::Time64(TimeUnit::Microsecond)),
            (&["1", "x"], DataType::Utf8),
            (&["1", "true"], DataType::Utf8),
            (&[""], DataType::Utf8),
            (&[" 1"], DataType::Utf8),
        ] {
            assert_eq!(seen(cells).data_type(), data_type, "{cells:?}");
        }
    }

    const CELLS: [&str; 24] = [
        "1",
        "-0",
        "007",
        "1.5",
        "1.50",
        "1e5",
        "9007199254740993",
        "0.30000000000000004",
        "0.300000000000000044",
        "NaN",
        "true",
        "True",
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00+02:00",
        "2020-01-01 00:00:00",
        "12:00:00",
        "12:00:00.5",
        "x",
        "9223372036854775808",
        "9999-01-01T00:00:00",
        "2020-01-01T00:00:00.123456789",
        "9999-01-01T00:00:00.123456789",
        "123456789012345678901234567890.12345678",
    ];

    fn cells(picks: &[usize]) -> Vec<&'static str> {
        picks.iter().map(|pick| CELLS[*pick]).collect()
    }

    proptest! {
        #[test]
        fn parts_in_any_order_give_the_same_type(
            picks in proptest::collection::vec(0_usize..CELLS.len(), 0..6),
            cut in 0_usize..6,
        ) {
            let cells = cells(&picks);
            let cut = cut.min(cells.len());
            let (left, right) = (seen(&cells[..cut]), seen(&cells[cut..]));
            let whole = seen(&cells);
            for (mut first, second) in [(left.clone(), &right), (right.clone(), &left)] {
                first.merge(second);
                prop_assert_eq!(first.data_type(), whole.data_type(), "{:?}", cells);
            }
        }

        #[test]
        fn parts_tell_the_same_of_a_column_as_the_whole(
            picks in proptest::collection::vec(0_usize..=CELLS.len(), 0..12),
            kind in 0_usize..CELLS.len(),
            cuts in proptest::collection::vec(0_usize..12, 2),
        ) {
            // Most cells are alike, so that there is something to tell; the last pick is a null.
            let picks = picks.iter().flat_map(|pick| [kind, *pick, kind]);
            let cells: Vec<Option<&str>> = picks.map(|pick| CELLS.get(pick).copied()).collect();
            let seen = |cells: &[Option<&str>]| {
                let mut seen = Seen::default();
                for cell in cells {
                    match cell {
                        Some(cell) => seen.value(cell.as_bytes()),
                        None => seen.null(),
                    }
                }
                seen
            };
            let mut parts = Seen::default();
            let mut rest = cells.as_slice();
            for cut in cuts {
                let (part, next) = rest.split_at(cut.min(rest.len()));
                parts.merge(&seen(part));
                rest = next;
            }
            parts.merge(&seen(rest));
            let whole = seen(&cells);
            prop_assert_eq!(parts.data_type(), whole.data_type(), "{:?}", &cells);
            prop_assert_eq!(parts.nearly("c"), whole.nearly("c"), "{:?}", &cells);
        }

        #[test]
        fn floats_in_every_usual_form_are_typed_and_keep_their_bits(
            values in proptest::collection::vec(any::<u64>().prop_map(f64::from_bits), 1..20),
            forms in proptest::collection::vec(0_usize..5, 20),
            zeros in 0_usize..4,
        ) {
            let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
            prop_assume!(!values.is_empty());
            let form = |(value, form): (&f64, &usize)| match form {
                0 => format!("{value:e}"),
                1 => format!("{value:.16e}"),
                2 => format!("{value:?}"),
                3 => serde_json::to_string(value).unwrap_or_default(),
                _ => {
                    let text = value.to_string();
                    // Digits without a point are whole numbers, and identifiers beyond 2^53.
                    let point = if text.contains('.') { "" } else { ".0" };
                    format!("{text}{point}{}", "0".repeat(zeros))
                }
            };
            let mut cells: Vec<String> = values.iter().zip(&forms).map(form).collect();
            // All cells with as many digits after the point would be decimals.
            cells.push("1e0".to_owned());
            let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
            prop_assert_eq!(seen(&texts).data_type(), DataType::Float64, "{:?}", texts);
            for (cell, value) in texts.iter().zip(&values) {
                let read = super::cells::float64(cell.as_bytes());
                prop_assert_eq!(read.map(f64::to_bits), Some(value.to_bits()), "{}", cell);
            }
        }

        #[test]
        fn identifiers_and_longer_digits_stay_text(
            id in prop_oneof![
                "0[0-9]{1,18}", "\\+[1-9][0-9]{0,18}", "[1-9][0-9]{19,30}",
                "90071992547409(9[3-9]|[9][4-9][0-9])[1-9]", "0\\.[1-9]{17}[0-9]{1,8}[1-9]",
            ],
            numbers in proptest::collection::vec(-1e6..1e6_f64, 1..5),
            at in 0_usize..5,
        ) {
            let mut cells: Vec<String> = numbers.iter().map(|value| format!("{value:?}")).collect();
            cells.insert(at.min(cells.len()), id);
            let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
            prop_assert_eq!(seen(&texts).data_type(), DataType::Utf8, "{:?}", texts);
        }
    }

    fn why(cells: &[&str]) -> Option<String> {
        let nearly = seen(cells).nearly("c")?;
        Some(format!(
            "row {}: {}; {} of {} {}",
            nearly.row, nearly.value, nearly.fits, nearly.values, nearly.kind
        ))
    }

    #[test]
    fn what_kept_a_column_from_a_type_is_told() {
        for (cells, expected) in [
            (&["1", "n/a", "2.5"][..], Some(r#"row 2: "n/a" is no number; 2 of 3 numbers"#)),
            (&["x", "1"], Some(r#"row 1: "x" is no number; 1 of 2 numbers"#)),
            (&["x", "1", "y"], None),
            (&["1", "007"], Some(r#"row 2: "007" begins with a zero; 1 of 2 numbers"#)),
            (&["1", "+5"], Some(r#"row 2: "+5" begins with a plus sign; 1 of 2 numbers"#)),
            (&["1", " 5"], Some(r#"row 2: " 5" has white space around it; 1 of 2 numbers"#)),
            (&["1", "1,5"], Some(r#"row 2: "1,5" has a comma; 1 of 2 numbers"#)),
            (
                &["0.5", "9007199254740993"],
                Some(
                    r#"row 2: "9007199254740993" has more digits than a Float64 keeps; 2 of 2 numbers"#,
                ),
            ),
            (
                &["12345678901234567890"],
                Some(
                    r#"row 1: "12345678901234567890" has more digits than 64 bits keep; 1 of 1 numbers"#,
                ),
            ),
            (
                &["true", "True"],
                Some(r#"row 2: "True" is spelled in another way than the first; 2 of 2 booleans"#),
            ),
            (&["true", "yes"], Some(r#"row 2: "yes" is no boolean; 1 of 2 booleans"#)),
            (
                &["2020-01-01", "2020-02-30"],
                Some(r#"row 2: "2020-02-30" is no date; 1 of 2 dates"#),
            ),
            (
                &["2020-01-01T00:00:00", "2020-01-01 00:00:00"],
                Some(
                    r#"row 2: "2020-01-01 00:00:00" is written in another form than the first; 2 of 2 timestamps"#,
                ),
            ),
            (
                &["2020-01-01T00:00:00.1234567", "9999-01-01T00:00:00"],
                Some(
                    r#"row 2: "9999-01-01T00:00:00" is outside of the years of nanoseconds; 2 of 2 timestamps"#,
                ),
            ),
            (&["12:00:00", "24:00:00"], Some(r#"row 2: "24:00:00" is no time; 1 of 2 times"#)),
            (&["a", "b"], None),
            (&["NaN"], None),
            (&["1", "2"], None),
        ] {
            assert_eq!(why(cells).as_deref(), expected, "{cells:?}");
        }
        let long = why(&["1", &"x\n".repeat(50)]).expect("should be told");
        assert!(long.starts_with(r#"row 2: "x\nx\n"#), "{long}");
        assert!(long.contains(r#"x\n…" is no number"#), "{long}");
    }
}
