//! What is kept of runs, and how often they are stored.

use clap::Args;

use crate::api::duration::DurationText;

/// How many runs are kept for how long, and how often their progress is stored.
#[derive(Debug, Args)]
pub(crate) struct KeepingArgs {
    /// How many runs that have ended are kept in each namespace; of more, the oldest are pruned or deleted
    /// as their `ttl` says. Default: all.
    #[arg(long, value_name = "NUMBER", env = "MASON_KEPT_RUNS")]
    pub kept_runs: Option<u32>,
    /// How long runs that have ended are kept at most, also without a `ttl` of their own, for example
    /// `30d`. Default: for ever.
    #[arg(long, value_name = "DURATION", env = "MASON_KEPT_FOR")]
    pub kept_for: Option<DurationText>,
    /// How many times a second the progress of runs is stored, of all runs together; other changes of a
    /// run are always stored.
    #[arg(long, value_name = "NUMBER", env = "MASON_PROGRESS_WRITES", default_value_t = 10,
          value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub progress_writes: u16,
}
