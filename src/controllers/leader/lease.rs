//! Reads and writes the Lease, each write with the resourceVersion it was decided on.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};

use super::decide::{Decision, LASTS, Seen, decide};
use super::leadership::LeaseSettings;
use crate::controllers::clock::now;

/// The Lease, as this process saw it last.
pub(super) struct Lease {
    api: Api<Object>,
    name: String,
    identity: String,
    /// The version that was seen last, and since when.
    known: Option<(String, Instant)>,
}

impl Lease {
    pub(super) fn new(client: &Client, settings: &LeaseSettings) -> Self {
        let api = match &settings.namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::default_namespaced(client.clone()),
        };
        let (name, identity) = (settings.name.clone(), settings.identity.clone());
        Self { api, name, identity, known: None }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Reads the lease, takes or renews it where it may, and returns whether this process holds it now. When
    /// another replica was faster, that one holds it.
    pub(super) async fn look(&mut self) -> Result<bool, kube::Error> {
        let found = self.api.get_opt(&self.name).await?;
        let seen = found.as_ref().map(|object| self.see(object, Instant::now()));
        let written = match decide(seen.as_ref(), &self.identity) {
            Decision::Wait => return Ok(false),
            Decision::Create => {
                let metadata =
                    ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                let object = Object { metadata, spec: Some(self.held(None)) };
                self.api.create(&PostParams::default(), &object).await
            }
            Decision::Renew | Decision::Take => {
                let Some(mut object) = found else { return Ok(false) };
                object.spec = Some(self.held(object.spec.as_ref()));
                self.api.replace(&self.name, &PostParams::default(), &object).await
            }
        };
        match written {
            Ok(object) => {
                self.see(&object, Instant::now());
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives it back, if it is still this process's.
    pub(super) async fn release(&self) -> Result<(), kube::Error> {
        let Some(mut object) = self.api.get_opt(&self.name).await? else { return Ok(()) };
        let Some(spec) = object.spec.as_mut() else { return Ok(()) };
        if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
            return Ok(());
        }
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        self.api.replace(&self.name, &PostParams::default(), &object).await.map(drop)
    }

    /// Notes how it is, and returns it with how long it has been so.
    fn see(&mut self, object: &Object, at: Instant) -> Seen {
        let version = object.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.known {
            Some((known, since)) if *known == version => *since,
            _ => at,
        };
        self.known = Some((version, since));
        let spec = object.spec.clone().unwrap_or_default();
        let lasts = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        Seen {
            holder: spec.holder_identity.unwrap_or_default(),
            lasts: lasts.map_or(LASTS, Duration::from_secs),
            unchanged_for: at.saturating_duration_since(since),
        }
    }

    /// Returns the lease as this process holds it.
    fn held(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let is_mine = |spec: &&LeaseSpec| spec.holder_identity.as_deref() == Some(&*self.identity);
        let (kept, now) = (before.filter(is_mine), MicroTime(now()));
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LASTS.as_secs()).ok(),
            acquire_time: kept.and_then(|spec| spec.acquire_time.clone()).or(Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(if kept.is_some() || before.is_none() {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..before.cloned().unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::api_server::{ApiFault, ApiServer};

    fn lease(server: &ApiServer, identity: &str) -> Lease {
        let (name, identity) = ("mason".to_owned(), identity.to_owned());
        let settings = LeaseSettings { namespace: Some("n".to_owned()), name, identity };
        Lease::new(&server.client(), &settings)
    }

    #[tokio::test]
    async fn one_holds_it_until_it_gives_it_back() {
        let server = ApiServer::default();
        let (mut one, mut other) = (lease(&server, "one"), lease(&server, "other"));
        assert!(one.look().await.unwrap());
        assert!(!other.look().await.unwrap());
        assert!(one.look().await.unwrap(), "it is renewed");
        other.release().await.unwrap();
        assert!(!other.look().await.unwrap(), "a replica does not give back the lease of another");
        one.release().await.unwrap();
        assert!(other.look().await.unwrap());
        assert!(!one.look().await.unwrap());
        let held = other.api.get("mason").await.unwrap().spec.unwrap();
        assert_eq!((held.lease_transitions, held.lease_duration_seconds), (Some(1), Some(15)));
    }

    #[tokio::test]
    async fn a_lease_that_does_not_change_is_taken_when_it_is_over() {
        let server = ApiServer::default();
        let (mut one, mut other) = (lease(&server, "one"), lease(&server, "other"));
        assert!(one.look().await.unwrap());
        assert!(!other.look().await.unwrap());
        let (version, since) = other.known.clone().unwrap();
        other.known = Some((version, since.checked_sub(LASTS).unwrap()));
        assert!(other.look().await.unwrap());
        assert!(!one.look().await.unwrap(), "the former holder notices");
    }

    #[tokio::test]
    async fn a_write_that_was_refused_or_failed_holds_nothing() {
        let server = ApiServer::default();
        let mut one = lease(&server, "one");
        assert!(one.look().await.unwrap());
        for fault in [ApiFault::Refused(409), ApiFault::Denied(409), ApiFault::Lost] {
            server.script(ApiFault::Nothing);
            server.script(fault);
            assert!(!one.look().await.unwrap_or_default());
        }
    }
}
