//! Starts the controllers of all kinds, and lets them end: on shutdown, or when another replica leads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future;
use kube::Client;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::control_loop::{self, Reconcile};
use super::health::{Health, ServeError, Serving};
use super::leader::Leadership;
use super::mason_config::MasonConfigs;
use super::operator_definition::OperatorDefinitions;
use super::operator_run::{OperatorRuns, watch_pods};
use super::scope::Scope;
use super::settings::Settings;
use super::workflow::Workflows;
use super::workflow_run::WorkflowRuns;
use crate::metrics::Metrics;
use crate::store::kubernetes::measured;

/// How long passes may go on after the process is asked to stop; a pod is killed after 30 s.
const GRACE: Duration = Duration::from_secs(20);

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
/// returns. Work outside goes on, and the next controller finds it again.
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

/// Reconciles until the process is to stop or another replica leads, and the passes under way have ended.
async fn lead(context: &Arc<Context>, health: &Health, stop: &CancellationToken) {
    let over = stop.child_token();
    let controllers = future::join5(
        start(OperatorRuns::new(context), context, health, &over),
        start(OperatorDefinitions::new(context), context, health, &over),
        start(MasonConfigs::new(context), context, health, &over),
        start(Workflows::new(context), context, health, &over),
        start(WorkflowRuns::new(context), context, health, &over),
    );
    health.has_started();
    for scope in Scope::of(&context.settings.namespaces) {
        tokio::spawn(watch_pods(Arc::clone(context), scope, over.clone()));
    }
    let pause = context.settings.admission.clone();
    tokio::spawn(pause.watch_pause(Arc::clone(&context.queue), over.clone()));
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
        control_loop::run(scope, Arc::clone(&controller), Arc::clone(context), guards)
    });
    future::join_all(started.collect::<Vec<_>>())
}
