//! What a pass observed outside, as values: what could not be seen is a value too.

use super::lifetime::Keeping;
use crate::engines::job::{JobError, JobStatus};
use crate::engines::metastore::Changed;
use crate::validate::{Problems, ValidRun};

/// What one pass observed. Read after the run itself was read, never before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Of a run that is not resolved yet: whether it is valid.
    pub checked: Option<Checked>,
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
    /// It could not be seen.
    Failed(JobError),
}
