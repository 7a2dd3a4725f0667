//! Planned times of schedules.

use prometheus::IntCounterVec;

use super::catalogue::Catalogue;

/// Planned times of schedules, by what became of them.
pub struct Schedules {
    planned: IntCounterVec,
}

impl Schedules {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            planned: catalogue.counters(
                "mason_schedule_times_total",
                "Planned times of schedules that are past: those that became a run, and those that were missed.",
                &["outcome"],
            ),
        }
    }

    /// Counts planned times.
    pub fn count(&self, made: usize, missed: u64) {
        for (outcome, count) in
            [("made", u64::try_from(made).unwrap_or(u64::MAX)), ("missed", missed)]
        {
            self.planned.with_label_values(&[outcome]).inc_by(count);
        }
    }
}
