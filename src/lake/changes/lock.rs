//! The lock under which the changes of a root are made, one at a time.

use crate::engines::EngineError;

/// Sees to it that changes of a root follow one another.
pub trait ChangeLock: Send + Sync {
    /// Waits for the lock, which is held until what is returned is dropped, also by the end of the process.
    ///
    /// # Errors
    /// `Unavailable` when another change takes too long.
    fn take(&self) -> Result<Box<dyn Send>, EngineError>;
}
