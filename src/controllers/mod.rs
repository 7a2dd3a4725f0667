//! Reconciles the resources of a cluster: the door through which Kubernetes comes in.
//!
//! One folder for each kind, all of one shape: gather, validate, plan, act, status. They use the same
//! `validate`, `plan` and [`crate::runs::reconcile`] as the command line, and decide nothing themselves.
//! Safety rests on compare-and-swap, recorded tokens and fences, never on being alone: several
//! controllers may work on the same resources. May import everything but `cli`.

mod admission;
mod again;
mod backoff;
mod clock;
mod context;
mod engines;
mod error;
mod events;
mod health;
mod leader;
mod lookups;
mod mason_config;
mod operator_definition;
mod operator_run;
mod pod_watch;
mod pods;
mod reconcile;
mod scope;
mod secrets;
mod status;
mod turns;
mod unreadable;
mod waited;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future;
use kube::Client;
use tokio_util::sync::CancellationToken;

pub use admission::AdmissionSettings;

use crate::metrics::Metrics;
use crate::pods::PodSettings;
use crate::store::kubernetes::measured;
use context::Context;
use health::{Health, ServeError, Serving};
use leader::Leadership;
use mason_config::MasonConfigs;
use operator_definition::OperatorDefinitions;
use operator_run::OperatorRuns;
use reconcile::Reconcile;
use scope::Scope;

pub use leader::LeaseSettings;

/// How long passes may go on after the process was told to stop; a pod is killed after 30 s.
const GRACE: Duration = Duration::from_secs(20);
/// What an administrator decides about a controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The namespaces whose resources are reconciled; all when empty.
    pub namespaces: Vec<String>,
    /// Folders below which the roots of `local` clients may be, each in a subfolder of its namespace.
    pub local_roots: Vec<PathBuf>,
    /// How many passes over resources take place at one time, at least 1.
    pub concurrency: u16,
    /// How many runs work at one time, at least 1; others wait.
    pub working_runs: usize,
    /// How many workers wait for jobs, started beforehand.
    pub warm_workers: usize,
    /// What pods are made of; nothing when there is to be no work in pods.
    pub pods: Option<PodSettings>,
    /// Which runs may begin, and when.
    pub admission: AdmissionSettings,
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
    /// Where `/metrics` is served; beside health when absent.
    pub metrics_address: Option<SocketAddr>,
    /// How long a pass or a queue may stand still before `/healthz` fails.
    pub stuck_after: Duration,
    /// The Lease that replicas contend for; without one, every replica reconciles.
    pub lease: Option<LeaseSettings>,
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

/// Reconciles until `stop` is cancelled; then begins nothing new, ends the passes that are under way, and
/// returns. Work outside goes on and is found again by whoever reconciles next.
///
/// # Errors
/// When health cannot be served. Failures of the cluster are logged and tried again for ever.
pub async fn run(
    settings: Settings,
    client: Client,
    metrics: &Metrics,
    stop: CancellationToken,
) -> Result<(), ControllerError> {
    let serving = Serving {
        health: settings.health_address,
        metrics: settings.metrics_address,
        stuck_after: settings.stuck_after,
    };
    let fail = |ServeError { address, source }| ControllerError::Health { address, source };
    let health = Health::serve(serving, metrics).map_err(fail)?;
    let client = measured(&client, metrics);
    let leadership = Arc::new(match &settings.lease {
        Some(lease) => Leadership::contend(&client, lease, metrics),
        None => Leadership::alone(),
    });
    let served = (health.address(), health.metrics_address());
    tracing::info!(health = %served.0, metrics = %served.1, "reconciling");
    if !leadership.holds() {
        health.has_started(); // it stands by, and nothing has to begin for that
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = leadership.until(true) => {}
        }
        let context =
            Arc::new(Context::new(settings.clone(), client.clone(), (metrics, &leadership)));
        lead(&context, &health, &stop).await;
    }
    leadership.release().await;
    Ok(())
}

/// Reconciles until the process is to stop or somebody else leads, and the passes under way have ended.
async fn lead(context: &Arc<Context>, health: &Health, stop: &CancellationToken) {
    let over = stop.child_token();
    let controllers = future::join3(
        start(OperatorRuns::new(context), context, health, &over),
        start(OperatorDefinitions::new(context), context, health, &over),
        start(MasonConfigs::new(context), context, health, &over),
    );
    health.has_started();
    for scope in Scope::of(&context.settings.namespaces) {
        tokio::spawn(pod_watch::watch_pods(Arc::clone(context), scope, over.clone()));
    }
    let pause = context.settings.admission.clone();
    tokio::spawn(pause.watch_pause(Arc::clone(&context.turns), over.clone()));
    let too_long = async {
        tokio::select! {
            () = over.cancelled() => {}
            () = context.leadership.until(false) => over.cancel(),
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = controllers => tracing::info!("stopped"),
        () = too_long => tracing::warn!("stopped before the passes under way had ended"),
    }
    context.events.flush().await;
}

/// Starts a controller, once for each scope; its gates are there when this returns.
fn start<R: Reconcile>(
    controller: R,
    context: &Arc<Context>,
    health: &Health,
    stop: &CancellationToken,
) -> impl Future + use<R> {
    let controller = Arc::new(controller);
    controller.started();
    let scopes = controller.scopes(&context.settings.namespaces).into_iter();
    let started = scopes.map(|scope| {
        let guards = (health.gate(), stop.clone());
        watch::run(scope, Arc::clone(&controller), Arc::clone(context), guards)
    });
    future::join_all(started.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
