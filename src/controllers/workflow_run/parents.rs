//! The wake-ups of runs of workflows when the run of a step has ended: none of them polls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedReceiver;

use crate::api::v1alpha1::{OperatorRun, Phase, WorkflowRun};
use crate::controllers::queue::{Wakers, Woken};
use crate::controllers::scope::Scope;
use crate::plan::{ParentReference, parent_of};

/// The controllers of runs of workflows that are woken.
#[derive(Default)]
pub(crate) struct Parents(Mutex<Wakers>);

impl Parents {
    /// Returns the runs of workflows of a scope as they are woken.
    pub(crate) fn subscribe(&self, scope: &Scope) -> UnboundedReceiver<Woken> {
        self.wakers().subscribe(scope)
    }

    /// Notes a run as the watch has it, and wakes the run of the workflow that it is a step of when that has to do
    /// something about it.
    pub(crate) fn seen(&self, run: &OperatorRun) {
        let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
        if !phase.is_terminal() && phase != Phase::Unknown {
            return;
        }
        if let Some(ParentReference { key, uid }) = parent_of(&run.metadata) {
            self.wakers().send(&Woken { uid, namespace: key.namespace, name: key.name });
        }
    }

    /// Wakes the run of the workflow of which another is a step.
    pub(crate) fn wake_parent_of(&self, run: &WorkflowRun) {
        if let Some(ParentReference { key, uid }) = parent_of(&run.metadata) {
            self.wake(&Woken { uid, namespace: key.namespace, name: key.name });
        }
    }

    /// Wakes a run of a workflow.
    pub(crate) fn wake(&self, woken: &Woken) {
        self.wakers().send(woken);
    }

    fn wakers(&self) -> MutexGuard<'_, Wakers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
