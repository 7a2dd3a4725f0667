//! The files of one client, lent to the execution of another.

use tokio::runtime::Handle;

use super::registry::ROWS;
use super::secret_keys::SecretKeys;
use crate::api::v1alpha1::ClientConfig;
use crate::engines::{EngineError, ErrorKind};
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
}

impl OpenStore {
    /// Opens the files of a client in the process of a job, by the client's block and what its Secret holds.
    ///
    /// # Errors
    /// `Unsupported` for a client that lends no files; `Unauthenticated` without credentials.
    pub async fn reopen(
        client: ClientConfig,
        keys: Option<SecretKeys>,
        runtime: Handle,
    ) -> Result<Self, EngineError> {
        let row = ROWS.iter().find(|row| Some(row.client_type.most.kind) == client.kind());
        let Some(open) = row.and_then(|row| row.open_lake) else {
            let message = format!("the client `{}` lends no files to other clients", client.name);
            let failed = EngineError::new(
                ErrorKind::Unsupported,
                &client.name,
                "open the files of a job",
                message,
            );
            return Err(failed);
        };
        let lake = open(&client, keys.as_ref(), runtime).await?;
        Ok(Self { client, lake, keys })
    }
}
