//! What stands between the two records of a change: the effect on a catalogue, which may be the manifests of the lake or
//! another system.

use jiff::Timestamp;

use super::record::{Doomed, Record};
use crate::engines::EngineError;
use crate::engines::metastore::{Change, Changed};

/// The effects of changes on one catalogue. Calls may block.
pub trait Effects: Send + Sync {
    /// Refuses a change that cannot be made, and fixes what it deletes. Looks only.
    ///
    /// # Errors
    /// `Conflict`, `AlreadyExists`, `NotFound`; `InvalidInput` with every problem of a declaration.
    fn check(&self, change: &Change) -> Result<Doomed, EngineError>;

    /// Makes a change, or what is left of it: it may be asked for again when a part of it was made.
    ///
    /// # Errors
    /// As [`Effects::check`], for what was changed since.
    fn make(&self, record: &Record, now: Timestamp) -> Result<Changed, EngineError>;

    /// Returns whether any part of an intended change can be seen.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    fn has_begun(&self, record: &Record) -> Result<bool, EngineError>;
}
