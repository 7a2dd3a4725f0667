//! How long a resource rests after failures: longer with each, and not all resources at the same time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::plan::full_jitter;

/// The bound of the first wait.
const BASE: Duration = Duration::from_secs(1);
/// The largest bound.
const CAP: Duration = Duration::from_mins(5);

/// The failures of each resource since its last success, by uid and generation: a new spec begins anew.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: Mutex<HashMap<String, (i64, u32)>>,
}

impl Backoff {
    /// Notes a failure and returns how long the resource rests.
    pub(crate) fn failed(&self, uid: &str, generation: i64) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.entry(uid.to_owned()).or_insert((generation, 0));
        let before = if known.0 == generation { known.1 } else { 0 };
        *known = (generation, before.saturating_add(1));
        delay(uid, known.1)
    }

    /// Forgets the failures of a resource that was reconciled, or is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Returns the wait after so many failures in a row.
fn delay(uid: &str, failures: u32) -> Duration {
    full_jitter((BASE, 2.0, CAP), failures, &format!("{uid}/{failures}/reconcile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_a_bound_that_doubles_to_five_minutes() {
        for (failures, bound) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (u32::MAX, 300)] {
            let waits: Vec<f64> =
                (0..200).map(|uid| delay(&uid.to_string(), failures).as_secs_f64()).collect();
            let (least, most) = waits.iter().fold((f64::MAX, 0.0_f64), |(least, most), &wait| {
                (least.min(wait), most.max(wait))
            });
            let bound = f64::from(bound);
            assert!(most <= bound && most > bound * 0.9, "{failures}: at most {most}");
            assert!(least < bound * 0.1, "{failures}: at least {least}");
        }
    }

    #[test]
    fn success_and_a_new_generation_begin_anew() {
        let backoff = Backoff::default();
        let first = backoff.failed("u", 1);
        let second = backoff.failed("u", 1);
        assert_eq!((first, second), (delay("u", 1), delay("u", 2)));
        assert_eq!(backoff.failed("u", 2), delay("u", 1));
        backoff.failed("u", 2);
        backoff.forget("u");
        assert_eq!(backoff.failed("u", 2), delay("u", 1));
        assert!(backoff.failures.lock().unwrap().len() == 1);
    }
}
