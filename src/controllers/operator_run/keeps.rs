//! What a run keeps between two passes over it.

use crate::api::conditions::Reason;
use crate::api::v1alpha1::OperatorRun;
use crate::controllers::queue::{takes_place, works};

/// What a run keeps until the next pass.
pub(super) enum Keeps {
    /// Its place among those that work.
    Place,
    /// What it knows of its job, but no place: its pod cannot start.
    Job,
    /// Its place in line.
    Turn,
    /// Neither: it waits for something else than its turn.
    Name,
    /// Nothing: it has ended, or is gone.
    Nothing,
}

impl Keeps {
    pub(super) fn of(run: &OperatorRun) -> Self {
        match run {
            run if has_ended(run) => Self::Nothing,
            run if takes_place(run) => Self::Place,
            run if works(run) => Self::Job,
            run if is_queued(run) => Self::Turn,
            _ => Self::Name,
        }
    }
}

/// Returns whether a run is in a terminal phase.
pub(super) fn has_ended(run: &OperatorRun) -> bool {
    run.status.as_ref().is_some_and(|status| status.phase.is_terminal())
}

/// Returns whether a run waits for its turn, and so keeps its place in line.
fn is_queued(run: &OperatorRun) -> bool {
    let Some(status) = &run.status else { return false };
    let turns = [Reason::ConcurrencyLimit, Reason::WorkerPoolFull, Reason::Paused];
    !status.phase.is_terminal()
        && turns.iter().any(|reason| status.columns.reason == reason.as_str())
}
