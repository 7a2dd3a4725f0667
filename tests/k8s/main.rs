//! Mason on a real API server: CRDs, the store, and `mason controller` as a process of its own.
//!
//! Every test works in a namespace of its own with its own controllers, on one control plane that all
//! share. `MASON_TEST_CLUSTER` names its programs, as `.ci/setup cluster` builds them; a throw-away
//! cluster is used instead when `USE_EXISTING_CLUSTER=true` and `KUBECONFIG` is set, as envtest does.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "a test reads where its programs are, and stops where it fails"
)]

mod admission;
mod adoption;
mod alerts;
mod approvals;
#[path = "../cluster/called.rs"]
mod called;
mod chart;
mod cli;
mod cluster;
mod configs;
#[path = "../cluster/connect.rs"]
mod connect;
mod crashes;
mod crds;
mod definitions;
mod deletion;
mod docs;
mod events;
mod kustomize;
mod leaders;
#[path = "../cluster/leftovers.rs"]
mod leftovers;
mod operation;
mod pods;
mod results;
mod rights;
mod runs;
mod s3;
mod schedules;
mod secrets;
#[path = "../python/s3.rs"]
mod server;
mod sharing;
#[path = "../shown/mod.rs"]
mod shown;
#[path = "../cluster/started.rs"]
mod started;
mod state_metrics;
mod store;
mod team;
mod ttl;
mod upgrade;
mod used_rights;
mod workers;
mod workflows;
