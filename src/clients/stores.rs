//! The files of one client, lent to the execution of another, with the metastore that knows the tables made of them.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::registry::{ROWS, Row};
use super::secret_keys::SecretKeys;
use crate::api::v1alpha1::ClientConfig;
use crate::engines::{EngineError, ErrorKind, Metastore};
use crate::lake::roles::Lake;

/// The files of a client, open.
#[derive(Debug, Clone)]
pub struct OpenStore {
    /// The client, as its config has it. It holds no secret.
    pub client: ClientConfig,
    /// Its files.
    pub lake: Lake,
    /// What they were opened with; absent where that is found in the environment.
    pub keys: Option<SecretKeys>,
    /// The client that knows the tables, where it is not the one that keeps their files.
    pub metastore: Option<ClientConfig>,
}

impl OpenStore {
    /// Opens the files of a client in the process of a job, by the client's block and what its Secret holds.
    ///
    /// # Errors
    /// `Unsupported` for a client that lends no files; `Unauthenticated` without credentials.
    pub async fn reopen(
        client: ClientConfig,
        metastore: Option<ClientConfig>,
        keys: Option<SecretKeys>,
        runtime: Handle,
    ) -> Result<Self, EngineError> {
        let Some(open) = row_of(&client).and_then(|row| row.open_lake) else {
            let message = format!("the client `{}` lends no files to other clients", client.name);
            return Err(refused(&client, message));
        };
        let lake = open(&client, keys.as_ref(), runtime).await?;
        Ok(Self { client, lake, keys, metastore })
    }

    /// Opens the metastore of another client in the process of a job, where there is one.
    ///
    /// # Errors
    /// `Unsupported` for a client whose tables are its own files; `Unauthenticated` without credentials.
    pub async fn open_metastore(&self) -> Result<Option<Arc<dyn Metastore>>, EngineError> {
        let Some(client) = &self.metastore else { return Ok(None) };
        let Some(open) = row_of(client).and_then(|row| row.open_metastore) else {
            let message = format!("the tables of the client `{}` are its own files", client.name);
            return Err(refused(client, message));
        };
        open(client, self).await.map(Some)
    }
}

fn row_of(client: &ClientConfig) -> Option<&'static Row> {
    ROWS.iter().find(|row| Some(row.client_type.most.kind) == client.kind())
}

fn refused(client: &ClientConfig, message: String) -> EngineError {
    EngineError::new(ErrorKind::Unsupported, &client.name, "open the files of a job", message)
}
