//! The admission queue: which runs have a slot, which wait, and which is next. Pure.
//!
//! Bounds hold for all runs, for those of a namespace, for those of a config, and for the memory of work
//! in the controller. Within a namespace the run that has waited longest is first, and slots go round among
//! the namespaces. A run that a bound of its own holds up lets others pass, but not for ever: once it has
//! been passed too often, what it needs is kept free until it has its slot.

mod admission_queue;

pub use admission_queue::{AdmissionQueue, Bounds, Needs};
