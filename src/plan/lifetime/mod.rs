//! What surrounds a run's work: the finalizer, deletion, and what becomes of a run that has ended. Pure.
//!
//! A run is held by the finalizer while something of it is or may be outside: before its first launch
//! until its end, and while a stored result is to go with it. A run that is being deleted is cancelled;
//! if that cannot be done within bounds its finalizer is released all the same, and an event reports what may
//! be left.

mod decisions;

pub use decisions::{
    DELETION_LIMIT, Keeping, has_result_to_go, is_held, is_leaving, policy_of, requested,
    results_of,
};
pub(super) use decisions::{ended, give_up, hold, or_abandon};
