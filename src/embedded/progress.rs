//! How far a job is, told at most a few times a second.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::tables::Tables;
use crate::embedded::work::Work;
use crate::engines::job::JobProgress;

const BETWEEN_REPORTS: Duration = Duration::from_millis(200);

/// Tells how far a job is: in bytes read where all files are read whole, else in rows.
pub(crate) struct Reporter {
    work: Work,
    counts: Arc<Counts>,
    total_bytes: Option<u64>,
    rows: u64,
    last: Option<Instant>,
}

impl Reporter {
    /// Makes a reporter for the inputs of a job.
    pub(crate) fn new(work: &Work, tables: &Tables) -> Self {
        Self {
            work: work.clone(),
            counts: Arc::clone(tables.counts()),
            total_bytes: tables.total_bytes().filter(|bytes| *bytes > 0),
            rows: 0,
            last: None,
        }
    }

    /// Counts rows that were done.
    pub(crate) fn add_rows(&mut self, rows: usize, phase: &str) {
        self.rows = self.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        if self.last.is_some_and(|last| last.elapsed() < BETWEEN_REPORTS) {
            return;
        }
        self.last = Some(Instant::now());
        let progress = match self.total_bytes {
            Some(total) => JobProgress {
                phase: phase.to_owned(),
                done: self.counts.bytes.load(Ordering::Relaxed).min(total),
                total: Some(total),
                unit: "bytes".to_owned(),
            },
            None => JobProgress {
                phase: phase.to_owned(),
                done: self.rows,
                total: None,
                unit: "rows".to_owned(),
            },
        };
        self.work.progress.set(progress);
    }
}
