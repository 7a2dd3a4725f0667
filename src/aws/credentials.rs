//! The credentials of this process, as the tools of AWS find them: variables, profiles, single sign-on, another
//! program, web identities, container and machine roles, in this order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_glue::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::engines::error::causes;
use crate::engines::{EngineError, ErrorKind};

const OPERATION: &str = "find credentials of AWS";

/// How long before they expire credentials are asked for anew.
const FRESH_FOR: Duration = Duration::from_mins(5);

/// Where there is no region at all, requests are signed for this one, as servers of others want it.
const NO_REGION: &str = "us-east-1";

/// The keys that requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Which key.
    pub id: String,
    /// The key itself, which is never shown.
    pub secret: String,
    /// What goes with keys that expire.
    pub session_token: Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is known of the keys now.
struct Known {
    keys: Arc<Keys>,
    expires: Option<Timestamp>,
}

impl Known {
    /// Whether they are good for so long still.
    fn lasts(&self, length: Duration, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now + length < expires)
    }
}

/// The credentials of this process, asked for when they are needed and kept until shortly before they expire.
pub struct Ambient {
    chain: SharedCredentialsProvider,
    region: String,
    now: fn() -> Timestamp,
    known: Mutex<Option<Known>>,
}

impl fmt::Debug for Ambient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ambient").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Ambient {
    /// Reads variables and profiles. A region that is given counts before theirs. Makes no request.
    ///
    /// # Errors
    /// `Unauthenticated` where nothing can hold credentials.
    pub async fn find(region: Option<&str>, now: fn() -> Timestamp) -> Result<Self, EngineError> {
        let region = match region {
            Some(region) => Region::new(region.to_owned()),
            None => of_surroundings().await,
        };
        let asked = aws_config::defaults(BehaviorVersion::latest());
        let found = asked.region(region.clone()).http_client(https()).load().await;
        let chain = found.credentials_provider().ok_or_else(|| none("nothing may hold any"))?;
        Ok(Self { chain, region: region.to_string(), now, known: Mutex::default() })
    }

    /// Returns the region that requests are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the keys to sign with: those that are known, or those that are found now for all who ask. Where none
    /// are found, those that are known count until they expire.
    ///
    /// # Errors
    /// `Unauthenticated` where there are none, or those there are cannot be used; `Unavailable` where the service
    /// that has them does not answer.
    pub async fn keys(&self) -> Result<Arc<Keys>, EngineError> {
        let mut known = self.known.lock().await;
        let now = (self.now)();
        if let Some(known) = known.as_ref().filter(|known| known.lasts(FRESH_FOR, now)) {
            return Ok(Arc::clone(&known.keys));
        }
        match self.chain.provide_credentials().await {
            Ok(found) => {
                let found = of(&found);
                let keys = Arc::clone(&found.keys);
                *known = Some(found);
                Ok(keys)
            }
            Err(failed) => match known.as_ref().filter(|known| known.lasts(Duration::ZERO, now)) {
                Some(known) => Ok(Arc::clone(&known.keys)),
                None => Err(unfound(&failed)),
            },
        }
    }
}

/// Returns what speaks HTTPS, with rustls and ring.
pub(super) fn https() -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    aws_smithy_http_client::Builder::new().tls_provider(tls).build_https()
}

async fn of_surroundings() -> Region {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::new(NO_REGION))
        .region()
        .await
        .unwrap_or(Region::new(NO_REGION))
}

fn of(found: &Credentials) -> Known {
    let keys = Keys {
        id: found.access_key_id().to_owned(),
        secret: found.secret_access_key().to_owned(),
        session_token: found.session_token().map(str::to_owned),
    };
    let expires = found.expiry().and_then(|expiry| Timestamp::try_from(expiry).ok());
    Known { keys: Arc::new(keys), expires }
}

fn none(why: &str) -> EngineError {
    let message = format!("there are no credentials of AWS: {why}");
    EngineError::new(ErrorKind::Unauthenticated, "aws", OPERATION, message).with_hint(
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile by AWS_PROFILE; `aws sso login` signs on",
    )
}

/// Says why no credentials were found.
fn unfound(failed: &CredentialsError) -> EngineError {
    let why = causes(failed).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    match failed {
        CredentialsError::CredentialsNotLoaded(_) => {
            none("variables, profiles, and the role of this machine hold none")
        }
        CredentialsError::ProviderTimedOut(_) => {
            EngineError::new(ErrorKind::Unavailable, "aws", OPERATION, why)
        }
        _ => none(&why),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use aws_credential_types::provider::future::ProvideCredentials as Provided;

    use super::*;

    static NOW: AtomicI64 = AtomicI64::new(1_000_000);

    fn now() -> Timestamp {
        Timestamp::from_second(NOW.load(Ordering::SeqCst)).expect("should be a time")
    }

    /// Gives credentials of an hour, each time others; fails after two.
    #[derive(Debug, Default)]
    struct OfAnHour(AtomicUsize);

    impl ProvideCredentials for OfAnHour {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            if count >= 2 {
                return Provided::ready(Err(CredentialsError::not_loaded("no more")));
            }
            let expires = now() + Duration::from_hours(1);
            let keys = Credentials::new(
                format!("id{count}"),
                "hidden",
                None,
                Some(expires.into()),
                "test",
            );
            Provided::ready(Ok(keys))
        }
    }

    #[tokio::test]
    async fn keys_are_kept_until_shortly_before_they_expire() {
        let ambient = Ambient {
            chain: SharedCredentialsProvider::new(OfAnHour::default()),
            region: NO_REGION.to_owned(),
            now,
            known: Mutex::default(),
        };
        let id = async || ambient.keys().await.map(|keys| keys.id.clone());
        let pass = |seconds| NOW.fetch_add(seconds, Ordering::SeqCst);
        assert_eq!(id().await.expect("should be found"), "id0");
        pass(3200);
        assert_eq!(id().await.expect("should be kept"), "id0");
        pass(200);
        assert_eq!(id().await.expect("should be found anew"), "id1");
        pass(3400);
        assert_eq!(id().await.expect("counts until it expires"), "id1");
        pass(300);
        let missing = id().await.expect_err("there are none");
        assert_eq!(missing.kind, ErrorKind::Unauthenticated);
        assert!(missing.message.starts_with("there are no credentials of AWS"), "{missing}");
    }

    #[test]
    fn the_secret_is_never_shown() {
        let keys = Keys { id: "id".to_owned(), secret: "hidden".to_owned(), session_token: None };
        assert!(!format!("{keys:?}").contains("hidden"));
    }
}
