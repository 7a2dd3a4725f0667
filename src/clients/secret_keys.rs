//! What a Secret holds, on its way from where it is kept to the client that needs it.

use std::collections::BTreeMap;
use std::path::Path;
#[cfg(feature = "aws")]
use std::sync::Arc;
use std::{fmt, fs, io};

#[cfg(feature = "aws")]
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use crate::api::conditions::Reason;
#[cfg(feature = "aws")]
use crate::api::v1alpha1::ClientConfig;
#[cfg(feature = "aws")]
use crate::aws::{Ambient, Keys, Signer};
#[cfg(feature = "aws")]
use crate::engines::{EngineError, ErrorKind};

/// The texts of a Secret by their keys. They are never shown: not by `Debug`, and in no error.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretKeys(BTreeMap<String, String>);

impl fmt::Debug for SecretKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, Vec<u8>)> for SecretKeys {
    /// Takes what is text; no client needs anything else.
    fn from_iter<T: IntoIterator<Item = (String, Vec<u8>)>>(keys: T) -> Self {
        let as_text = |(key, bytes)| Some((key, String::from_utf8(bytes).ok()?));
        Self(keys.into_iter().filter_map(as_text).collect())
    }
}

impl SecretKeys {
    /// Returns the text of a key, without the line end that a file brings along; none where it is empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns the keys of AWS, which are named as the variables of the environment are.
    ///
    /// # Errors
    /// `Unauthenticated`, reason `CredentialsMissing`, naming the Secret of the client and the key that it lacks.
    #[cfg(feature = "aws")]
    pub(super) fn of_aws(&self, client: &ClientConfig) -> Result<Keys, EngineError> {
        let needed = |key: &str| {
            self.get(key).map(str::to_owned).ok_or_else(|| {
                let secret = client.secret().map_or("", |secret| secret.name.as_str());
                let message = format!("the Secret `{secret}` has no key `{key}`");
                let kind = ErrorKind::Unauthenticated;
                EngineError::new(kind, &client.name, "open a client", message)
                    .with_reason(Reason::CredentialsMissing)
            })
        };
        Ok(Keys {
            id: needed("AWS_ACCESS_KEY_ID")?,
            secret: needed("AWS_SECRET_ACCESS_KEY")?,
            session_token: self.get("AWS_SESSION_TOKEN").map(str::to_owned),
        })
    }

    /// Returns what the requests of a client are signed with: the keys of its Secret, or the credentials of this process,
    /// looked for now, so that nothing is begun where there are none.
    ///
    /// # Errors
    /// `Unauthenticated`, naming the client.
    #[cfg(feature = "aws")]
    pub(super) async fn signer(
        keys: Option<&Self>,
        client: &ClientConfig,
        region: &str,
        now: fn() -> Timestamp,
    ) -> Result<Signer, EngineError> {
        if let Some(keys) = keys {
            return Ok(Signer::Keys(Arc::new(keys.of_aws(client)?)));
        }
        let named = |error: EngineError| EngineError { client: client.name.clone(), ..error };
        let ambient = Ambient::find(Some(region), now).await.map_err(named)?;
        ambient.keys().await.map_err(named)?;
        Ok(Signer::Ambient(Arc::new(ambient)))
    }

    /// Reads a Secret that is mounted as a folder: a file for each key.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn mounted(folder: &Path) -> io::Result<Self> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // The kubelet keeps versions of the Secret in folders that begin so.
            if !name.starts_with("..") && path.is_file() {
                keys.push((name.to_owned(), fs::read(&path)?));
            }
        }
        Ok(keys.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_secret_holds_is_never_shown() {
        let keys: SecretKeys = [("user".to_owned(), b"hidden\n".to_vec())].into_iter().collect();
        assert_eq!(keys.get("user"), Some("hidden"));
        assert_eq!(format!("{keys:?}"), "{\"user\"}");
    }

    #[test]
    fn a_mounted_secret_has_a_file_for_each_key() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let versions = folder.path().join("..2026_01_01");
        fs::create_dir(&versions).expect("should make a folder");
        fs::write(versions.join("key"), "abc\n").expect("should write");
        std::os::unix::fs::symlink("..2026_01_01", folder.path().join("..data"))
            .expect("should link");
        std::os::unix::fs::symlink("..data/key", folder.path().join("key")).expect("should link");
        fs::write(folder.path().join("empty"), "").expect("should write");
        let keys = SecretKeys::mounted(folder.path()).expect("should be read");
        assert_eq!(
            (keys.get("key"), keys.get("empty"), keys.get("..data")),
            (Some("abc"), None, None)
        );
    }
}
