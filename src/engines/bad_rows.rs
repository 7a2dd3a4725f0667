//! What happens to values, rows and files that cannot be read, and what is said of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counted::counted;

/// What happens to a value or row that cannot be read or converted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BadRows {
    /// The job fails and names file, row and column.
    #[default]
    Fail,
    /// The whole file is left out, and counted.
    Reject,
    /// The row is left out, and counted.
    Skip,
    /// The value is null, and counted; a broken row has nulls only.
    Null,
}

/// A place in a file where something is bad.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BadPlace {
    /// The file.
    pub path: String,
    /// The row, 1 for the first after the header; 0 for the file as a whole.
    pub row: u64,
    /// What is bad, in words.
    pub why: String,
}

/// How many bad places there are, with the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The first by path and row, at most [`Tally::SHOWN`].
    pub first: Vec<BadPlace>,
}

impl Tally {
    /// Places that are named.
    pub const SHOWN: usize = 3;

    /// Returns whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.count == 0
    }

    /// Counts a place; `why` is only asked for where it is shown.
    pub fn add(&mut self, path: &str, row: u64, why: impl FnOnce() -> String) {
        self.count += 1;
        let comes_before = |last: &BadPlace| (path, row) < (last.path.as_str(), last.row);
        if self.first.len() < Self::SHOWN || self.first.last().is_some_and(comes_before) {
            self.keep(BadPlace { path: path.to_owned(), row, why: why() });
        }
    }

    fn keep(&mut self, place: BadPlace) {
        let at = self.first.partition_point(|known| *known <= place);
        self.first.insert(at, place);
        self.first.truncate(Self::SHOWN);
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        other.first.iter().for_each(|place| self.keep(place.clone()));
    }

    /// Keeps the larger of two counts of the same places.
    fn at_least(&mut self, other: &Self) {
        if other.count > self.count {
            self.clone_from(other);
        }
    }

    fn places(&self, in_words: impl Fn(&BadPlace) -> String) -> String {
        let shown: Vec<String> = self.first.iter().map(in_words).collect();
        let more = self.count.saturating_sub(u64::try_from(shown.len()).unwrap_or(u64::MAX));
        match more {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

/// What was bad in files that were read, and is not part of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Bad {
    /// Files that were left out.
    pub files: Tally,
    /// Rows that were left out.
    pub rows: Tally,
    /// Broken rows that are null in every column.
    pub blanked: Tally,
    /// Cells that are null because they did not fit, by column.
    pub cells: BTreeMap<String, Tally>,
    /// Files with columns that their table does not have, by column.
    pub unknown: BTreeMap<String, Tally>,
}

impl Bad {
    /// Columns of a file that its table does not have, as many as are kept: objects may have any keys.
    const MOST_UNKNOWN: usize = 1_000;

    /// Returns whether nothing was bad.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a cell that is null because it did not fit.
    pub fn add_cell(&mut self, column: &str, row: u64, why: impl FnOnce() -> String) {
        if let Some(cells) = self.cells.get_mut(column) {
            cells.add("", row, why);
        } else {
            self.cells.entry(column.to_owned()).or_default().add("", row, why);
        }
    }

    /// Adds what was bad elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.files.merge(&other.files);
        self.rows.merge(&other.rows);
        self.blanked.merge(&other.blanked);
        for (column, cells) in &other.cells {
            self.cells.entry(column.clone()).or_default().merge(cells);
        }
        for (column, files) in &other.unknown {
            self.unknown.entry(column.clone()).or_default().merge(files);
        }
    }

    /// Counts a file with a column that its table does not have, once; beyond
    /// [`Bad::MOST_UNKNOWN`] columns none is added.
    pub fn add_unknown(&mut self, column: &str, path: &str) {
        if !self.unknown.contains_key(column) && self.unknown.len() < Self::MOST_UNKNOWN {
            let mut files = Tally::default();
            files.add(path, 0, String::new);
            self.unknown.insert(column.to_owned(), files);
        }
    }

    /// Adds what was bad in a part of a file that begins after `before` rows.
    pub fn add_part(&mut self, mut part: Self, path: &str, before: u64) {
        for column in std::mem::take(&mut part.unknown).into_keys() {
            self.add_unknown(&column, path);
        }
        let place = |tally: &mut Tally| {
            for place in &mut tally.first {
                path.clone_into(&mut place.path);
                place.row += before;
            }
        };
        [&mut part.files, &mut part.rows, &mut part.blanked].into_iter().for_each(place);
        part.cells.values_mut().for_each(place);
        self.merge(&part);
    }

    /// Takes what was bad in another reading of the same file: each bad place counts once, however
    /// often and in whichever columns the file is read.
    pub fn unite(&mut self, other: &Self) {
        self.files.at_least(&other.files);
        self.rows.at_least(&other.rows);
        self.blanked.at_least(&other.blanked);
        for (column, cells) in &other.cells {
            self.cells.entry(column.clone()).or_default().at_least(cells);
        }
        for (column, files) in &other.unknown {
            self.unknown.entry(column.clone()).or_default().at_least(files);
        }
    }

    /// Returns what is said of it, a sentence for each way in which something is not as it stands.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let row = |place: &BadPlace| format!("`{}` row {} ({})", place.path, place.row, place.why);
        let mut warnings = Vec::new();
        if self.files.count > 0 {
            let (files, verb) = (counted(self.files.count, "file"), were(self.files.count));
            let places = self.files.places(|place| place.why.clone());
            warnings.push(format!("{files} {verb} left out: {places}"));
        }
        if self.rows.count > 0 {
            let (rows, verb) = (counted(self.rows.count, "row"), were(self.rows.count));
            warnings.push(format!("{rows} {verb} left out: {}", self.rows.places(row)));
        }
        if self.blanked.count > 0 {
            let (rows, verb) = (counted(self.blanked.count, "row"), were(self.blanked.count));
            let places = self.blanked.places(row);
            warnings.push(format!("{rows} {verb} broken and null in every column: {places}"));
        }
        let all: u64 = self.cells.values().map(|cells| cells.count).sum();
        if all > 0 {
            let cells = counted(all, "cell");
            let column = |(name, cells): (&String, &Tally)| {
                format!("{} in column `{name}`, {}", cells.count, cells.places(row))
            };
            let be = if all == 1 { "is" } else { "are" };
            let columns = some_of(&self.cells, column);
            warnings.push(format!("{cells} did not fit and {be} null: {columns}"));
        }
        if !self.unknown.is_empty() {
            let column = |(name, files): (&String, &Tally)| {
                format!("`{name}` in {}", files.places(|place| format!("`{}`", place.path)))
            };
            warnings.push(format!(
                "columns that the table does not have were not read: {}; `table/merge` makes one table of \
                 files that differ",
                some_of(&self.unknown, column)
            ));
        }
        warnings
    }
}

/// Columns whose cells are named.
const COLUMNS: usize = 5;

/// Returns the words of the first columns, and how many more there are.
fn some_of(
    columns: &BTreeMap<String, Tally>,
    in_words: impl Fn((&String, &Tally)) -> String,
) -> String {
    let shown: Vec<String> = columns.iter().take(COLUMNS).map(in_words).collect();
    let more = match columns.len().saturating_sub(COLUMNS) {
        0 => String::new(),
        1 => "; 1 more column".to_owned(),
        more => format!("; {more} more columns"),
    };
    format!("{}{more}", shown.join("; "))
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(path: &str, rows: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for row in rows {
            tally.add(path, *row, || "why".to_owned());
        }
        tally
    }

    #[test]
    fn the_first_places_are_named_in_whichever_order_they_are_counted() {
        let forwards = tally("a", &[1, 2, 3, 4, 5]);
        assert_eq!(forwards, tally("a", &[5, 3, 1, 4, 2]));
        let mut merged = tally("a", &[5, 4]);
        merged.merge(&tally("a", &[1, 2, 3]));
        assert_eq!(merged, forwards);
        let rows: Vec<u64> = forwards.first.iter().map(|place| place.row).collect();
        assert_eq!((forwards.count, rows), (5, vec![1, 2, 3]));
    }

    #[test]
    fn warnings_count_and_name_the_first_places() {
        let mut bad = Bad { rows: tally("a.csv", &[2, 9, 11, 12]), ..Bad::default() };
        bad.blanked = tally("b.csv", &[1]);
        bad.add_part(
            Bad { cells: BTreeMap::from([("x".to_owned(), tally("", &[1]))]), ..Bad::default() },
            "c.csv",
            6,
        );
        assert_eq!(
            bad.warnings(),
            [
                "4 rows were left out: `a.csv` row 2 (why), `a.csv` row 9 (why), `a.csv` row 11 (why) and 1 more",
                "1 row was broken and null in every column: `b.csv` row 1 (why)",
                "1 cell did not fit and is null: 1 in column `x`, `c.csv` row 7 (why)",
            ]
        );
        assert!(Bad::default().warnings().is_empty());
    }

    #[test]
    fn a_file_that_is_read_twice_counts_once() {
        let cells = |column: &str, rows: &[u64]| Bad {
            rows: tally("a", &[1]),
            cells: BTreeMap::from([(column.to_owned(), tally("a", rows))]),
            ..Bad::default()
        };
        let mut bad = cells("x", &[3, 4]);
        bad.unite(&cells("y", &[5]));
        bad.unite(&cells("x", &[3]));
        assert_eq!((bad.rows.count, bad.cells["x"].count, bad.cells["y"].count), (1, 2, 1));
    }
}
