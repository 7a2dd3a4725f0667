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
            1 => warnings.push("1 cell did not fit its type and is null".to_owned()),
            cells => warnings.push(format!("{cells} cells did not fit their type and are null")),
        }
        match self.rejected.load(Ordering::Relaxed) {
            0 => {}
            1 => warnings.push(
                "1 file was left out: it is broken, or a value in it did not fit its type"
                    .to_owned(),
            ),
            files => warnings.push(format!(
                "{files} files were left out: they are broken, or a value in them did not fit its type"
            )),
        }
        warnings
    }
}
