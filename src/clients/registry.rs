//! The types of clients of this build: one row each, which is all that other modules know of a type.
//!
//! A client is added as one folder and one row here. No row asks another, and nothing but a row's own folder reads
//! the block of a client to open it.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use super::secret_keys::SecretKeys;
use super::stores::OpenStore;
use super::surroundings::Surroundings;
use crate::api::conditions::Reason;
use crate::api::endpoint::is_same;
use crate::api::v1alpha1::{ClientConfig, ConfigVersion, SecretRef};
use crate::engines::capability::ClientType;
use crate::engines::{EngineError, Engines, ErrorKind, Metastore};
use crate::lake::roles::Lake;

/// Every type of client of this build.
pub(super) const ROWS: &[Row] = &[
    #[cfg(feature = "local")]
    super::local::ROW,
    #[cfg(feature = "aws")]
    super::s3::ROW,
    #[cfg(feature = "aws")]
    super::glue::ROW,
    #[cfg(feature = "aws")]
    super::athena::ROW,
];

/// Returns what every type of client of this build is and can do.
#[must_use]
pub fn types() -> &'static [ClientType] {
    static TYPES: LazyLock<Vec<ClientType>> =
        LazyLock::new(|| ROWS.iter().map(|row| row.client_type).collect());
    &TYPES
}

/// One type of client.
#[derive(Clone, Copy)]
pub struct Row {
    /// What it is, and what a client of it can do by its block.
    pub client_type: ClientType,
    /// Returns the Secret that an open client rests on: another version of it is another connection.
    pub secret: for<'a> fn(&'a ClientConfig) -> Option<&'a SecretRef>,
    /// Checks that the surroundings allow what the block asks for. Makes no request.
    pub check: fn(&Asked<'_>) -> Result<(), EngineError>,
    /// Opens a client, for all runs of its config.
    pub open: for<'a> fn(&'a Asked<'a>) -> BoxFuture<'a, Opened>,
    /// Opens the files of a client by its block and what its Secret holds, in the process of a job; absent where a
    /// client lends none.
    pub(super) open_lake: Option<OpenLake>,
    /// Opens the metastore of a client over the files of another one, in the process of a job; absent where the tables
    /// of a client are its own files.
    pub(super) open_metastore: Option<OpenMetastore>,
}

/// Opens the metastore of a client for one job. Its requests are signed with what the Secret of the files holds.
pub(super) type OpenMetastore =
    for<'a> fn(
        &'a ClientConfig,
        &'a OpenStore,
    ) -> BoxFuture<'a, Result<Arc<dyn Metastore>, EngineError>>;

/// Opens the files of a client, whose requests are made on a runtime.
pub(super) type OpenLake = for<'a> fn(
    &'a ClientConfig,
    Option<&'a SecretKeys>,
    Handle,
) -> BoxFuture<'a, Result<Lake, EngineError>>;

/// An open client, or why it cannot be opened.
pub type Opened = Result<Arc<dyn Connection>, EngineError>;

/// A client that is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The client, as its config has it.
    pub client: &'a ClientConfig,
    /// Its config.
    pub config: &'a ConfigIdentity,
    /// What the door lends.
    pub surroundings: &'a Surroundings<'a>,
}

impl Asked<'_> {
    /// Returns an error of the client that is asked for.
    #[must_use]
    pub fn error(&self, kind: ErrorKind, message: impl Into<String>) -> EngineError {
        EngineError::new(kind, &self.client.name, "open a client", message)
    }

    /// Returns the namespace of the config; empty where it was not recorded.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.config.namespace.as_deref().unwrap_or_default()
    }

    /// Returns an error of the Secret that the client names, of which a message says what is wrong.
    #[must_use]
    pub fn secret_missing(&self, message: String) -> EngineError {
        self.error(ErrorKind::Unavailable, message).with_reason(Reason::CredentialsMissing)
    }

    /// Returns what the client's Secret holds; nothing where there are no Secrets, as on a machine without a cluster.
    ///
    /// # Errors
    /// `Unavailable`, reason `CredentialsMissing`.
    pub async fn read_keys(&self) -> Result<Option<SecretKeys>, EngineError> {
        let (Some(secret), Some(secrets)) = (self.client.secret(), self.surroundings.secrets)
        else {
            return Ok(None);
        };
        let read = secrets.read(self.namespace(), &secret.name).await;
        read.map(Some).map_err(|message| self.secret_missing(message))
    }

    /// Returns the files of the client that keeps those of the run, which this client needs for a purpose.
    ///
    /// # Errors
    /// `InvalidInput` where the config names no client that keeps files.
    pub fn needed<'s>(
        &self,
        store: Option<&'s OpenStore>,
        purpose: &str,
    ) -> Result<&'s OpenStore, EngineError> {
        store.ok_or_else(|| {
            let message = format!("the config names no client `s3` {purpose}");
            let missing = self.error(ErrorKind::InvalidInput, message);
            missing.with_hint("name one in `engines.storage` of the config")
        })
    }

    /// Checks that the client may ask the server that it names, with the credentials that it has.
    ///
    /// # Errors
    /// `PermissionDenied`, reason `EndpointNotAllowed` or `CredentialsMissing`.
    pub fn check_server(&self) -> Result<(), EngineError> {
        self.client.endpoint().map_or(Ok(()), |endpoint| self.check_endpoint(endpoint))?;
        match (self.client.secret(), self.surroundings.secrets) {
            (Some(_), Some(_)) => Ok(()),
            _ => self.check_ambient_credentials(),
        }
    }

    /// Checks that the credentials of this process may be used for the client.
    fn check_ambient_credentials(&self) -> Result<(), EngineError> {
        if self.surroundings.ambient_credentials {
            return Ok(());
        }
        let message =
            "it names no Secret, and the credentials of the controller are lent to no config";
        let refused = self.error(ErrorKind::PermissionDenied, message);
        Err(refused
            .with_reason(Reason::CredentialsMissing)
            .with_hint("name one in `credentials.secretRef` of the client"))
    }

    /// Checks that the config may name the address of a server.
    fn check_endpoint(&self, endpoint: &str) -> Result<(), EngineError> {
        let Some(allowed) = self.surroundings.endpoints else { return Ok(()) };
        if allowed.iter().any(|one| is_same(one, endpoint)) {
            return Ok(());
        }
        let message = format!("the administrator does not allow the server `{endpoint}`");
        let refused = self.error(ErrorKind::PermissionDenied, message);
        Err(refused
            .with_reason(Reason::EndpointNotAllowed)
            .with_hint("`mason controller --allowed-endpoint` opens it"))
    }

    /// Checks that the config may name a folder.
    ///
    /// # Errors
    /// `PermissionDenied`, reason `RootNotAllowed`.
    pub fn check_folder(&self, folder: &str) -> Result<(), EngineError> {
        let Some(roots) = self.surroundings.roots else { return Ok(()) };
        let checked = self.config.namespace.as_deref().map_or_else(
            || Err("the namespace of the config is not recorded".to_owned()),
            |namespace| roots.check(namespace, folder),
        );
        checked.map_err(|message| {
            self.error(ErrorKind::PermissionDenied, message).with_reason(Reason::RootNotAllowed)
        })
    }
}

/// Which config a client belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ConfigIdentity {
    /// Its namespace; absent where it was not recorded.
    pub namespace: Option<String>,
    /// Which version of it the client's block stands in; absent where the store gives none, or it was not recorded.
    pub version: Option<ConfigVersion>,
}

/// An open client: what all runs of its config share, such as credentials, limits, and connections.
#[async_trait]
pub trait Connection: Send + Sync {
    /// Returns whether it still leads to what its block names. One that does not is opened again.
    async fn is_current(&self) -> bool;

    /// Returns the files that the client lends to the execution of another client, if it lends any.
    fn store(&self) -> Option<&OpenStore> {
        None
    }

    /// Returns the roles that the client fills, for one run, whose jobs work on the files of another client where it
    /// lends them. Cheap: makes no request.
    ///
    /// # Errors
    /// `PermissionDenied` when the workers may not run where the client asks.
    fn bind(&self, asked: &Asked<'_>, store: Option<&OpenStore>) -> Result<Engines, EngineError>;

    /// Looks whether the client can be used, by one cheap call that changes nothing.
    ///
    /// # Errors
    /// What the client answers.
    async fn probe(&self) -> Result<(), EngineError>;
}
