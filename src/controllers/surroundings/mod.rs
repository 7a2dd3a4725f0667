//! What the controller lends to runs and clients: open clients, pods, Secrets, and look-ups that passes share.

mod clients;
mod lookups;
mod pods;
mod secrets;

pub(super) use clients::{Clients, RunEngines};
pub(super) use lookups::SharedLookUps;
pub(super) use pods::{Pods, RunPods, default_placement};
