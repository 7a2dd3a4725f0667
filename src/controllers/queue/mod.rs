//! The admission queue: which runs have a slot, which wait, and what an administrator decides about it.
//!
//! The order and the bounds are decided by `plan`; here are the runs that wait, and the wake-ups that tell
//! the controller of runs that a run has its slot or that something it waits for has changed.

mod admission;
mod run_queue;
#[cfg(test)]
mod tests;
mod wakers;

pub use admission::AdmissionSettings;
pub(super) use admission::ClusterNamespaces;
pub(super) use run_queue::{RunQueue, takes_slot, works};
pub(super) use wakers::{Wakers, Woken};
