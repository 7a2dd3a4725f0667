//! Runs and their attempts.

use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::catalogue::Catalogue;
use super::labels::Bounded;
use super::pulled::Pulled;

/// Most operators that are counted by name; further ones are `other`.
const OPERATORS: usize = 200;
/// Most reasons, which are a closed list.
const REASONS: usize = 64;
/// Bounds of the lengths of runs.
const RUN_SECONDS: [f64; 12] =
    [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1_800.0, 7_200.0, 28_800.0, 86_400.0];
/// Bounds of latencies.
const LATENCY_SECONDS: [f64; 12] =
    [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1_800.0];
/// Bounds of the sizes of results.
const BYTES: [f64; 8] = [
    1_024.0,
    16_384.0,
    65_536.0,
    921_600.0,
    8_388_608.0,
    134_217_728.0,
    1_073_741_824.0,
    17_179_869_184.0,
];

/// A run that has ended.
#[derive(Debug, Clone, Copy)]
pub struct RunEnded<'a> {
    /// Its operator, when a definition of it was found.
    pub operator: Option<&'a str>,
    /// Its phase.
    pub phase: &'static str,
    /// Why.
    pub reason: &'a str,
    /// How long it took from its creation.
    pub length: Duration,
    /// How large its result is.
    pub result_bytes: Option<u64>,
}

/// An attempt that has ended.
#[derive(Debug, Clone, Copy)]
pub struct AttemptEnded {
    /// How.
    pub outcome: &'static str,
    /// The class of its failure; empty when it succeeded.
    pub class: &'static str,
}

/// Runs and their attempts.
pub struct Runs {
    operators: Bounded,
    reasons: Bounded,
    ended: IntCounterVec,
    seconds: HistogramVec,
    attempts: IntCounterVec,
    result_bytes: Histogram,
    /// From a run's creation to its first attempt.
    pub queued: Histogram,
    /// From the intent of an attempt to its launch.
    pub launched: Histogram,
    /// From when the watch brought a new run to its first status.
    pub first_status: Histogram,
    /// Attempts that this process took over from another one.
    pub adopted: IntCounter,
    /// Deleted runs that were let go although something of them may be left outside.
    pub abandoned: IntCounter,
    /// Runs that have not ended, by phase.
    pub active: Pulled,
    /// The age of the oldest run that has not begun.
    pub oldest_pending: Pulled,
    /// How many runs work.
    pub working: Pulled,
    /// How many may.
    pub working_limit: Pulled,
}

impl Runs {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            operators: Bounded::new(OPERATORS),
            reasons: Bounded::new(REASONS),
            ended: catalogue.counters(
                "mason_runs_total",
                "Runs that have ended, by operator, phase and reason.",
                &["operator", "phase", "reason"],
            ),
            seconds: catalogue.histograms(
                (
                    "mason_run_duration_seconds",
                    "How long runs took, from their creation to their end.",
                ),
                &["operator"],
                &RUN_SECONDS,
            ),
            attempts: catalogue.counters(
                "mason_attempts_total",
                "Attempts that have ended, by outcome and class of failure.",
                &["outcome", "class"],
            ),
            result_bytes: catalogue.histogram(
                "mason_result_bytes",
                "How large results are.",
                &BYTES,
            ),
            queued: catalogue.histogram(
                "mason_run_queue_seconds",
                "From the creation of a run to its first attempt.",
                &LATENCY_SECONDS,
            ),
            launched: catalogue.histogram(
                "mason_launch_seconds",
                "From the intent of an attempt to its launch.",
                &LATENCY_SECONDS,
            ),
            first_status: catalogue.histogram(
                "mason_watch_to_status_seconds",
                "From when the watch brought a new run to its first status.",
                &LATENCY_SECONDS,
            ),
            adopted: catalogue.counter(
                "mason_attempts_adopted_total",
                "Attempts under way that this process took over from another one.",
            ),
            abandoned: catalogue.counter(
                "mason_runs_abandoned_total",
                "Deleted runs that were let go although something of them may be left outside.",
            ),
            active: catalogue.pulled(
                "mason_runs_active",
                "Runs that have not ended, by phase.",
                &["phase"],
            ),
            oldest_pending: catalogue.pulled_largest(
                "mason_oldest_pending_run_age_seconds",
                "The age of the oldest run that has not begun; 0 when there is none.",
            ),
            working: catalogue.pulled("mason_workers_active", "Runs that work now.", &[]),
            working_limit: catalogue.pulled(
                "mason_workers_limit",
                "How many runs may work at one time.",
                &[],
            ),
        }
    }

    /// Counts a run that has ended.
    pub fn end(&self, run: &RunEnded<'_>) {
        let operator = run.operator.map_or("unknown", |operator| self.operators.of(operator));
        let reason = self.reasons.of(run.reason);
        self.ended.with_label_values(&[operator, run.phase, reason]).inc();
        self.seconds.with_label_values(&[operator]).observe(run.length.as_secs_f64());
        if let Some(bytes) = run.result_bytes {
            #[expect(clippy::cast_precision_loss, reason = "sizes are rounded to bounds")]
            self.result_bytes.observe(bytes as f64);
        }
    }

    /// Counts an attempt that has ended.
    pub fn end_attempt(&self, attempt: AttemptEnded) {
        self.attempts.with_label_values(&[attempt.outcome, attempt.class]).inc();
    }
}
