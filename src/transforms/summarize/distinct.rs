//! How many distinct values there are, estimated by `HyperLogLog`.
//!
//! # Source
//! Flajolet, Fusy, Gandouet, Meunier: `HyperLogLog` (2007); the estimator is that of Ertl: New
//! cardinality estimation algorithms for `HyperLogLog` sketches (2017), algorithm 6,
//! <https://arxiv.org/abs/1702.01284>, which needs no tables of corrections.

use super::floats::to_float;

const PRECISION: u32 = 14;
const REGISTERS: usize = 1 << PRECISION;
/// The most a register can hold is one more.
const RANKS: usize = 64 - PRECISION as usize;

/// 16,384 registers, in 16 KiB.
#[derive(Debug, Clone)]
pub(super) struct DistinctSketch {
    registers: Vec<u8>,
}

impl DistinctSketch {
    /// The standard error of an estimate, as a fraction of it: 1.04 / √16384.
    pub(super) const STANDARD_ERROR: f64 = 0.008_125;

    pub(super) fn new() -> Self {
        Self { registers: vec![0; REGISTERS] }
    }

    /// Takes up a value by its hash.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) {
        let index = usize::try_from(hash >> (64 - PRECISION)).unwrap_or(0) & (REGISTERS - 1);
        // The bit set below the shifted ones bounds the rank.
        let rest = (hash << PRECISION) | (1 << (PRECISION - 1));
        let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or(u8::MAX);
        let register = &mut self.registers[index];
        *register = (*register).max(rank);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// Returns the estimated number of distinct values.
    pub(super) fn estimate(&self) -> f64 {
        let mut counts = [0_u64; RANKS + 2];
        for register in &self.registers {
            counts[usize::from(*register).min(RANKS + 1)] += 1;
        }
        let registers = to_float(REGISTERS as u64);
        let mut sum = registers * tau(1.0 - to_float(counts[RANKS + 1]) / registers);
        for count in counts[1..=RANKS].iter().rev() {
            sum = 0.5 * (sum + to_float(*count));
        }
        sum += registers * sigma(to_float(counts[0]) / registers);
        registers * registers / (2.0 * std::f64::consts::LN_2 * sum)
    }
}

/// Corrects for registers that nothing has reached.
fn sigma(empty: f64) -> f64 {
    if empty >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut factor, mut sum) = (empty, 1.0, empty);
    loop {
        power *= power;
        let before = sum;
        sum += power * factor;
        factor += factor;
        if sum <= before {
            return sum;
        }
    }
}

/// Corrects for registers that are full.
fn tau(not_full: f64) -> f64 {
    if not_full <= 0.0 || not_full >= 1.0 {
        return 0.0;
    }
    let (mut root, mut factor, mut sum) = (not_full, 1.0, 1.0 - not_full);
    loop {
        root = root.sqrt();
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - root).powi(2) * factor;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::Key;
    use super::*;

    #[test]
    fn estimates_stay_within_four_standard_errors() {
        let mut sketch = DistinctSketch::new();
        let mut next_check = 1;
        for value in 1..=2_000_000_u64 {
            sketch.insert(value.hash());
            if value == next_check {
                let exact = to_float(value);
                let error = (sketch.estimate() - exact).abs() / exact;
                assert!(error < 4.0 * DistinctSketch::STANDARD_ERROR, "{value}: {error}");
                next_check = value * 3 / 2 + 1;
            }
        }
    }

    #[test]
    fn nothing_is_estimated_as_nothing() {
        assert!(DistinctSketch::new().estimate().abs() < f64::EPSILON);
    }

    #[test]
    fn merged_sketches_equal_one_sketch_of_everything() {
        let (mut left, mut right, mut both) =
            (DistinctSketch::new(), DistinctSketch::new(), DistinctSketch::new());
        for value in 0..50_000_u64 {
            if value % 3 == 0 { &mut left } else { &mut right }.insert(value.hash());
            both.insert(value.hash());
        }
        left.merge(&right);
        assert_eq!(left.registers, both.registers);
    }
}
