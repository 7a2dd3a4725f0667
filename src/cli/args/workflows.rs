//! What the verbs of workflows take: schedules and approvals.

use clap::Args;
use jiff::Timestamp;

/// `mason backfill`.
#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
    /// The workflow, by its `spec.workflow` or its name.
    #[arg(value_name = "WORKFLOW")]
    pub workflow: String,
    /// The first time, `2026-12-01T00:00:00Z`; itself included.
    #[arg(long, value_name = "TIME")]
    pub from: Timestamp,
    /// The last time, itself included. Default: now.
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Most runs that are made; when there are more planned times, none is.
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Print what would be made, and make nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Only store the runs. Default: drive them to their end, one after the other; on a cluster its controller does.
    #[arg(long)]
    pub detach: bool,
    /// Show no progress and no closing line of a success.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `mason approve`.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The run of a workflow.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step. Default: the only one that waits for approval.
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    /// Reject it.
    #[arg(long)]
    pub reject: bool,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Who decides. On a cluster it is who the cluster says you are.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub by: Option<String>,
}

/// `mason scheduler`.
#[derive(Debug, Args)]
pub(crate) struct SchedulerArgs {
    /// Make the runs that are due, drive them to their end, and leave.
    #[arg(long)]
    pub once: bool,
    /// How many runs it drives at one time.
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub runs: u16,
    /// Say nothing of what goes well.
    #[arg(long, short)]
    pub quiet: bool,
}
