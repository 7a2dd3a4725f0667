//! The loop that all controllers share: a watch, a queue, bounded passes, back-off, shutdown.
//!
//! What kube-rs leaves to its users is here, once: an object that cannot be read stops nobody else,
//! managed fields are not kept, failures back off for each object, and where an object stands by its own
//! spec alone, status writes wake nobody.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, Shared};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use kube::api::Api;
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::context::{Context, Error};
use super::health::Gate;

/// How many objects one page of the first list holds: runs may be large, and only little of them is kept.
const PAGE: u32 = 100;
/// How often all objects are looked over.
const LOOK_OVER: Duration = Duration::from_secs(20);

/// Done when the process is to stop.
pub(super) type Stop = Shared<BoxFuture<'static, ()>>;
/// The objects that the watch has brought; older than what the API server has.
pub(super) type Cache<K> = Store<DeserializeGuard<K>>;

/// Whether a change of one object may change how another stands.
pub(super) type Neighbours<K> = fn(&K, &K) -> bool;

/// What of an object is looked at when it changes: nobody is woken while that stays the same.
pub(super) type Wakes<K> = fn(&K) -> u64;

/// Which namespaces one watch covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of them.
    Cluster,
    /// One.
    Namespace(String),
}

impl Scope {
    /// Returns one scope for each namespace, or one for all when none is named.
    pub(super) fn of(namespaces: &[String]) -> Vec<Self> {
        if namespaces.is_empty() {
            return vec![Self::Cluster];
        }
        namespaces.iter().cloned().map(Self::Namespace).collect()
    }
}

/// A kind that can be watched.
pub(super) trait Watched:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + std::fmt::Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Watched for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// One controller: what it reconciles and how.
pub(super) trait Reconcile: Send + Sync + 'static {
    /// The kind.
    type Kind: Watched;

    /// Makes one pass over an object that could be read.
    fn reconcile(
        &self,
        object: &Self::Kind,
        cache: &Cache<Self::Kind>,
    ) -> impl Future<Output = Result<Action, Error>> + Send;

    /// Returns whether a change of one object may change how another stands; nothing when an object
    /// stands by its own spec alone.
    fn neighbours() -> Option<Neighbours<Self::Kind>> {
        None
    }

    /// Returns what of an object wakes when it changes: its generation, which only its spec and its
    /// deletion change.
    fn wakes() -> Wakes<Self::Kind> {
        |object| object.meta().generation.unwrap_or_default().unsigned_abs()
    }

    /// Drops of an object what need not be remembered.
    fn trim(object: &mut Self::Kind) {
        let _ = object;
    }

    /// Looks over all objects of the watch, now and then.
    fn look_over(&self, cache: &Cache<Self::Kind>) -> impl Future<Output = ()> + Send {
        let _ = cache;
        async {}
    }

    /// Forgets an object that is gone.
    fn forget(&self, uid: &str) {
        let _ = uid;
    }
}

/// Reconciles the objects of a scope until the process is to stop and the passes under way have ended.
pub(super) async fn run<R: Reconcile>(
    scope: Scope,
    reconcile: Arc<R>,
    context: Arc<Context>,
    (gate, stop): (Gate, Stop),
) {
    let (cache, writer) = reflector::store();
    let api = match &scope {
        Scope::Cluster => Api::all(context.client.clone()),
        Scope::Namespace(name) => Api::namespaced(context.client.clone(), name),
    };
    let state = Arc::new(State { reconcile, context, cache: cache.clone(), gate });
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
    let settings = controller::Config::default().concurrency(state.context.settings.concurrency);
    // A controller whose first list never came has no passes to wait for, and would wait for the list.
    let (begun, told) = (Arc::clone(&state), stop.clone());
    let never_began = async move {
        told.await;
        if begun.gate.has_opened() {
            futures::future::pending::<()>().await;
        }
    };
    let looked = Arc::clone(&state);
    let controller = Controller::for_stream(triggers::<R>(events, cache.clone()), cache)
        .with_config(settings)
        .graceful_shutdown_on(stop)
        .run(|object, state| async move { state.pass(&object).await }, State::rest, state)
        .for_each(|outcome| {
            report::<R::Kind>(outcome.err());
            futures::future::ready(())
        });
    let looking_over = look_over(Arc::clone(&looked));
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
        if state.gate.has_opened() {
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
        let is_woken = |other: &DeserializeGuard<R::Kind>| match (&touched.0, &other.0) {
            (Ok(touched), Ok(other)) => are_neighbours(touched, other),
            _ => false,
        };
        cache.state_filter(is_woken).into_iter().map(Arc::unwrap_or_clone).collect::<Vec<_>>()
    };
    let woken = move |event: watcher::Result<_>| match event {
        Ok(touched) => woken(touched).into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    events.touched_objects().map(woken).flat_map(stream::iter).boxed()
}

struct State<R: Reconcile> {
    reconcile: Arc<R>,
    context: Arc<Context>,
    cache: Cache<R::Kind>,
    gate: Gate,
}

impl<R: Reconcile> State<R> {
    async fn pass(&self, object: &DeserializeGuard<R::Kind>) -> Result<Action, Error> {
        let object = match &object.0 {
            Ok(object) => object,
            Err(invalid) => {
                let (name, kind) = (object.name_any(), R::Kind::kind(&()));
                let namespace = object.namespace().unwrap_or_default();
                tracing::warn!(%kind, namespace, name, error = %invalid, "an object is not readable");
                return Ok(Action::await_change());
            }
        };
        let permit = self.context.passes.acquire().await;
        let done = self.reconcile.reconcile(object, &self.cache).await;
        drop(permit);
        if done.is_ok() {
            self.context.backoff.forget(&object.uid().unwrap_or_default());
        }
        done
    }

    /// Returns how long an object rests after a failure.
    #[expect(clippy::needless_pass_by_value, reason = "the signature is the controller's")]
    fn rest(object: Arc<DeserializeGuard<R::Kind>>, _: &Error, state: Arc<Self>) -> Action {
        let (uid, generation) = (object.uid().unwrap_or_default(), object.meta().generation);
        Action::requeue(state.context.backoff.failed(&uid, generation.unwrap_or_default()))
    }

    /// Notes that the first list is complete, and which objects are gone.
    fn see(&self, event: &Event<DeserializeGuard<R::Kind>>) {
        match event {
            Event::InitDone => self.gate.open(),
            Event::Delete(gone) => {
                let uid = gone.uid().unwrap_or_default();
                self.context.backoff.forget(&uid);
                self.reconcile.forget(&uid);
            }
            Event::Init | Event::InitApply(_) | Event::Apply(_) => {}
        }
    }
}

/// Logs why something was not reconciled; it is tried again.
fn report<K: Watched>(error: Option<controller::Error<Error, watcher::Error>>) {
    static HINTED: AtomicBool = AtomicBool::new(false);
    let kind = K::kind(&());
    match error {
        None => {}
        // An object that was to be looked at again is gone.
        Some(controller::Error::ObjectNotFound(object)) => tracing::debug!(%object, "is gone"),
        Some(controller::Error::ReconcilerFailed(error, object)) => {
            tracing::warn!(%object, error = chain(&error), "failed to reconcile");
        }
        Some(controller::Error::QueueError(error)) => {
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

/// Returns an error with everything that it was caused by, each thing once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |error| error.source()) {
        let text = match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => {
                format!("{} (status {})", status.message, status.code)
            }
            _ => error.to_string(),
        };
        // Errors of kube have what caused them in their own text.
        if let Some(outer) = texts.last_mut().filter(|outer| outer.contains(": ApiError: ")) {
            outer.truncate(outer.find(": ApiError: ").unwrap_or_default());
        }
        if !texts.iter().any(|outer| outer.contains(&text)) {
            texts.push(text);
        }
        if matches!(error.downcast_ref(), Some(kube::Error::Api(_))) {
            break;
        }
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_its_causes_each_once() {
        let status: kube::core::Status =
            serde_json::from_value(serde_json::json!({"code": 403, "message": "not yours"}))
                .unwrap();
        let refused = kube::Error::Api(Box::new(status));
        let listing = watcher::Error::InitialListFailed(refused);
        assert_eq!(
            chain(&listing),
            "failed to perform initial object list: not yours (status 403)"
        );
        let plain = std::io::Error::other("no disk");
        assert_eq!(chain(&plain), "no disk");
    }

    #[test]
    fn without_namespaces_the_whole_cluster_is_watched() {
        assert_eq!(Scope::of(&[]), [Scope::Cluster]);
        let two = Scope::of(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(two, [Scope::Namespace("a".to_owned()), Scope::Namespace("b".to_owned())]);
    }
}
