//! Opens the clients of runs, within what the administrator allows for the namespace of their config:
//! a config that is shared opens its own folders to the namespaces it is open to.

use std::sync::Arc;

use async_trait::async_trait;

use super::measured_engines::measured;
use super::pods::RunPods;
use super::roots::AllowedRoots;
use crate::api::v1alpha1::{ClientConfig, EngineChoice};
use crate::clients;
use crate::engines::{ByRole, EngineError, Engines, ErrorKind, Role, Storage};
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
        let picked = ByRole::from(&run.engines);
        let engines = self.open_picked(run, &picked)?;
        let engines = self.pods.with_containers(run, engines)?;
        Ok(measured(engines, &picked, &self.metrics))
    }

    async fn open_storage(
        &self,
        run: &ValidRun,
        client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        let picked = ByRole::from_fn(|role| (role == Role::Storage).then_some(client));
        let engines = self.open_picked(run, &picked)?;
        measured(engines, &picked, &self.metrics).storage().cloned()
    }
}

impl NamespaceEngines {
    fn open_picked(
        &self,
        run: &ValidRun,
        roles: &ByRole<Option<&EngineChoice>>,
    ) -> Result<Engines, EngineError> {
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
        clients::open(&run.clients, roles, &placing)
    }
}
