//! The client's row in the registry: how one is checked, opened for all runs of its config, and bound to one.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_glue::Client;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;

use super::client::Catalogue;
use super::metastore::GlueMetastore;
use super::places::Places;
use super::{DESCRIPTION, clock};
use crate::api::s3_address::S3Address;
use crate::api::v1alpha1::{ClientConfig, GlueClient};
use crate::aws::service;
use crate::clients::{Asked, Connection, OpenStore, Opened, Row, SecretKeys};
use crate::engines::capability::ClientType;
use crate::engines::{EngineError, Engines, ErrorKind, Metastore};
use crate::lake::one_at_a_time::OneAtATime;

/// This type of client in the registry.
pub(in crate::clients) const ROW: Row = Row {
    client_type: ClientType::uniform(DESCRIPTION),
    secret: ClientConfig::secret,
    check,
    open: |asked| Box::pin(open(asked)),
    open_lake: None,
    open_metastore: Some(open_metastore),
};

/// An open catalogue.
struct GlueConnection {
    client: ClientConfig,
    catalogue: Catalogue,
    lock: Arc<OneAtATime>,
}

fn block(client: &ClientConfig) -> Result<&GlueClient, EngineError> {
    client.glue.as_ref().ok_or_else(|| {
        let message = "it has no block `glue`";
        EngineError::new(ErrorKind::InvalidInput, &client.name, "open a client", message)
    })
}

fn check(asked: &Asked<'_>) -> Result<(), EngineError> {
    block(asked.client)?;
    asked.check_server()
}

async fn open(asked: &Asked<'_>) -> Opened {
    let (client, keys) = (asked.client.clone(), asked.read_keys().await?);
    let catalogue = catalogue(&client, keys.as_ref()).await?;
    Ok(Arc::new(GlueConnection { client, catalogue, lock: Arc::default() }))
}

async fn catalogue(
    client: &ClientConfig,
    keys: Option<&SecretKeys>,
) -> Result<Catalogue, EngineError> {
    let block = block(client)?;
    let signer = SecretKeys::signer(keys, client, &block.region, clock::now).await?;
    let requests = Client::new(&service(&block.region, block.endpoint.as_deref(), signer));
    Ok(Catalogue::new(requests, block.catalog_id.clone(), &client.name))
}

/// Opens the catalogue in the process of a job, with what the Secret of its files holds.
fn open_metastore<'a>(
    client: &'a ClientConfig,
    store: &'a OpenStore,
) -> BoxFuture<'a, Result<Arc<dyn Metastore>, EngineError>> {
    Box::pin(async move {
        let catalogue = catalogue(client, store.keys.as_ref()).await?;
        let metastore = metastore(client, catalogue, Arc::default(), store, true)?;
        Ok(Arc::new(metastore) as Arc<dyn Metastore>)
    })
}

fn metastore(
    client: &ClientConfig,
    catalogue: Catalogue,
    lock: Arc<OneAtATime>,
    store: &OpenStore,
    in_job: bool,
) -> Result<GlueMetastore, EngineError> {
    let root = store.client.objects_root().and_then(|root| S3Address::parse(root).ok());
    let root = root.ok_or_else(|| {
        let message = format!("the files of `{}` are no objects of S3", store.client.name);
        EngineError::new(ErrorKind::Unsupported, &client.name, "open a client", message)
    })?;
    Ok(GlueMetastore {
        catalogue,
        lake: store.lake.clone(),
        places: Places::below(root),
        lock,
        now: clock::now,
        client: client.name.as_str().into(),
        in_job,
    })
}

#[async_trait]
impl Connection for GlueConnection {
    async fn is_current(&self) -> bool {
        true
    }

    fn bind(&self, asked: &Asked<'_>, store: Option<&OpenStore>) -> Result<Engines, EngineError> {
        let store = asked.needed(store, "that keeps the files of its tables")?;
        let (catalogue, lock) = (self.catalogue.clone(), Arc::clone(&self.lock));
        let metastore = metastore(&self.client, catalogue, lock, store, false)?;
        Ok(Engines { metastore: Some(Arc::new(metastore)), ..Engines::default() })
    }

    async fn probe(&self) -> Result<(), EngineError> {
        self.catalogue.list_databases().try_next().await.map(drop)
    }
}
