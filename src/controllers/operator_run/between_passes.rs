//! What a run keeps between two passes over it.

use crate::api::conditions::Reason;
use crate::api::v1alpha1::OperatorRun;
use crate::controllers::queue::{takes_slot, works};

/// What a run keeps until the next pass.
pub(super) enum Keeps {
    /// Its slot.
    Slot,
    /// What it knows of its job, but no slot: its pod cannot start.
    Job,
    /// Its position in the queue.
    Queued,
    /// Neither slot nor position: it waits for something else than a slot.
    Waiting,
    /// Nothing: it has ended, or is gone.
    Done,
}

impl Keeps {
    pub(super) fn of(run: &OperatorRun) -> Self {
        match run {
            run if has_ended(run) => Self::Done,
            run if takes_slot(run) => Self::Slot,
            run if works(run) => Self::Job,
            run if is_queued(run) => Self::Queued,
            _ => Self::Waiting,
        }
    }
}

/// Returns whether a run is in a terminal phase.
pub(super) fn has_ended(run: &OperatorRun) -> bool {
    run.status.as_ref().is_some_and(|status| status.phase.is_terminal())
}

/// Returns whether a run waits for a slot, and so keeps its position in the queue.
fn is_queued(run: &OperatorRun) -> bool {
    let Some(status) = &run.status else { return false };
    let reasons = [Reason::ConcurrencyLimit, Reason::WorkerPoolFull, Reason::Paused];
    !status.phase.is_terminal()
        && reasons.iter().any(|reason| status.columns.reason == reason.as_str())
}
