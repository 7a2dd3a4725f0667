//! The line of runs that wait to work: who has a place, who waits, and who is next. Pure.
//!
//! Bounds hold for all runs, for those of a namespace, for those of a config, and for the memory of work
//! in the controller. Whoever has waited longest in its namespace is first, and namespaces take turns. A
//! run that a bound of its own holds up lets others by, but not for ever: one that has been passed by too
//! often keeps free what it needs until it has its turn.

mod admission_queue;

pub use admission_queue::{Bounds, Line, Needs};
