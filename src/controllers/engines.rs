//! Opens the clients of runs, within what the administrator allows for the namespace of their config:
//! a config that is shared opens its own folders to the namespaces it is open to.

use std::sync::Arc;

use async_trait::async_trait;

use super::measured_engines::measured;
use super::pods::RunPods;
use super::roots::AllowedRoots;
use crate::api::v1alpha1::ClientConfig;
use crate::clients;
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::metrics::Metrics;
use crate::runs::OpenEngines;
use crate::validate::ValidRun;

/// Opens the clients of runs.
pub(super) struct NamespaceEngines {
    pub(super) roots: Arc<AllowedRoots>,
    pub(super) metrics: Metrics,
    pub(super) pods: RunPods,
}

#[async_trait]
impl OpenEngines for NamespaceEngines {
    /// Checks the roots with every opening, also for what was frozen long ago.
    async fn open(&self, run: &ValidRun) -> Result<Engines, EngineError> {
        for client in &run.clients {
            let Some(folder) = client.folder() else { continue };
            let namespace = run.config.namespace.as_deref();
            let checked = namespace.map_or_else(
                || Err("the namespace of the config is not recorded".to_owned()),
                |namespace| self.roots.check(namespace, folder),
            );
            checked.map_err(|message| {
                EngineError::new(
                    ErrorKind::PermissionDenied,
                    &client.name,
                    "open a client",
                    message,
                )
            })?;
        }
        let placing = |client: &ClientConfig| self.pods.place(run, client);
        let engines = clients::open_matched_at(&run.clients, &run.engines, &placing)?;
        let engines = self.pods.with_containers(run, engines)?;
        Ok(measured(engines, &run.engines, &self.metrics))
    }
}
