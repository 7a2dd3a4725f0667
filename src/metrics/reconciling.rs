//! Passes over resources and the queues before them, by the names that controller-runtime gave them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec};

use super::catalogue::Catalogue;
use super::pulled::{Pulled, Read};
use super::queue::{Pass, Queue, Sample};

/// Bounds of the lengths of passes, those of controller-runtime.
const PASS_SECONDS: [f64; 18] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
    120.0, 300.0,
];
/// Bounds of the times in a queue.
const QUEUE_SECONDS: [f64; 10] = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The resource is looked at again when it changes.
    Settled,
    /// It is looked at again at once.
    Again,
    /// It is looked at again later.
    Later,
    /// It failed.
    Failed,
    /// It panicked.
    Panicked,
}

impl Ended {
    const ALL: [Self; 5] = [Self::Settled, Self::Again, Self::Later, Self::Failed, Self::Panicked];

    fn result(self) -> &'static str {
        match self {
            Self::Settled => "success",
            Self::Again => "requeue",
            Self::Later => "requeue_after",
            Self::Failed | Self::Panicked => "error",
        }
    }
}

type Queues = Arc<Mutex<Listed>>;

/// The queues, each with a number that no other has had.
#[derive(Default)]
struct Listed {
    next: u64,
    queues: Vec<(u64, &'static str, Weak<Queue>)>,
}

/// The metrics of all controllers.
pub struct Controllers {
    passes: IntCounterVec,
    errors: IntCounterVec,
    panics: IntCounterVec,
    seconds: HistogramVec,
    concurrency: IntGaugeVec,
    adds: IntCounterVec,
    waited: HistogramVec,
    worked: HistogramVec,
    retries: IntCounterVec,
    restarts: IntCounterVec,
    writes: IntCounterVec,
    conflicts: IntCounterVec,
    queues: Queues,
}

/// The metrics of one controller; copies share its queue.
#[derive(Clone)]
pub struct Controller {
    /// What waits and what is under way.
    pub queue: Arc<Queue>,
    passes: [IntCounter; 5],
    errors: IntCounter,
    panics: IntCounter,
    seconds: Histogram,
    adds: IntCounter,
    waited: Histogram,
    worked: Histogram,
    retries: IntCounter,
    /// How often the watch began anew after a failure.
    pub watch_restarts: IntCounter,
}

impl Controllers {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        let by = &["controller"];
        let queues = Queues::default();
        pull_queues(catalogue, &queues);
        Self {
            passes: catalogue.counters(
                "controller_runtime_reconcile_total",
                "Passes over resources, by how they ended: success, requeue, requeue_after, error.",
                &["controller", "result"],
            ),
            errors: catalogue.counters(
                "controller_runtime_reconcile_errors_total",
                "Passes that failed; each is made again after a back-off.",
                by,
            ),
            panics: catalogue.counters(
                "controller_runtime_reconcile_panics_total",
                "Passes that panicked, which is a defect of Mason.",
                by,
            ),
            seconds: catalogue.histograms(
                ("controller_runtime_reconcile_time_seconds", "How long passes took."),
                by,
                &PASS_SECONDS,
            ),
            concurrency: catalogue.gauges(
                "controller_runtime_max_concurrent_reconciles",
                "How many passes may take place at one time.",
                by,
            ),
            adds: catalogue.counters(
                "workqueue_adds_total",
                "Resources that were put into the queue.",
                &["name"],
            ),
            waited: catalogue.histograms(
                ("workqueue_queue_duration_seconds", "How long resources that were due waited."),
                &["name"],
                &QUEUE_SECONDS,
            ),
            worked: catalogue.histograms(
                ("workqueue_work_duration_seconds", "How long passes took, as the queue sees it."),
                &["name"],
                &PASS_SECONDS,
            ),
            retries: catalogue.counters(
                "workqueue_retries_total",
                "Resources that were put into the queue again after a failure.",
                &["name"],
            ),
            restarts: catalogue.counters(
                "mason_watch_restarts_total",
                "How often a watch failed and was begun anew.",
                by,
            ),
            writes: catalogue.counters(
                "mason_status_writes_total",
                "Statuses that were stored.",
                by,
            ),
            conflicts: catalogue.counters(
                "mason_status_conflicts_total",
                "Statuses that were not stored, because another writer changed the resource first.",
                by,
            ),
            queues,
        }
    }

    /// Returns the metrics of a controller that makes at most so many passes at one time.
    #[must_use]
    pub fn of(&self, name: &'static str, concurrency: u16) -> Controller {
        let queue = Arc::new(Queue::default());
        let mut queues = lock(&self.queues);
        queues.queues.retain(|(.., queue)| queue.strong_count() > 0);
        let number = queues.next;
        queues.next += 1;
        queues.queues.push((number, name, Arc::downgrade(&queue)));
        drop(queues);
        self.concurrency.with_label_values(&[name]).set(i64::from(concurrency));
        Controller {
            queue,
            passes: Ended::ALL.map(|ended| self.passes.with_label_values(&[name, ended.result()])),
            errors: self.errors.with_label_values(&[name]),
            panics: self.panics.with_label_values(&[name]),
            seconds: self.seconds.with_label_values(&[name]),
            adds: self.adds.with_label_values(&[name]),
            waited: self.waited.with_label_values(&[name]),
            worked: self.worked.with_label_values(&[name]),
            retries: self.retries.with_label_values(&[name]),
            watch_restarts: self.restarts.with_label_values(&[name]),
        }
    }

    /// Returns every queue, with a number of its own and the name of its controller.
    #[must_use]
    pub fn queues(&self) -> Vec<(u64, &'static str, Arc<Queue>)> {
        let queues = lock(&self.queues);
        let live = queues.queues.iter();
        live.filter_map(|(id, name, queue)| Some((*id, *name, queue.upgrade()?))).collect()
    }

    /// Counts a status that was sent to the API server, by the status of its answer.
    pub fn status_answered(&self, controller: &str, code: u16) {
        match code {
            200..=299 => self.writes.with_label_values(&[controller]).inc(),
            409 => self.conflicts.with_label_values(&[controller]).inc(),
            _ => {}
        }
    }
}

impl Controller {
    /// Notes that a resource is to be looked at from some time on.
    pub fn add(&self, key: super::queue::Key, due: Instant) {
        if self.queue.add(key, due) {
            self.adds.inc();
        }
    }

    /// Notes that a pass begins.
    #[must_use]
    pub fn begin(&self, key: &super::queue::Key, now: Instant) -> Pass {
        let pass = self.queue.begin(key, now);
        self.waited.observe(pass.waited.as_secs_f64());
        pass
    }

    /// Notes that a pass has ended.
    pub fn end(&self, pass: Pass, ended: Ended, now: Instant) {
        self.queue.end(pass);
        let seconds = now.saturating_duration_since(pass.began).as_secs_f64();
        self.seconds.observe(seconds);
        self.worked.observe(seconds);
        self.passes[ended as usize].inc();
        if matches!(ended, Ended::Failed | Ended::Panicked) {
            self.errors.inc();
            self.retries.inc();
        }
        if ended == Ended::Panicked {
            self.panics.inc();
        }
    }
}

/// The name, help and label of a gauge, and how it is read from a queue.
type FromSample = (&'static str, &'static str, &'static [&'static str], fn(&Sample) -> f64);

/// Makes the gauges that are read from the queues.
fn pull_queues(catalogue: &mut Catalogue, queues: &Queues) {
    let pulled: [FromSample; 4] = [
        ("controller_runtime_active_workers", "Passes under way.", &["controller"], |sample| {
            count(sample.running)
        }),
        ("workqueue_depth", "Resources that are due and wait for a pass.", &["name"], |sample| {
            count(sample.depth)
        }),
        (
            "workqueue_unfinished_work_seconds",
            "How long the passes under way have taken, added up.",
            &["name"],
            |sample| sample.unfinished.as_secs_f64(),
        ),
        (
            "workqueue_longest_running_processor_seconds",
            "How long the longest pass under way has taken.",
            &["name"],
            |sample| sample.longest.as_secs_f64(),
        ),
    ];
    for (name, help, labels, value) in pulled {
        let gauge: Pulled = catalogue.pulled(name, help, labels);
        let (queues, is_longest) = (Arc::clone(queues), name.contains("longest"));
        gauge.read_from(move || Some(by_controller(&queues, value, is_longest)));
    }
}

/// Adds a value up over the queues of each controller, or takes the largest.
fn by_controller(queues: &Queues, value: fn(&Sample) -> f64, is_largest: bool) -> Vec<Read> {
    let (mut values, now) = (BTreeMap::new(), Instant::now());
    for (_, name, queue) in &lock(queues).queues {
        let Some(queue) = queue.upgrade() else { continue };
        let (sum, one): (&mut f64, f64) =
            (values.entry(*name).or_default(), value(&queue.sample(now)));
        *sum = if is_largest { sum.max(one) } else { *sum + one };
    }
    values.into_iter().map(|(name, value)| (vec![name.to_owned()], value)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "no queue is that long")]
fn count(number: usize) -> f64 {
    number as f64
}

fn lock(queues: &Queues) -> MutexGuard<'_, Listed> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}
