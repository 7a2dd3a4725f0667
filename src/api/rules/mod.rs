//! The rules that stand in the schemas (CEL), evaluated here as an API server evaluates them.

mod evaluate;
#[cfg(test)]
mod tests;

pub use evaluate::{BrokenRule, broken_rules};
