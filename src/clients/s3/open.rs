//! Opens the files of a client by its block and its credentials. Makes no request of S3.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::client::CredentialProvider;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use super::clock;
use super::keys::BucketFiles;
use crate::api::s3_address::S3Address;
use crate::api::v1alpha1::{ClientConfig, S3Client};
use crate::aws::{Ambient, Keys};
use crate::clients::SecretKeys;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::object_files::ObjectFiles;
use crate::lake::one_at_a_time::OneAtATime;
use crate::lake::roles::Lake;

const OPERATION: &str = "open a client";

/// A request may take so long, an upload of a part of 8 MiB over a slow line among them.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the block of a client of this type.
pub(super) fn block(client: &ClientConfig) -> Result<&S3Client, EngineError> {
    let missing = || failed(client, ErrorKind::InvalidInput, "it has no block `s3`");
    client.s3.as_ref().ok_or_else(missing)
}

fn failed(client: &ClientConfig, kind: ErrorKind, message: impl Into<String>) -> EngineError {
    EngineError::new(kind, &client.name, OPERATION, message)
}

/// Opens the files of a client with what its Secret holds, or with the credentials of this process. Their requests
/// are made on a runtime.
///
/// # Errors
/// `InvalidInput` for a root or an endpoint that is none; `Unauthenticated` without credentials.
pub(super) fn open_lake<'a>(
    client: &'a ClientConfig,
    keys: Option<&'a SecretKeys>,
    runtime: Handle,
) -> BoxFuture<'a, Result<Lake, EngineError>> {
    Box::pin(async move {
        let block = block(client)?;
        let address = S3Address::parse(&block.root).map_err(|wrong| {
            let message = format!("`{}` is no address of S3: {wrong}", block.root);
            failed(client, ErrorKind::InvalidInput, message)
        })?;
        let builder = match keys {
            Some(keys) => with_keys(client, keys)?,
            None => with_ambient(client).await?,
        };
        let bucket = built(client, builder, &address)?;
        let objects: Arc<dyn ObjectStore> = Arc::new(BucketFiles::new(Arc::new(bucket), &address));
        let files = Arc::new(ObjectFiles::new(Arc::clone(&objects), runtime));
        let lake = Lake::new(files, objects, Arc::new(OneAtATime::default()), clock::now);
        Ok(lake.of_client(&client.name))
    })
}

fn with_keys(client: &ClientConfig, keys: &SecretKeys) -> Result<AmazonS3Builder, EngineError> {
    let Keys { id, secret, session_token } = keys.of_aws(client)?;
    let builder = AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret);
    Ok(match session_token {
        Some(token) => builder.with_token(token),
        None => builder,
    })
}

/// Looks for credentials now: where there are none, nothing is begun.
async fn with_ambient(client: &ClientConfig) -> Result<AmazonS3Builder, EngineError> {
    let named = |error: EngineError| EngineError { client: client.name.clone(), ..error };
    let ambient = Ambient::find(block(client)?.region.as_deref(), clock::now).await;
    let ambient = ambient.map_err(named)?;
    ambient.keys().await.map_err(named)?;
    let region = ambient.region().to_owned();
    Ok(AmazonS3Builder::new().with_region(region).with_credentials(Arc::new(Signing(ambient))))
}

/// The credentials of this process, for each request as they are then.
#[derive(Debug)]
struct Signing(Ambient);

#[async_trait]
impl CredentialProvider for Signing {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let keys = self.0.keys().await;
        let keys = keys.map_err(|source| object_store::Error::Generic {
            store: "S3",
            source: Box::new(source),
        })?;
        Ok(Arc::new(AwsCredential {
            key_id: keys.id.clone(),
            secret_key: keys.secret.clone(),
            token: keys.session_token.clone(),
        }))
    }
}

fn built(
    client: &ClientConfig,
    mut builder: AmazonS3Builder,
    address: &S3Address,
) -> Result<AmazonS3, EngineError> {
    let block = block(client)?;
    if let Some(region) = &block.region {
        builder = builder.with_region(region);
    }
    let path_style = block.path_style.unwrap_or(block.endpoint.is_some());
    if let Some(endpoint) = &block.endpoint {
        builder = builder.with_endpoint(host_of(endpoint, address, path_style));
    }
    let options =
        ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
    let is_plain = block.endpoint.as_ref().is_some_and(|address| address.starts_with("http://"));
    let built = builder
        .with_bucket_name(address.bucket())
        .with_virtual_hosted_style_request(!path_style)
        .with_retry(retries())
        .with_client_options(options)
        .with_allow_http(is_plain)
        .build();
    built.map_err(|source| {
        failed(client, ErrorKind::InvalidInput, source.to_string()).with_source(source)
    })
}

/// Returns the address that requests go to: one whose host has the bucket's name, unless the path has.
fn host_of(endpoint: &str, address: &S3Address, path_style: bool) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    match endpoint.split_once("://") {
        Some((scheme, host)) if !path_style => format!("{scheme}://{}.{host}", address.bucket()),
        _ => endpoint.to_owned(),
    }
}

/// A request that fails on the way is made again for some seconds.
fn retries() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: 6, retry_timeout: Duration::from_mins(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_stands_in_the_host_or_in_the_path() {
        let address = S3Address::parse("s3://lake/a").expect("should be an address");
        assert_eq!(host_of("http://h:9000/", &address, true), "http://h:9000");
        assert_eq!(host_of("https://h.test", &address, false), "https://lake.h.test");
    }
}
