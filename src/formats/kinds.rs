//! How many values of a column are of each kind, and the first value that is of another kind than the
//! first: what is told of a column that nearly has a type and became text.

use serde::{Deserialize, Serialize};

/// Characters of a value that are kept.
const SHOWN: usize = 40;

/// A value that was met, with its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met {
    /// How many rows come before it.
    pub(crate) before: u64,
    /// Its text, cut when it is long.
    pub(crate) text: String,
}

impl Met {
    pub(crate) fn new(before: u64, text: &str) -> Self {
        let mut text = text.to_owned();
        if let Some((end, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(end);
            text.push('…');
        }
        Self { before, text }
    }

    fn after(&self, rows: u64) -> Self {
        Self { before: self.before + rows, text: self.text.clone() }
    }
}

/// What a value is: its kind, and the form in which values of the kind are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sort {
    /// The index of its kind; `N` for a value without one.
    pub(crate) kind: usize,
    /// Values of one kind in several forms have no type in common.
    pub(crate) form: u8,
}

/// The values of a column, or of a part of it, in order. Values without a kind (words) are counted
/// nowhere, but may be the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kinds<const N: usize> {
    counts: [u64; N],
    first: Option<(Sort, Met)>,
    /// The first of another sort than the first.
    other: Option<(Sort, Met)>,
    /// The first that the kind's last type cannot hold beside all others.
    unheld: Option<(Sort, Met)>,
}

impl<const N: usize> Default for Kinds<N> {
    fn default() -> Self {
        Self { counts: [0; N], first: None, other: None, unheld: None }
    }
}

impl<const N: usize> Kinds<N> {
    /// Takes note of a value that comes after so many rows; `met` makes it only when it is kept.
    #[inline]
    pub(crate) fn add(&mut self, sort: Sort, met: impl FnOnce() -> Met) {
        self.count(sort, 1);
        match &self.first {
            None => self.first = Some((sort, met())),
            Some((first, _)) if *first != sort && self.other.is_none() => {
                self.other = Some((sort, met()));
            }
            Some(_) => {}
        }
    }

    /// Takes note of values of the sort that the first has.
    pub(crate) fn add_like_first(&mut self, count: u64) {
        if let Some((first, _)) = &self.first {
            self.count(*first, count);
        }
    }

    #[inline]
    fn count(&mut self, sort: Sort, count: u64) {
        if let Some(counted) = self.counts.get_mut(sort.kind) {
            *counted += count;
        }
    }

    /// Whether no further value without a kind makes a difference.
    #[inline]
    pub(crate) fn knows_words(&self) -> bool {
        self.other.is_some() || matches!(self.first, Some((Sort { kind, .. }, _)) if kind == N)
    }

    /// Takes note of a value that has no type in common with others of its kind.
    #[inline]
    pub(crate) fn add_unheld(&mut self, sort: Sort, met: impl FnOnce() -> Met) {
        if self.unheld.is_none() {
            self.unheld = Some((sort, met()));
        }
    }

    /// Adds the values that come after these, of which there are so many rows; so many of the later
    /// are like their first and not yet counted.
    pub(crate) fn merge(&mut self, rows: u64, later: &Self, uncounted: u64) {
        for (count, more) in self.counts.iter_mut().zip(later.counts) {
            *count += more;
        }
        if let Some((first, _)) = &later.first {
            self.count(*first, uncounted);
        }
        let moved = |(sort, met): &(Sort, Met)| (*sort, met.after(rows));
        let is_other =
            |later: &&(Sort, Met)| self.first.as_ref().is_some_and(|(first, _)| *first != later.0);
        if self.other.is_none() {
            let first = later.first.as_ref().filter(is_other);
            self.other = first.or(later.other.as_ref()).map(moved);
        }
        if self.unheld.is_none() {
            self.unheld = later.unheld.as_ref().map(moved);
        }
        if self.first.is_none() {
            self.first = later.first.as_ref().map(moved);
        }
    }

    /// Returns the kind that at least half of so many values have, with how many have it, and the
    /// first value that has not or that keeps it from a type.
    pub(crate) fn most(&self, values: u64) -> Option<Most<'_>> {
        // `max_by_key` takes the last of equals: reversed, the first wins.
        let (kind, fits) =
            self.counts.iter().copied().enumerate().rev().max_by_key(|(_, count)| *count)?;
        if fits * 2 < values {
            return None;
        }
        let first = self.first.as_ref()?;
        let ((sort, met), kept) = match (&self.other, &self.unheld) {
            _ if first.0.kind != kind => (first, Kept::OfAnotherKind),
            (Some(other), _) if other.0.kind != kind => (other, Kept::OfAnotherKind),
            (Some(other), _) => (other, Kept::InAnotherForm),
            (None, Some(unheld)) => (unheld, Kept::Unheld),
            (None, None) => return None,
        };
        Some(Most { kind, fits, values, sort: *sort, met, kept })
    }
}

/// Why a value kept its column from being of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    OfAnotherKind,
    InAnotherForm,
    Unheld,
}

/// What most values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Most<'k> {
    pub(crate) kind: usize,
    pub(crate) fits: u64,
    pub(crate) values: u64,
    /// What the value is that kept the column from a type.
    pub(crate) sort: Sort,
    pub(crate) met: &'k Met,
    pub(crate) kept: Kept,
}

impl Most<'_> {
    /// Returns it as it is told: the kind as a plural, and the value with what is wrong with it.
    pub(crate) fn told(&self, column: &str, kind: &str, value: String) -> NearlyTyped {
        NearlyTyped {
            column: column.to_owned(),
            kind: kind.to_owned(),
            fits: self.fits,
            values: self.values,
            row: self.met.before + 1,
            value,
        }
    }
}

/// A column of text in a file at least half of whose values are of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NearlyTyped {
    /// Its name.
    pub column: String,
    /// The kind, as a noun in the plural: `numbers`.
    pub kind: String,
    /// How many values are of the kind.
    pub fits: u64,
    /// How many values there are, without nulls.
    pub values: u64,
    /// The row of the first value that kept it from a type, 1 for the first of the file.
    pub row: u64,
    /// That value and what is wrong with it, in words.
    pub value: String,
}
