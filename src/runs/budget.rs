//! How often progress may be stored: a budget that all runs share. Transitions never wait for it.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::api::v1alpha1::OperatorRunStatus;

/// How often progress may be stored: so many writes a second, of all runs together.
#[derive(Debug)]
pub struct ProgressBudget {
    /// Writes a second; nothing when there is no bound.
    rate: Option<f64>,
    bucket: Mutex<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    left: f64,
    filled_at: Option<Timestamp>,
}

impl ProgressBudget {
    /// Returns a budget without a bound.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { rate: None, bucket: Mutex::default() }
    }

    /// Returns a budget of so many writes a second, at least one; what is not used is kept for a second.
    #[must_use]
    pub fn per_second(writes: u16) -> Self {
        Self { rate: Some(f64::from(writes.max(1))), bucket: Mutex::default() }
    }

    /// Returns whether a status is to be stored: it differs from what is stored and, where progress
    /// alone differs, the budget has room, which is used up then.
    #[must_use]
    pub fn is_worth_storing(
        &self,
        stored: Option<&OperatorRunStatus>,
        status: &OperatorRunStatus,
        now: Timestamp,
    ) -> bool {
        match stored {
            Some(stored) if stored == status => false,
            Some(stored) if is_progress_alone(stored, status) => self.take(now),
            None | Some(_) => true,
        }
    }

    fn take(&self, now: Timestamp) -> bool {
        let Some(rate) = self.rate else { return true };
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was moved back fills nothing, and is followed from there.
        let passed = bucket.filled_at.map_or(1.0, |at| now.duration_since(at).as_secs_f64());
        bucket.left = (bucket.left + passed.max(0.0) * rate).min(rate);
        bucket.filled_at = Some(now);
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}

/// Whether two statuses differ in how far the work is, and in nothing else. The first progress that is
/// seen of an attempt is a transition.
fn is_progress_alone(stored: &OperatorRunStatus, status: &OperatorRunStatus) -> bool {
    if stored.progress.is_none() || status.progress.is_none() {
        return false;
    }
    let mut same = status.clone();
    same.progress.clone_from(&stored.progress);
    same.columns.progress.clone_from(&stored.columns.progress);
    same == *stored
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::api::v1alpha1::{Phase, Progress};

    fn at(done: u64) -> OperatorRunStatus {
        let progress = Progress {
            phase: "scanning".to_owned(),
            done,
            total: None,
            unit: "files".to_owned(),
            rate_per_second: None,
            eta_seconds: None,
        };
        let mut status = OperatorRunStatus {
            phase: Phase::Running,
            progress: Some(progress),
            ..OperatorRunStatus::default()
        };
        status.columns.progress = done.to_string();
        status
    }

    #[test]
    fn a_thousand_runs_that_move_on_at_once_share_one_budget() {
        let budget = ProgressBudget::per_second(10);
        let mut stored = vec![at(0); 1_000];
        let (mut writes, mut now) = (0, Timestamp::UNIX_EPOCH);
        for tick in 1..=100 {
            now = now.checked_add(SignedDuration::from_millis(100)).expect("should be a time");
            for run in &mut stored {
                let next = at(tick);
                if budget.is_worth_storing(Some(run), &next, now) {
                    (*run, writes) = (next, writes + 1);
                }
            }
        }
        assert!((90..=110).contains(&writes), "{writes} writes in 10 s of 10 a second");
    }

    #[test]
    fn a_transition_is_stored_whatever_is_left() {
        let budget = ProgressBudget::per_second(1);
        let now = Timestamp::UNIX_EPOCH;
        assert!(budget.is_worth_storing(Some(&at(0)), &at(1), now));
        assert!(!budget.is_worth_storing(Some(&at(1)), &at(2), now), "the budget is used up");
        let ended = OperatorRunStatus { phase: Phase::Succeeded, ..at(2) };
        assert!(budget.is_worth_storing(Some(&at(1)), &ended, now));
        let first = OperatorRunStatus { progress: None, ..at(0) };
        assert!(budget.is_worth_storing(Some(&first), &at(0), now), "the first is a transition");
        assert!(!budget.is_worth_storing(Some(&at(1)), &at(1), now), "nothing changed");
    }
}
