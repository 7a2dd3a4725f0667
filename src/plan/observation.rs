//! What a pass observed outside, as values: what could not be seen is a value too.

use std::time::Duration;

use super::lifetime::Keeping;
use crate::api::conditions::Reason;
use crate::engines::job::{JobError, JobStatus};
use crate::engines::metastore::Changed;
use crate::validate::{Problems, ValidRun};

/// What one pass observed. Read after the run itself was read, never before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Of a run that is not resolved yet: whether it is valid.
    pub checked: Option<Checked>,
    /// How long a run may wait for what it names and is not there, or not ready.
    pub patience: Duration,
    /// Of a run that is about to begin an attempt: whether it may now.
    pub place: Place,
    /// What the run of a workflow says of which the run is a step.
    pub parent: Parent,
    /// The job under the newest attempt's token.
    pub job: Sight<JobStatus>,
    /// The change of the metastore that the run has made.
    pub change: Sight<Changed>,
    /// What the place that keeps the run allows and demands.
    pub keeping: Keeping,
}

/// Whether a run is valid and can begin.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// It is, and its clients can be opened.
    Ready(Box<ValidRun>),
    /// It is wrong.
    Refused(Problems),
    /// It is valid, but its clients cannot be opened.
    ClientDown(JobError),
}

/// What the run of a workflow says to the run of one of its steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parent {
    /// The run is no step.
    #[default]
    None,
    /// It may begin, and go on.
    Lets,
    /// It may not begin yet: it is not recorded.
    Waits,
    /// It has to end.
    Ends,
}

/// Whether a run may begin an attempt now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// It may.
    #[default]
    Free,
    /// It waits for a slot.
    Taken {
        /// Why.
        reason: Reason,
        /// In words, the same for as long as it waits for the same.
        message: String,
    },
}

/// What a look outside found.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Sight<T> {
    /// There was no reason to look.
    #[default]
    NotLooked,
    /// There is nothing.
    Nothing,
    /// There is this.
    Found(T),
    /// It cannot be told, for this reason, however often is asked.
    Unknown(String),
    /// It could not be seen.
    Failed(JobError),
}

impl<T> Sight<T> {
    /// Returns the same for an effect that has not been tried: what cannot be told is nothing then.
    #[must_use]
    pub fn untried(self) -> Self {
        match self {
            Self::Unknown(_) => Self::Nothing,
            seen => seen,
        }
    }
}
