//! When a resource is looked at again: kube's `Action`, which tells nobody what it holds, as a value that
//! can be measured.

use std::time::Duration;

use kube::runtime::controller;

use crate::metrics::Ended;

/// When a resource is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Action(Option<Duration>);

impl Action {
    /// Looks again after so long, or when the resource changes.
    pub(crate) fn requeue(after: Duration) -> Self {
        Self(Some(after))
    }

    /// Looks again when the resource changes.
    pub(crate) fn await_change() -> Self {
        Self(None)
    }

    /// Returns after how long the resource is looked at again without being changed.
    pub(crate) fn after(self) -> Option<Duration> {
        self.0
    }

    /// Returns how a pass that came to this is counted.
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
