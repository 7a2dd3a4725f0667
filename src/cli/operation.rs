//! The arguments of `mason controller` that are about operating it: logs, metrics, traces, replicas.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

use crate::api::duration::DurationText;
use crate::controllers::LeaseSettings;
use crate::telemetry::{LogFormat, Logging, Telemetry};

/// How a controller is operated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct OperationArgs {
    /// Where metrics are served. Default: beside health.
    #[arg(long, value_name = "ADDRESS", env = "MASON_METRICS_ADDRESS")]
    pub metrics_address: Option<SocketAddr>,
    /// How lines of the log are written.
    #[arg(long, value_name = "FORMAT", env = "MASON_LOG_FORMAT", default_value = "text")]
    pub log_format: FormatChoice,
    /// Collector that traces are exported to, by OTLP over HTTP: `http://collector:4318`. Default: none.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// How long a pass or a queue may stand still before `/healthz` fails.
    #[arg(long, value_name = "DURATION", env = "MASON_STUCK_AFTER", default_value = "15m")]
    pub stuck_after: DurationText,
    /// Reconcile only while holding a Lease, so that replicas do not do the same work.
    #[arg(long, value_name = "BOOL", env = "MASON_LEADER_ELECT", default_value_t = false,
          num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub leader_elect: bool,
    /// Name of that Lease; controllers of different namespaces need different ones.
    #[arg(long, value_name = "NAME", env = "MASON_LEASE_NAME", default_value = "mason")]
    pub lease_name: String,
    /// Namespace of that Lease. Default: the one that the controller's account is in.
    #[arg(long, value_name = "NAME", env = "MASON_LEASE_NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// What this process is called in that Lease. Default: the host's name and a random part.
    #[arg(long, value_name = "NAME", env = "MASON_IDENTITY")]
    pub identity: Option<String>,
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatChoice {
    /// For people.
    Text,
    /// One JSON object on each line.
    Json,
}

impl OperationArgs {
    /// Returns what the process tells about itself.
    pub(crate) fn telemetry(&self, logging: &Logging, colour: bool) -> Telemetry {
        Telemetry {
            logging: logging.or_info(),
            format: match self.log_format {
                FormatChoice::Text => LogFormat::Text,
                FormatChoice::Json => LogFormat::Json,
            },
            colour,
            traces: self.otlp_endpoint.clone().filter(|endpoint| !endpoint.is_empty()),
        }
    }

    /// Returns the Lease to contend for, if any.
    pub(crate) fn lease(&self) -> Option<LeaseSettings> {
        let identity = self.identity.clone().unwrap_or_else(|| {
            // A pod's host name is the pod's name; the random part tells containers of it apart.
            let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            format!("{}_{}", host.trim(), uuid::Uuid::new_v4().simple())
        });
        self.leader_elect.then(|| LeaseSettings {
            namespace: self.lease_namespace.clone(),
            name: self.lease_name.clone(),
            identity,
        })
    }
}
