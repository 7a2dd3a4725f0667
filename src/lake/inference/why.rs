//! Why columns that nearly have a type are text: told over all files of a table. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::datatypes::DataType;

use super::shape::Found;
use crate::engines::schema::Schema;
use crate::formats::kinds::NearlyTyped;

/// A column is told of when at least so many of a hundred values are of the other kind.
const PERCENT: u64 = 90;

/// What the files have of a column so far.
struct Sum<'f> {
    nearly: &'f NearlyTyped,
    path: &'f str,
    fits: u64,
    values: u64,
}

/// Returns what kept columns of text from a type, by name: columns of which at least nine tenths of
/// all values, and half of those of every file, are of one other kind.
pub(super) fn why_text(schema: &Schema, found: &[Found<'_>]) -> BTreeMap<String, String> {
    let is_text = |name: &str| {
        let column = schema.columns.iter().find(|column| column.name == name);
        column.is_some_and(|column| column.data_type.0 == DataType::Utf8)
    };
    let mut sums: BTreeMap<&str, Sum<'_>> = BTreeMap::new();
    let mut words: HashSet<&str> = HashSet::new();
    for (file, one) in found {
        let nearly: HashMap<&str, &NearlyTyped> =
            one.nearly.iter().map(|nearly| (nearly.column.as_str(), nearly)).collect();
        for column in &one.shape.schema.columns {
            let name = column.name.as_str();
            match nearly.get(name) {
                Some(nearly) if is_text(name) => {
                    let path = file.path.as_str();
                    let sum = sums.entry(name).or_insert(Sum { nearly, path, fits: 0, values: 0 });
                    if sum.nearly.kind != nearly.kind {
                        words.insert(name);
                    }
                    sum.fits += nearly.fits;
                    sum.values += nearly.values;
                }
                None if column.data_type.0 != DataType::Null => {
                    words.insert(name);
                }
                _ => {}
            }
        }
    }
    sums.into_iter()
        .filter(|(name, sum)| !words.contains(name) && sum.fits * 100 >= sum.values * PERCENT)
        .map(|(name, sum)| (name.to_owned(), sum.in_words(found.len() > 1)))
        .collect()
}

impl Sum<'_> {
    fn in_words(&self, several: bool) -> String {
        let NearlyTyped { row, value, kind, .. } = self.nearly;
        let place =
            if several { format!("`{}`, row {row}", self.path) } else { format!("row {row}") };
        let (fits, values) = (grouped(self.fits), grouped(self.values));
        match self.values {
            all if all == self.fits => format!("{place}: {value}; all {values} cells are {kind}"),
            _ => format!("{place}: {value}; {fits} of {values} cells are {kind}"),
        }
    }
}

/// Returns a number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let all = [0, 12, 999, 1_000, 1_458, 1_234_567].map(grouped);
        assert_eq!(all, ["0", "12", "999", "1,000", "1,458", "1,234,567"]);
    }
}
