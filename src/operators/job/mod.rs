//! Operators on jobs of the execution engine: list, get, logs, cancel.

pub(super) mod cancel;
pub(super) mod get;
pub(super) mod list;
pub(super) mod logs;
