//! What one pass over a run comes to.

use jiff::Timestamp;

use crate::api::v1alpha1::OperatorRun;

/// What one pass came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// The run as it is stored now.
    pub run: OperatorRun,
    /// When the next pass is due.
    pub next: Wake,
    /// What may be left outside of a run that was let go with this pass.
    pub left: Option<LeftBehind>,
}

/// When the next pass over a run is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// At once.
    Now,
    /// Not before this time.
    At(Timestamp),
    /// Another writer changed the run first: it has to be read again.
    Reread,
    /// When the run is changed: it has ended, or waits for a person.
    OnChange,
}

/// What was left outside when a run was let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// The job that may still work.
    pub job: Option<String>,
    /// Why it was let go.
    pub why: String,
}
