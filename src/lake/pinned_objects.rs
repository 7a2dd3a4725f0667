//! Some objects of a store, as they were pinned; read only.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::object_files::difference;
use super::object_path::object_path;
use crate::engines::table::PinnedFile;

/// Serves pinned files of a store alone, and fails when one is no longer as it was.
#[derive(Debug)]
pub(super) struct PinnedObjects {
    store: Arc<dyn ObjectStore>,
    files: HashMap<Path, PinnedFile>,
}

impl PinnedObjects {
    pub(super) fn new(store: Arc<dyn ObjectStore>, files: &[PinnedFile]) -> Self {
        let files = files.iter().map(|file| (object_path(&file.path), file.clone())).collect();
        Self { store, files }
    }
}

impl fmt::Display for PinnedObjects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({} pinned files)", self.store, self.files.len())
    }
}

fn read_only(what: &str) -> Error {
    Error::NotSupported { source: format!("pinned objects are not to {what}").into() }
}

#[async_trait]
impl ObjectStore for PinnedObjects {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("write"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("write"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let file = self.files.get(location).ok_or_else(|| Error::NotFound {
            path: location.to_string(),
            source: "it is not among the files this job reads".into(),
        })?;
        let found = self.store.get_opts(location, options).await?;
        match difference(file, &found.meta) {
            None => Ok(found),
            Some(what) => Err(Error::Precondition {
                path: file.path.to_string(),
                source: format!("`{}` {what}", file.path).into(),
            }),
        }
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(read_only("delete")) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned();
        let wanted = move |path: &Path| match &prefix {
            Some(prefix) => path.prefix_matches(prefix),
            None => true,
        };
        let paths: Vec<Path> = self.files.keys().filter(|path| wanted(path)).cloned().collect();
        let store = Arc::clone(&self.store);
        let head = move |path: Path| {
            let store = Arc::clone(&store);
            async move {
                let options = GetOptions { head: true, ..GetOptions::default() };
                store.get_opts(&path, options).await.map(|found| found.meta)
            }
        };
        stream::iter(paths).then(head).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(read_only("list by level"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}
