//! Functions of our own in place of DataFusion's, where those give another value than SQL: sums that
//! do not wrap, extremes that know NaN and infinity, arithmetic that fails instead of wrapping, texts of
//! nested values that hold no words of an error.

mod aggregates;
mod arithmetic;
mod average;
mod canonical;
mod casts;
mod distinct_sum;
mod extremes;
mod folding;
mod forward;
mod opaque;
mod percentile;
mod sliding;
mod sum;

pub(super) use aggregates::aggregates;
pub(super) use arithmetic::{Checked, checked};
pub(super) use canonical::{canonical_function, canonical_scalar};
pub(super) use casts::{is_text, own_cast};
pub(super) use opaque::opaque;
