//! Wakes runs whose pods have changed, so that the controller need not poll pods.
//!
//! A hint that saves polling, never more: the pass over the run reads the pod anew. Only the metadata of pods
//! is watched, and nothing of it is kept.

use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watcher};
use tokio_util::sync::CancellationToken;

use crate::api::labels::{MANAGED_BY, MANAGER};
use crate::controllers::context::Context;
use crate::controllers::control_loop::is_expired;
use crate::controllers::scope::Scope;
use crate::pods::run_of;

/// Watches the pods of a scope until it is to stop; without pods there is nothing to watch.
pub(crate) async fn watch_pods(context: Arc<Context>, scope: Scope, stop: CancellationToken) {
    if context.pods.settings.is_none() {
        return;
    }
    let pods = scope.api::<PartialObjectMeta<Pod>>(context.client.clone());
    let ours = watcher::Config::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
    let mut touched = watcher(pods, ours).default_backoff().touched_objects().boxed();
    loop {
        let pod = tokio::select! {
            () = stop.cancelled() => return,
            pod = touched.next() => pod,
        };
        match pod {
            Some(Ok(pod)) => {
                if let Some(run) = run_of(&pod.metadata) {
                    context.queue.wake_run(run);
                }
            }
            Some(Err(error)) if is_expired(&error) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "failed to watch pods; they are looked at less often");
            }
            None => return,
        }
    }
}
