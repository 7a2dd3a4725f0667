//! Texts and bytes.

use super::distinct::DistinctSketch;
use super::floats::to_float;
use super::frequent::{Room, TextFrequencies, text_hash};
use super::numbers::most_frequent;

/// What is known of a column of texts or bytes, compared byte by byte.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    least: Option<Vec<u8>>,
    greatest: Option<Vec<u8>>,
    frequencies: TextFrequencies,
    sketch: Option<DistinctSketch>,
}

/// What came of it. A text longer than what is kept of it is given with its length.
pub(super) struct TextsFound {
    pub(super) least: Option<Vec<u8>>,
    pub(super) greatest: Option<Vec<u8>>,
    /// How many distinct values, and whether that is exact.
    pub(super) distinct: (f64, bool),
    /// Text and its length, with the count.
    pub(super) frequent: Vec<((Vec<u8>, usize), u64)>,
    pub(super) undercount: u64,
}

impl Texts {
    pub(super) fn new(room: Room) -> Self {
        Self { least: None, greatest: None, frequencies: TextFrequencies::new(room), sketch: None }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.frequencies.memory_bytes()
    }

    /// Takes up a text.
    #[inline]
    pub(super) fn update(&mut self, text: &[u8]) {
        let hash = text_hash(text);
        if !self.frequencies.increment(hash, text) {
            self.take_up(hash, text);
        }
    }

    /// A text that was seen before changes neither the extremes nor the distinct count.
    fn take_up(&mut self, hash: u64, text: &[u8]) {
        self.widen(text);
        if self.sketch.is_none() && !self.frequencies.has_room(text) {
            self.sketch = Some(sketch_of(&self.frequencies));
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.insert(hash);
        }
        self.frequencies.insert(hash, text);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for text in other.least.iter().chain(&other.greatest) {
            self.widen(text);
        }
        match (&mut self.sketch, &other.sketch) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (Some(mine), None) => mine.merge(&sketch_of(&other.frequencies)),
            (None, Some(theirs)) => {
                let mut sketch = sketch_of(&self.frequencies);
                sketch.merge(theirs);
                self.sketch = Some(sketch);
            }
            (None, None) => {}
        }
        self.frequencies.merge(&other.frequencies);
        if self.sketch.is_none() && !self.frequencies.fits() {
            self.sketch = Some(sketch_of(&self.frequencies));
        }
        if self.sketch.is_some() {
            self.frequencies.shrink();
        }
    }

    /// Returns what is known, given how many texts there were.
    pub(super) fn found(&self, count: u64, top: usize) -> TextsFound {
        let distinct = match &self.sketch {
            None => (to_float(self.frequencies.len() as u64), true),
            Some(sketch) => (sketch.estimate().min(to_float(count)), false),
        };
        let undercount = self.frequencies.undercount();
        let counted =
            self.frequencies.entries().map(|(text, length, count)| ((text, length), count));
        let frequent = most_frequent(counted.collect(), undercount, top)
            .into_iter()
            .map(|((text, length), count)| ((text.to_vec(), length), count))
            .collect();
        TextsFound {
            least: self.least.clone(),
            greatest: self.greatest.clone(),
            distinct,
            frequent,
            undercount,
        }
    }

    fn widen(&mut self, text: &[u8]) {
        if self.least.as_ref().is_none_or(|least| text < least.as_slice()) {
            self.least = Some(text.to_vec());
        }
        if self.greatest.as_ref().is_none_or(|greatest| text > greatest.as_slice()) {
            self.greatest = Some(text.to_vec());
        }
    }
}

fn sketch_of(frequencies: &TextFrequencies) -> DistinctSketch {
    let mut sketch = DistinctSketch::new();
    for hash in frequencies.hashes() {
        sketch.insert(hash);
    }
    sketch
}
