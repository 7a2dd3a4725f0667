//! The connection to a cluster, and what its failures mean for a verb.

use crate::cli::failure::Failure;
use crate::store::StoreError;
use crate::store::kubernetes::{
    ClusterChoice, ConnectError, Connection, KubernetesStore, connect_to,
};

/// The field manager of what a person applies or runs.
const FIELD_MANAGER: &str = "mason";
/// How long the API server may be silent before the connection counts as lost.
pub(crate) const SILENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// A cluster that a person works on.
#[derive(Clone)]
pub(crate) struct Cluster {
    /// The connection, and what it is called.
    pub connection: Connection,
    /// The resources.
    pub store: KubernetesStore,
}

impl Cluster {
    /// Connects; nothing is sent yet.
    ///
    /// # Errors
    /// When there is no such cluster or context, or its settings cannot be used.
    pub(crate) async fn connect(choice: &ClusterChoice) -> Result<Self, ConnectError> {
        let choice = ClusterChoice { silence: Some(SILENCE), ..choice.clone() };
        let connection = connect_to(&choice).await?;
        let store = KubernetesStore::new(connection.client.clone(), FIELD_MANAGER);
        Ok(Self { store: store.beside_others(false), connection })
    }
}

/// Returns what a verb refuses on a cluster, and what to do instead.
pub(crate) fn refuse(message: &str, hint: &str) -> anyhow::Error {
    Failure::usage(message, hint).into()
}

/// Returns whether a person may not do what was tried.
pub(crate) fn is_forbidden(error: &StoreError) -> bool {
    code_of(error) == Some(403)
}

/// Returns the code of the API server's answer, if there was one.
pub(crate) fn code_of(error: &StoreError) -> Option<u16> {
    let StoreError::ApiServer { source, .. } = error else { return None };
    match source.as_ref() {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// Returns whether the API server did not answer at all, or said that it cannot just now: what may pass.
pub(crate) fn is_connection_lost(error: &StoreError) -> bool {
    let StoreError::ApiServer { source, .. } = error else { return false };
    is_passing(source)
}

/// Returns whether a failure may pass by itself.
pub(crate) fn is_passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            matches!(status.code, 408 | 410 | 429 | 500..=599)
        }
        kube::Error::HyperError(_)
        | kube::Error::Service(_)
        | kube::Error::ReadEvents(_)
        | kube::Error::SerdeError(_)
        | kube::Error::LinesCodecMaxLineLengthExceeded
        | kube::Error::FromUtf8(_) => true,
        _ => false,
    }
}
