//! How often values occur: exact while they fit, then the most frequent ones.
//!
//! When a table is full, the median of its counts is taken off every count, and values left
//! without a count go. What was taken off in all is the most by which a count is too low, and the
//! most that a value outside the table can have.
//!
//! # Source
//! Misra, Gries: Finding repeated elements (1982); Anderson and others: A high-performance algorithm
//! for identifying frequent items in data streams (2017), <https://arxiv.org/abs/1705.07001>.

use hashbrown::HashTable;

use super::hash::{Key, hash_bytes};

/// How many values an approximate table holds.
pub(super) const CAPACITY: usize = 6144;
/// How many bytes of text an approximate table holds.
const TEXT_CAPACITY: usize = 4 << 20;
/// An approximate table tells longer texts apart by their beginning, length and hash. The beginning
/// has more characters than an answer shows.
const STORED_TEXT: usize = 1028;

/// How large a table may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Up to a fixed number of values.
    Fixed,
    /// As large as there are values; texts are kept whole.
    Growing,
}

/// Returns what a table takes, and takes while it grows when it is about to: the old one and the new
/// one, which is twice as large.
fn allocated_bytes<T>(table: &HashTable<T>) -> usize {
    /// At least the rows of a batch.
    const ABOUT_TO_GROW: usize = 8192;
    let times = if table.capacity() - table.len() < ABOUT_TO_GROW { 3 } else { 1 };
    table.allocation_size() * times
}

/// Counts of values of fixed size.
#[derive(Debug, Clone)]
pub(super) struct Frequencies<K> {
    table: HashTable<(K, u64)>,
    room: Room,
    undercount: u64,
}

impl<K: Key> Frequencies<K> {
    pub(super) fn new(room: Room) -> Self {
        Self { table: HashTable::new(), room, undercount: 0 }
    }

    /// Returns how much every count may be too low.
    pub(super) fn undercount(&self) -> u64 {
        self.undercount
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        allocated_bytes(&self.table)
    }

    /// Counts values until one does not fit, and returns how many were counted.
    pub(super) fn fill(&mut self, keys: &[K]) -> usize {
        let capacity = if self.room == Room::Fixed { CAPACITY } else { usize::MAX };
        for (position, key) in keys.iter().enumerate() {
            let hash = key.hash();
            if let Some(entry) = self.table.find_mut(hash, |entry| entry.0 == *key) {
                entry.1 += 1;
            } else if self.table.len() < capacity {
                self.table.insert_unique(hash, (*key, 1), |entry| entry.0.hash());
            } else {
                return position;
            }
        }
        keys.len()
    }

    /// Counts values, dropping rare ones when there is no room, and names the hash of every value
    /// that was not in the table.
    pub(super) fn count(&mut self, keys: &[K], mut on_new: impl FnMut(u64)) {
        for key in keys {
            let hash = key.hash();
            if let Some(entry) = self.table.find_mut(hash, |entry| entry.0 == *key) {
                entry.1 += 1;
                continue;
            }
            on_new(hash);
            if self.table.len() >= CAPACITY {
                self.purge();
            }
            self.table.insert_unique(hash, (*key, 1), |entry| entry.0.hash());
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, count) in &other.table {
            let hash = key.hash();
            match self.table.find_mut(hash, |entry| entry.0 == *key) {
                Some(entry) => entry.1 += count,
                None => {
                    self.table.insert_unique(hash, (*key, *count), |entry| entry.0.hash());
                }
            }
        }
        self.undercount += other.undercount;
    }

    /// Drops rare values until the table is as small as it may be.
    pub(super) fn shrink(&mut self) {
        while self.table.len() > CAPACITY {
            self.purge();
        }
    }

    /// Returns every value with its count, the smallest value first.
    pub(super) fn sorted(&self) -> Vec<(K, u64)> {
        let mut all: Vec<_> = self.table.iter().copied().collect();
        all.sort_unstable();
        all
    }

    fn purge(&mut self) {
        let mut counts: Vec<u64> = self.table.iter().map(|entry| entry.1).collect();
        let cut = median(&mut counts);
        self.table.retain(|entry| {
            entry.1 = entry.1.saturating_sub(cut);
            entry.1 > 0
        });
        self.undercount += cut;
    }
}

fn median(counts: &mut [u64]) -> u64 {
    let middle = counts.len() / 2;
    if counts.is_empty() { 0 } else { *counts.select_nth_unstable(middle).1 }
}

/// Counts of texts or bytes.
#[derive(Debug, Clone)]
pub(super) struct TextFrequencies {
    table: HashTable<TextEntry>,
    bytes: Vec<u8>,
    room: Room,
    undercount: u64,
}

#[derive(Debug, Clone, Copy)]
struct TextEntry {
    hash: u64,
    count: u64,
    begin: usize,
    stored: usize,
    length: usize,
}

impl TextFrequencies {
    pub(super) fn new(room: Room) -> Self {
        Self { table: HashTable::new(), bytes: Vec::new(), room, undercount: 0 }
    }

    pub(super) fn undercount(&self) -> u64 {
        self.undercount
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The bytes of texts move into twice the room when they grow, which a single text may cause.
    pub(super) fn memory_bytes(&self) -> usize {
        allocated_bytes(&self.table) + 3 * self.bytes.capacity()
    }

    /// Counts a text that is in the table already, and says whether it was.
    #[inline]
    pub(super) fn increment(&mut self, hash: u64, text: &[u8]) -> bool {
        let bytes = &self.bytes;
        match self.table.find_mut(hash, |entry| entry.is(hash, text, bytes)) {
            Some(entry) => {
                entry.count += 1;
                true
            }
            None => false,
        }
    }

    /// Returns whether a further text fits.
    pub(super) fn has_room(&self, text: &[u8]) -> bool {
        let stored = self.bytes.len() + self.stored(text).len();
        self.room == Room::Growing || (self.table.len() < CAPACITY && stored <= TEXT_CAPACITY)
    }

    /// Takes up a text that is not in the table, dropping rare ones when there is no room.
    pub(super) fn insert(&mut self, hash: u64, text: &[u8]) {
        while !self.has_room(text) {
            self.purge();
        }
        self.put(hash, self.stored(text), text.len(), 1);
    }

    /// Returns what is kept of a text: all of it when figures must be exact.
    fn stored<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        match self.room {
            Room::Fixed => &text[..text.len().min(STORED_TEXT)],
            Room::Growing => text,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for entry in &other.table {
            let stored = entry.stored_in(&other.bytes);
            let bytes = &self.bytes;
            let same = |mine: &TextEntry| {
                mine.hash == entry.hash
                    && mine.length == entry.length
                    && mine.stored_in(bytes) == stored
            };
            match self.table.find_mut(entry.hash, same) {
                Some(mine) => mine.count += entry.count,
                None => self.put(entry.hash, stored, entry.length, entry.count),
            }
        }
        self.undercount += other.undercount;
    }

    /// Drops rare texts until the table is as small as it may be.
    pub(super) fn shrink(&mut self) {
        while self.table.len() > CAPACITY || self.bytes.len() > TEXT_CAPACITY {
            self.purge();
        }
    }

    /// Returns whether the table is no larger than it may be.
    pub(super) fn fits(&self) -> bool {
        self.room == Room::Growing
            || (self.table.len() <= CAPACITY && self.bytes.len() <= TEXT_CAPACITY)
    }

    /// Returns the hash of every text.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.table.iter().map(|entry| entry.hash)
    }

    /// Returns every text (its beginning, when it is long) with its length and count.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], usize, u64)> {
        self.table.iter().map(|entry| (entry.stored_in(&self.bytes), entry.length, entry.count))
    }

    fn put(&mut self, hash: u64, stored: &[u8], length: usize, count: u64) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(stored);
        let entry = TextEntry { hash, count, begin, stored: stored.len(), length };
        self.table.insert_unique(hash, entry, |entry| entry.hash);
    }

    fn purge(&mut self) {
        let mut counts: Vec<u64> = self.table.iter().map(|entry| entry.count).collect();
        let cut = median(&mut counts);
        let before = std::mem::take(&mut self.bytes);
        let bytes = &mut self.bytes;
        self.table.retain(|entry| {
            entry.count = entry.count.saturating_sub(cut);
            if entry.count > 0 {
                let begin = bytes.len();
                bytes.extend_from_slice(entry.stored_in(&before));
                entry.begin = begin;
            }
            entry.count > 0
        });
        self.undercount += cut;
    }
}

impl TextEntry {
    fn stored_in<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.begin..self.begin + self.stored]
    }

    fn is(&self, hash: u64, text: &[u8], bytes: &[u8]) -> bool {
        self.hash == hash
            && self.length == text.len()
            && self.stored_in(bytes) == &text[..self.stored]
    }
}

/// Returns a text's hash.
pub(super) fn text_hash(text: &[u8]) -> u64 {
    hash_bytes(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn counts_are_low_by_no_more_than_stated() {
        let mut frequencies = Frequencies::new(Room::Fixed);
        let mut exact: HashMap<u64, u64> = HashMap::new();
        let values: Vec<u64> = (0..200_000_u64)
            .map(|row| if row % 3 == 0 { row % 50 } else { row.hash() % 100_000 })
            .collect();
        frequencies.count(&values, |_| ());
        for value in values {
            *exact.entry(value).or_default() += 1;
        }
        let kept: HashMap<u64, u64> = frequencies.sorted().into_iter().collect();
        assert!(frequencies.undercount() > 0 && frequencies.undercount() <= 2 * 200_000 / 6144 + 1);
        for (value, count) in exact {
            let found = kept.get(&value).copied().unwrap_or(0);
            assert!(found <= count && count <= found + frequencies.undercount());
        }
    }

    #[test]
    fn texts_are_counted_like_numbers() {
        let mut texts = TextFrequencies::new(Room::Fixed);
        let mut exact: HashMap<String, u64> = HashMap::new();
        for row in 0..60_000_u64 {
            let text = if row % 4 == 0 { "often".to_owned() } else { format!("rare {row}") };
            let hash = text_hash(text.as_bytes());
            if !texts.increment(hash, text.as_bytes()) {
                texts.insert(hash, text.as_bytes());
            }
            *exact.entry(text).or_default() += 1;
        }
        for (text, length, count) in texts.entries() {
            let text = std::str::from_utf8(text).expect("should be text");
            assert_eq!(text.len(), length);
            assert!(count <= exact[text] && exact[text] <= count + texts.undercount());
        }
        assert!(texts.entries().any(|(text, _, count)| text == b"often" && count > 14_000));
    }

    #[test]
    fn long_texts_are_told_apart_without_being_kept() {
        let mut texts = TextFrequencies::new(Room::Fixed);
        for end in ["a", "b"] {
            let text = "x".repeat(100_000) + end;
            let hash = text_hash(text.as_bytes());
            assert!(!texts.increment(hash, text.as_bytes()));
            texts.insert(hash, text.as_bytes());
            assert!(texts.increment(hash, text.as_bytes()));
        }
        assert_eq!(texts.len(), 2);
        assert!(texts.memory_bytes() < 10_000);
    }
}
