//! The built-in operators: each is a builder, not a worker.
//!
//! An operator gathers (repeatable reads), builds at most one [`JobSpec`](crate::engines::job_spec::JobSpec), and ends with at most one
//! [`Effect`]. Each of the three is recorded by the process that drives the run, so each can be the last thing
//! before a crash. Operators know engine traits only, never a client; may import `api` and `engines`.

mod answers;
mod columns;
mod container;
mod database;
pub mod example;
mod inference;
mod inputs;
mod job;
mod library;
mod listing;
mod operator;
mod parameters;
mod planning;
mod prepared;
mod pruned;
mod querying;
mod reading;
mod statement;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod work;

pub use crate::engines::answer::{Answer, Conclusion, Effect, WorkPlan};
pub use crate::engines::request::Request;
pub use library::{all, find, performer, result_schema};
pub use operator::Operator;
pub use planning::Operators;
pub use prepared::{Prepared, Unprepared};
