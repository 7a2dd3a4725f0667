//! What a controller says of itself to the loop that all controllers share.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource as _;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;
use tokio::sync::mpsc::UnboundedReceiver;

use super::error::Error;
use super::requeue::Action;
use crate::controllers::queue::Woken;
use crate::controllers::scope::{Scope, Watched};

/// The objects that the watch has brought; older than what the API server has.
pub(crate) type Cache<K> = Store<DeserializeGuard<K>>;

/// Whether a change of one object may change the readiness of another, by their metadata: of an object that cannot be
/// read no more is known.
pub(crate) type Neighbours = fn(&ObjectMeta, &ObjectMeta) -> bool;

/// Returns what of an object starts a pass when it changes; other changes start none.
pub(crate) type Wakes<K> = fn(&K) -> u64;

/// What a pass is given beside its object.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a, K: Watched> {
    /// All objects of the watch.
    pub(crate) cache: &'a Cache<K>,
    /// How long the object has waited for this pass.
    pub(crate) waited: Duration,
}

/// One controller: what it reconciles and how.
pub(crate) trait Reconcile: Send + Sync + 'static {
    /// The kind.
    type Kind: Watched;

    /// Makes one pass over an object that could be read.
    fn reconcile(
        &self,
        object: &Self::Kind,
        pass: Pass<'_, Self::Kind>,
    ) -> impl Future<Output = Result<Action, Error>> + Send;

    /// Returns whether a change of one object may change the readiness of another; nothing when the
    /// readiness of an object follows from its own spec alone.
    fn neighbours() -> Option<Neighbours> {
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

    /// Is called once, before the first watch begins.
    fn started(self: &Arc<Self>) {}

    /// Is called when a watch begins, with the objects that it will bring.
    fn watched(self: &Arc<Self>, cache: &Cache<Self::Kind>) {
        let _ = cache;
    }

    /// Returns which namespaces it watches.
    fn scopes(&self, namespaces: &[String]) -> Vec<Scope> {
        Scope::of(namespaces)
    }

    /// Notes an object as the watch brings it, before any pass over it.
    fn seen(&self, object: &Self::Kind) {
        let _ = object;
    }

    /// Notes that a watch has brought all objects of its scope for the first time.
    fn listed(&self) {}

    /// Returns the objects that need a pass, beside those that the watch brings.
    fn woken(&self, scope: &Scope) -> Option<UnboundedReceiver<Woken>> {
        let _ = scope;
        None
    }

    /// Forgets an object that is gone.
    fn forget(&self, uid: &str) {
        let _ = uid;
    }
}
