//! What driving runs in this process needs: the store, the operators built in, and the clients.

use std::sync::Arc;

use async_trait::async_trait;

use super::context::Context;
use crate::api::v1alpha1::{ActionKind, EngineChoice};
use crate::clients::{self, WorkersAt};
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
pub(crate) fn run_context(context: &Context) -> RunContext {
    RunContext {
        store: Arc::clone(&context.store),
        library: library::definitions().into(),
        look_up: Arc::new(EachTime),
        open_engines: Arc::new(Clients),
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

/// Opens the clients that this program has.
struct Clients;

#[async_trait]
impl OpenEngines for Clients {
    async fn open(&self, run: &ValidRun) -> Result<Engines, EngineError> {
        clients::open(&run.clients, &ByRole::from(&run.engines), &|_| Ok(WorkersAt::Here))
    }

    async fn open_storage(
        &self,
        run: &ValidRun,
        client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        let picked = ByRole::from_fn(|role| (role == Role::Storage).then_some(client));
        let engines = clients::open(&run.clients, &picked, &|_| Ok(WorkersAt::Here))?;
        engines.storage().cloned()
    }
}
