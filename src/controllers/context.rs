//! What every controller works with.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::Semaphore;

use super::Settings;
use super::backoff::Backoff;
use super::engines::NamespaceEngines;
use super::events::Events;
use super::roots::AllowedRoots;
use crate::api::v1alpha1::{ActionKind, OperatorDefinition};
use crate::clients;
use crate::engines::capability::ClientDescription;
use crate::operators;
use crate::plan::Keeping;
use crate::runs::{Clock as _, ProgressBudget, RunContext, RunError, SystemClock};
use crate::store::kubernetes::KubernetesStore;
use crate::store::{StoreError, library};

/// What every controller works with.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) roots: Arc<AllowedRoots>,
    pub(super) backoff: Backoff,
    pub(super) events: Events,
    budget: Arc<ProgressBudget>,
    library: Arc<[OperatorDefinition]>,
    clients: Arc<[ClientDescription]>,
    /// One for each pass that may take place at the same time, of all controllers together.
    pub(super) passes: Semaphore,
}

impl Context {
    pub(super) fn new(settings: Settings, client: Client) -> Self {
        Self {
            roots: Arc::new(AllowedRoots(settings.local_roots.clone())),
            passes: Semaphore::new(usize::from(settings.concurrency.max(1))),
            backoff: Backoff::default(),
            events: Events::new(client.clone()),
            budget: Arc::new(ProgressBudget::per_second(settings.progress_writes)),
            library: library::definitions().into(),
            clients: clients::descriptions().into(),
            settings,
            client,
        }
    }

    /// Returns the store of a controller, which writes under a field manager of its own.
    pub(super) fn store(&self, controller: &str) -> Arc<KubernetesStore> {
        let manager = format!("mason-{controller}");
        Arc::new(KubernetesStore::new(self.client.clone(), manager))
    }

    /// Returns what working on the runs of a namespace needs.
    pub(super) fn run_context(&self, store: &Arc<KubernetesStore>, namespace: &str) -> RunContext {
        let (namespace, roots) = (namespace.to_owned(), Arc::clone(&self.roots));
        RunContext {
            store: Arc::<KubernetesStore>::clone(store),
            library: Arc::clone(&self.library),
            open_engines: Arc::new(NamespaceEngines { namespace, roots }),
            operators: operators::all(),
            kinds: &[ActionKind::Builtin, ActionKind::Sql],
            clients: Arc::clone(&self.clients),
            clock: Arc::new(SystemClock),
            attachments: Some(Arc::<KubernetesStore>::clone(store)),
            keeping: Keeping { holds: true, at_most: self.settings.kept_for, is_surplus: false },
            budget: Arc::clone(&self.budget),
        }
    }
}

/// Returns the time.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// Why a pass over a resource failed; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A run could not be driven.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The resource could not be read or its status not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
