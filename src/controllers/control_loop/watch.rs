//! The loop that all controllers share: a watch, a queue, bounded passes, back-off, shutdown.
//!
//! What kube-rs leaves to its users is here, once: an object that cannot be read does not stop the others,
//! managed fields are not kept, failures back off for each object, and where the readiness of an object
//! follows from its own spec, writes of its status start no pass.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{self, Controller};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates};
use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::backoff::Backoff;
use super::error::{Error, chain};
use super::reconcile::{Cache, Pass, Reconcile};
use super::requeue::Action;
use super::unreadable;
use crate::api::resource::Kind;
use crate::controllers::clock::now;
use crate::controllers::context::Context;
use crate::controllers::health::Gate;
use crate::controllers::scope::{Scope, Watched};
use crate::metrics::{self, Ended, Key};
use crate::store::kubernetes::controller_of;
use crate::telemetry;

/// How soon a process that does not lead checks again whether it does.
const STANDING_BY: Duration = Duration::from_secs(2);

/// The controller whose passes are traced as part of what they work on.
const RUNS: &str = "operatorrun";

/// How many objects one page of the first list holds: runs may be large, and only little of them is kept.
const PAGE: u32 = 100;
/// How often a controller looks over all of its objects.
const LOOK_OVER: Duration = Duration::from_secs(20);

/// Reconciles the objects of a scope until the process is to stop and the passes under way have ended.
pub(crate) async fn run<R: Reconcile>(
    scope: Scope,
    reconcile: Arc<R>,
    context: Arc<Context>,
    (gate, stop): (Gate, CancellationToken),
) {
    let (cache, writer) = reflector::store();
    let api = scope.api(context.client.clone());
    reconcile.watched(&cache);
    let name = controller_name::<R::Kind>();
    let measures = context.metrics.controllers.of(name, context.settings.concurrency);
    let backoff = Backoff::default();
    let cached = cache.clone();
    let state =
        Arc::new(State { name, measures, reconcile, context, cache: cached, gate, backoff });
    let seen = Arc::clone(&state);
    let events = watcher(api, watcher::Config::default().page_size(PAGE))
        .default_backoff()
        .modify(|object: &mut DeserializeGuard<R::Kind>| {
            object.managed_fields_mut().clear();
            object.0.iter_mut().for_each(R::trim);
        })
        .reflect(writer)
        .inspect_ok(move |event| seen.see(event))
        .boxed();
    let woken = woken(&state, &scope);
    let settings = controller::Config::default().concurrency(state.context.settings.concurrency);
    // A controller whose first list never came has no passes to wait for, and would wait for the list.
    let (begun, stopped) = (Arc::clone(&state), stop.clone());
    let never_began = async move {
        stopped.cancelled().await;
        if begun.gate.has_opened() {
            futures::future::pending::<()>().await;
        }
    };
    let looked = Arc::clone(&state);
    let queued = Arc::clone(&state);
    let triggers = stream::select(triggers::<R>(events, cache.clone()), woken)
        .inspect_ok(move |object| queued.measures.add(key_of(object), Instant::now()));
    let reporting = Arc::clone(&state);
    let controller = Controller::for_stream(triggers, cache)
        .with_config(settings)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(|object, state| async move { state.pass(&object).await }, State::rest, state)
        .for_each(move |outcome| {
            reporting.report(outcome.err());
            futures::future::ready(())
        });
    let looking_over = look_over(looked);
    tokio::select! {
        () = controller => {}
        () = never_began => {}
        () = looking_over => {}
    }
}

/// Looks over all objects again and again, once the first list is there.
async fn look_over<R: Reconcile>(state: Arc<State<R>>) {
    loop {
        tokio::time::sleep(LOOK_OVER).await;
        if state.gate.has_opened() && state.context.leadership.holds() {
            state.reconcile.look_over(&state.cache).await;
        }
    }
}

/// Returns the objects to look at: those whose spec changed or, where objects have neighbours, every
/// neighbour of one that changed or is gone.
fn triggers<R: Reconcile>(
    events: BoxStream<'static, watcher::Result<Event<DeserializeGuard<R::Kind>>>>,
    cache: Cache<R::Kind>,
) -> BoxStream<'static, watcher::Result<DeserializeGuard<R::Kind>>> {
    let Some(are_neighbours) = R::neighbours() else {
        let changed = |object: &DeserializeGuard<R::Kind>| match &object.0 {
            Ok(object) => Some(R::wakes()(object)),
            Err(_) => predicates::generation(object),
        };
        return events
            .applied_objects()
            .predicate_filter(changed, PredicateConfig::default())
            .boxed();
    };
    let woken = move |touched: DeserializeGuard<R::Kind>| {
        let is_woken =
            |other: &DeserializeGuard<R::Kind>| are_neighbours(touched.meta(), other.meta());
        cache.state_filter(is_woken).into_iter().map(Arc::unwrap_or_clone).collect::<Vec<_>>()
    };
    let woken = move |event: watcher::Result<_>| match event {
        Ok(touched) => woken(touched).into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    events.touched_objects().map(woken).flat_map(stream::iter).boxed()
}

/// Returns the objects that the controller itself wakes, as the watch has them. An object that is gone is forgotten.
fn woken<R: Reconcile>(
    state: &Arc<State<R>>,
    scope: &Scope,
) -> BoxStream<'static, watcher::Result<DeserializeGuard<R::Kind>>> {
    let Some(woken) = state.reconcile.woken(scope) else { return stream::empty().boxed() };
    let state = Arc::clone(state);
    let woken =
        stream::unfold(woken, |mut woken| async move { Some((woken.recv().await?, woken)) });
    let found = woken.filter_map(move |one| {
        let key = ObjectRef::<DeserializeGuard<R::Kind>>::new(&one.name).within(&one.namespace);
        let found = state.cache.get(&key).filter(|found| found.uid() == Some(one.uid.clone()));
        if found.is_none() {
            state.reconcile.forget(&one.uid);
        }
        futures::future::ready(found.map(|found| Ok(Arc::unwrap_or_clone(found))))
    });
    found.boxed()
}

struct State<R: Reconcile> {
    name: &'static str,
    measures: metrics::Controller,
    reconcile: Arc<R>,
    context: Arc<Context>,
    cache: Cache<R::Kind>,
    gate: Gate,
    backoff: Backoff,
}

impl<R: Reconcile> State<R> {
    async fn pass(&self, object: &DeserializeGuard<R::Kind>) -> Result<controller::Action, Error> {
        let (key, id) = (key_of(object), Uuid::new_v4().simple());
        let span = tracing::info_span!(
            "pass",
            controller = self.name,
            namespace = key.0,
            name = key.1,
            uid = object.uid().unwrap_or_default(),
            reconcile_id = %id,
        );
        if self.name == RUNS {
            telemetry::join_trace(&span, &object.uid().unwrap_or_default());
        }
        let permit = self.context.passes.acquire().await;
        let pass = self.measures.begin(&key, Instant::now());
        let done = self.look(object, pass.waited).instrument(span.clone()).await;
        drop(permit);
        if let Err(error) = &done {
            span.in_scope(|| tracing::warn!(error = chain(error), "failed to reconcile"));
        }
        let ended = match &done {
            Ok(action) => action.ended(),
            Err(Error::Panicked(_)) => Ended::Panicked,
            Err(_) => Ended::Failed,
        };
        self.measures.end(pass, ended, Instant::now());
        let action = done?;
        self.backoff.forget(&object.uid().unwrap_or_default());
        self.look_again(key, action.after());
        Ok(action.into())
    }

    /// Makes the pass over an object. A panic in it is an error of this object alone.
    async fn look(
        &self,
        object: &DeserializeGuard<R::Kind>,
        waited: Duration,
    ) -> Result<Action, Error> {
        // A process that was stopped for longer than its lease lasts must not go on as if nothing had happened.
        if !self.context.leadership.holds() {
            return Ok(Action::requeue(STANDING_BY));
        }
        match &object.0 {
            Ok(object) => {
                let pass = self.reconcile.reconcile(object, Pass { cache: &self.cache, waited });
                let done = AssertUnwindSafe(pass).catch_unwind().await;
                done.unwrap_or_else(|panic| Err(Error::Panicked(telemetry::panic_text(&*panic))))
            }
            Err(invalid) => {
                let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
                let (client, why) = (&self.context.client, invalid.to_string());
                unreadable::report::<R::Kind>(client, (&namespace, &name), &why, now()).await;
                Ok(Action::await_change())
            }
        }
    }

    fn look_again(&self, key: Key, after: Option<Duration>) {
        if let Some(due) = after.and_then(|after| Instant::now().checked_add(after)) {
            self.measures.add(key, due);
        }
    }

    /// Returns how long an object rests after a failure.
    #[expect(clippy::needless_pass_by_value, reason = "the signature is the controller's")]
    fn rest(
        object: Arc<DeserializeGuard<R::Kind>>,
        _: &Error,
        state: Arc<Self>,
    ) -> controller::Action {
        let (uid, generation) = (object.uid().unwrap_or_default(), object.meta().generation);
        let rests = state.backoff.failed(&uid, generation.unwrap_or_default());
        state.look_again(key_of(&*object), Some(rests));
        controller::Action::requeue(rests)
    }

    /// Notes that the first list is complete, and which objects are gone.
    fn see(&self, event: &Event<DeserializeGuard<R::Kind>>) {
        match event {
            Event::InitDone => {
                if !self.gate.has_opened() {
                    self.reconcile.listed();
                }
                self.gate.open();
            }
            Event::Delete(gone) => {
                let uid = gone.uid().unwrap_or_default();
                self.backoff.forget(&uid);
                self.measures.queue.forget(&key_of(gone));
                self.reconcile.forget(&uid);
            }
            Event::InitApply(object) | Event::Apply(object) => {
                if let Ok(object) = &object.0 {
                    self.reconcile.seen(object);
                }
            }
            Event::Init => {}
        }
    }

    /// Logs why something was not reconciled; it is tried again.
    fn report(&self, error: Option<controller::Error<Error, watcher::Error>>) {
        static HINTED: AtomicBool = AtomicBool::new(false);
        let kind = R::Kind::kind(&());
        match error {
            // What a pass says is logged with the pass.
            None | Some(controller::Error::ReconcilerFailed(..)) => {}
            // An object that was to be looked at again is gone.
            Some(controller::Error::ObjectNotFound(object)) => {
                let namespace = object.namespace.clone().unwrap_or_default();
                self.measures.queue.forget(&(namespace, object.name.clone()));
                tracing::debug!(%object, "is gone");
            }
            Some(controller::Error::QueueError(error)) => {
                self.measures.watch_restarts.inc();
                if is_expired(&error) {
                    return tracing::info!(%kind, "the watch begins anew: it had fallen behind");
                }
                tracing::warn!(%kind, error = chain(&error), "failed to watch");
                if !HINTED.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "are the CRDs there? `mason crds | kubectl apply -f -` puts them there"
                    );
                }
            }
            Some(controller::Error::RunnerError(error)) => {
                tracing::error!(%kind, error = chain(&error), "failed to run passes");
            }
        }
    }
}

/// Whether a watch is over that was left alone for too long, which happens by itself.
pub(crate) fn is_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchError(status) if status.code == 410)
}

/// Returns what the controller of a kind is called in metrics and logs.
fn controller_name<K: Watched>() -> &'static str {
    let plural = K::plural(&());
    let kind = Kind::ALL.into_iter().find(|kind| kind.plural() == plural);
    kind.map_or("other", controller_of)
}

fn key_of<K: Resource>(object: &K) -> Key {
    let metadata = object.meta();
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::api::resource as api;
    use crate::api::v1alpha1::MasonConfig;
    use crate::controllers::Settings;
    use crate::controllers::leader::Leadership;
    use crate::metrics::Metrics;
    use crate::testing::api_server::ApiServer;

    #[test]
    fn a_watch_that_fell_behind_is_no_trouble() {
        let told = |code: u16| {
            let status = serde_json::json!({"code": code, "message": "too old resource version"});
            watcher::Error::WatchError(Box::new(serde_json::from_value(status).unwrap()))
        };
        assert!(is_expired(&told(410)) && !is_expired(&told(403)));
    }

    /// Panics over one object, and notes the others.
    #[derive(Default)]
    struct Fragile(Mutex<Vec<String>>);

    impl Reconcile for Fragile {
        type Kind = MasonConfig;

        async fn reconcile(
            &self,
            config: &MasonConfig,
            _: Pass<'_, MasonConfig>,
        ) -> Result<Action, Error> {
            assert!(config.name_any() != "bad", "no more than this: {}", "x".repeat(1_000));
            self.0.lock().unwrap().push(config.name_any());
            Ok(Action::await_change())
        }
    }

    #[tokio::test]
    async fn a_pass_that_panics_stops_nobody_else_and_is_counted() {
        let server = ApiServer::default();
        for name in ["bad", "good"] {
            let document = serde_json::json!({
                "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
                "metadata": {"name": name, "namespace": "n", "uid": name},
                "spec": {
                    "engines": {"metastore": ["here"], "storage": ["here"], "execution": ["here"]},
                    "clients": [{"name": "here", "local": {"root": "/nowhere"}}],
                },
            });
            let resource = api::Resource::from_document(Kind::MasonConfig, document).unwrap();
            server.insert(&resource);
        }
        let metrics = Metrics::new("0");
        let leadership = Arc::new(Leadership::alone());
        let settings = Settings {
            namespaces: Vec::new(),
            local_roots: Vec::new(),
            allowed_endpoints: Vec::new(),
            concurrency: 1,
            working_runs: 1,
            warm_workers: 0,
            kept_runs: None,
            kept_for: None,
            progress_writes: 10,
            pods: None,
            admission: crate::controllers::AdmissionSettings::default(),
            probe_interval: Duration::from_mins(1),
            health_address: "127.0.0.1:0".parse().unwrap(),
            metrics_address: None,
            stuck_after: Duration::from_mins(1),
            lease: None,
        };
        let context = Arc::new(Context::new(settings, server.client(), (&metrics, &leadership)));
        let fragile = Arc::new(Fragile::default());
        let (seen, gate) = (Arc::clone(&fragile), Gate::of_nobody());
        let stop = CancellationToken::new();
        let watching = run(Scope::Cluster, fragile, context, (gate, stop));
        let told = async {
            let panics = "controller_runtime_reconcile_panics_total{controller=\"masonconfig\"} ";
            let panicked = |text: &str| {
                text.lines().any(|line| line.strip_prefix(panics).is_some_and(|count| count != "0"))
            };
            while !panicked(&metrics.text()) || seen.0.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), async {
            tokio::select! { () = watching => {}, () = told => {} }
        });
        in_time.await.expect("should have been counted");
        assert_eq!(*seen.0.lock().unwrap(), ["good"]);
    }
}
