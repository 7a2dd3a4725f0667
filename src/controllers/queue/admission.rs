//! What the administrator decides about which runs may begin, and when.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use super::run_queue::RunQueue;
use crate::api::v1alpha1::Placement;
use crate::plan::Bounds;
use crate::runs::Namespaces;
use crate::validate::{Maxima, Rules};

/// How often the controller looks for the file that pauses all runs.
const LOOK: Duration = Duration::from_secs(2);

/// What an administrator decides about which runs may begin, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// The largest values that runs and configs may ask for.
    pub maxima: Maxima,
    /// How many runs of one namespace work at one time.
    pub namespace_runs: Option<usize>,
    /// How many runs work at one time of a config that does not say how many.
    pub config_runs: Option<usize>,
    /// Memory of all work in the controller together, in bytes.
    pub worker_memory_bytes: Option<u64>,
    /// Whether nothing new begins.
    pub is_paused: bool,
    /// Nothing new begins while there is a file here.
    pub pause_file: Option<PathBuf>,
    /// How long a run waits for what it names and is not there, or not ready.
    pub patience: Duration,
    /// The namespace whose definitions every run may use.
    pub library_namespace: Option<String>,
}

impl AdmissionSettings {
    pub(crate) fn bounds(&self, working_runs: usize) -> Bounds {
        Bounds {
            all: Some(working_runs.max(1)),
            namespace: self.namespace_runs,
            config: self.config_runs,
            memory_bytes: self.worker_memory_bytes,
        }
    }

    pub(crate) fn rules(&self, is_namespaced: bool, placement: Placement) -> Rules {
        Rules {
            maxima: self.maxima.clone(),
            is_namespaced,
            worker_memory_bytes: self.worker_memory_bytes,
            default_placement: Some(placement),
        }
    }

    /// Pauses and resumes the queue as the administrator says, until the process is to stop.
    pub(crate) async fn watch_pause(self, queue: Arc<RunQueue>, stop: CancellationToken) {
        let mut was_paused = false;
        loop {
            let is_paused = self.is_paused || self.has_file().await;
            if is_paused != was_paused {
                tracing::info!(is_paused, waiting = queue.lengths().1, "runs that have not begun");
                queue.pause(is_paused);
                was_paused = is_paused;
            }
            if self.pause_file.is_none() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Returns whether the file is there; where that cannot be seen, nothing is paused.
    async fn has_file(&self) -> bool {
        match &self.pause_file {
            Some(path) => tokio::fs::try_exists(path).await.unwrap_or_default(),
            None => false,
        }
    }
}

/// Reads the labels of namespaces from the API server when they are asked for.
pub(crate) struct ClusterNamespaces(pub(crate) Client);

#[async_trait]
impl Namespaces for ClusterNamespaces {
    async fn labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let api: Api<Namespace> = Api::all(self.0.clone());
        match api.get_metadata(namespace).await {
            Ok(found) => Some(found.metadata.labels.unwrap_or_default()),
            Err(error) => {
                tracing::warn!(namespace, %error, "the labels of a namespace cannot be read");
                None
            }
        }
    }
}
