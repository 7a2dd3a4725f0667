//! What a job's reading counts: what was made null, left out, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What reading counts, shared by all streams of a job.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Cells that became null because they did not fit.
    pub(crate) nulled: Arc<AtomicU64>,
    /// Files left out because something in them did not fit.
    pub(crate) rejected: AtomicU64,
    /// Bytes read of files that are read through the formats.
    pub(crate) bytes: AtomicU64,
}

impl Counts {
    /// Says what was made null or left out, for the warnings of the outcome.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        match self.nulled.load(Ordering::Relaxed) {
            0 => {}
            cells => warnings.push(format!("{cells} cells did not fit their type and are null")),
        }
        match self.rejected.load(Ordering::Relaxed) {
            0 => {}
            files => warnings.push(format!(
                "{files} files were left out: they are broken, or a value in them did not fit its type"
            )),
        }
        warnings
    }
}
