//! Whether another attempt follows, and when: budgets and full-jitter back-off, without randomness.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::decision::Next;
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    Attempt, AttemptError, Backoff, FailureClass, OperatorRun, OperatorRunStatus, Phase,
};

/// How many losses of infrastructure are made good without `spec.retry`.
const INFRASTRUCTURE_BUDGET: usize = 2;
/// How many attempts a status holds.
pub(super) const MAX_ATTEMPTS: u32 = 32;

/// Returns what follows an attempt that ended with this error. Its own error need not be recorded yet.
pub(super) fn next_step(
    run: &OperatorRun,
    status: &OperatorRunStatus,
    (attempt, error): (&Attempt, &AttemptError),
    now: Timestamp,
) -> Next {
    if error.reason == Reason::Cancelled {
        return Next::End(Phase::Cancelled, Reason::Cancelled);
    }
    let former = status.attempts.iter().filter(|other| other.number != attempt.number);
    let retryable = former.filter_map(|other| other.error.as_ref()).chain([error]);
    let (infrastructure, others): (Vec<_>, Vec<_>) = retryable
        .filter(|error| error.class.is_retryable())
        .partition(|error| error.class == FailureClass::Infrastructure);
    let used = others.len() + infrastructure.len().saturating_sub(INFRASTRUCTURE_BUDGET);
    let limit = run.spec.retry.as_ref().map_or(0, |retry| retry.limit);
    let within = used <= usize::try_from(limit).unwrap_or(usize::MAX);
    if error.class.is_retryable() && within && attempt.number < MAX_ATTEMPTS {
        return Next::Retry(after(now, delay(run, attempt.number)));
    }
    // A former process may still do what is pending, unless it is fenced.
    let is_open = status.pending.is_some() && attempt.fenced_at.is_none();
    let may_come = error.class.is_retryable() && is_open;
    if error.reason == Reason::OutcomeUnknown || may_come {
        return Next::Ask;
    }
    let exhausted = error.class.is_retryable() && attempt.number > 1;
    Next::End(Phase::Failed, if exhausted { Reason::RetriesExhausted } else { error.reason })
}

/// Returns what follows when the newest attempt of a run fails with this error.
#[must_use]
pub fn after_failure(
    run: &OperatorRun,
    status: &OperatorRunStatus,
    error: &AttemptError,
    now: Timestamp,
) -> Next {
    match status.attempts.last() {
        Some(attempt) => next_step(run, status, (attempt, error), now),
        None => Next::End(Phase::Failed, error.reason),
    }
}

/// Returns whether the time recorded for the next attempt has come. A time further away than any
/// back-off means that the clock was moved back; it counts as come.
pub(super) fn is_due(run: &OperatorRun, at: Timestamp, now: Timestamp) -> bool {
    let cap = backoff(run).cap.to_duration();
    now >= at || at > after(now, cap)
}

fn delay(run: &OperatorRun, number: u32) -> Duration {
    let uid = run.metadata.uid.as_deref().unwrap_or_default();
    let Backoff { base, factor, cap } = backoff(run);
    let bounds = (base.to_duration(), factor, cap.to_duration());
    full_jitter(bounds, number, &format!("{uid}/{number}/backoff"))
}

/// Returns the wait after the n-th failure in a row, n from 1: within 0 to `base * factor^(n-1)`, at
/// most `cap`; where within follows from the key alone.
#[must_use]
pub fn full_jitter(
    (base, factor, cap): (Duration, f64, Duration),
    number: u32,
    key: &str,
) -> Duration {
    let exponent = i32::try_from(number.saturating_sub(1)).unwrap_or(i32::MAX);
    let bound = base.as_secs_f64() * factor.max(1.0).powi(exponent);
    let seconds = bound.min(cap.as_secs_f64()).max(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(cap).mul_f64(part_of_one(key))
}

fn backoff(run: &OperatorRun) -> Backoff {
    run.spec.retry.as_ref().map(|retry| retry.backoff.clone()).unwrap_or_default()
}

/// Returns a number within 0 to 1 that follows from a text.
fn part_of_one(key: &str) -> f64 {
    let digest = Sha256::digest(key);
    let part = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(part) / f64::from(u32::MAX)
}

/// Returns a later time, or the last there is.
pub(super) fn after(time: Timestamp, length: Duration) -> Timestamp {
    time.checked_add(length).unwrap_or(Timestamp::MAX)
}
