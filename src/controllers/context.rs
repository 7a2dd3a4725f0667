//! What every controller works with.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::Semaphore;

use super::Settings;
use super::backoff::Backoff;
use super::engines::NamespaceEngines;
use super::events::Events;
use super::leader::Leadership;
use super::roots::AllowedRoots;
use crate::api::v1alpha1::{ActionKind, OperatorDefinition};
use crate::clients;
use crate::engines::capability::ClientDescription;
use crate::metrics::Metrics;
use crate::operators;
use crate::runs::{Clock as _, RunContext, RunError, SystemClock};
use crate::store::kubernetes::KubernetesStore;
use crate::store::{StoreError, library};

/// What every controller works with.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) roots: Arc<AllowedRoots>,
    pub(super) backoff: Backoff,
    pub(super) metrics: Metrics,
    pub(super) leadership: Arc<Leadership>,
    pub(super) events: Events,
    library: Arc<[OperatorDefinition]>,
    clients: Arc<[ClientDescription]>,
    /// One for each pass that may take place at the same time, of all controllers together.
    pub(super) passes: Semaphore,
}

impl Context {
    pub(super) fn new(
        settings: Settings,
        client: Client,
        (metrics, leadership): (&Metrics, &Arc<Leadership>),
    ) -> Self {
        Self {
            roots: Arc::new(AllowedRoots(settings.local_roots.clone())),
            passes: Semaphore::new(usize::from(settings.concurrency.max(1))),
            backoff: Backoff::default(),
            metrics: metrics.clone(),
            leadership: Arc::clone(leadership),
            events: Events::new(client.clone()),
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
        let metrics = self.metrics.clone();
        RunContext {
            store: Arc::<KubernetesStore>::clone(store),
            library: Arc::clone(&self.library),
            open_engines: Arc::new(NamespaceEngines { namespace, roots, metrics }),
            operators: operators::all(),
            kinds: &[ActionKind::Builtin, ActionKind::Sql],
            clients: Arc::clone(&self.clients),
            admission: Arc::default(),
            clock: Arc::new(SystemClock),
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
    /// The pass panicked, which is a defect of Mason; others go on.
    #[error("the pass panicked: {0}")]
    Panicked(String),
}
