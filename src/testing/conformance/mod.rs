//! One suite per engine trait, which every client of that role must pass.
//!
//! A suite checks each rule of the trait's docs by itself and reports what passed, what failed and
//! what was left out, with the reason. It asks only what the trait offers, and never panics.

pub mod execution;
pub mod metastore;
mod report;
pub mod storage;
mod verdict;

pub use report::Report;
pub(crate) use verdict::{Doubt, Verdict, failed, fails, holds};
