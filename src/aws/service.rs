//! How the services of AWS are asked: signed by keys of a config or of this process, over one stack for TLS, again
//! when a request fails on the way.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::credentials::{Ambient, Keys, https};

/// How long a service may take to be reached, to answer a request, and to answer with all repetitions.
const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(20);
const WHOLE: Duration = Duration::from_mins(1);
/// How often a request is made that fails on the way, or is throttled.
const ATTEMPTS: u32 = 5;
/// The longest wait between two requests.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// What requests are signed with.
#[derive(Debug, Clone)]
pub enum Signer {
    /// These keys.
    Keys(Arc<Keys>),
    /// The credentials of this process, as they are then.
    Ambient(Arc<Ambient>),
}

impl ProvideCredentials for Signer {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            let keys = match self {
                Self::Keys(keys) => Arc::clone(keys),
                Self::Ambient(ambient) => {
                    ambient.keys().await.map_err(CredentialsError::provider_error)?
                }
            };
            let (id, secret) = (keys.id.clone(), keys.secret.clone());
            Ok(Credentials::new(id, secret, keys.session_token.clone(), None, "mason"))
        })
    }
}

/// Returns what the client of a service is made of: its region, the address of a server in its place, and a signer.
#[must_use]
pub fn service(region: &str, endpoint: Option<&str>, signer: Signer) -> SdkConfig {
    let times = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(WHOLE)
        .build();
    let retries =
        RetryConfig::adaptive().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_WAIT);
    let builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(signer))
        .http_client(https())
        .retry_config(retries)
        .timeout_config(times);
    match endpoint {
        Some(endpoint) => builder.endpoint_url(endpoint.trim_end_matches('/')).build(),
        None => builder.build(),
    }
}
