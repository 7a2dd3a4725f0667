//! Statistics of every column, in one pass over batches.
//!
//! `approximate` keeps a bounded amount per column: distinct counts, quantiles and top values are
//! exact while a column has at most 6,144 distinct values, then estimates whose error is stated.
//! `exact` keeps every distinct value of the columns that fit into the memory it may use; the others
//! have to be read once more, sorted ([`Statistics::left_over`]). Every other figure is exact in both.
//! No sampling; the same batches give the same answer.

mod answer;
mod column;
mod distinct;
mod floats;
mod found;
mod frequent;
mod hash;
mod moments;
mod numbers;
mod quantiles;
mod sorted;
mod statistics;
mod summarizer;
#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
mod tests;
mod texts;
mod values;

pub use found::{ColumnSummary, Distinct, Quantiles, Top};
pub use statistics::{ColumnStatistics, Statistics};
pub use summarizer::{Summarizer, SummaryOptions};
