//! Counts the transitions of runs. The process that stores a transition counts it, so that each is counted
//! once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::controller::OperatorRuns;
use crate::api::v1alpha1::{
    Attempt, AttemptOutcome, AttemptState, FailureClass, OperatorRun, OperatorRunStatus, Phase,
};
use crate::controllers::clock::now;
use crate::controllers::control_loop::Cache;
use crate::metrics::{AttemptEnded, Metrics, Read, RunEnded};
use crate::telemetry::{self, EndedRun};

/// The metrics of runs, and what they need to know between passes.
pub(super) struct Measures {
    metrics: Metrics,
    /// When the watch brought runs that have no status yet.
    new: Mutex<HashMap<String, Instant>>,
}

/// What a status said before it was changed.
#[derive(Debug, Default)]
pub(super) struct Before {
    has_status: bool,
    is_ended: bool,
    stage: Option<(Phase, String)>,
    attempts: Vec<AttemptState>,
}

impl Before {
    pub(super) fn of(run: &OperatorRun) -> Self {
        let Some(status) = &run.status else { return Self::default() };
        Self {
            has_status: true,
            is_ended: status.phase.is_terminal(),
            stage: Some((status.phase, status.columns.reason.clone())),
            attempts: status.attempts.iter().map(|attempt| attempt.state).collect(),
        }
    }
}

impl Measures {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self { metrics: metrics.clone(), new: Mutex::default() }
    }

    /// Notes that a run is looked at which may have no status yet, after it has waited so long.
    pub(super) fn see(&self, uid: &str, run: &OperatorRun, waited: Duration) {
        if run.status.is_none() {
            let now = Instant::now();
            let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
            new.entry(uid.to_owned()).or_insert_with(|| now.checked_sub(waited).unwrap_or(now));
        }
    }

    /// Forgets a run that is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.new.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Notes that this process takes over an attempt that another one had begun.
    pub(super) fn adopt(&self) {
        self.metrics.runs.adopted.inc();
    }

    /// Counts what a stored status says that the one before did not.
    pub(super) fn stored(&self, before: &Before, run: &OperatorRun) {
        let Some(status) = &run.status else { return };
        let runs = &self.metrics.runs;
        if !before.has_status {
            let uid = run.metadata.uid.as_deref().unwrap_or_default();
            let seen = self.new.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
            if let Some(seen) = seen {
                runs.first_status.observe(seen.elapsed().as_secs_f64());
            }
        }
        for (number, attempt) in status.attempts.iter().enumerate() {
            self.attempt(before.attempts.get(number).copied(), attempt);
        }
        if before.attempts.is_empty()
            && let (Some(first), Some(created)) = (status.attempts.first(), created(run))
        {
            runs.queued.observe(between(created, first.started_at).as_secs_f64());
        }
        let stage = (status.phase, status.columns.reason.clone());
        if before.stage.as_ref() != Some(&stage) {
            let (attempt, phase) = (status.attempts.len(), status.phase.as_str());
            tracing::info!(attempt, phase, reason = stage.1, "a run moved on");
        }
        if status.phase.is_terminal() && !before.is_ended {
            self.ended(run, status);
        }
    }

    fn attempt(&self, before: Option<AttemptState>, attempt: &Attempt) {
        let has_begun = |state| state != AttemptState::Intended;
        if attempt.job.is_some() && has_begun(attempt.state) && !before.is_some_and(has_begun) {
            self.metrics.runs.launched.observe(between(attempt.started_at, now()).as_secs_f64());
        }
        let is_over = |state| state == AttemptState::Finished;
        if is_over(attempt.state) && !before.is_some_and(is_over) {
            let outcome = attempt.outcome.map_or("Unknown", outcome_word);
            let failed = attempt.error.as_ref();
            let class = failed.map_or("", |error| class_word(error.class));
            self.metrics.runs.end_attempt(AttemptEnded { outcome, class });
        }
    }

    fn ended(&self, run: &OperatorRun, status: &OperatorRunStatus) {
        let ended = status.finished_at.unwrap_or_else(now);
        self.metrics.runs.end(&RunEnded {
            operator: status.operator.is_some().then_some(run.spec.operator.as_str()),
            phase: status.phase.as_str(),
            reason: &status.columns.reason,
            length: created(run).map(|created| between(created, ended)).unwrap_or_default(),
            result_bytes: status.result.as_ref().and_then(|result| result.bytes),
        });
        let metadata = &run.metadata;
        telemetry::end_trace(&EndedRun {
            uid: metadata.uid.as_deref().unwrap_or_default(),
            namespace: metadata.namespace.as_deref().unwrap_or_default(),
            name: metadata.name.as_deref().unwrap_or_default(),
            operator: &run.spec.operator,
            phase: status.phase.as_str(),
            reason: &status.columns.reason,
            began: created(run).unwrap_or(ended),
            ended,
        });
    }
}

/// Lets metrics be read from the runs that a watch has brought, for as long as their controller works.
pub(super) fn read_from(controller: &Arc<OperatorRuns>, cache: Cache<OperatorRun>) {
    let alive: Weak<OperatorRuns> = Arc::downgrade(controller);
    let runs = &controller.context.metrics.runs;
    let (working, other) = (Weak::clone(&alive), cache.clone());
    runs.active.read_from(move || {
        working.upgrade()?;
        Some(active(&other))
    });
    runs.oldest_pending.read_from(move || {
        alive.upgrade()?;
        Some(vec![(Vec::new(), oldest_pending(&cache, now()))])
    });
}

/// Lets metrics be read of how many runs work.
pub(super) fn read_working(controller: &Arc<OperatorRuns>) {
    let runs = &controller.context.metrics.runs;
    let (one, other) = (Arc::downgrade(controller), Arc::downgrade(controller));
    runs.working.read_from(move || Some(vec![single(one.upgrade()?.working.count())]));
    let limit = |known: &OperatorRuns| known.context.settings.working_runs;
    runs.working_limit.read_from(move || Some(vec![single(limit(&*other.upgrade()?))]));
}

#[expect(clippy::cast_precision_loss, reason = "no process works on so many")]
fn single(count: usize) -> Read {
    (Vec::new(), count as f64)
}

/// Counts the runs that have not ended, by phase.
fn active(cache: &Cache<OperatorRun>) -> Vec<Read> {
    let phases = [Phase::Pending, Phase::Running, Phase::Suspended, Phase::Unknown];
    let mut counts = phases.map(|phase| (vec![phase.as_str().to_owned()], 0.0));
    for run in cache.state() {
        let Ok(run) = &run.0 else { continue };
        let phase = run.status.as_ref().map_or(Phase::Pending, |status| status.phase);
        if let Some(place) = phases.iter().position(|&known| known == phase) {
            counts[place].1 += 1.0;
        }
    }
    counts.into()
}

/// Returns the age of the oldest run that has not begun, in seconds.
fn oldest_pending(cache: &Cache<OperatorRun>, now: Timestamp) -> f64 {
    let pending = cache.state().into_iter().filter_map(|run| {
        let run = run.0.as_ref().ok()?;
        let phase = run.status.as_ref().map_or(Phase::Pending, |status| status.phase);
        created(run).filter(|_| phase == Phase::Pending)
    });
    pending.min().map_or(0.0, |oldest| between(oldest, now).as_secs_f64())
}

fn created(run: &OperatorRun) -> Option<Timestamp> {
    run.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn outcome_word(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Succeeded => "Succeeded",
        AttemptOutcome::Failed => "Failed",
        AttemptOutcome::Cancelled => "Cancelled",
        AttemptOutcome::Lost => "Lost",
    }
}

fn class_word(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Transient => "Transient",
        FailureClass::Throttled => "Throttled",
        FailureClass::Infrastructure => "Infrastructure",
        FailureClass::User => "User",
        FailureClass::Unknown => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(status: &Value) -> OperatorRun {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": "x", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
            "status": status,
        }))
        .expect("should be a run")
    }

    #[test]
    fn each_transition_is_counted_once() {
        let metrics = Metrics::new("0");
        let measures = Measures::new(&metrics);
        let attempt = |state: &str| {
            json!({"number": 1, "token": "t", "state": state, "startedAt": "2026-01-01T00:00:02Z",
                   "job": {"kind": "LocalJob", "id": "j"}})
        };
        let mut ended = attempt("Finished");
        ended["outcome"] = "Succeeded".into();
        let steps = [
            json!(null),
            json!({"phase": "Running", "attempts": [attempt("Intended")]}),
            json!({"phase": "Running", "attempts": [attempt("Launched")]}),
            json!({"phase": "Running", "attempts": [attempt("Launched")]}),
            json!({"phase": "Succeeded", "attempts": [ended.clone()],
                   "operator": {"name": "table-query", "digest": "d"},
                   "columns": {"reason": "Completed"}, "finishedAt": "2026-01-01T00:00:05Z"}),
            json!({"phase": "Succeeded", "attempts": [ended], "columns": {"reason": "Completed"}}),
        ];
        let steps = steps.map(|status| run(&status));
        measures.see("u", &steps[0], Duration::from_secs(3));
        for pair in steps.windows(2) {
            measures.stored(&Before::of(&pair[0]), &pair[1]);
        }
        let text = metrics.text();
        for line in [
            "mason_runs_total{operator=\"table/query\",phase=\"Succeeded\",reason=\"Completed\"} 1",
            "mason_run_duration_seconds_sum{operator=\"table/query\"} 5",
            "mason_attempts_total{class=\"\",outcome=\"Succeeded\"} 1",
            "mason_run_queue_seconds_sum 2",
            "mason_launch_seconds_count 1",
            "mason_watch_to_status_seconds_count 1",
            "mason_watch_to_status_seconds_bucket{le=\"2\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
