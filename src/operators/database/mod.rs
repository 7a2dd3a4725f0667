//! Operators on databases: list, create, delete.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;
