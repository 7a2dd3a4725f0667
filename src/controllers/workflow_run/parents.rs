//! The wake-ups of runs of workflows when the run of a step has ended: none of them polls.

use std::sync::{Mutex, PoisonError};

use kube::ResourceExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::api::v1alpha1::{OperatorRun, Phase};
use crate::controllers::queue::Woken;
use crate::controllers::scope::Scope;
use crate::plan::parent_key;

/// The controllers of runs of workflows that are woken.
#[derive(Default)]
pub(crate) struct Parents(Mutex<Vec<(Scope, UnboundedSender<Woken>)>>);

impl Parents {
    /// Returns the runs of workflows of a scope as they are woken.
    pub(crate) fn subscribe(&self, scope: &Scope) -> UnboundedReceiver<Woken> {
        let (waker, woken) = unbounded_channel();
        self.wakers().push((scope.clone(), waker));
        woken
    }

    /// Notes a run as the watch has it, and wakes the run of the workflow that it is a step of when that has to do
    /// something about it.
    pub(crate) fn seen(&self, run: &OperatorRun) {
        let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
        if phase.is_terminal() || phase == Phase::Unknown {
            self.wake(run);
        }
    }

    fn wake(&self, run: &OperatorRun) {
        let Some(key) = parent_key(run) else { return };
        let owners = run.owner_references().iter();
        let mut owners = owners.filter(|owner| owner.controller == Some(true));
        let Some(owner) = owners.next() else { return };
        let (uid, namespace, name) = (owner.uid.clone(), key.namespace, key.name);
        let woken = Woken { uid, namespace, name };
        let covers = |scope: &Scope| match scope {
            Scope::Cluster => true,
            Scope::Namespace(name) => *name == woken.namespace,
        };
        for (_, waker) in self.wakers().iter().filter(|(scope, _)| covers(scope)) {
            // A watch that has ended takes no more.
            drop(waker.send(woken.clone()));
        }
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Vec<(Scope, UnboundedSender<Woken>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
