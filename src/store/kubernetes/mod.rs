//! Resources in a Kubernetes cluster: the API server keeps them, and the rules of the CRDs hold there.
//!
//! Reads are uncached and see the newest write. A change of a spec is a server-side apply; a status is
//! replaced by `PUT` with the resourceVersion it was decided on, so that two writers never both win.

mod answer;
mod attachments;
mod connect;
mod declare;
mod kubernetes_store;
mod measured;
mod objects;
#[cfg(test)]
mod tests;

pub use answer::readable;
pub use connect::{ClusterChoice, ConnectError, Connection, REPEATS, connect, connect_to};
pub use declare::Declaration;
pub use kubernetes_store::KubernetesStore;
pub use measured::{controller_of, measured};
