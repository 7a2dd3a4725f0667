//! Opens the clients of runs, within what the administrator allows for the namespace of their config:
//! a config that is shared opens its own folders to the namespaces it is open to.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;

use super::pods::{RunPlaces, RunPods};
use super::secrets::ClusterSecrets;
use crate::api::v1alpha1::EngineChoice;
use crate::clients::{
    AllowedRoots, ConfigIdentity, Connections, Picked, PlaceWorkers, Surroundings, measured,
};
use crate::controllers::settings::Settings;
use crate::engines::{ByRole, EngineError, Engines, Role, Storage};
use crate::metrics::Metrics;
use crate::runs::OpenEngines;
use crate::validate::ValidRun;

/// The clients that a controller has open, and what it lends to them.
pub(crate) struct Clients {
    pub(crate) connections: Connections,
    roots: AllowedRoots,
    endpoints: Vec<String>,
    pub(crate) secrets: ClusterSecrets,
}

impl Clients {
    /// Makes it with nothing open. Configs may name the folders of their namespace below the allowed roots, and the
    /// allowed servers.
    pub(crate) fn new(kubernetes: &Client, settings: &Settings) -> Self {
        Self {
            connections: Connections::default(),
            roots: AllowedRoots(settings.local_roots.clone()),
            endpoints: settings.allowed_endpoints.clone(),
            secrets: ClusterSecrets(kubernetes.clone()),
        }
    }

    /// Returns what is lent to clients whose workers run where `workers` says.
    pub(crate) fn surroundings<'a>(&'a self, workers: &'a dyn PlaceWorkers) -> Surroundings<'a> {
        Surroundings {
            base: Path::new("/"),
            roots: Some(&self.roots),
            endpoints: Some(&self.endpoints),
            secrets: Some(&self.secrets),
            workers,
            ambient_credentials: false,
        }
    }
}

/// Opens the clients of a run.
pub(crate) struct RunEngines {
    pub(crate) clients: Arc<Clients>,
    pub(crate) metrics: Metrics,
    pub(crate) pods: RunPods,
}

impl RunEngines {
    async fn open_picked(
        &self,
        run: &ValidRun,
        roles: &ByRole<Option<&EngineChoice>>,
    ) -> Result<Engines, EngineError> {
        let (namespace, version) = (run.config.namespace.clone(), run.config_version.clone());
        self.pods.check_lending(run)?;
        let config = ConfigIdentity { namespace, version };
        let places = RunPlaces { pods: &self.pods, run };
        let surroundings = self.clients.surroundings(&places);
        let picked = Picked { config, clients: &run.clients, roles: *roles };
        self.clients.connections.open(&picked, &surroundings).await
    }
}

#[async_trait]
impl OpenEngines for RunEngines {
    /// Checks what is lent with every opening, also for what was frozen long ago.
    async fn open(&self, run: &ValidRun) -> Result<Engines, EngineError> {
        let picked = ByRole::from(&run.engines);
        let engines = self.open_picked(run, &picked).await?;
        let engines = self.pods.with_containers(run, engines)?;
        Ok(measured(engines, &picked, &self.metrics))
    }

    async fn open_storage(
        &self,
        run: &ValidRun,
        client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        let picked = ByRole::from_fn(|role| (role == Role::Storage).then_some(client));
        let engines = self.open_picked(run, &picked).await?;
        measured(engines, &picked, &self.metrics).storage().cloned()
    }
}
