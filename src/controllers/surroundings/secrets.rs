//! The Secrets of clients: whether one is there and still the same, by its metadata alone, and what it holds, for the
//! clients of this process that need it.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use sha2::{Digest, Sha256};

use crate::clients::{SecretKeys, Secrets};

/// Most hex digits of a Secret's version.
const DIGITS: usize = 16;

/// The Secrets of a cluster.
pub(crate) struct ClusterSecrets(pub(crate) Client);

#[async_trait]
impl Secrets for ClusterSecrets {
    async fn version(&self, namespace: &str, name: &str) -> Result<String, String> {
        let api: Api<Secret> = Api::namespaced(self.0.clone(), namespace);
        match api.get_metadata_opt(name).await {
            Ok(Some(found)) => {
                let metadata = found.metadata;
                Ok(version(metadata.uid.as_deref(), metadata.resource_version.as_deref()))
            }
            Ok(None) => Err(missing(namespace, name)),
            Err(failed) => Err(unread(namespace, name, failed)),
        }
    }

    async fn read(&self, namespace: &str, name: &str) -> Result<SecretKeys, String> {
        let api: Api<Secret> = Api::namespaced(self.0.clone(), namespace);
        match api.get_opt(name).await {
            Ok(Some(found)) => {
                let keys = found.data.unwrap_or_default();
                Ok(keys.into_iter().map(|(key, bytes)| (key, bytes.0)).collect())
            }
            Ok(None) => Err(missing(namespace, name)),
            Err(failed) => Err(unread(namespace, name, failed)),
        }
    }
}

fn missing(namespace: &str, name: &str) -> String {
    format!("there is no Secret `{name}` in namespace `{namespace}`")
}

/// Says why a Secret cannot be read, without the words of an answer, which could hold it.
fn unread(namespace: &str, name: &str, failed: kube::Error) -> String {
    match failed {
        kube::Error::Api(status) if status.code == 403 => {
            format!("the controller may not read the Secret `{name}` of `{namespace}`")
        }
        kube::Error::Api(status) => {
            format!("the Secret `{name}` cannot be read (status {})", status.code)
        }
        _ => format!("the Secret `{name}` cannot be read"),
    }
}

fn version(uid: Option<&str>, resource_version: Option<&str>) -> String {
    let text = format!("{}/{}", uid.unwrap_or_default(), resource_version.unwrap_or_default());
    let mut digits = format!("{:x}", Sha256::digest(text.as_bytes()));
    digits.truncate(DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_changes_with_the_secret_and_with_the_object_of_the_same_name() {
        let first = version(Some("u"), Some("1"));
        assert_eq!(first, version(Some("u"), Some("1")));
        assert_eq!(first.len(), 16);
        assert_ne!(first, version(Some("u"), Some("2")));
        assert_ne!(first, version(Some("v"), Some("1")));
    }
}
