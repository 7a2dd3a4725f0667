//! Whole numbers as floats.

/// Returns a count as a float, rounded above 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts and sums for estimates")]
pub(super) fn to_float(count: u64) -> f64 {
    count as f64
}

/// Returns a value as a float, rounded above 2^53.
#[expect(clippy::cast_precision_loss, reason = "mean and deviation are floats")]
pub(super) fn signed_to_float(value: i64) -> f64 {
    value as f64
}

/// Returns a value as a float, rounded above 2^53.
#[expect(clippy::cast_precision_loss, reason = "mean and deviation are floats")]
pub(super) fn wide_to_float(value: i128) -> f64 {
    value as f64
}
