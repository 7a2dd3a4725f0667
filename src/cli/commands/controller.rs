//! `mason controller`: the role of the binary that reconciles the resources of a cluster.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::api::endpoint::is_endpoint;
use crate::api::names::is_dns_label;
use crate::cli::args::{AdmissionArgs, ControllerArgs};
use crate::cli::failure::{Exit, Failure};
use crate::controllers::{self, AdmissionSettings, Settings};
use crate::metrics::Metrics;
use crate::pods::{PodSettings, read_settings};
use crate::store::kubernetes::{ClusterChoice, connect_to};
use crate::validate::Maxima;

/// The least time between two looks at the same clients.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// Reconciles until SIGTERM or Ctrl-C, then ends the passes under way.
///
/// # Errors
/// When an argument is wrong, no cluster is named, or health cannot be served.
pub(crate) async fn controller(
    args: ControllerArgs,
    cluster: ClusterChoice,
) -> anyhow::Result<Exit> {
    let mut problems = problems_of(&args);
    let pods = args.pod_settings.as_deref().and_then(|file| read_pods(file, &mut problems));
    if !problems.is_empty() {
        let hint = "nothing was begun; `mason controller --help` shows every argument";
        return Err(Failure::usage(problems.join("; "), hint).into());
    }
    let stop = cancelled_by_signals()?;
    let lease = args.operation.lease();
    let settings = Settings {
        namespaces: args.watch_namespace,
        local_roots: args.local_root,
        allowed_endpoints: args.allowed_endpoint,
        concurrency: args.concurrency,
        working_runs: usize::from(args.working_runs),
        warm_workers: usize::from(args.warm_workers),
        pods,
        admission: admission_of(args.admission),
        probe_interval: args.probe_interval.to_duration(),
        kept_runs: args.keeping.kept_runs.map(|runs| usize::try_from(runs).unwrap_or(usize::MAX)),
        kept_for: args.keeping.kept_for.map(|length| length.to_duration()),
        progress_writes: args.keeping.progress_writes,
        health_address: args.health_address,
        metrics_address: args.operation.metrics_address,
        stuck_after: args.operation.stuck_after.to_duration(),
        lease,
    };
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    controllers::run(settings, connect_to(&cluster).await?.client, &metrics, stop).await?;
    Ok(Exit::Success)
}

/// Returns a token that SIGTERM and Ctrl-C cancel.
fn cancelled_by_signals() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen to signals")?;
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        cancelled.cancel();
    });
    Ok(stop)
}

/// Reads what pods are made of; what is wrong with the file joins the other problems.
fn read_pods(file: &Path, problems: &mut Vec<String>) -> Option<PodSettings> {
    let name = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            problems.push(format!("--pod-settings `{name}` cannot be read: {error}"));
            return None;
        }
    };
    let wrong = |found: Vec<String>| {
        problems.extend(found.iter().map(|one| format!("--pod-settings `{name}`: {one}")));
    };
    read_settings(&text).map_err(wrong).ok()
}

/// Returns what is left for work when the controller has what it needs itself.
fn worker_memory_of(memory: u64) -> u64 {
    const OF_THE_CONTROLLER: u64 = 256 << 20;
    memory.saturating_sub(OF_THE_CONTROLLER)
}

fn admission_of(args: AdmissionArgs) -> AdmissionSettings {
    AdmissionSettings {
        maxima: Maxima {
            timeout: args.max_timeout,
            default_timeout: args.default_timeout,
            retries: args.max_retries,
            ttl: args.max_ttl,
            result_bytes: args.max_result,
            memory_bytes: args.max_memory_limit,
            parallelism: args.max_parallelism,
        },
        namespace_runs: args.namespace_runs.map(usize::from),
        config_runs: args.config_runs.map(usize::from),
        worker_memory_bytes: args.worker_memory.or_else(|| args.memory.map(worker_memory_of)),
        is_paused: args.pause,
        pause_file: args.pause_file,
        patience: args.patience.to_duration(),
        library_namespace: args.library_namespace,
    }
}

/// Returns everything that is wrong with the arguments together with what clap does not see.
fn problems_of(args: &ControllerArgs) -> Vec<String> {
    let relative = args.local_root.iter().filter(|root| root.is_relative());
    let mut problems: Vec<String> = relative
        .map(|root| format!("--local-root `{}` is not an absolute path", root.display()))
        .collect();
    let unreachable = args.allowed_endpoint.iter().filter(|endpoint| !is_endpoint(endpoint));
    problems.extend(unreachable.map(|endpoint| {
        format!(
            "--allowed-endpoint `{endpoint}` is no address of a server, such as `https://host:9000`"
        )
    }));
    let misnamed = args.watch_namespace.iter().filter(|name| !is_dns_label(name));
    problems.extend(misnamed.map(|name| {
        format!(
            "--watch-namespace `{name}` is no namespace: 1 to 63 lower case letters, digits and `-`"
        )
    }));
    let library = args.admission.library_namespace.iter().filter(|name| !is_dns_label(name));
    problems.extend(library.map(|name| format!("--library-namespace `{name}` is no namespace")));
    let admission = &args.admission;
    if let (Some(usual), Some(most)) = (&admission.default_timeout, &admission.max_timeout)
        && usual.to_duration() > most.to_duration()
    {
        problems.push(format!("--default-timeout {usual} is longer than --max-timeout {most}"));
    }
    if args.probe_interval.to_duration() < LEAST_INTERVAL {
        problems.push(format!("--probe-interval is less than {} s", LEAST_INTERVAL.as_secs()));
    }
    if args.operation.stuck_after.to_duration() < LEAST_INTERVAL {
        problems.push(format!("--stuck-after is less than {} s", LEAST_INTERVAL.as_secs()));
    }
    problems
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        admission: AdmissionArgs,
    }

    #[test]
    fn work_gets_the_memory_that_the_controller_does_not_need_unless_it_is_said() {
        const MIB: u64 = 1 << 20;
        for (arguments, expect) in [
            ("", None),
            ("--memory=1Gi", Some(768 * MIB)),
            ("--memory=257Mi", Some(MIB)),
            ("--memory=256Mi", Some(0)),
            ("--memory=64Mi", Some(0)),
            ("--worker-memory=8Gi", Some(8 << 30)),
            ("--memory=1Gi --worker-memory=8Gi", Some(8 << 30)),
        ] {
            let words = ["controller"].into_iter().chain(arguments.split_whitespace());
            let line = Line::try_parse_from(words).expect("should be arguments");
            let settings = admission_of(line.admission);
            assert_eq!(settings.worker_memory_bytes, expect, "{arguments}");
        }
    }
}
