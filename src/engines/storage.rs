//! The role that keeps files.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::ObjectStore;

use super::error::EngineError;
use super::table::PinnedFile;

/// A storage. Paths are relative to its root, and nothing outside can be reached.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Returns the data plane: reads and writes below the root.
    fn objects(&self) -> Arc<dyn ObjectStore>;

    /// Streams every data file of a location (a file, a folder with everything below it, or a glob),
    /// pinned as it is now, by path. Files and folders whose name begins with `_` or `.` are left out.
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
