//! Finds the one schema of a table's files, or how they disagree: of tables that are not declared, and
//! for the job of `table/infer`, which so have the same answer for the same files.
//!
//! Files are looked at by several threads, each by its content, and what was found is remembered per
//! file; what all of it amounts to is pure. Nothing is left out silently: broken files are all named
//! (at most 20), files without content are a note, and a sample says what it is a sample of.

mod at_once;
mod cache;
mod conclude;
mod headers;
mod infer;
mod look;
mod notes;
mod shape;
mod why;

use infer::failed;
pub(crate) use infer::{Inference, OPERATION, infer_files, infer_some};
