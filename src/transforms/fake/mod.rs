//! Made-up rows of a schema.
//!
//! The name of a column says what its values look like, its type what they are. Every column has a
//! stream of random numbers of its own, made from the seed and the column's position: the same seed
//! and schema give the same rows on every platform, whatever the size of batches, for one version of
//! this program.

mod meaning;
mod rows;
mod values;

pub use rows::FakeRows;
