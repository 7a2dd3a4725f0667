//! Opens the files of a client by its block and its credentials. Makes no request.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use super::clock;
use super::keys::BucketFiles;
use crate::api::conditions::Reason;
use crate::api::s3_address::S3Address;
use crate::api::v1alpha1::{ClientConfig, S3Client};
use crate::clients::SecretKeys;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::object_files::ObjectFiles;
use crate::lake::one_at_a_time::OneAtATime;
use crate::lake::roles::Lake;

const OPERATION: &str = "open a client";

/// A request may take so long, an upload of a part of 8 MiB over a slow line among them.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the environment may say of credentials. Addresses are those of the config alone.
///
/// # Source
/// <https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html>
const OF_THE_ENVIRONMENT: [AmazonS3ConfigKey; 10] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::SecretAccessKey,
    AmazonS3ConfigKey::Token,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::RoleArn,
    AmazonS3ConfigKey::RoleSessionName,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
    AmazonS3ConfigKey::ContainerAuthorizationTokenFile,
    AmazonS3ConfigKey::Region,
];

/// Each of them is enough to find credentials.
const ENOUGH: [AmazonS3ConfigKey; 4] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
];

/// Returns the block of a client of this type.
pub(super) fn block(client: &ClientConfig) -> Result<&S3Client, EngineError> {
    let missing = || failed(client, ErrorKind::InvalidInput, "it has no block `s3`");
    client.s3.as_ref().ok_or_else(missing)
}

fn failed(client: &ClientConfig, kind: ErrorKind, message: impl Into<String>) -> EngineError {
    EngineError::new(kind, &client.name, OPERATION, message)
}

/// Opens the files of a client with what its Secret holds, or with the credentials of the environment. Their requests
/// are made on a runtime.
///
/// # Errors
/// `InvalidInput` for a root or an endpoint that is none; `Unauthenticated` without credentials.
pub(super) fn open_lake(
    client: &ClientConfig,
    keys: Option<&SecretKeys>,
    runtime: Handle,
) -> Result<Lake, EngineError> {
    let block = block(client)?;
    let address = S3Address::parse(&block.root).map_err(|wrong| {
        let message = format!("`{}` is no address of S3: {wrong}", block.root);
        failed(client, ErrorKind::InvalidInput, message)
    })?;
    let builder = match keys {
        Some(keys) => with_keys(client, keys)?,
        None => with_environment(client)?,
    };
    let bucket = built(client, builder, &address)?;
    let objects: Arc<dyn ObjectStore> = Arc::new(BucketFiles::new(Arc::new(bucket), &address));
    let files = Arc::new(ObjectFiles::new(Arc::clone(&objects), runtime));
    Ok(Lake::new(files, objects, Arc::new(OneAtATime::default()), clock::now))
}

/// The keys of a Secret are named as the variables of the environment are.
fn with_keys(client: &ClientConfig, keys: &SecretKeys) -> Result<AmazonS3Builder, EngineError> {
    let needed = |key: &str| {
        keys.get(key).ok_or_else(|| {
            let secret = client.secret().map_or("", |secret| secret.name.as_str());
            let message = format!("the Secret `{secret}` has no key `{key}`");
            let missing = failed(client, ErrorKind::Unauthenticated, message);
            missing.with_reason(Reason::CredentialsMissing)
        })
    };
    let builder = AmazonS3Builder::new()
        .with_access_key_id(needed("AWS_ACCESS_KEY_ID")?)
        .with_secret_access_key(needed("AWS_SECRET_ACCESS_KEY")?);
    Ok(match keys.get("AWS_SESSION_TOKEN") {
        Some(token) => builder.with_token(token),
        None => builder,
    })
}

fn with_environment(client: &ClientConfig) -> Result<AmazonS3Builder, EngineError> {
    let environment = AmazonS3Builder::from_env();
    if !ENOUGH.iter().any(|key| environment.get_config_value(key).is_some()) {
        let message = "there are no credentials for S3 in the environment";
        return Err(failed(client, ErrorKind::Unauthenticated, message).with_hint(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; of a profile or a single sign-on: \
             eval \"$(aws configure export-credentials --format env)\"",
        ));
    }
    let found = OF_THE_ENVIRONMENT
        .into_iter()
        .filter_map(|key| Some((key, environment.get_config_value(&key)?)));
    let with = |builder: AmazonS3Builder, (key, value)| builder.with_config(key, value);
    Ok(found.fold(AmazonS3Builder::new(), with))
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
    RetryConfig { backoff, max_retries: 6, retry_timeout: Duration::from_secs(60) }
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
