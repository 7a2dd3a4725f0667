//! What a Secret holds, on its way from where it is kept to the client that needs it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

use serde::{Deserialize, Serialize};

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
