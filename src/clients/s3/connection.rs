//! The client's row in the registry: how one is checked, opened for all runs of its config, and bound to one.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use tokio::runtime::Handle;

use super::DESCRIPTION;
use super::open::{block, open_lake};
use crate::api::v1alpha1::ClientConfig;
use crate::clients::{Asked, Connection, OpenStore, Opened, Row};
use crate::engines::capability::ClientType;
use crate::engines::{EngineError, Engines, Storage as _};
use crate::lake::object_files::failed;

/// This type of client in the registry.
pub(in crate::clients) const ROW: Row = Row {
    client_type: ClientType::uniform(DESCRIPTION),
    secret: ClientConfig::secret,
    check,
    open: |asked| Box::pin(open(asked)),
    open_lake: Some(open_lake),
    open_metastore: None,
};

/// An open bucket.
struct S3Connection(OpenStore);

fn check(asked: &Asked<'_>) -> Result<(), EngineError> {
    block(asked.client)?;
    asked.check_server()
}

async fn open(asked: &Asked<'_>) -> Opened {
    let (client, keys) = (asked.client.clone(), asked.read_keys().await?);
    let lake = open_lake(&client, keys.as_ref(), Handle::current()).await?;
    Ok(Arc::new(S3Connection(OpenStore { client, lake, keys, metastore: None })))
}

#[async_trait]
impl Connection for S3Connection {
    /// A name leads to the same bucket for as long as there is one.
    async fn is_current(&self) -> bool {
        true
    }

    fn store(&self) -> Option<&OpenStore> {
        Some(&self.0)
    }

    fn bind(&self, _: &Asked<'_>, _: Option<&OpenStore>) -> Result<Engines, EngineError> {
        Ok(self.0.lake.engines())
    }

    async fn probe(&self) -> Result<(), EngineError> {
        let objects = self.0.lake.storage().objects();
        let first = objects.list(None).try_next().await;
        first.map(drop).map_err(|source| self.0.lake.named(failed("list the bucket", "", source)))
    }
}
