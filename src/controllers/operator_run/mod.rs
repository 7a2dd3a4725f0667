//! Runs: each is driven by the passes that the command line makes, from what the API server has.

mod between_passes;
mod controller;
mod finished;
mod measures;
mod pod_watch;
mod working;

pub(super) use controller::OperatorRuns;
pub(super) use pod_watch::watch_pods;
