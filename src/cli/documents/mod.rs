//! Resources from files, folders and standard input: read, completed, and checked before they are stored.

mod check;
mod read;
mod sources;

pub(crate) use check::{check_run, resources};
pub(crate) use read::{Document, findings_of, invalid, read, read_what_can_be, refused};
