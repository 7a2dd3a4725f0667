//! Where the work of runs takes place: in the controller, or in pods of the run's namespace.

use std::path::PathBuf;
use std::sync::Arc;

use kube::Client;

use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    ClientConfig, ContainerStorage, EngineChoice, EngineChoices, Placement,
};
use crate::clients::{PlaceWorkers, WorkersAt};
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::pods::{
    AttemptPods, ContainerPlace, Launcher, PodExecution, PodSettings, StorageMount, WorkerPods,
};
use crate::validate::{ValidAction, ValidRun};

/// What the administrator says of placements and pods.
#[derive(Clone)]
pub(crate) struct Pods {
    pub(crate) client: Client,
    pub(crate) settings: Option<Arc<PodSettings>>,
    /// Where workers run that are not pods.
    here: WorkersAt,
}

impl Pods {
    pub(crate) fn new(
        client: &Client,
        settings: Option<&PodSettings>,
        warm_workers: usize,
    ) -> Self {
        let works_here =
            settings.is_none_or(|settings| settings.placement(Some(Placement::Controller)).is_ok());
        Self {
            client: client.clone(),
            settings: settings.cloned().map(Arc::new),
            here: if works_here { WorkersAt::warm(warm_workers) } else { WorkersAt::Here },
        }
    }

    /// Starts the workers that wait for jobs.
    pub(crate) fn warm_up(&self) {
        self.here.warm_up();
    }

    /// Returns where a client works: where it asks to, if it may.
    ///
    /// # Errors
    /// `PlacementNotAllowed`.
    fn placement(&self, client: &ClientConfig) -> Result<Placement, EngineError> {
        let asked = client.placement();
        let refused = |message: String| {
            EngineError::new(ErrorKind::PermissionDenied, &client.name, "place the work", message)
                .with_reason(Reason::PlacementNotAllowed)
        };
        match &self.settings {
            Some(settings) => settings.placement(asked).map_err(refused),
            None if asked == Some(Placement::Pod) => {
                let message = "the administrator has not said what pods are made of";
                let hint = "`mason controller --pod-settings` does";
                Err(refused(message.to_owned()).with_hint(hint))
            }
            None => Ok(Placement::Controller),
        }
    }
}

/// The pods of one run.
pub(crate) struct RunPods {
    pub(crate) pods: Pods,
    pub(crate) namespace: String,
    pub(crate) run: String,
}

/// Returns where work takes place when its config does not say.
pub(crate) fn default_placement(settings: Option<&PodSettings>) -> Placement {
    let chosen = settings.and_then(|settings| settings.placement(None).ok());
    chosen.unwrap_or(Placement::Controller)
}

/// Where work may take place without a run: a config is probed in this process.
impl PlaceWorkers for Pods {
    fn place(&self, client: &ClientConfig) -> Result<WorkersAt, EngineError> {
        self.placement(client).map(|_| self.here.clone())
    }
}

/// Where the workers of one run take place.
pub(crate) struct RunPlaces<'a> {
    pub(crate) pods: &'a RunPods,
    pub(crate) run: &'a ValidRun,
}

impl PlaceWorkers for RunPlaces<'_> {
    fn place(&self, client: &ClientConfig) -> Result<WorkersAt, EngineError> {
        let pods = &self.pods.pods;
        match (pods.placement(client)?, &pods.settings) {
            (Placement::Pod, Some(settings)) => {
                let pods = self.pods.attempts(settings, place_of(self.run, None));
                Ok(WorkersAt::There(Arc::new(WorkerPods::new(pods))))
            }
            _ => Ok(pods.here.clone()),
        }
    }
}

impl RunPods {
    /// Returns the clients of a run with the execution that its action needs.
    pub(crate) fn with_containers(
        &self,
        run: &ValidRun,
        engines: Engines,
    ) -> Result<Engines, EngineError> {
        let ValidAction::Container { container } = &run.action else { return Ok(engines) };
        let Some(settings) = &self.pods.settings else {
            let message = "containers need pods, and the administrator has not said what those are";
            let refused =
                EngineError::new(ErrorKind::PermissionDenied, "mason", "place the work", message);
            return Err(refused.with_reason(Reason::PlacementNotAllowed));
        };
        let place = place_of(run, self.storage(run)?);
        let writes = container.storage == ContainerStorage::ReadWrite;
        let uploads = engines.storage.as_ref().filter(|_| writes).map(|storage| storage.objects());
        let asked = (container.as_ref().clone(), run.parameters.clone());
        let execution = PodExecution::new(self.attempts(settings, place), asked, uploads);
        Ok(Engines { execution: Some(Arc::new(execution)), ..engines })
    }

    /// Checks that no pod of another namespace would need the Secret of the files that a job works on. A container sees
    /// no such files.
    ///
    /// # Errors
    /// `PermissionDenied`, reason `CredentialsNotShareable`.
    pub(super) fn check_lending(&self, run: &ValidRun) -> Result<(), EngineError> {
        let client = |choice: &Option<EngineChoice>| run.client(&choice.as_ref()?.client);
        let EngineChoices { storage, metastore, execution } = &run.engines;
        let (Some(keeper), Some(worker)) =
            (client(storage).or_else(|| client(metastore)), client(execution))
        else {
            return Ok(());
        };
        let is_container = matches!(run.action, ValidAction::Container { .. });
        let is_lent = keeper.name != worker.name && keeper.secret().is_some();
        if is_container || !is_lent || self.is_own(run) {
            return Ok(());
        }
        match self.pods.placement(worker)? {
            Placement::Controller => Ok(()),
            Placement::Pod => Err(not_shareable()),
        }
    }

    /// Returns whether a run's config is one of its own namespace.
    fn is_own(&self, run: &ValidRun) -> bool {
        run.config.namespace.as_deref().is_none_or(|of| of == self.namespace)
    }

    fn attempts(&self, settings: &Arc<PodSettings>, place: ContainerPlace) -> AttemptPods {
        let launcher = Launcher::new(self.pods.client.clone(), &self.namespace);
        AttemptPods::new(launcher, Arc::clone(settings), place, &self.run)
    }

    /// Returns the storage that a container may see. A Secret is not lent to another namespace.
    fn storage(&self, run: &ValidRun) -> Result<Option<StorageMount>, EngineError> {
        let chosen = run.engines.storage.as_ref().and_then(|choice| run.client(&choice.client));
        let Some(client) = chosen else { return Ok(None) };
        let Some(folder) = client.folder() else { return Ok(None) };
        let secret = client.secret().map(|secret| secret.name.clone());
        let ValidAction::Container { container } = &run.action else { return Ok(None) };
        let wants = container.storage != ContainerStorage::None;
        if wants && secret.is_some() && !self.is_own(run) {
            return Err(not_shareable());
        }
        Ok(Some(StorageMount { root: PathBuf::from(folder), credentials: secret }))
    }
}

fn place_of(run: &ValidRun, storage: Option<StorageMount>) -> ContainerPlace {
    ContainerPlace { operator: run.operator.clone(), config: run.config.name.clone(), storage }
}

fn not_shareable() -> EngineError {
    let message = "the config's Secret would have to be lent to a pod of another namespace";
    let refused = EngineError::new(ErrorKind::PermissionDenied, "mason", "make a pod", message);
    refused.with_reason(Reason::CredentialsNotShareable)
}
