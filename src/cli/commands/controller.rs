//! `mason controller`: the role of the binary that reconciles the resources of a cluster.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::ControllerArgs;
use crate::cli::failure::{Exit, Failure};
use crate::controllers::{self, Settings};
use crate::store::kubernetes::connect;

/// Reconciles until SIGTERM or Ctrl-C, then ends the passes under way.
///
/// # Errors
/// When a root is not absolute, no cluster is named, or health cannot be served.
pub(crate) async fn controller(args: ControllerArgs) -> anyhow::Result<Exit> {
    if let Some(relative) = args.local_root.iter().find(|root| root.is_relative()) {
        let message = format!("--local-root `{}` is not an absolute path", relative.display());
        return Err(Failure::usage(message, "begin it with `/`").into());
    }
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen to signals")?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let settings = Settings {
        namespaces: args.watch_namespace,
        local_roots: args.local_root,
        concurrency: args.concurrency,
        working_runs: usize::from(args.working_runs),
        probe_interval: args.probe_interval.to_duration(),
        health_address: args.health_address,
    };
    controllers::run(settings, connect().await?, stop).await?;
    Ok(Exit::Success)
}
