//! The client's row in the registry: how one is checked, opened for all runs of its config, and bound to one.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_athena::Client;

use super::client::Athena;
use super::execution::AthenaExecution;
use super::{DESCRIPTION, clock};
use crate::api::v1alpha1::{AthenaClient, ClientConfig};
use crate::aws::service;
use crate::clients::{Asked, Connection, OpenStore, Opened, Row, SecretKeys};
use crate::engines::capability::ClientType;
use crate::engines::{EngineError, Engines, ErrorKind};

/// This type of client in the registry.
pub(in crate::clients) const ROW: Row = Row {
    client_type: ClientType::uniform(DESCRIPTION),
    secret: ClientConfig::secret,
    check,
    open: |asked| Box::pin(open(asked)),
    open_lake: None,
    open_metastore: None,
};

/// An open workgroup.
struct AthenaConnection {
    athena: Athena,
    block: AthenaClient,
}

fn block<'a>(asked: &Asked<'a>) -> Result<&'a AthenaClient, EngineError> {
    let missing = || asked.error(ErrorKind::InvalidInput, "it has no block `athena`");
    asked.client.athena.as_ref().ok_or_else(missing)
}

fn check(asked: &Asked<'_>) -> Result<(), EngineError> {
    block(asked)?;
    asked.check_server()
}

async fn open(asked: &Asked<'_>) -> Opened {
    let (block, keys) = (block(asked)?.clone(), asked.read_keys().await?);
    let (region, keys) = (&block.region, keys.as_ref());
    let signer = SecretKeys::signer(keys, asked.client, region, clock::now).await?;
    let requests = Client::new(&service(&block.region, block.endpoint.as_deref(), signer));
    Ok(Arc::new(AthenaConnection { athena: Athena::new(requests, &asked.client.name), block }))
}

#[async_trait]
impl Connection for AthenaConnection {
    async fn is_current(&self) -> bool {
        true
    }

    fn bind(&self, asked: &Asked<'_>, store: Option<&OpenStore>) -> Result<Engines, EngineError> {
        let store = asked.needed(store, "where its jobs are recorded")?;
        let execution = AthenaExecution {
            athena: self.athena.clone(),
            block: self.block.clone(),
            files: Arc::clone(store.lake.files()),
            now: clock::now,
        };
        Ok(Engines { execution: Some(Arc::new(execution)), ..Engines::default() })
    }

    async fn probe(&self) -> Result<(), EngineError> {
        self.athena.probe(&self.block.workgroup).await
    }
}
