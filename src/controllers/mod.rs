//! Reconciles the resources of a cluster: the door through which Kubernetes comes in.
//!
//! One folder for each kind, all of one shape: gather, validate, plan, act, status. They use the same
//! `validate`, `plan` and [`crate::runs::reconcile`] as the command line, and decide nothing themselves.
//! Safety rests on compare-and-swap, recorded tokens and fences, never on being alone: several
//! controllers may work on the same resources. May import everything but `cli`.

mod backoff;
mod context;
mod engines;
mod events;
mod health;
mod mason_config;
mod operator_definition;
mod operator_run;
mod roots;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, FutureExt};
use kube::Client;
use kube::runtime::controller::Action;

use crate::api::resource::Resource;
use crate::store::kubernetes::KubernetesStore;
use crate::store::{Store as _, StoreError};
use context::{Context, Error};
use health::Health;
use mason_config::MasonConfigs;
use operator_definition::OperatorDefinitions;
use operator_run::OperatorRuns;
use watch::{Reconcile, Scope, Stop};

/// How long passes may go on after the process was told to stop; a pod is killed after 30 s.
const GRACE: Duration = Duration::from_secs(20);
/// How soon an object that somebody else changed first is looked at again.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// What an administrator decides about a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The namespaces whose resources are reconciled; all when empty.
    pub namespaces: Vec<String>,
    /// Folders below which the roots of `local` clients may be, each in a subfolder of its namespace.
    pub local_roots: Vec<PathBuf>,
    /// How many passes over resources take place at one time, at least 1.
    pub concurrency: u16,
    /// How many runs work at one time, at least 1; others wait.
    pub working_runs: usize,
    /// How often the clients of a config are looked at.
    pub probe_interval: Duration,
    /// How many runs that have ended are kept in a namespace; all when nothing is said.
    pub kept_runs: Option<usize>,
    /// How long runs that have ended are kept at most; as each of them says when nothing is said.
    pub kept_for: Option<Duration>,
    /// How many writes of progress alone all runs may make in a second, at least 1.
    pub progress_writes: u16,
    /// Where `/healthz` and `/readyz` are served.
    pub health_address: SocketAddr,
}

/// Why a controller cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The address for health is taken or not of this machine.
    #[error("failed to serve health on {address}")]
    Health {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Reconciles until `stop` is done; then begins nothing new, ends the passes that are under way, and
/// returns. Work outside goes on and is found again by whoever reconciles next.
///
/// # Errors
/// When health cannot be served. Failures of the cluster are logged and tried again for ever.
pub async fn run(
    settings: Settings,
    client: Client,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ControllerError> {
    let address = settings.health_address;
    let fail = |source| ControllerError::Health { address, source };
    let health = Health::serve(address).map_err(fail)?;
    let context = Arc::new(Context::new(settings, client));
    let stop = stop.boxed().shared();
    tracing::info!(health = %health.address(), "reconciling");
    let controllers = future::join3(
        start(OperatorRuns::new(&context), &context, &health, &stop),
        start(OperatorDefinitions::new(&context), &context, &health, &stop),
        start(MasonConfigs::new(&context), &context, &health, &stop),
    );
    health.has_started();
    let too_long = async {
        stop.clone().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = controllers => tracing::info!("stopped"),
        () = too_long => tracing::warn!("stopped before the passes under way had ended"),
    }
    context.events.flush().await;
    Ok(())
}

/// Starts a controller, once for each scope; its gates are there when this returns.
fn start<R: Reconcile>(
    controller: R,
    context: &Arc<Context>,
    health: &Health,
    stop: &Stop,
) -> impl Future + use<R> {
    let controller = Arc::new(controller);
    let scopes = Scope::of(&context.settings.namespaces).into_iter();
    let started = scopes.map(|scope| {
        let guards = (health.gate(), stop.clone());
        watch::run(scope, Arc::clone(&controller), Arc::clone(context), guards)
    });
    future::join_all(started.collect::<Vec<_>>())
}

/// Stores a status, tells how the object came to stand, and returns what follows; when somebody else
/// changed the object first, it is looked at again soon.
async fn store_status(
    (context, store): (&Context, &KubernetesStore),
    before: &Resource,
    changed: Resource,
    follows: Action,
) -> Result<Action, Error> {
    match store.replace_status(&changed).await {
        Ok(stored) => {
            context.events.tell_standing(before, &stored);
            Ok(follows)
        }
        Err(StoreError::Conflict { .. }) => Ok(Action::requeue(AFTER_CONFLICT)),
        Err(error) => Err(error.into()),
    }
}
