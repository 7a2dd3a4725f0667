//! Paths of files as paths of objects: the percent-encoded form, so that every name has exactly one.

use object_store::path::Path;
use object_store::{Error, Result};

use crate::engines::table::StoragePath;

/// Returns the object path of a file.
#[must_use]
pub fn object_path(path: &StoragePath) -> Path {
    Path::from(path.as_str())
}

/// Returns the file of an object path.
///
/// # Errors
/// `Generic` when it is that of no file.
pub(crate) fn file_path(path: &Path) -> Result<StoragePath> {
    let invalid = |source: Box<dyn std::error::Error + Send + Sync>| Error::Generic {
        store: "mason",
        source,
    };
    let text = percent_encoding::percent_decode_str(path.as_ref())
        .decode_utf8()
        .map_err(|source| invalid(source.into()))?;
    StoragePath::new(&text).map_err(|source| invalid(source.into()))
}

/// Returns the path of the file of an object as messages show it.
pub(crate) fn shown_path(path: &Path) -> String {
    file_path(path).map_or_else(|_| path.to_string(), |file| file.to_string())
}
