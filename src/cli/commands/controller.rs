//! `mason controller`: the role of the binary that reconciles the resources of a cluster.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::ControllerArgs;
use crate::cli::failure::{Exit, Failure};
use crate::controllers::{self, Settings};
use crate::store::kubernetes::connect;

/// The least time between two looks at the same clients.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// Reconciles until SIGTERM or Ctrl-C, then ends the passes under way.
///
/// # Errors
/// When an argument is wrong, no cluster is named, or health cannot be served.
pub(crate) async fn controller(args: ControllerArgs) -> anyhow::Result<Exit> {
    let problems = problems_of(&args);
    if !problems.is_empty() {
        let hint = "nothing was begun; `mason controller --help` shows every argument";
        return Err(Failure::usage(problems.join("; "), hint).into());
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
        kept_runs: args.kept_runs.map(|runs| usize::try_from(runs).unwrap_or(usize::MAX)),
        kept_for: args.kept_for.map(|length| length.to_duration()),
        progress_writes: args.progress_writes,
        health_address: args.health_address,
    };
    controllers::run(settings, connect().await?, stop).await?;
    Ok(Exit::Success)
}

/// Returns everything that is wrong with the arguments together with what clap does not see.
fn problems_of(args: &ControllerArgs) -> Vec<String> {
    let relative = args.local_root.iter().filter(|root| root.is_relative());
    let mut problems: Vec<String> = relative
        .map(|root| format!("--local-root `{}` is not an absolute path", root.display()))
        .collect();
    let misnamed = args.watch_namespace.iter().filter(|name| !is_namespace(name));
    problems.extend(misnamed.map(|name| {
        format!(
            "--watch-namespace `{name}` is no namespace: 1 to 63 lower case letters, digits and `-`"
        )
    }));
    if args.probe_interval.to_duration() < LEAST_INTERVAL {
        problems.push(format!("--probe-interval is less than {} s", LEAST_INTERVAL.as_secs()));
    }
    problems
}

/// Whether the API server would take a text for the name of a namespace.
///
/// # Source
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
fn is_namespace(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
