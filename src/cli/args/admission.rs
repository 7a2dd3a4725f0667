//! Which runs may begin, and when: what `mason controller` takes of an administrator's limits.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::api::duration::DurationText;
use crate::api::quantity::{QuantityError, parse_bytes};

/// Limits of the administrator. What is over one is refused and told, never lowered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct AdmissionArgs {
    /// Longest timeout of a run; also what a run has that gives none. Default: no limit.
    #[arg(long, value_name = "DURATION", env = "MASON_MAX_TIMEOUT")]
    pub max_timeout: Option<DurationText>,
    /// Timeout of a run that gives none. Default: --max-timeout.
    #[arg(long, value_name = "DURATION", env = "MASON_DEFAULT_TIMEOUT")]
    pub default_timeout: Option<DurationText>,
    /// Most retries of a run. Default: 10.
    #[arg(long, value_name = "NUMBER", env = "MASON_MAX_RETRIES",
          value_parser = clap::value_parser!(u32).range(0..=10))]
    pub max_retries: Option<u32>,
    /// Longest ttl of a run. Default: no limit.
    #[arg(long, value_name = "DURATION", env = "MASON_MAX_TTL")]
    pub max_ttl: Option<DurationText>,
    /// Largest result that is stored, such as 10Mi. Default: no limit.
    #[arg(long, value_name = "AMOUNT", env = "MASON_MAX_RESULT", value_parser = bytes)]
    pub max_result: Option<u64>,
    /// Largest memoryLimit of a `local` client, such as 4Gi. Default: no limit.
    #[arg(long, value_name = "AMOUNT", env = "MASON_MAX_MEMORY_LIMIT", value_parser = bytes)]
    pub max_memory_limit: Option<u64>,
    /// Most threads of a job of a `local` client; also what one has that gives none. Default: no limit.
    #[arg(long, value_name = "NUMBER", env = "MASON_MAX_PARALLELISM",
          value_parser = clap::value_parser!(u32).range(1..=256))]
    pub max_parallelism: Option<u32>,
    /// How many runs of one namespace work at one time. Default: no limit but --working-runs.
    #[arg(long, value_name = "NUMBER", env = "MASON_NAMESPACE_RUNS",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub namespace_runs: Option<u16>,
    /// How many runs work at one time of a config that does not say how many. Default: no limit.
    #[arg(long, value_name = "NUMBER", env = "MASON_CONFIG_RUNS",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub config_runs: Option<u16>,
    /// Memory of all work in the controller together, such as 8Gi: the sum of memoryLimit. Default: that of
    /// --memory less 256Mi; without it no limit.
    #[arg(long, value_name = "AMOUNT", env = "MASON_WORKER_MEMORY", value_parser = bytes)]
    pub worker_memory: Option<u64>,
    /// Memory that the controller and the work in it may use together, such as 1Gi: the limit of its
    /// container.
    #[arg(long, value_name = "AMOUNT", env = "MASON_MEMORY", value_parser = bytes)]
    pub memory: Option<u64>,
    /// Begin nothing new; what works goes on.
    #[arg(long, env = "MASON_PAUSE")]
    pub pause: bool,
    /// Begin nothing new while there is a file here.
    #[arg(long, value_name = "FILE", env = "MASON_PAUSE_FILE", value_hint = ValueHint::FilePath)]
    pub pause_file: Option<PathBuf>,
    /// How long a run waits for a config or definition that is not there or not ready.
    #[arg(long, value_name = "DURATION", env = "MASON_PATIENCE", default_value = "10m")]
    pub patience: DurationText,
    /// Namespace whose definitions every run may use. Default: none.
    #[arg(long, value_name = "NAME", env = "MASON_LIBRARY_NAMESPACE")]
    pub library_namespace: Option<String>,
}

fn bytes(text: &str) -> Result<u64, QuantityError> {
    parse_bytes(text)
}
