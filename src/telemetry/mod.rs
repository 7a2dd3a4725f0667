//! Logging and traces: lines on standard error, and spans for a collector, only when they are asked for.
//!
//! Results go to standard output and messages for people are printed by the command line itself;
//! this is for looking into Mason. Imports nothing of ours.

mod error;
mod json;
mod panics;
mod runs;
mod settings;
mod start;
#[cfg(feature = "otel")]
mod traces;

pub use error::Error;
pub use panics::panic_text;
pub use runs::{EndedRun, end_trace, join_trace};
pub use settings::{LogFormat, Logging, Telemetry};
pub use start::{Reporting, start, start_reporting};
