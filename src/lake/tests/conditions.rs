//! Stores that do not honour the condition of a write.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::{runtime, with_all_files};
use crate::api::conditions::Reason;
use crate::engines::ErrorKind;
use crate::engines::files::Files as _;
use crate::lake::object_files::ObjectFiles;

/// Objects in memory that are written whatever the condition.
#[derive(Debug)]
struct Unconditional(InMemory);

impl fmt::Display for Unconditional {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[async_trait]
impl ObjectStore for Unconditional {
    async fn put_opts(&self, path: &Path, payload: PutPayload, _: PutOptions) -> Result<PutResult> {
        self.0.put_opts(path, payload, PutOptions::default()).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[test]
fn files_that_give_a_name_once_say_so_and_again() {
    with_all_files(|files| {
        for _ in 0..3 {
            files.check_publishing().expect("should be relied on");
        }
    });
}

#[test]
fn a_store_that_ignores_conditions_is_not_published_to() {
    let runtime = runtime();
    let store = Arc::new(Unconditional(InMemory::new()));
    let files = ObjectFiles::new(store, runtime.handle().clone());
    for _ in 0..2 {
        let refused = files.check_publishing().expect_err("should be refused");
        assert_eq!(refused.kind, ErrorKind::Unsupported);
        assert_eq!(refused.reason, Some(Reason::ConditionalWritesMissing));
        assert!(refused.message.contains("If-None-Match"), "{refused}");
    }
}
