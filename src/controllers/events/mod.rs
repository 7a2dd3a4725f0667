//! Events: what `kubectl describe` and `kubectl get events` tell of an object, one for each transition.
//!
//! Told after the status that they speak of is stored, never before, and never waited for: a bounded
//! queue takes them and one task writes them, so that no pass is slow or fails for them. An event's
//! name follows from the stored version of its object, so that no second process writes it again.

mod event;
mod recorder;
mod transitions;

pub(super) use recorder::Events;
pub(super) use transitions::{Stage, Told};
