//! Mason on a real node, installed by its chart from an image of this very program.
//!
//! Needs root (see `tests/cluster/node`); where a node cannot be started every test says that it is skipped,
//! and why. All tests share one node; each has a release and namespaces of its own.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "a test reads where its programs are, and stops where it fails"
)]

#[path = "../cluster/called.rs"]
mod called;
mod install;
#[path = "../cluster/leftovers.rs"]
mod leftovers;
mod lifecycle;
mod namespaced;
mod node;
mod pods;
mod readme;
mod s3;
#[path = "../python/s3.rs"]
mod server;
#[path = "../shown/mod.rs"]
mod shown;
#[path = "../cluster/started.rs"]
mod started;
mod team;
