//! Wakes runs whose pods have changed, so that nobody has to look at them again and again.
//!
//! A hint that saves looking, never more: what a pod tells is read anew by whoever is woken. Of pods only the
//! metadata is asked for, and nothing is kept.

use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};

use super::context::Context;
use super::watch::{Scope, Stop};
use crate::api::labels::{MANAGED_BY, MANAGER};

/// Watches the pods of a scope until it is to stop; without pods there is nothing to watch.
pub(super) async fn watch_pods(context: Arc<Context>, scope: Scope, stop: Stop) {
    if context.pods.settings.is_none() {
        return;
    }
    let pods: Api<PartialObjectMeta<Pod>> = match &scope {
        Scope::Cluster => Api::all(context.client.clone()),
        Scope::Namespace(name) => Api::namespaced(context.client.clone(), name),
    };
    let ours = watcher::Config::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
    let mut events = watcher(pods, ours).default_backoff().boxed();
    loop {
        let event = tokio::select! {
            () = stop.clone() => return,
            event = events.next() => event,
        };
        match event {
            Some(Ok(Event::Apply(pod) | Event::Delete(pod))) => {
                if let Some(run) = run_of(&pod) {
                    context.turns.look_again(run);
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "failed to watch pods; they are looked at less often");
            }
            None => return,
        }
    }
}

/// Returns the uid of the run that a pod belongs to.
fn run_of(pod: &PartialObjectMeta<Pod>) -> Option<&str> {
    let owner = pod.metadata.owner_references.iter().flatten().next()?;
    (owner.kind == "OperatorRun").then_some(owner.uid.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_wakes_the_run_that_owns_it() {
        let pod = |owner: serde_json::Value| {
            let pod = json!({"metadata": {"name": "p", "ownerReferences": owner}});
            serde_json::from_value::<PartialObjectMeta<Pod>>(pod).unwrap()
        };
        let owner = |kind: &str| json!([{"apiVersion": "mason.dev/v1alpha1", "kind": kind, "name": "r", "uid": "u-1"}]);
        assert_eq!(run_of(&pod(owner("OperatorRun"))), Some("u-1"));
        assert_eq!(run_of(&pod(owner("Job"))), None);
        assert_eq!(run_of(&pod(json!([]))), None);
    }
}
