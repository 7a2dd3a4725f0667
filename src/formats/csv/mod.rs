//! Delimited text: tokenised by `csv_core`, in blocks that several threads work on.
//!
//! A block ends at a line feed with an even number of quotes before it: a guess. A block that does
//! not end with a record shows that the guess was wrong; what is left of it goes in front of the
//! next one, which is then parsed again. So the result is always that of one pass from the start.

pub(crate) mod cells;
pub(crate) mod columns;
pub(crate) mod decode;
pub(crate) mod delimiters;
pub(crate) mod dialect;
mod escaped;
pub(crate) mod header;
pub(crate) mod infer;
mod lines;
pub(crate) mod names;
mod open;
pub(crate) mod records;
pub(crate) mod sample;
pub(crate) mod seen;
mod shapes;
mod sorts;
#[cfg(test)]
mod tests;
pub(crate) mod times;
mod tokens;

pub(crate) use open::open;
