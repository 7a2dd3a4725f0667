//! What a job's reading counts: what was made null, left out, and how far it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::engines::bad_rows::Tally;
use crate::engines::job_spec::Input;
use crate::formats::decoding::BadCollector;

/// What reading counts, shared by all streams of a job.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// What is null or left out because it is bad.
    pub(crate) bad: Arc<BadCollector>,
    /// Files that were left out before the job began.
    left_out: Tally,
    /// Bytes read of files that are read through the formats.
    pub(crate) bytes: AtomicU64,
}

impl Counts {
    /// Returns the counts of a job that has read nothing yet.
    pub(crate) fn of(inputs: &[Input]) -> Self {
        let mut left_out = Tally::default();
        for (index, input) in inputs.iter().enumerate() {
            // A table that is read twice is one table.
            if !inputs[..index].iter().any(|other| other.name == input.name) {
                left_out.merge(&input.left_out);
            }
        }
        Self { left_out, ..Self::default() }
    }

    /// Says what was made null or left out, for the warnings of the outcome.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut bad = self.bad.total();
        bad.files.merge(&self.left_out);
        bad.warnings()
    }
}
