//! The command line: arguments become settings once, a verb does its work through the same
//! `validate`, `plan` and engines as every other door, and the printer says what came of it.
//!
//! One file per verb under `commands`. May import everything below; nothing imports it.

mod args;
mod cluster;
mod commands;
mod dispatch;
mod doctor;
mod documents;
mod entry;
mod failure;
mod print;
mod readiness;
mod runs;
mod settings;
mod verb_context;
mod words;

pub use entry::run;
