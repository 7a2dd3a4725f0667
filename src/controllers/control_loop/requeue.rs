//! When an object gets its next pass: kube's `Action`, whose fields are private, as a value that can be
//! measured.

use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller;

use crate::controllers::clock::now;
use crate::metrics::Ended;

/// When an object gets its next pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Action(Option<Duration>);

impl Action {
    /// Requeues the object after this long, or when it changes.
    pub(crate) fn requeue(after: Duration) -> Self {
        Self(Some(after))
    }

    /// Requeues the object at a time, or when it changes.
    pub(crate) fn requeue_at(until: Timestamp) -> Self {
        Self::requeue(Duration::try_from(until.duration_since(now())).unwrap_or_default())
    }

    /// Requeues the object when it changes.
    pub(crate) fn await_change() -> Self {
        Self(None)
    }

    /// Returns how long after the pass the object is requeued although it has not changed.
    pub(crate) fn after(self) -> Option<Duration> {
        self.0
    }

    /// Returns how a pass with this outcome is counted.
    pub(crate) fn ended(self) -> Ended {
        match self.0 {
            None => Ended::Settled,
            Some(after) if after.is_zero() => Ended::Again,
            Some(_) => Ended::Later,
        }
    }
}

impl From<Action> for controller::Action {
    fn from(action: Action) -> Self {
        action.0.map_or_else(Self::await_change, Self::requeue)
    }
}
