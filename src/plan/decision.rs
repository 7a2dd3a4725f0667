//! The closed list of what a pass may do.

use jiff::Timestamp;

use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    AttemptError, AttemptOutcome, EngineChoices, FailureClass, JobReference, Phase, Progress,
};
use crate::engines::metastore::Changed;
use crate::validate::{Problems, ValidRun};

/// What a pass does: at most one effect outside, then at most one status write. Waiting and success
/// are values like any other.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The run is wrong: it ends before anything happened.
    Refuse(Problems),
    /// Records an attempt that is about to be launched and, with the first, what was resolved.
    Intend {
        /// The attempt's number.
        number: u32,
        /// Its token.
        token: String,
        /// What is frozen; with the first attempt only.
        resolved: Option<Box<ValidRun>>,
    },
    /// Waits for `spec.suspend` to become false.
    Suspend,
    /// Prepares the work and creates its job, inert.
    Launch,
    /// Records a job that was created but not recorded.
    Adopt(JobReference),
    /// Lets the recorded job begin.
    Release(JobReference),
    /// Looks again later.
    Wait {
        /// Not before this time.
        until: Timestamp,
        /// How far the work is.
        progress: Option<Progress>,
        /// Why it waits.
        reason: Reason,
        /// What is in the way, if something is.
        obstacle: Option<String>,
        /// What the work waits for, in a sentence.
        waits_for: Option<String>,
    },
    /// Waits for a slot: as many runs work as may.
    Queue {
        /// Not before this time, unless it is woken.
        until: Timestamp,
        /// Why it waits.
        reason: Reason,
        /// In words.
        message: String,
    },
    /// Takes the proof of the recorded job and works out what it amounts to.
    Collect(JobReference),
    /// Tries the recorded effect.
    Apply,
    /// The recorded effect has taken place.
    Settle(Changed),
    /// Asks the job to stop, because the attempt is being ended.
    Cancel {
        /// The job.
        job: JobReference,
        /// Why.
        error: AttemptError,
    },
    /// Makes sure that nothing of the attempt works, starts or commits any more.
    Fence {
        /// Why the attempt is being ended.
        error: AttemptError,
    },
    /// The attempt is over.
    Conclude {
        /// How.
        outcome: AttemptOutcome,
        /// Why.
        error: AttemptError,
        /// What follows.
        next: Next,
    },
    /// The run ends without anything left to be looked at.
    End {
        /// How.
        phase: Phase,
        /// Why.
        reason: Reason,
        /// In words.
        message: String,
    },
    /// It cannot be known whether the work took place: waits for a person.
    Ask(AttemptError),
    /// There is nothing to do: the run has ended, or a person has to speak.
    Rest,
    /// Puts the run under the finalizer, before anything of it works outside.
    Hold,
    /// Takes the finalizer off: nothing of the run is outside any more.
    LetGo,
    /// Lets a run that is being deleted go although something of it may be left outside.
    Abandon {
        /// The job that may still work.
        job: Option<String>,
        /// Why its finalizer is released.
        why: String,
    },
    /// Removes the stored result of a run that is being deleted, and releases its finalizer.
    Discard,
    /// Drops result and log; the run's time has passed.
    Prune,
    /// Removes the run; its time has passed.
    Delete,
}

/// What follows an attempt that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before this time.
    Retry(Timestamp),
    /// The run ends so.
    End(Phase, Reason),
    /// A person is asked.
    Ask,
}

/// Returns an error that ends an attempt for a reason of the run's own.
pub(super) fn ending(reason: Reason, message: String) -> AttemptError {
    AttemptError { class: FailureClass::User, reason, message, hint: None }
}

/// Returns whether the roles that a run was matched with include one that runs jobs.
pub(super) fn has_execution(engines: Option<&EngineChoices>) -> bool {
    engines.is_some_and(|engines| engines.execution.is_some())
}
