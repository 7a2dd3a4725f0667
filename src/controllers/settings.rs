//! What an administrator decides about a controller.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::leader::LeaseSettings;
use super::queue::AdmissionSettings;
use crate::pods::PodSettings;

/// What an administrator decides about a controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The namespaces whose resources are reconciled; all when empty.
    pub namespaces: Vec<String>,
    /// Folders below which the roots of `local` clients may be, each in a subfolder of its namespace.
    pub local_roots: Vec<PathBuf>,
    /// The addresses of servers that configs may name, beside those of AWS.
    pub allowed_endpoints: Vec<String>,
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
