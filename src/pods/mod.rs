//! Work in pods: bare pods that are created inert, recorded, released, read, stopped and proven.
//!
//! `build` says what a pod is made of and `state` what one tells (both pure), `launcher` performs the
//! calls of the API server, `attempts` knows which attempt a pod belongs to, and the execution here joins them.
//! `exec` is the other end: what runs inside. The API server is never trusted to say that work is done:
//! success is the termination message that `exec` wrote under the attempt's token. May import `api`,
//! `engines` and `faults`.

mod attempts;
mod build;
mod error;
pub mod exec;
mod execution;
mod launcher;
mod likeness;
mod name;
mod proof;
mod settings;
mod state;
mod stop;
mod upload;
mod waiting;
mod worker;

#[cfg(test)]
mod tests;

pub use attempts::AttemptPods;
pub use build::{ContainerPlace, StorageMount};
pub use execution::PodExecution;
pub use launcher::Launcher;
pub use name::pod_name;
pub use settings::{PodSettings, RootVolume, read_settings};
pub use state::run_of;
pub use worker::WorkerPods;
