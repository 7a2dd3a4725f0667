//! What every controller works with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::Semaphore;

use super::Settings;
use super::events::Events;
use super::leader::Leadership;
use super::queue::{ClusterNamespaces, RunQueue};
use super::scope::Scope;
use super::surroundings::{Clients, Pods, RunEngines, RunPods, SharedLookUps, default_placement};
use super::workflow_run::{Groups, Parents};
use crate::api::duration::DurationText;
use crate::api::v1alpha1::{ActionKind, OperatorDefinition};
use crate::metrics::Metrics;
use crate::plan::Keeping;
use crate::runs::{Admission, ProgressBudget, RunContext, SystemClock};
use crate::store::kubernetes::KubernetesStore;
use crate::store::library;
use crate::validate::Rules;
use crate::{clients, operators};

/// What every controller works with.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) clients: Arc<Clients>,
    pub(super) queue: Arc<RunQueue>,
    /// The runs of workflows, woken by those of their steps.
    pub(super) parents: Parents,
    /// The runs of workflows that may not all work at one time.
    pub(super) groups: Groups,
    pub(super) rules: Rules,
    admission: Arc<Admission>,
    pub(super) events: Events,
    budget: Arc<ProgressBudget>,
    pub(super) metrics: Metrics,
    pub(super) leadership: Arc<Leadership>,
    pub(super) pods: Pods,
    library: Arc<[OperatorDefinition]>,
    pub(super) look_ups: SharedLookUps,
    /// One for each pass that may take place at the same time, of all controllers together.
    pub(super) passes: Semaphore,
}

/// What can be run where there are pods.
const WITH_PODS: &[ActionKind] = &[ActionKind::Builtin, ActionKind::Sql, ActionKind::Container];
/// What can be run where there are none.
const WITHOUT_PODS: &[ActionKind] = &[ActionKind::Builtin, ActionKind::Sql];

impl Context {
    pub(super) fn new(
        settings: Settings,
        client: Client,
        (metrics, leadership): (&Metrics, &Arc<Leadership>),
    ) -> Self {
        let decided = &settings.admission;
        let placement = default_placement(settings.pods.as_ref());
        let rules = decided.rules(!settings.namespaces.is_empty(), placement);
        let watches = Scope::of(&settings.namespaces).len();
        let bounds = decided.bounds(settings.working_runs);
        let library_namespace = decided.library_namespace.clone();
        let queue = RunQueue::new(bounds, rules.clone(), library_namespace.clone(), watches);
        let queue = Arc::new(queue);
        let admission = Admission {
            rules: rules.clone(),
            reach: settings.namespaces.clone(),
            library_namespace,
            patience: decided.patience,
            places: Arc::<RunQueue>::clone(&queue),
            namespaces: Arc::new(ClusterNamespaces(client.clone())),
        };
        Self {
            queue,
            parents: Parents::default(),
            groups: Groups::default(),
            rules,
            admission: Arc::new(admission),
            clients: Arc::new(Clients::new(&client, &settings)),
            passes: Semaphore::new(usize::from(settings.concurrency.max(1))),
            budget: Arc::new(ProgressBudget::per_second(settings.progress_writes)),
            metrics: metrics.clone(),
            leadership: Arc::clone(leadership),
            pods: Pods::new(&client, settings.pods.as_ref(), settings.warm_workers),
            events: Events::new(client.clone(), metrics),
            library: library::definitions().into(),
            look_ups: SharedLookUps::default(),
            settings,
            client,
        }
    }

    /// Returns the store of a controller, which writes under a field manager of its own.
    pub(super) fn store(&self, controller: &str) -> Arc<KubernetesStore> {
        let manager = format!("mason-{controller}");
        Arc::new(KubernetesStore::new(self.client.clone(), manager))
    }

    /// Returns what the cluster demands of runs.
    pub(super) fn keeping(&self) -> Keeping {
        let longest = self.settings.admission.maxima.ttl.as_ref();
        Keeping {
            holds: true,
            at_most: self.settings.kept_for,
            longest_ttl: longest.map(DurationText::to_duration),
            is_surplus: false,
        }
    }

    /// Returns what working on a run of a namespace needs, in a pass that the run has waited for. What another
    /// pass has looked up since the pass was due is good enough for this one.
    pub(super) fn run_context(
        &self,
        store: &Arc<KubernetesStore>,
        (namespace, run): (&str, &str),
        waited: Duration,
    ) -> RunContext {
        let now = Instant::now();
        let due = now.checked_sub(waited).unwrap_or(now);
        let (clients, metrics) = (Arc::clone(&self.clients), self.metrics.clone());
        let (namespace, run) = (namespace.to_owned(), run.to_owned());
        let pods = RunPods { pods: self.pods.clone(), namespace, run };
        RunContext {
            store: Arc::<KubernetesStore>::clone(store),
            library: Arc::clone(&self.library),
            look_up: Arc::new(self.look_ups.since(due)),
            open_engines: Arc::new(RunEngines { clients, metrics, pods }),
            operators: operators::all(),
            kinds: if self.pods.settings.is_some() { WITH_PODS } else { WITHOUT_PODS },
            clients: clients::types(),
            admission: Arc::clone(&self.admission),
            clock: Arc::new(SystemClock),
            attachments: Some(Arc::<KubernetesStore>::clone(store)),
            keeping: self.keeping(),
            budget: Arc::clone(&self.budget),
        }
    }
}
