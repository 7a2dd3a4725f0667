//! The connection to a cluster, as `kubectl` finds it, or as a pod finds its own.

use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use kube::client::ClientBuilder;
use kube::client::retry::RetryPolicy;
use kube::config::{Config, InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;

/// How long the API server may take to accept a connection or to send the next byte of an answer; a
/// watch that is silent for longer is begun anew.
const SILENCE: Duration = Duration::from_secs(295);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How often a request is sent again that was answered with 429, 503 or 504. A write that took effect
/// before is then refused as a conflict. The caller, which backs off between tries, deals with what lasts
/// longer: the client's own 15 times would hold a pass for minutes.
pub const REPEATS: u32 = 6;
/// How long before the first of them, twice as long before each further one, or as long as the API
/// server asks for.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// How long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Which cluster is meant. The default is that of `KUBECONFIG` or `~/.kube/config` with its current
/// context, or of the pod this process runs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterChoice {
    /// The kubeconfig, instead of `KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context, instead of the current one.
    pub context: Option<String>,
    /// How long the API server may be silent within an answer; 295 s when absent.
    pub silence: Option<Duration>,
}

/// A connection to a cluster, and what it is called.
#[derive(Clone)]
pub struct Connection {
    /// The connection.
    pub client: Client,
    /// The context, `in-cluster` for a pod's own.
    pub context: String,
    /// The API server's address.
    pub server: String,
    /// The namespace of the context.
    pub namespace: String,
}

/// Why there is no connection to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a pod's service account can be used.
    #[error("found no cluster to connect to")]
    NoCluster(#[source] Box<InferConfigError>),
    /// The kubeconfig cannot be used.
    #[error("failed to read the kubeconfig")]
    Kubeconfig(#[source] Box<KubeconfigError>),
    /// There is no such context.
    #[error("there is no context `{context}` in the kubeconfig")]
    UnknownContext {
        /// What was asked for.
        context: String,
        /// What there is.
        known: Vec<String>,
    },
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
    Ok(connect_to(&ClusterChoice::default()).await?.client)
}

/// Returns a connection to a cluster. Nothing is sent yet. Makes ring the one provider of cryptography
/// of this process.
///
/// # Errors
/// When there is no such cluster or context, or its settings cannot be used.
pub async fn connect_to(choice: &ClusterChoice) -> Result<Connection, ConnectError> {
    // A provider that was installed before stays.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (mut config, context) = configured(choice).await?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(choice.silence.unwrap_or(SILENCE));
    let server = config.cluster_url.to_string();
    let namespace = config.default_namespace.clone();
    match client_of(config) {
        Ok(client) => Ok(Connection { client, context, server, namespace }),
        Err(source) => Err(ConnectError::Client { server, source: Box::new(source) }),
    }
}

#[expect(clippy::unwrap_in_result, reason = "the numbers are constants")]
fn client_of(mut config: Config) -> Result<Client, kube::Error> {
    config.default_retry = false;
    let policy = RetryPolicy::new(FIRST_PAUSE, LONGEST_PAUSE, REPEATS, true)
        .expect("should be a policy: its numbers are constants");
    let builder = ClientBuilder::try_from(config)?;
    Ok(builder.with_layer(&BufferLayer::new(1024)).with_layer(&RetryLayer::new(policy)).build())
}

/// Returns the settings of a connection and the name of its context.
async fn configured(choice: &ClusterChoice) -> Result<(Config, String), ConnectError> {
    if choice.kubeconfig.is_none() && choice.context.is_none() {
        let config = Config::infer().await;
        let config = config.map_err(|source| ConnectError::NoCluster(Box::new(source)))?;
        let current = Kubeconfig::read().ok().and_then(|kubeconfig| kubeconfig.current_context);
        return Ok((config, current.unwrap_or_else(|| "in-cluster".to_owned())));
    }
    let unusable = |source| ConnectError::Kubeconfig(Box::new(source));
    let kubeconfig = match &choice.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = kubeconfig.map_err(unusable)?;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|one| one.name.clone()).collect();
    let context = choice.context.clone().or_else(|| kubeconfig.current_context.clone());
    if let Some(context) = context.as_ref().filter(|context| !known.contains(context)) {
        return Err(ConnectError::UnknownContext { context: context.clone(), known });
    }
    let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unusable)?;
    Ok((config, context.unwrap_or_default()))
}
