//! What Mason counts and measures, in the vocabulary of controller-runtime where it has a word.
//!
//! One [`Metrics`] for each process; the code that does the work gets it as a value and counts there. Labels
//! take few values, whatever users create: never the name of a run, and of operators only those that a
//! definition exists for, at most so many. Imports nothing of ours.

mod calls;
mod catalogue;
mod groups;
mod labels;
mod pulled;
mod queue;
mod reconciling;
mod runs;
mod schedules;

pub use calls::{Calls, EngineCall};
pub use catalogue::{Described, Sort};
pub use groups::{CONTENT_TYPE, Groups, Metrics};
pub use pulled::{Pulled, Read};
pub use queue::{Key, Pass, Queue, Sample};
pub use reconciling::{Controller, Controllers, Ended};
pub use runs::{AttemptEnded, RunEnded, Runs};
