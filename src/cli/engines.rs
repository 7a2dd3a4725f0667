//! What driving runs in this process needs: the store, the operators built in, and the clients.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::context::Context;
use crate::api::v1alpha1::{
    ClientConfig, EngineChoice, EngineChoices, EngineClients, MasonConfigSpec,
};
use crate::clients::{self, Choices};
use crate::engines::{EngineError, Engines};
use crate::operators;
use crate::runs::{OpenEngines, RunContext, SystemClock};
use crate::store::library;

/// Returns what driving runs in this process needs.
#[must_use]
pub(crate) fn run_context(context: &Context) -> RunContext {
    RunContext {
        store: Arc::clone(&context.store),
        library: library::definitions().into(),
        open_engines: Arc::new(Clients),
        operators: operators::all(),
        clients: clients::descriptions().into(),
        clock: Arc::new(SystemClock),
    }
}

/// Opens the clients that this program has.
struct Clients;

#[async_trait]
impl OpenEngines for Clients {
    async fn open(
        &self,
        configs: &[ClientConfig],
        choices: &EngineChoices,
    ) -> Result<Engines, EngineError> {
        let config = MasonConfigSpec {
            engines: EngineClients::default(),
            clients: configs.to_vec(),
            limits: None,
        };
        let roles = [&choices.metastore, &choices.storage, &choices.execution];
        // A role that nobody was picked for is one that the operator does not need: whoever fills
        // another role stands in for it and is never asked.
        let picked = roles.iter().find_map(|choice| choice.as_ref()).map(|one| one.client.as_str());
        let name = |choice: &Option<EngineChoice>| choice.as_ref().map(|one| one.client.clone());
        let [metastore, storage, execution] = roles
            .map(|choice| name(choice).or_else(|| picked.map(str::to_owned)).unwrap_or_default());
        let names = Choices { metastore: &metastore, storage: &storage, execution: &execution };
        // Roots are absolute since they were applied.
        clients::open(&config, &names, Path::new("/"))
    }
}
