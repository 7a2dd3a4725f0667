//! A node that is played: what was released gets a node, has its effect, and ends well, or when it is told
//! to.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

/// The image whose pods do not end before they are told to.
pub(crate) const ENDLESS_IMAGE: &str = "endless:1";
/// The name of the node.
const NODE: &str = "played";
/// How long a request may take: the API server is killed, too.
const REQUEST: Duration = Duration::from_secs(5);

/// The node, and the ledger that every pod writes to when it begins.
pub(crate) struct Kubelet {
    pods: Api<DynamicObject>,
    ledger: PathBuf,
    begun: BTreeSet<String>,
}

impl Kubelet {
    /// Makes the node.
    pub(crate) async fn begin(client: &Client, namespace: &str, ledger: PathBuf) -> Self {
        let nodes = ApiResource::erase::<k8s_openapi::api::core::v1::Node>(&());
        let nodes: Api<DynamicObject> = Api::all_with(client.clone(), &nodes);
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}});
        let node = serde_json::from_value(node).unwrap();
        nodes.create(&PostParams::default(), &node).await.unwrap();
        let pods = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
        let pods = Api::namespaced_with(client.clone(), namespace, &pods);
        std::fs::write(&ledger, "").unwrap();
        Self { pods, ledger, begun: BTreeSet::new() }
    }

    /// Looks at every pod once.
    pub(crate) async fn look(&mut self) {
        let listing = ListParams::default();
        let listed = self.pods.list(&listing);
        let Ok(Ok(listed)) = tokio::time::timeout(REQUEST, listed).await else { return };
        for pod in listed {
            let name = pod.metadata.name.clone().unwrap_or_default();
            let is_gated = pod.data["spec"]["schedulingGates"]
                .as_array()
                .is_some_and(|gates| !gates.is_empty());
            let has_ended =
                matches!(pod.data["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
            if is_gated || has_ended || pod.metadata.deletion_timestamp.is_some() {
                continue;
            }
            if pod.data["spec"]["nodeName"].is_null() {
                self.bind(&name).await;
            } else {
                self.work(&name, &pod).await;
            }
        }
    }

    /// Gives a pod its node; whether that took place is seen with the next look.
    async fn bind(&self, name: &str) {
        let target = json!({"apiVersion": "v1", "kind": "Node", "name": NODE});
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target,
        });
        let how = PostParams::default();
        let bound = self.pods.create_subresource::<Value, Value>("binding", name, &how, &binding);
        drop(tokio::time::timeout(REQUEST, bound).await);
    }

    /// Writes the pod's line to the ledger, once, and lets it end: with its proof, or when it is to stop.
    async fn work(&mut self, name: &str, pod: &DynamicObject) {
        let annotations = pod.metadata.annotations.clone().unwrap_or_default();
        let token = annotations.get("mason.dev/token").cloned().unwrap_or_default();
        let owner = pod.metadata.owner_references.iter().flatten().next();
        let run_uid = owner.map(|owner| owner.uid.clone()).unwrap_or_default();
        if self.begun.insert(pod.metadata.uid.clone().unwrap_or_default()) {
            let mut ledger = std::fs::File::options().append(true).open(&self.ledger).unwrap();
            writeln!(ledger, "{run_uid} {token}").unwrap();
        }
        let is_endless = pod.data["spec"]["containers"][0]["image"] == ENDLESS_IMAGE;
        if is_endless && pod.data["spec"]["activeDeadlineSeconds"].is_null() {
            return self.tell(name, json!({"phase": "Running"})).await;
        }
        if is_endless {
            return self.tell(name, json!({"phase": "Failed", "reason": "DeadlineExceeded"})).await;
        }
        let proof = json!({"token": token, "exitCode": 0, "result": {"run": name}}).to_string();
        let ended = json!({"exitCode": 0, "reason": "Completed", "message": proof});
        let status = json!({
            "phase": "Succeeded",
            "containerStatuses": [{
                "name": "main", "image": "played", "imageID": "played@sha256:0", "ready": false,
                "restartCount": 0, "state": {"terminated": ended},
            }],
        });
        self.tell(name, status).await;
    }

    async fn tell(&self, name: &str, status: Value) {
        let patch = Patch::Merge(json!({"status": status}));
        let how = PatchParams::default();
        let told = self.pods.patch_status(name, &how, &patch);
        drop(tokio::time::timeout(REQUEST, told).await);
    }
}
