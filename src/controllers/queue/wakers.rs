//! The watches whose objects can be woken.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::controllers::scope::Scope;

/// An object that needs a pass now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Woken {
    pub(crate) uid: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// The watches of one kind, each with its scope.
#[derive(Default)]
pub(crate) struct Wakers(Vec<(Scope, UnboundedSender<Woken>)>);

impl Wakers {
    /// Returns the objects of a scope as they are woken.
    pub(crate) fn subscribe(&mut self, scope: &Scope) -> UnboundedReceiver<Woken> {
        let (waker, woken) = unbounded_channel();
        self.0.push((scope.clone(), waker));
        woken
    }

    /// Wakes an object.
    pub(crate) fn send(&self, woken: &Woken) {
        for (_, waker) in self.0.iter().filter(|(scope, _)| scope.covers(&woken.namespace)) {
            // A watch that has ended takes no more objects.
            drop(waker.send(woken.clone()));
        }
    }
}
