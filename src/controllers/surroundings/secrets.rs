//! Whether the Secret of a client is there, and whether it is still the same. Only its metadata is read:
//! what it holds never enters this process.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use sha2::{Digest, Sha256};

use crate::clients::Secrets;

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
            Ok(None) => Err(format!("there is no Secret `{name}` in namespace `{namespace}`")),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                Err(format!("the controller may not read the Secret `{name}` of `{namespace}`"))
            }
            Err(kube::Error::Api(status)) => {
                Err(format!("the Secret `{name}` cannot be read (status {})", status.code))
            }
            Err(_) => Err(format!("the Secret `{name}` cannot be read")),
        }
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
