//! Rows made of named, nested values, as JSON and `MessagePack` have them: their common types, and
//! the arrays they become.

pub(crate) mod build;
pub(crate) mod extent;
pub(crate) mod node;
pub(crate) mod shape;
mod sorts;

/// Deepest nesting of one row.
pub(crate) const MAX_DEPTH: usize = 128;

/// Most keys of one object that become columns; an object with more is kept as text.
pub(crate) const MAX_KEYS: usize = 10_000;
