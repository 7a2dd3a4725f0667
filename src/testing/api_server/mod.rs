//! An API server in memory behind a real `kube::Client`, with scripted faults.
//!
//! It keeps objects of any kind as a cluster does: one counter of versions for all, uids, generations,
//! compare-and-swap on `PUT`, preconditions on `DELETE`, the status as a part of its own, and the CEL
//! rules of Mason's own kinds. Every request can be answered wrongly before or after it took effect, a
//! read can show a former state, and a watch can repeat and swap what it tells. It proves nothing about
//! Kubernetes: `tests/k8s` runs on a real one.

mod answer;
mod faults;
mod objects;
mod request;
mod server;
mod service;
#[cfg(test)]
mod tests;
mod watches;

pub use faults::{ApiFault, Disorder};
pub use server::ApiServer;
use server::State;
