//! The role that keeps files.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::ObjectStore;

use super::error::{EngineError, ErrorKind};
use super::table::PinnedFile;

/// A storage. Paths are relative to its root, and nothing outside can be reached.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Returns the data plane: reads and writes below the root.
    fn objects(&self) -> Arc<dyn ObjectStore>;

    /// Streams every data file of a location (a file, a folder with everything below it, or a glob),
    /// pinned as it is now, in no order. A caller that has enough drops the stream. Files and folders whose name begins
    /// with `_` or `.` are left out.
    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>>;

    /// Checks a location's text and says whether anything is there.
    ///
    /// # Errors
    /// `InvalidInput` when it leads out of the root or is no path or glob.
    async fn exists(&self, location: &str) -> Result<bool, EngineError>;
}

/// Returns the error of a store that says itself what it means, in words for a person.
#[must_use]
pub fn said_by_store(error: &object_store::Error) -> Option<&EngineError> {
    match error {
        object_store::Error::Generic { source, .. } => source.downcast_ref(),
        _ => None,
    }
}

/// Returns what an error of the data plane means, where its type says so and not only its words.
///
/// # Source
/// <https://docs.rs/object_store/latest/object_store/enum.Error.html>
#[must_use]
pub fn meaning_of(error: &object_store::Error) -> Option<ErrorKind> {
    use object_store::Error;
    Some(match error {
        Error::NotFound { .. } => ErrorKind::NotFound,
        Error::AlreadyExists { .. } => ErrorKind::AlreadyExists,
        Error::Precondition { .. } => ErrorKind::Conflict,
        Error::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        Error::Unauthenticated { .. } => ErrorKind::Unauthenticated,
        Error::InvalidPath { .. } => ErrorKind::InvalidInput,
        Error::NotSupported { .. } | Error::NotImplemented { .. } => ErrorKind::Unsupported,
        Error::Generic { .. } => return said_by_store(error).map(|said| said.kind),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_data_plane_means_what_its_type_says() {
        let source = || "as the store says".into();
        let path = || "a/b".to_owned();
        let missing = object_store::Error::NotFound { path: path(), source: source() };
        let changed = object_store::Error::Precondition { path: path(), source: source() };
        let words = object_store::Error::Generic { store: "local", source: source() };
        assert_eq!(meaning_of(&missing), Some(ErrorKind::NotFound));
        assert_eq!(meaning_of(&changed), Some(ErrorKind::Conflict));
        assert_eq!(meaning_of(&words), None, "the caller knows best what that means");
    }
}
