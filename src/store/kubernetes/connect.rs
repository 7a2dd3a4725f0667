//! The connection to a cluster, as `kubectl` finds it, or as a pod finds its own.

use std::time::Duration;

use kube::Client;
use kube::config::{Config, InferConfigError};

/// How long the API server may take to accept a connection or to send the next byte of an answer; a
/// watch that is silent for longer is begun anew.
const SILENCE: Duration = Duration::from_secs(295);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Why there is no connection to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a pod's service account can be used.
    #[error("found no cluster to connect to")]
    NoCluster(#[source] Box<InferConfigError>),
    /// The connection's settings, for example its certificates, cannot be used.
    #[error("failed to set up the connection to {server}")]
    Client {
        /// The API server's address.
        server: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// Returns a connection to the cluster of `KUBECONFIG` or `~/.kube/config`, or of the pod this process
/// runs in. Nothing is sent yet. Makes ring the one provider of cryptography of this process.
///
/// # Errors
/// When no cluster is named, or its settings cannot be used.
pub async fn connect() -> Result<Client, ConnectError> {
    // Somebody who installed one before keeps it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut config =
        Config::infer().await.map_err(|source| ConnectError::NoCluster(Box::new(source)))?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    let server = config.cluster_url.to_string();
    Client::try_from(config)
        .map_err(|source| ConnectError::Client { server, source: Box::new(source) })
}
