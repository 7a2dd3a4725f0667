//! Mean and standard deviation, mergeable.
//!
//! # Source
//! Chan, Golub, `LeVeque`: Updating formulae and a pairwise algorithm for computing sample variances
//! (1979).

use super::floats::to_float;

const LANES: usize = 8;

/// Count, mean and sum of squared differences from the mean.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes up numbers.
    pub(super) fn update(&mut self, numbers: &[f64]) {
        if numbers.is_empty() {
            return;
        }
        let count = numbers.len() as u64;
        let mean = sum_of(numbers, |number| number) / to_float(count);
        let squares = sum_of(numbers, |number| (number - mean) * (number - mean));
        self.merge(Self { count, mean, squares });
    }

    pub(super) fn merge(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        let (mine, theirs) = (to_float(self.count), to_float(other.count));
        let share = theirs / (mine + theirs);
        let apart = other.mean - self.mean;
        self.mean += apart * share;
        self.squares += other.squares + apart * apart * mine * share;
        self.count += other.count;
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Returns the standard deviation of a sample: the divisor is the count less one.
    pub(super) fn standard_deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / to_float(self.count - 1)).sqrt())
    }
}

/// Sums in lanes, so that the compiler may use wide registers and errors stay small.
fn sum_of(numbers: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane += term(*number);
        }
    }
    for (lane, number) in lanes.iter_mut().zip(rest) {
        *lane += term(*number);
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_give_what_the_whole_gives(numbers in prop::collection::vec(-1e6..1e6_f64, 2..300), cut in 0..300_usize) {
            let cut = cut.min(numbers.len());
            let mut parts = Moments::default();
            parts.update(&numbers[..cut]);
            let mut rest = Moments::default();
            rest.update(&numbers[cut..]);
            parts.merge(rest);
            let count = to_float(numbers.len() as u64);
            let mean = numbers.iter().sum::<f64>() / count;
            let squares = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
            let deviation = (squares / (count - 1.0)).sqrt();
            prop_assert!((parts.mean().unwrap_or(f64::NAN) - mean).abs() < 1e-6);
            prop_assert!((parts.standard_deviation().unwrap_or(f64::NAN) - deviation).abs() < 1e-5);
        }
    }

    #[test]
    fn a_large_offset_does_not_swallow_the_deviation() {
        let mut moments = Moments::default();
        for part in 0..100 {
            let numbers: Vec<f64> =
                (0..1000).map(|row| 1e9 + f64::from((part + row) % 2)).collect();
            moments.update(&numbers);
        }
        let deviation = moments.standard_deviation().expect("should be known");
        assert!((deviation - 0.500_002_5).abs() < 1e-6, "{deviation}");
    }
}
