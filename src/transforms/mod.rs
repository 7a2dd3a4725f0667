//! Arrow to Arrow: what is done with batches of rows that no query can express, without files or clients.
//!
//! Each transform takes batches and gives batches, or one answer. What was lost or could not be done is
//! counted in a report beside. The rules are those of `docs/operations.md`. An engine that executes jobs
//! feeds them; they know no table, no session and no thread.

pub mod cast;
mod columns;
mod convert;
pub mod error;
pub mod explode;
pub mod fake;
pub mod merge;
mod parse_text;
mod paths;
pub mod summarize;

use columns::{column_index, column_names};
