//! Quantiles, estimated by a stack of sorted buffers.
//!
//! A buffer that is full is sorted, every other value goes up one level and counts twice; whether
//! the odd or the even ones go is a coin. One such step on level `h` moves the rank of any value by
//! at most `2^h`, with mean zero, so that the error of a rank is bounded by Hoeffding's inequality
//! over the steps that took place.
//!
//! # Source
//! Karnin, Lang, Liberty: Optimal quantile approximation in streams (2016),
//! <https://arxiv.org/abs/1603.05346>, with buffers of one size on every level, as Agarwal and others:
//! Mergeable summaries (2012).

use super::floats::to_float;
use super::hash::Key;

/// How many values a level holds.
const WIDTH: usize = 2048;

/// Values with weights that stand for all values seen.
#[derive(Debug, Clone)]
pub(super) struct QuantileSketch<K> {
    /// Values of weight `2^level`; sorted, but for the first level.
    levels: Vec<Vec<K>>,
    merged: Vec<K>,
    count: u64,
    /// Sum over all steps of the square of the most each can move a rank.
    squares: f64,
    coins: u64,
}

impl<K: Key> QuantileSketch<K> {
    pub(super) fn new() -> Self {
        Self {
            levels: vec![Vec::with_capacity(WIDTH)],
            merged: Vec::new(),
            count: 0,
            squares: 0.0,
            coins: 0,
        }
    }

    /// Takes up values.
    pub(super) fn extend(&mut self, mut keys: &[K]) {
        self.count += keys.len() as u64;
        while !keys.is_empty() {
            let room = WIDTH.saturating_sub(self.levels[0].len()).min(keys.len());
            let (now, later) = keys.split_at(room);
            self.levels[0].extend_from_slice(now);
            keys = later;
            self.compact_full_levels();
        }
    }

    /// Takes up values, given sorted, with how often each was seen.
    pub(super) fn extend_weighted(&mut self, sorted: &[(K, u64)]) {
        self.count += sorted.iter().map(|(_, weight)| weight).sum::<u64>();
        for level in 0..u64::BITS as usize {
            let has_bit = |(_, weight): &&(K, u64)| weight >> level & 1 == 1;
            let keys: Vec<K> = sorted.iter().filter(has_bit).map(|(key, _)| *key).collect();
            if !keys.is_empty() {
                self.add_sorted(level, &keys);
            }
        }
        self.compact_full_levels();
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.squares += other.squares;
        for (level, keys) in other.levels.iter().enumerate() {
            self.add_sorted(level, keys);
        }
        self.compact_full_levels();
    }

    /// Returns how far a value's rank may be off, as a fraction of the count, with 99 % confidence.
    pub(super) fn rank_error(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        (2.0 * (2.0_f64 / 0.01).ln() * self.squares).sqrt() / to_float(self.count)
    }

    /// Returns every kept value with its weight, sorted; the weights add up to the count.
    pub(super) fn weighted(&self) -> Vec<(K, u64)> {
        let level = |(level, keys): (usize, &Vec<K>)| {
            keys.iter().map(move |key| (*key, 1_u64 << level)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = self.levels.iter().enumerate().flat_map(level).collect();
        all.sort_unstable();
        all
    }

    fn add_sorted(&mut self, level: usize, keys: &[K]) {
        while self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        if level == 0 {
            self.levels[0].extend_from_slice(keys);
            return;
        }
        self.merged.clear();
        merge_sorted(&self.levels[level], keys, &mut self.merged);
        std::mem::swap(&mut self.levels[level], &mut self.merged);
    }

    fn compact_full_levels(&mut self) {
        let mut level = 0;
        while level < self.levels.len() {
            if self.levels[level].len() >= WIDTH {
                self.compact(level);
            }
            level += 1;
        }
    }

    fn compact(&mut self, level: usize) {
        let mut keys = std::mem::take(&mut self.levels[level]);
        if level == 0 {
            keys.sort_unstable();
        }
        let left_over = if keys.len() % 2 == 1 { keys.pop() } else { None };
        self.coins += 1;
        let first = usize::from(self.coins.hash() & 1 == 1);
        for pair in 0..keys.len() / 2 {
            keys[pair] = keys[2 * pair + first];
        }
        keys.truncate(keys.len() / 2);
        self.squares += 4.0_f64.powi(i32::try_from(level).unwrap_or(i32::MAX));
        self.add_sorted(level + 1, &keys);
        keys.clear();
        keys.extend(left_over);
        self.levels[level] = keys;
    }
}

fn merge_sorted<K: Key>(left: &[K], right: &[K], into: &mut Vec<K>) {
    into.reserve(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let take_left = left[i] <= right[j];
        into.push(if take_left { left[i] } else { right[j] });
        i += usize::from(take_left);
        j += usize::from(!take_left);
    }
    into.extend_from_slice(&left[i..]);
    into.extend_from_slice(&right[j..]);
}

/// Returns the values at the ranks `⌈q · count⌉` (at least 1) of sorted values with weights.
pub(super) fn at_quantiles<K: Key>(sorted: &[(K, u64)], quantiles: &[f64]) -> Vec<K> {
    let mut cumulative = Vec::with_capacity(sorted.len());
    let mut total = 0_u64;
    for (_, weight) in sorted {
        total += weight;
        cumulative.push(total);
    }
    let at = |quantile: &f64| {
        let rank = rank_of(*quantile, total);
        let position = cumulative.partition_point(|sum| *sum < rank);
        sorted.get(position).or(sorted.last()).map(|(key, _)| *key)
    };
    quantiles.iter().filter_map(at).collect()
}

/// Returns the rank, from 1, of a quantile among so many values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product is within 0 and the count; the cast saturates"
)]
pub(super) fn rank_of(quantile: f64, count: u64) -> u64 {
    ((quantile * to_float(count)).ceil() as u64).clamp(1, count.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn worst_rank_error(sketch: &QuantileSketch<u64>, sorted: &[u64]) -> f64 {
        let count = to_float(sorted.len() as u64);
        let mut worst = 0.0_f64;
        let quantiles: Vec<f64> = (1..100).map(|percent| f64::from(percent) / 100.0).collect();
        let found = at_quantiles(&sketch.weighted(), &quantiles);
        for (quantile, key) in quantiles.iter().zip(found) {
            let below = to_float(sorted.partition_point(|other| *other < key) as u64) / count;
            let upto = to_float(sorted.partition_point(|other| *other <= key) as u64) / count;
            let error =
                if *quantile < below { below - quantile } else { (quantile - upto).max(0.0) };
            worst = worst.max(error);
        }
        worst
    }

    #[test]
    fn ranks_stay_within_the_stated_error() {
        for stride in [1_u64, 7_919, 999_983] {
            let mut sketch = QuantileSketch::new();
            let values: Vec<u64> =
                (0..1_000_000_u64).map(|value| value.wrapping_mul(stride) % 1_000_003).collect();
            sketch.extend(&values);
            let mut sorted = values;
            sorted.sort_unstable();
            let error = worst_rank_error(&sketch, &sorted);
            assert!(error <= sketch.rank_error() * 1.5, "{error} of {}", sketch.rank_error());
            assert!(sketch.rank_error() < 0.003, "{}", sketch.rank_error());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_weight_is_lost(parts in prop::collection::vec(prop::collection::vec(0..500_u64, 0..6000), 1..5)) {
            let mut whole = QuantileSketch::new();
            let mut count = 0_u64;
            for part in &parts {
                let mut sketch = QuantileSketch::new();
                sketch.extend(part);
                whole.merge(&sketch);
                count += part.len() as u64;
            }
            let weight: u64 = whole.weighted().iter().map(|(_, weight)| weight).sum();
            prop_assert_eq!(weight, count);
            prop_assert_eq!(whole.count, count);
        }

        #[test]
        fn few_values_are_exact(mut values in prop::collection::vec(0..500_u64, 1..2000)) {
            let mut sketch = QuantileSketch::new();
            sketch.extend(&values);
            values.sort_unstable();
            prop_assert!(sketch.rank_error() <= 0.0);
            let middle = values[(values.len() - 1) / 2];
            prop_assert_eq!(at_quantiles(&sketch.weighted(), &[0.5]), vec![middle]);
        }
    }
}
