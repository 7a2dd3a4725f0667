//! What is written to the API server: a config, runs, pods.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use mason::api::v1alpha1::{MasonConfig, OperatorDefinition, OperatorRun};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Where everything is.
pub(crate) const NAMESPACE: &str = "bench";
/// How many writes are under way at one time.
const WRITERS: usize = 16;

/// A namespace with a config, and the folder that the config is for.
pub(crate) struct Objects {
    client: kube::Client,
    folder: PathBuf,
}

impl Objects {
    /// Makes the namespace, a table of 1,000 rows and a config for it.
    pub(crate) async fn new(client: kube::Client, folder: &Path) -> Self {
        let objects = Self { client, folder: folder.to_owned() };
        let sales = folder.join(NAMESPACE).join("sales");
        std::fs::create_dir_all(&sales).unwrap();
        let rows: Vec<String> =
            (0..1_000).map(|row| format!("city-{},{}.5", row % 20, row)).collect();
        std::fs::write(sales.join("orders.csv"), format!("city,amount\n{}\n", rows.join("\n")))
            .unwrap();
        let namespaces: Api<Namespace> = Api::all(objects.client.clone());
        let namespace = read(json!({"metadata": {"name": NAMESPACE}}));
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let root = folder.join(NAMESPACE).canonicalize().unwrap();
        let config = read::<MasonConfig>(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig", "metadata": {"name": "lake"},
            "spec": {
                "allowedActions": ["builtin", "container"],
                "engines": {"metastore": ["here"], "storage": ["here"], "execution": ["here"]},
                "clients": [{"name": "here", "local": {
                    "root": root, "parallelism": 1, "memoryLimit": "128Mi",
                }}],
            },
        }));
        objects.api::<MasonConfig>().create(&PostParams::default(), &config).await.unwrap();
        objects
    }

    /// Returns the folder that the administrator allows.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the runs.
    pub(crate) fn runs(&self) -> Api<OperatorRun> {
        self.api()
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Waits until the config is ready.
    pub(crate) async fn wait_for_config(&self) {
        loop {
            let config = self.api::<MasonConfig>().get("lake").await.unwrap();
            let conditions = config.status.map(|status| status.conditions).unwrap_or_default();
            if conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Creates the definition of an operator that is a container.
    pub(crate) async fn define_container(&self) {
        let definition = read::<OperatorDefinition>(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition",
            "metadata": {"name": "bench-pod"},
            "spec": {
                "operator": "bench/pod", "description": "One pod.",
                "action": {"container": {"image": "none", "command": ["work"]}},
            },
        }));
        self.api().create(&PostParams::default(), &definition).await.unwrap();
    }

    /// Creates runs of one query each; `suspend` keeps a controller from them.
    pub(crate) async fn create_runs(&self, name: &str, count: usize, suspend: bool) {
        let query = json!({
            "operator": "table/query", "suspend": suspend,
            "parameters": {
                "database_name": "sales",
                "query_string": "select city, sum(amount) as amount from orders group by city",
            },
        });
        self.create(name, count, query).await;
    }

    /// Creates runs of one pod each.
    pub(crate) async fn create_pod_runs(&self, name: &str, count: usize) {
        self.create(name, count, json!({"operator": "bench/pod"})).await;
    }

    async fn create(&self, name: &str, count: usize, mut spec: Value) {
        spec["configRef"] = json!({"name": "lake"});
        let (runs, spec) = (self.runs(), &spec);
        each(count, |index| {
            let runs = runs.clone();
            let run = read::<OperatorRun>(json!({
                "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
                "metadata": {"name": format!("{name}-{index}")}, "spec": spec,
            }));
            async move { drop(runs.create(&PostParams::default(), &run).await.unwrap()) }
        })
        .await;
    }

    /// Writes the end of runs that nobody has worked on, with a result of so many bytes.
    pub(crate) async fn finish_runs(&self, name: &str, count: usize, bytes: usize) {
        let runs = self.runs();
        each(count, |index| {
            let (runs, name) = (runs.clone(), format!("{name}-{index}"));
            async move {
                let mut run = runs.get(&name).await.unwrap();
                run.status = Some(read(json!({
                    "phase": "Succeeded", "observedGeneration": 1,
                    "conditions": [{
                        "type": "Finished", "status": "True", "reason": "Completed", "message": "",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    }],
                    "finishedAt": "2026-01-01T00:00:00Z",
                    "result": {"kind": "Object", "data": {"text": "x".repeat(bytes)}},
                })));
                runs.replace_status(&name, &PostParams::default(), &run).await.unwrap();
            }
        })
        .await;
    }

    /// Deletes every run and waits until they are gone.
    pub(crate) async fn delete_runs(&self) {
        let everything = (DeleteParams::default(), ListParams::default());
        self.runs().delete_collection(&everything.0, &everything.1).await.unwrap();
        while !self.runs().list(&ListParams::default().limit(1)).await.unwrap().items.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Deletes every pod.
    pub(crate) async fn delete_pods(&self) {
        let everything = (DeleteParams::default(), ListParams::default());
        self.api::<Pod>().delete_collection(&everything.0, &everything.1).await.unwrap();
    }

    /// Creates pods that no node takes.
    pub(crate) async fn create_pods(&self, name: &str, count: usize) {
        let pods = self.api::<Pod>();
        each(count, |index| {
            let pods = pods.clone();
            let pod = read(json!({
                "metadata": {"name": format!("{name}-{index}")},
                "spec": {
                    "automountServiceAccountToken": false,
                    "containers": [{"name": "main", "image": "none"}],
                },
            }));
            async move { drop(pods.create(&PostParams::default(), &pod).await.unwrap()) }
        })
        .await;
    }
}

async fn each<F: Future<Output = ()>>(count: usize, write: impl Fn(usize) -> F) {
    stream::iter(0..count).map(write).buffer_unordered(WRITERS).collect::<()>().await;
}

fn read<T: DeserializeOwned>(document: Value) -> T {
    serde_json::from_value(document).unwrap()
}
