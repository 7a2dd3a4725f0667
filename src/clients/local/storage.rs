//! The storage role: files below the root.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::files::RootFiles;
use super::root::Root;
use crate::engines::files::Files as _;
use crate::engines::storage::Storage;
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::listing::{checked, files_of};

/// The storage role of a `local` client.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    root: Arc<Root>,
}

impl LocalStorage {
    /// Makes the role over a root.
    #[must_use]
    pub fn new(root: Arc<Root>) -> Self {
        Self { root }
    }
}

#[async_trait]
impl Storage for LocalStorage {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        self.root.objects()
    }

    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        let (files, location) = (RootFiles::new(Arc::clone(&self.root)), location.to_owned());
        let listed = super::threads::blocking(move || files_of(&files, &location));
        stream::once(listed)
            .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn exists(&self, location: &str) -> Result<bool, EngineError> {
        let (files, location) = (RootFiles::new(Arc::clone(&self.root)), location.to_owned());
        super::threads::blocking(move || {
            if files.kind(&checked(&location)?)?.is_some() {
                return Ok(true);
            }
            match files_of(&files, &location) {
                Ok(files) => Ok(!files.is_empty()),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }
}
