//! What driving runs in this process needs: the store, the operators built in, and the clients.

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::v1alpha1::{ActionKind, ClientConfig, EngineChoice, MasonConfig};
use crate::cli::verb_context::VerbContext;
use crate::clients::{self, Asked, ConfigIdentity, Connections, Picked, Surroundings, WorkersAt};
use crate::engines::{ByRole, EngineError, Engines, Role, Storage};
use crate::operators;
use crate::plan::Keeping;
use crate::runs::{EachTime, OpenEngines, ProgressBudget, RunContext, SystemClock};
use crate::store::library;
use crate::validate::ValidRun;

/// The kinds of action that need no cluster.
pub(crate) const KINDS: &[ActionKind] = &[ActionKind::Builtin, ActionKind::Sql];

/// Returns what driving runs in this process needs.
#[must_use]
pub(crate) fn run_context(context: &VerbContext) -> RunContext {
    RunContext {
        store: Arc::clone(&context.store),
        library: library::definitions().into(),
        look_up: Arc::new(EachTime),
        open_engines: Arc::new(Clients(Arc::clone(&context.connections))),
        operators: operators::all(),
        kinds: KINDS,
        clients: clients::types(),
        admission: Arc::default(),
        clock: Arc::new(SystemClock),
        attachments: None,
        keeping: Keeping::default(),
        budget: Arc::new(ProgressBudget::unlimited()),
    }
}

/// Returns what the command line lends to clients: every folder of this machine, the credentials of its environment, and
/// workers as its own children.
/// Folders of configs are absolute since they were applied.
#[must_use]
pub(crate) fn surroundings() -> Surroundings<'static> {
    static HERE: WorkersAt = WorkersAt::Here;
    Surroundings::of_a_machine(&HERE)
}

/// Looks whether the clients of a config can be used, each by one cheap call that changes nothing.
pub(crate) async fn probe(
    context: &VerbContext,
    config: &MasonConfig,
) -> Vec<(ClientConfig, Result<(), EngineError>)> {
    let surroundings = surroundings();
    let (namespace, version) = (config.metadata.namespace.clone(), config.version());
    let identity = ConfigIdentity { namespace, version };
    let mut probes = Vec::new();
    for client in &config.spec.clients {
        let asked = Asked { client, config: &identity, surroundings: &surroundings };
        probes.push((client.clone(), context.connections.probe(&asked).await));
    }
    probes
}

/// Opens the clients that this program has.
struct Clients(Arc<Connections>);

impl Clients {
    async fn open_picked(
        &self,
        run: &ValidRun,
        roles: ByRole<Option<&EngineChoice>>,
    ) -> Result<Engines, EngineError> {
        let (namespace, version) = (run.config.namespace.clone(), run.config_version.clone());
        let config = ConfigIdentity { namespace, version };
        self.0.open(&Picked { config, clients: &run.clients, roles }, &surroundings()).await
    }
}

#[async_trait]
impl OpenEngines for Clients {
    async fn open(&self, run: &ValidRun) -> Result<Engines, EngineError> {
        self.open_picked(run, ByRole::from(&run.engines)).await
    }

    async fn open_storage(
        &self,
        run: &ValidRun,
        client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        let picked = ByRole::from_fn(|role| (role == Role::Storage).then_some(client));
        self.open_picked(run, picked).await?.storage().cloned()
    }
}
