//! Events: what `kubectl describe` and `kubectl get events` show of an object, one for each transition.
//!
//! An event is reported after the status that it is about has been stored, never before. A bounded queue
//! takes it and one task writes it, so that no pass waits for an event or fails because of one. An event's
//! name follows from the stored version of its object, so that no second process writes it again.

mod event;
mod recorder;
mod transitions;

pub(super) use recorder::Events;
pub(super) use transitions::{Report, Stage};
