//! Events: what `kubectl describe` and `kubectl get events` tell of an object, one for each transition.
//!
//! Told after the status that they speak of is stored, never before, and never waited for: a bounded
//! queue takes them and one task writes them, so that no pass is slow or fails for them. An event's
//! name follows from the stored version of its object, so that no second process writes it again.

mod transitions;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Resource as _, ResourceExt as _};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::clock::now;
use crate::api::resource::Resource;
use crate::api::v1alpha1::OperatorRun;
use crate::metrics::Metrics;
pub(super) use transitions::{Stage, Told};

/// How many events wait to be written; what comes while they do is dropped.
const QUEUE: usize = 2_000;
/// Most bytes of an event's text, as the API server has it.
const NOTE: usize = 1_024;
/// Most bytes of the name of the machine that tells it, as the API server has it.
const INSTANCE: usize = 128;
/// Most bytes of the object's name in the event's.
const NAME: usize = 200;
/// The same is not told again for so long: something that goes to and fro makes no storm.
const QUIET: Duration = Duration::from_mins(1);
/// How many events are remembered for that.
const REMEMBERED: usize = 1_024;
/// How long the end of the process waits for what is queued.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where transitions are told.
pub(super) struct Events {
    queue: mpsc::Sender<Event>,
    tally: Arc<Tally>,
    recent: Mutex<VecDeque<(u64, Instant)>>,
    instance: String,
}

/// What became of events.
struct Tally {
    /// Those that wait to be written.
    waiting: AtomicUsize,
    metrics: Metrics,
    /// Whether a log line has said so.
    said: AtomicBool,
}

impl Events {
    /// Begins to write events; ends with the runtime.
    pub(super) fn new(client: Client, metrics: &Metrics) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        let tally = Arc::new(Tally::new(metrics));
        tokio::spawn(write_all(client, queued, Arc::clone(&tally)));
        let host = kube::runtime::events::Reporter::from("mason").instance;
        let instance = up_to(&host.unwrap_or_else(|| "mason".to_owned()), INSTANCE);
        Self { queue, tally, recent: Mutex::default(), instance }
    }

    /// Tells the transition of a run from a stage, if there is one; the run is stored as it is now.
    pub(super) fn tell_run(&self, before: &Stage, run: &OperatorRun) {
        if let Some(told) = transitions::of_run(before, run) {
            self.tell(&Resource::OperatorRun(Box::new(slim(run))), &told);
        }
    }

    /// Tells how a config or definition came to stand, if that changed; it is stored as it is now.
    pub(super) fn tell_standing(&self, before: &Resource, stored: &Resource) {
        if let Some(told) = transitions::of_standing(before, stored) {
            self.tell(stored, &told);
        }
    }

    /// Tells something of a stored object.
    pub(super) fn tell(&self, object: &Resource, told: &Told) {
        let metadata = object.metadata();
        if !self.is_news(metadata.uid.as_deref().unwrap_or_default(), told) {
            return;
        }
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(event_of(object, told, &self.instance)).is_err() {
            self.tally.ended(false);
        }
    }

    /// Waits a little until everything is written.
    pub(super) async fn flush(&self) {
        let all_written = async {
            while self.tally.waiting.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // What is not written by then stands in the status.
        drop(tokio::time::timeout(LAST_WORDS, all_written).await);
    }

    /// Whether the same was not told of the same object a moment ago.
    fn is_news(&self, uid: &str, told: &Told) -> bool {
        let digest = Sha256::digest(format!("{uid}/{:?}/{}", told.reason, told.note));
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
            // Another process, or this one before it died, has told it.
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

fn event_of(object: &Resource, told: &Told, instance: &str) -> Event {
    let (metadata, key) = (object.metadata(), object.key());
    let version = metadata.resource_version.clone().unwrap_or_default();
    let uid = metadata.uid.clone().unwrap_or_default();
    let digest = Sha256::digest(format!("{uid}/{version}/{:?}", told.reason));
    let digest = hex::encode(&digest[..8]);
    let name = up_to(&key.name, NAME);
    let controller = match object {
        Resource::OperatorRun(_) => "mason-operator-run",
        Resource::OperatorDefinition(_) => "mason-operator-definition",
        Resource::MasonConfig(_) => "mason-config",
    };
    Event {
        action: Some(told.action.to_owned()),
        reason: Some(told.reason.as_str().to_owned()),
        note: Some(up_to(&told.note, NOTE)),
        type_: Some(if told.is_warning { "Warning" } else { "Normal" }.to_owned()),
        event_time: Some(MicroTime(now())),
        regarding: Some(reference_to(object)),
        metadata: ObjectMeta {
            name: Some(format!("{}.{digest}", name.trim_end_matches(['-', '.']))),
            namespace: Some(key.namespace),
            ..ObjectMeta::default()
        },
        reporting_controller: Some(controller.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        ..Event::default()
    }
}

fn reference_to(object: &Resource) -> ObjectReference {
    match object {
        Resource::OperatorRun(run) => run.object_ref(&()),
        Resource::OperatorDefinition(definition) => definition.object_ref(&()),
        Resource::MasonConfig(config) => config.object_ref(&()),
    }
}

/// Returns a run with what an event needs of it.
fn slim(run: &OperatorRun) -> OperatorRun {
    OperatorRun { metadata: run.metadata.clone(), spec: run.spec.clone(), status: None }
}

/// Returns the beginning of a text, within so many bytes and in whole characters.
fn up_to(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    fn told(note: &str) -> Told {
        let (reason, note) = (Reason::Completed, note.to_owned());
        Told { reason, action: "Finish", note, is_warning: false }
    }

    #[test]
    fn an_events_name_follows_from_the_stored_version_alone() {
        let name = |run: &Resource| event_of(run, &told("x"), "here").name_any();
        assert_eq!(name(&run("a", "7")), name(&run("a", "7")));
        assert_ne!(name(&run("a", "7")), name(&run("a", "8")));
        let long = name(&run(&"a-".repeat(126), "7"));
        assert!(long.len() <= 253 && !long.contains("-."), "{long}");
    }

    #[test]
    fn a_note_is_cut_at_a_character() {
        let note = event_of(&run("a", "7"), &told(&"é€".repeat(500)), "here").note;
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
            events.tell(&object, &told(note));
        }
        assert_eq!(metrics.dropped_events.get(), 2);
        assert_eq!(tally.waiting.load(Ordering::Relaxed), 2);
        let notes = [queued.try_recv(), queued.try_recv()].map(|event| event.unwrap().note);
        assert_eq!(notes, [Some("one".to_owned()), Some("two".to_owned())]);
    }
}
