//! Text for people: the printer of the two streams, tables, outlines, progress, and the report of a run.

mod columns;
mod documents;
pub(crate) mod graph;
pub(crate) mod outline;
mod printer;
mod progress;
pub(crate) mod run_report;
pub(crate) mod tables;
pub(crate) mod workflow_report;

pub(crate) use columns::{Columns, age};
pub(crate) use documents::document;
pub(crate) use printer::{Printer, Tone, visible, visible_on_one_line};
pub(crate) use progress::ProgressView;
