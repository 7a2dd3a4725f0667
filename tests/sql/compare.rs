//! Makes the rows of the engines comparable: each column has a family, and a value one form in it.

use std::fmt;

use serde_json::Value;

use crate::statement::Family;

/// How exactly the values of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Closeness {
    /// Every digit.
    Exact,
    /// A sum of floats depends on the order of its rows, so its last digits may differ: relative to the
    /// larger one. NaN and infinities are compared exactly.
    Sum,
    /// The mean of decimals is a decimal with four digits more in Mason and a float in DuckDB.
    MeanOfDecimals,
}

/// A column of a statement's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Output {
    pub(crate) family: Family,
    pub(crate) closeness: Closeness,
}

/// A value as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    /// Whole numbers and decimals by their digits, times by their text.
    Exact(String),
    /// Floats by their bits, but for the sign of zero and that of NaN.
    Float(f64),
    /// A value that is none of its column's family.
    Strange(String),
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Exact(text) => write!(formatter, "{text:?}"),
            Self::Float(number) => write!(formatter, "{number:?}"),
            Self::Strange(text) => write!(formatter, "of another type: {text}"),
        }
    }
}

/// Returns rows of Mason's JSON as they are compared.
pub(crate) fn of_mason(rows: &[Vec<Value>], outputs: &[Output]) -> Vec<Vec<Cell>> {
    let cell = |value: &Value, output: &Output| match (output.family, value) {
        (_, Value::Null) => Cell::Null,
        (Family::Double, Value::Number(number)) => float(number.as_f64().unwrap_or(f64::NAN)),
        (Family::Double, Value::String(word)) => {
            word.parse().map_or_else(|_| strange(value), float)
        }
        (Family::Integer | Family::Decimal, Value::Number(number)) => digits(&number.to_string()),
        (Family::Integer | Family::Decimal, Value::String(number)) => digits(number),
        (Family::Boolean, Value::Bool(truth)) => Cell::Exact(truth.to_string()),
        (Family::Text, Value::String(text)) => Cell::Exact(text.clone()),
        (Family::Date | Family::Timestamp | Family::Instant, Value::String(text)) => time(text),
        _ => strange(value),
    };
    all(rows, outputs, cell)
}

/// Returns rows of a peer's tagged values as they are compared.
pub(crate) fn of_peer(rows: &[Vec<Value>], outputs: &[Output]) -> Vec<Vec<Cell>> {
    let cell = |value: &Value, output: &Output| {
        let tagged = value.as_object().and_then(|object| object.iter().next());
        let Some((tag, inner)) = tagged else { return Cell::Null };
        let text = inner.as_str().unwrap_or_default();
        match (output.family, tag.as_str()) {
            (Family::Double, "number" | "exact") => {
                text.parse().map_or_else(|_| strange(value), float)
            }
            (Family::Integer | Family::Decimal, "number" | "exact")
                if output.closeness == Closeness::MeanOfDecimals =>
            {
                text.parse().map_or_else(|_| strange(value), float)
            }
            (Family::Integer | Family::Decimal, "number" | "exact") => digits(text),
            (Family::Boolean, "boolean") => Cell::Exact(inner.to_string()),
            (Family::Boolean, "number") => Cell::Exact((text != "0").to_string()),
            (Family::Text, "text") => Cell::Exact(text.to_owned()),
            (Family::Date | Family::Timestamp | Family::Instant, "time" | "text") => time(text),
            _ => strange(value),
        }
    };
    all(rows, outputs, cell)
}

fn all(
    rows: &[Vec<Value>],
    outputs: &[Output],
    cell: impl Fn(&Value, &Output) -> Cell,
) -> Vec<Vec<Cell>> {
    let row = |row: &Vec<Value>| {
        let known = row.iter().zip(outputs).map(|(value, output)| cell(value, output));
        // A value beyond the statement's columns equals nothing.
        known.chain(row.iter().skip(outputs.len()).map(strange)).collect()
    };
    rows.iter().map(row).collect()
}

fn strange(value: &Value) -> Cell {
    Cell::Strange(value.to_string())
}

fn float(number: f64) -> Cell {
    Cell::Float(if number == 0.0 { 0.0 } else { number })
}

/// Digits without an exponent, without zeros at the end of a fraction, without the sign of zero.
fn digits(number: &str) -> Cell {
    let (number, exponent) = match number.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().unwrap_or(0)),
        None => (number, 0),
    };
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut digits = format!("{whole}{fraction}");
    let mut point = i32::try_from(whole.len()).expect("should be short") + exponent;
    while point > i32::try_from(digits.len()).expect("should be short") {
        digits.push('0');
    }
    while point < 1 {
        digits.insert(0, '0');
        point += 1;
    }
    let (whole, fraction) = digits.split_at(usize::try_from(point).expect("should be positive"));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if whole == "0" && fraction.is_empty() { "" } else { sign };
    Cell::Exact(format!("{sign}{whole}{point}{fraction}"))
}

/// A date or time without what may be written or not.
fn time(text: &str) -> Cell {
    let text = text.replace(' ', "T");
    let text = text.strip_suffix('Z').or(text.strip_suffix("+00:00")).unwrap_or(&text);
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    Cell::Exact(text.to_owned())
}

fn same(left: &Cell, right: &Cell, closeness: Closeness) -> bool {
    let near = |left: f64, right: f64, most: f64| {
        left.to_bits() == right.to_bits()
            || (left.is_nan() && right.is_nan())
            || (left.is_finite() && right.is_finite() && (left - right).abs() <= most)
    };
    match (left, right, closeness) {
        (Cell::Float(left), Cell::Float(right), Closeness::Sum) => {
            near(*left, *right, 1e-12 * left.abs().max(right.abs()))
        }
        (Cell::Exact(left), Cell::Float(right), Closeness::MeanOfDecimals) => {
            let Ok(left) = left.parse::<f64>() else { return false };
            near(left, *right, 1e-4 + 1e-12 * right.abs())
        }
        (Cell::Float(left), Cell::Float(right), _) => near(*left, *right, 0.0),
        (Cell::Strange(_), _, _) | (_, Cell::Strange(_), _) => false,
        (left, right, _) => left == right,
    }
}

/// Returns how the rows of Mason differ from those of a peer, or nothing. In order when the statement
/// orders all columns, else as a multiset.
pub(crate) fn difference(
    mason: &[Vec<Cell>],
    peer: &[Vec<Cell>],
    outputs: &[Output],
    ordered: bool,
) -> Option<String> {
    if mason.len() != peer.len() {
        return Some(format!("{} rows instead of {}", mason.len(), peer.len()));
    }
    let columns = |rows: &[Vec<Cell>]| rows.first().map_or(0, Vec::len);
    if columns(mason) != columns(peer) {
        return Some(format!("{} columns instead of {}", columns(mason), columns(peer)));
    }
    let fits = |left: &[Cell], right: &[Cell]| {
        let pairs = left.iter().zip(right).zip(outputs);
        left.len() == right.len()
            && left.len() <= outputs.len()
            && pairs.into_iter().all(|((left, right), output)| same(left, right, output.closeness))
    };
    if ordered {
        let at = mason.iter().zip(peer).position(|(left, right)| !fits(left, right))?;
        return Some(format!("row {at} is {} instead of {}", shown(&mason[at]), shown(&peer[at])));
    }
    let mut left: Vec<&Vec<Cell>> = mason.iter().collect();
    for wanted in peer {
        match left.iter().position(|row| fits(row, wanted)) {
            Some(at) => drop(left.swap_remove(at)),
            None => return Some(format!("no row is {}", shown(wanted))),
        }
    }
    None
}

/// Returns a row for people.
pub(crate) fn shown(row: &[Cell]) -> String {
    let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
    format!("({})", cells.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digits_have_one_form() {
        for (one, other) in [
            ("1.50", "1.5"),
            ("-0.00", "0"),
            ("0E-6", "0"),
            ("12E-3", "0.012"),
            ("1.2E+3", "1200"),
            ("-100", "-1E2"),
        ] {
            assert_eq!(digits(one), digits(other), "{one} {other}");
        }
        assert_ne!(digits("9007199254740993"), digits("9007199254740992"));
    }

    #[test]
    fn only_sums_are_compared_by_their_first_digits() {
        let (one, other) = (Cell::Float(0.1 + 0.2), Cell::Float(0.3));
        assert!(same(&one, &other, Closeness::Sum) && !same(&one, &other, Closeness::Exact));
        assert!(same(&float(f64::NAN), &float(-f64::NAN), Closeness::Exact));
        assert!(same(&float(-0.0), &float(0.0), Closeness::Exact));
        assert!(!same(&Cell::Null, &Cell::Exact(String::new()), Closeness::Exact));
        assert!(!same(&Cell::Float(1e300), &Cell::Float(f64::INFINITY), Closeness::Sum));
        let mean = Cell::Exact("1.3333".to_owned());
        assert!(same(&mean, &Cell::Float(4.0 / 3.0), Closeness::MeanOfDecimals));
        assert!(!same(&mean, &Cell::Float(1.335), Closeness::MeanOfDecimals));
    }

    #[test]
    fn another_number_of_columns_is_a_difference() {
        let outputs = [Output { family: Family::Integer, closeness: Closeness::Exact }];
        let mason = of_mason(&[vec![json!(1), json!(2)]], &outputs);
        let peer = of_peer(&[vec![json!({"number": "1"})]], &outputs);
        let expected = Some("2 columns instead of 1".to_owned());
        assert_eq!(difference(&mason, &peer, &outputs, false), expected);
        assert_eq!(difference(&peer, &peer, &outputs, false), None);
        assert!(difference(&mason, &mason, &outputs, false).is_some(), "more than were asked for");
    }

    #[test]
    fn rows_are_a_multiset_unless_ordered() {
        let row = |text: &str| vec![Cell::Exact(text.to_owned())];
        let text = [Output { family: Family::Text, closeness: Closeness::Exact }];
        let (one, other) = ([row("a"), row("b")], [row("b"), row("a")]);
        assert_eq!(difference(&one, &other, &text, false), None);
        assert!(difference(&one, &other, &text, true).is_some());
        assert!(difference(&[row("a"), row("a")], &one, &text, false).is_some());
    }
}
