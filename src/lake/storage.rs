//! The storage role over any files.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::listing::{checked, files_of};
use super::threads::blocking;
use crate::engines::files::Files;
use crate::engines::storage::Storage;
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};

/// The storage role of a client that keeps files.
#[derive(Debug, Clone)]
pub struct LakeStorage {
    files: Arc<dyn Files>,
    objects: Arc<dyn ObjectStore>,
}

impl LakeStorage {
    /// Makes the role over files and the same files as objects.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, objects: Arc<dyn ObjectStore>) -> Self {
        Self { files, objects }
    }
}

#[async_trait]
impl Storage for LakeStorage {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        let (files, location) = (Arc::clone(&self.files), location.to_owned());
        let listed = blocking(move || files_of(&*files, &location));
        stream::once(listed)
            .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn exists(&self, location: &str) -> Result<bool, EngineError> {
        let (files, location) = (Arc::clone(&self.files), location.to_owned());
        blocking(move || {
            if files.kind(&checked(&location)?)?.is_some() {
                return Ok(true);
            }
            match files_of(&*files, &location) {
                Ok(files) => Ok(!files.is_empty()),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }
}
