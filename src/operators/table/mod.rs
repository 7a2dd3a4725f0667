//! Operators on tables.

pub(super) mod cast;
pub(super) mod deduplicate;
pub(super) mod delete;
pub(super) mod explode;
pub(super) mod fake;
pub(super) mod format;
pub(super) mod get;
pub(super) mod infer;
pub(super) mod join;
pub(super) mod list;
pub(super) mod merge;
pub(super) mod query;
pub(super) mod refresh;
pub(super) mod summarize;
