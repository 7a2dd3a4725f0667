//! What `mason controller` takes. A family of options is a struct of its own, flattened here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::admission::AdmissionArgs;
use super::keeping::KeepingArgs;
use super::operation::OperationArgs;
use crate::api::duration::DurationText;

/// `mason controller`.
#[derive(Debug, Args)]
pub(crate) struct ControllerArgs {
    /// Namespace whose resources are reconciled; may be repeated. Default: all.
    #[arg(long, value_name = "NAME", env = "MASON_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespace: Vec<String>,
    /// Folder that `local` clients may use; a config of namespace N has its root at FOLDER/N or below.
    /// May be repeated. Default: none.
    #[arg(long, value_name = "FOLDER", env = "MASON_LOCAL_ROOTS", value_delimiter = ',', value_hint = ValueHint::DirPath)]
    pub local_root: Vec<PathBuf>,
    /// Address of a server that clients may name as `endpoint`, beside those of AWS, for example
    /// `https://minio.storage:9000`. May be repeated. Default: none.
    #[arg(long, value_name = "URL", env = "MASON_ALLOWED_ENDPOINTS", value_delimiter = ',', value_hint = ValueHint::Url)]
    pub allowed_endpoint: Vec<String>,
    /// How many passes over resources take place at one time.
    #[arg(long, value_name = "NUMBER", env = "MASON_CONCURRENCY", default_value_t = 32,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
    /// How many runs work at one time; others wait for their turn.
    #[arg(long, value_name = "NUMBER", env = "MASON_WORKING_RUNS", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub working_runs: u16,
    /// How many workers wait for jobs, started beforehand.
    #[arg(long, value_name = "NUMBER", env = "MASON_WARM_WORKERS", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub warm_workers: u16,
    /// File with what pods are made of: Mason's image, volumes, placements. Default: no work in pods.
    #[arg(long, value_name = "FILE", env = "MASON_POD_SETTINGS", value_hint = ValueHint::FilePath)]
    pub pod_settings: Option<PathBuf>,
    /// Which runs may begin, and when.
    #[command(flatten)]
    pub admission: AdmissionArgs,
    /// How often the clients of a config are looked at.
    #[arg(long, value_name = "DURATION", env = "MASON_PROBE_INTERVAL", default_value = "5m")]
    pub probe_interval: DurationText,
    /// Where health is served.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MASON_HEALTH_ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    pub health_address: SocketAddr,
    #[command(flatten)]
    pub keeping: KeepingArgs,
    #[command(flatten)]
    pub operation: OperationArgs,
}
