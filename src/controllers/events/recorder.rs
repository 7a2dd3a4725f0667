//! The queue of events, and the task that writes them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt as _};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::event::{event_of, up_to};
use super::transitions::{self, Report, Stage};
use crate::api::resource::Resource;
use crate::api::v1alpha1::OperatorRun;
use crate::metrics::Metrics;

/// How many events wait to be written; what comes while they do is dropped.
const QUEUE: usize = 2_000;
/// Most bytes of the name of the reporting machine; a limit of the API server.
const INSTANCE: usize = 128;
/// How long the same event is not reported again: a condition that flaps makes no storm of events.
const QUIET: Duration = Duration::from_mins(1);
/// How many events are remembered for that.
const REMEMBERED: usize = 1_024;
/// How long the end of the process waits for what is queued.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Reports transitions as events.
pub(crate) struct Events {
    queue: mpsc::Sender<Event>,
    tally: Arc<Tally>,
    recent: Mutex<VecDeque<(u64, Instant)>>,
    instance: String,
}

/// The counts of waiting and dropped events.
struct Tally {
    /// Those that wait to be written.
    waiting: AtomicUsize,
    metrics: Metrics,
    /// Whether dropped events have been logged.
    said: AtomicBool,
}

impl Events {
    /// Begins to write events; ends with the runtime.
    pub(crate) fn new(client: Client, metrics: &Metrics) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        let tally = Arc::new(Tally::new(metrics));
        tokio::spawn(write_all(client, queued, Arc::clone(&tally)));
        let host = kube::runtime::events::Reporter::from("mason").instance;
        let instance = up_to(&host.unwrap_or_else(|| "mason".to_owned()), INSTANCE);
        Self { queue, tally, recent: Mutex::default(), instance }
    }

    /// Reports the transition of a run from an earlier stage, if there is one. The run is as it was stored.
    pub(crate) fn report_run(&self, before: &Stage, run: &OperatorRun) {
        if let Some(report) = transitions::of_run(before, run) {
            self.report(&Resource::OperatorRun(Box::new(slim(run))), &report);
        }
    }

    /// Reports the readiness of a config or definition if it changed. The object is as it was stored.
    pub(crate) fn report_readiness(&self, before: &Resource, stored: &Resource) {
        if let Some(report) = transitions::of_readiness(before, stored) {
            self.report(stored, &report);
        }
    }

    /// Reports an event of a stored object.
    pub(crate) fn report(&self, object: &Resource, report: &Report) {
        let metadata = object.metadata();
        if !self.is_news(metadata.uid.as_deref().unwrap_or_default(), report) {
            return;
        }
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(event_of(object, report, &self.instance)).is_err() {
            self.tally.ended(false);
        }
    }

    /// Waits a little until everything is written.
    pub(crate) async fn flush(&self) {
        let all_written = async {
            while self.tally.waiting.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // What an event says that is not written by then is in the status too.
        drop(tokio::time::timeout(LAST_WORDS, all_written).await);
    }

    /// Returns whether the same event of the same object was not reported a moment ago.
    fn is_news(&self, uid: &str, report: &Report) -> bool {
        let digest = Sha256::digest(format!("{uid}/{:?}/{}", report.reason, report.note));
        let mut key = [0; 8];
        key.copy_from_slice(&digest[..8]);
        let (key, now) = (u64::from_be_bytes(key), Instant::now());
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(_, at)| now.duration_since(*at) < QUIET);
        if recent.iter().any(|(other, _)| *other == key) {
            return false;
        }
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back((key, now));
        true
    }
}

impl Tally {
    fn new(metrics: &Metrics) -> Self {
        let (waiting, said) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { waiting, metrics: metrics.clone(), said }
    }

    fn ended(&self, written: bool) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        if written {
            self.said.store(false, Ordering::Relaxed);
            return;
        }
        self.metrics.dropped_events.inc();
        if !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!("events are dropped; what they say stands in the status");
        }
    }
}

/// Writes what is queued, one after the other.
async fn write_all(client: Client, mut queued: mpsc::Receiver<Event>, tally: Arc<Tally>) {
    while let Some(event) = queued.recv().await {
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let events: Api<Event> = Api::namespaced(client.clone(), &namespace);
        let written = match events.create(&PostParams::default(), &event).await {
            Ok(_) => true,
            // Another process, or this one before it died, has reported it.
            Err(kube::Error::Api(status)) if status.code == 409 => true,
            Err(error) => {
                let event = event.name_any();
                tracing::debug!(namespace, event, %error, "failed to write an event");
                false
            }
        };
        tally.ended(written);
    }
}

/// Returns a run with what an event needs of it.
fn slim(run: &OperatorRun) -> OperatorRun {
    OperatorRun { metadata: run.metadata.clone(), spec: run.spec.clone(), status: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::NOTE;
    use super::*;
    use crate::api::conditions::Reason;
    use crate::api::resource::Kind;

    fn run(name: &str, version: &str) -> Resource {
        let document = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": name, "namespace": "n", "uid": "u", "resourceVersion": version},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
        });
        Resource::from_document(Kind::OperatorRun, document).expect("should be a run")
    }

    fn report(note: &str) -> Report {
        let (reason, note) = (Reason::Completed, note.to_owned());
        Report { reason, action: "Finish", note, is_warning: false }
    }

    #[test]
    fn an_events_name_follows_from_the_stored_version_alone() {
        let name = |run: &Resource| event_of(run, &report("x"), "here").name_any();
        assert_eq!(name(&run("a", "7")), name(&run("a", "7")));
        assert_ne!(name(&run("a", "7")), name(&run("a", "8")));
        let long = name(&run(&"a-".repeat(126), "7"));
        assert!(long.len() <= 253 && !long.contains("-."), "{long}");
    }

    #[test]
    fn a_note_is_cut_at_a_character() {
        let note = event_of(&run("a", "7"), &report(&"é€".repeat(500)), "here").note;
        let note = note.expect("should have a note");
        assert!(note.len() <= NOTE && note.len() > NOTE - 4, "{}", note.len());
    }

    #[tokio::test]
    async fn what_nobody_writes_is_dropped_and_counted_and_the_same_is_told_once() {
        let (queue, mut queued) = mpsc::channel(2);
        let metrics = Metrics::new("0");
        let tally = Arc::new(Tally::new(&metrics));
        let events = Events {
            queue,
            tally: Arc::clone(&tally),
            recent: Mutex::default(),
            instance: String::new(),
        };
        let object = run("a", "7");
        for note in ["one", "one", "two", "three", "three", "four"] {
            events.report(&object, &report(note));
        }
        assert_eq!(metrics.dropped_events.get(), 2);
        assert_eq!(tally.waiting.load(Ordering::Relaxed), 2);
        let notes = [queued.try_recv(), queued.try_recv()].map(|event| event.unwrap().note);
        assert_eq!(notes, [Some("one".to_owned()), Some("two".to_owned())]);
    }
}
