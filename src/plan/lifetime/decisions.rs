//! The decisions around a run's work.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::conditions::Reason;
use crate::api::labels::{FINALIZER, FORCE_DELETE};
use crate::api::v1alpha1::{
    AttemptState, OperatorRun, OperatorRunStatus, Phase, Results, RetainResults, TtlPolicy,
};
use crate::plan::attempt::needs_job;
use crate::plan::decision::Decision;
use crate::plan::retries::after;
use crate::validate::ValidRun;

/// How long a run that is being deleted may take to stop what works outside.
pub const DELETION_LIMIT: Duration = Duration::from_mins(2);

/// What the place that keeps a run allows and demands, as a pass finds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Whether a finalizer can hold a run, as in a cluster.
    pub holds: bool,
    /// How long after its end a run is kept at most, whatever its `ttl` says.
    pub at_most: Option<Duration>,
    /// The longest `ttl` that counts. A run that asks for more is refused; one that asks later gets this.
    pub longest_ttl: Option<Duration>,
    /// Whether there are too many runs, and this one is the oldest that has ended.
    pub is_surplus: bool,
}

/// Returns whether a run is being deleted.
#[must_use]
pub fn is_leaving(run: &OperatorRun) -> bool {
    run.metadata.deletion_timestamp.is_some()
}

/// Returns whether the finalizer holds a run.
#[must_use]
pub fn is_held(run: &OperatorRun) -> bool {
    run.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// Returns the settings for results that a run was resolved with.
#[must_use]
pub fn results_of(status: &OperatorRunStatus) -> Results {
    status.resolved.as_ref().map(ValidRun::frozen_results).unwrap_or_default()
}

/// Returns whether a stored result of a run is to go with it. A `ConfigMap` goes by itself.
#[must_use]
pub fn has_result_to_go(status: &OperatorRunStatus) -> bool {
    let reference = status.result.as_ref().and_then(|result| result.reference.as_ref());
    reference.is_some_and(|reference| !reference.uri.contains("://"))
        && results_of(status).retain == RetainResults::WithRun
}

/// Returns what is done about the finalizer before anything else, if something is.
pub(crate) fn hold(
    run: &OperatorRun,
    status: &OperatorRunStatus,
    keeping: Keeping,
) -> Option<Decision> {
    let live = status.attempts.last().is_some_and(|last| last.state != AttemptState::Finished);
    let results = results_of(status);
    let may_store = results.location.is_some() && results.retain == RetainResults::WithRun;
    let is_wanted = live && (needs_job(status) || may_store) && keeping.holds;
    (is_wanted && !is_held(run) && !is_leaving(run)).then_some(Decision::Hold)
}

/// Returns the decision to release the finalizer of a deleted run, when a person forces it or it takes too
/// long.
pub(crate) fn give_up(
    run: &OperatorRun,
    status: &OperatorRunStatus,
    now: Timestamp,
) -> Option<Decision> {
    let since = run.metadata.deletion_timestamp.as_ref().filter(|_| is_held(run))?.0;
    let annotations = run.metadata.annotations.as_ref();
    let is_forced =
        annotations.and_then(|all| all.get(FORCE_DELETE)).is_some_and(|is| is == "true");
    if is_forced {
        return Some(abandon(status, "a person forces it".to_owned()));
    }
    let is_late = now >= after(since, DELETION_LIMIT);
    is_late.then(|| {
        let limit = DELETION_LIMIT.as_secs();
        abandon(status, format!("what works outside was not stopped within {limit} s"))
    })
}

/// Returns what is decided for a run that is being deleted where another would wait for a person.
pub(crate) fn or_abandon(
    run: &OperatorRun,
    status: &OperatorRunStatus,
    decision: Decision,
) -> Decision {
    if !is_leaving(run) || !is_held(run) {
        return decision;
    }
    match decision {
        Decision::Rest => abandon(status, status.columns.message.clone()),
        Decision::Ask(error) => abandon(status, error.message),
        other => other,
    }
}

fn abandon(status: &OperatorRunStatus, why: String) -> Decision {
    let live = status.attempts.last().filter(|last| last.state != AttemptState::Finished);
    let job = live.and_then(|attempt| attempt.job.as_ref()).map(|job| job.id.clone());
    Decision::Abandon { job, why }
}

/// Returns what is done about a run that has ended.
pub(crate) fn ended(
    run: &OperatorRun,
    status: &OperatorRunStatus,
    keeping: Keeping,
    now: Timestamp,
) -> Decision {
    let (held, to_go) = (is_held(run), has_result_to_go(status));
    match (is_leaving(run), held) {
        (true, false) => return Decision::Rest,
        (true, true) if to_go => {
            return give_up(run, status, now).unwrap_or(Decision::Discard);
        }
        (_, true) if !to_go => return Decision::LetGo,
        (false, false) if to_go && keeping.holds => return Decision::Hold,
        (_, _) => {}
    }
    let policy = policy_of(run);
    if policy == TtlPolicy::Prune && status.pruned_at.is_some() {
        return Decision::Rest;
    }
    let due = due_at(run, status, keeping);
    match due {
        _ if keeping.is_surplus => over(policy),
        None => Decision::Rest,
        Some(at) if now < at => {
            let reason = Reason::Completed;
            Decision::Wait { until: at, progress: None, reason, obstacle: None, waits_for: None }
        }
        Some(_) => over(policy),
    }
}

fn over(policy: TtlPolicy) -> Decision {
    match policy {
        TtlPolicy::Prune => Decision::Prune,
        TtlPolicy::Delete => Decision::Delete,
    }
}

/// Returns when the time of a run that has ended has passed, if it ever does.
fn due_at(run: &OperatorRun, status: &OperatorRunStatus, keeping: Keeping) -> Option<Timestamp> {
    let ttl = run.spec.ttl.as_ref().and_then(|ttl| match status.phase {
        Phase::Succeeded => ttl.after_success.as_ref(),
        _ => ttl.after_failure.as_ref(),
    });
    let allowed = |ttl: Duration| keeping.longest_ttl.map_or(ttl, |longest| ttl.min(longest));
    let ttl = ttl.map(|ttl| allowed(ttl.to_duration()));
    let shortest = ttl.into_iter().chain(keeping.at_most).min()?;
    Some(after(status.finished_at?, shortest))
}

/// Returns what happens to a run whose time has passed: as it says itself, else `Delete` for a run that
/// no manifest applies again, because its name was generated or another object controls it.
#[must_use]
pub fn policy_of(run: &OperatorRun) -> TtlPolicy {
    let said = run.spec.ttl.as_ref().and_then(|ttl| ttl.policy);
    let is_generated = run.metadata.generate_name.as_deref().is_some_and(|name| !name.is_empty());
    let owners = run.metadata.owner_references.iter().flatten();
    let is_owned = owners.into_iter().any(|owner| owner.controller == Some(true));
    said.unwrap_or(if is_generated || is_owned { TtlPolicy::Delete } else { TtlPolicy::Prune })
}

/// Returns the text of a request to look now that has not been answered yet, within bounds.
#[must_use]
pub fn requested(run: &OperatorRun) -> Option<String> {
    let asked = run.metadata.annotations.as_ref()?.get(crate::api::labels::REQUESTED_AT)?;
    Some(asked.chars().take(256).collect())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
