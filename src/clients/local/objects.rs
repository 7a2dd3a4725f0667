//! The root as an `object_store`, for readers that want one.
//!
//! `object_store`'s own local store follows symbolic links out of its root; this one opens beneath
//! [`Root`]. An object's path is the percent-encoded form of the file's path ([`object_path`]), so
//! that every file name has exactly one object path.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::ops::ControlFlow;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};

use super::listing;
use super::root::{PinnedSource, Root};
use crate::engines::files::ByteSource;
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::error::FormatError;
use crate::lake::file_error::of_file;
use crate::lake::object_path::{file_path, object_path, shown_path};

const STORE: &str = "mason-local";
const READING: &str = "read a file";

impl Root {
    /// Returns the whole root as an object store. Paths are those of [`object_path`].
    #[must_use]
    pub fn objects(self: &Arc<Self>) -> Arc<dyn ObjectStore> {
        Arc::new(RootObjects::new(Arc::clone(self)))
    }

    /// Returns an object store that serves these files only, and fails when one is no longer as it
    /// was pinned. Paths are those of [`object_path`].
    #[must_use]
    pub fn pinned_objects(self: &Arc<Self>, files: &[PinnedFile]) -> Arc<dyn ObjectStore> {
        Arc::new(PinnedObjects::new(Arc::clone(self), files))
    }
}

fn store_error(path: &str, source: EngineError) -> Error {
    let path = path.to_owned();
    match source.kind {
        ErrorKind::NotFound => Error::NotFound { path, source: source.into() },
        ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        ErrorKind::Conflict => Error::Precondition { path, source: source.into() },
        _ => Error::Generic { store: STORE, source: source.into() },
    }
}

fn unsupported(what: &str) -> Error {
    Error::NotSupported { source: format!("the local client does not {what} objects").into() }
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::Generic { store: STORE, source: source.into() })?
}

fn object_meta(file: &PinnedFile) -> ObjectMeta {
    let nanoseconds = std::time::Duration::from_nanos(file.modified_ns.unsigned_abs());
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let modified = if file.modified_ns < 0 { epoch - nanoseconds } else { epoch + nanoseconds };
    ObjectMeta {
        location: object_path(&file.path),
        last_modified: modified.into(),
        size: file.size_bytes,
        e_tag: Some(format!(
            "{}-{}-{}",
            file.identity.as_deref().unwrap_or_default(),
            file.modified_ns,
            file.size_bytes
        )),
        version: None,
    }
}

fn read_range(source: &PinnedSource, path: &Path, range: Range<u64>) -> Result<Bytes> {
    let fail = |source: std::io::Error| {
        let file = shown_path(path);
        store_error(&file, of_file(READING, FormatError::reading(&file, source)))
    };
    // Ranges come from the file: a broken one must not reserve memory.
    if range.end > source.size() {
        return Err(fail(std::io::ErrorKind::UnexpectedEof.into()));
    }
    let wanted = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|source| Error::Generic { store: STORE, source: source.into() })?;
    let mut buffer = vec![0; wanted];
    let filled = source.read_checked(&mut buffer, range.start).map_err(fail)?;
    if filled != wanted {
        return Err(fail(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(buffer.into())
}

fn get(root: &Root, file: &PinnedFile, path: &Path, options: &GetOptions) -> Result<GetResult> {
    let source = root.open_pinned(file).map_err(|source| store_error(path.as_ref(), source))?;
    let meta = object_meta(file);
    options.check_preconditions(&meta)?;
    let range = match &options.range {
        Some(range) => range
            .as_range(meta.size)
            .map_err(|source| Error::Generic { store: STORE, source: source.into() })?,
        None => 0..meta.size,
    };
    let payload = if options.head {
        stream::empty().boxed()
    } else {
        read_in_parts(source, path.clone(), range.clone())
    };
    Ok(GetResult {
        payload: GetResultPayload::Stream(payload),
        meta,
        range,
        attributes: Attributes::new(),
    })
}

/// Most bytes of one part of a streamed object.
const PART_BYTES: u64 = 1024 * 1024;

fn read_in_parts(
    source: PinnedSource,
    path: Path,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    let source = Arc::new(source);
    stream::try_unfold(range, move |rest| {
        let (source, path) = (Arc::clone(&source), path.clone());
        async move {
            if rest.is_empty() {
                return Ok(None);
            }
            let end = rest.end.min(rest.start + PART_BYTES);
            let part = rest.start..end;
            let bytes = blocking(move || read_range(&source, &path, part)).await?;
            Ok(Some((bytes, end..rest.end)))
        }
    })
    .boxed()
}

fn get_ranges(
    root: &Root,
    file: &PinnedFile,
    path: &Path,
    ranges: &[Range<u64>],
) -> Result<Vec<Bytes>> {
    let source = root.open_pinned(file).map_err(|source| store_error(path.as_ref(), source))?;
    ranges.iter().map(|range| read_range(&source, path, range.clone())).collect()
}

/// Every file below the root.
#[derive(Debug)]
pub(crate) struct RootObjects {
    root: Arc<Root>,
}

impl RootObjects {
    pub(crate) fn new(root: Arc<Root>) -> Self {
        Self { root }
    }
}

impl fmt::Display for RootObjects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{STORE}({})", self.root.path().display())
    }
}

fn list_below(root: &Root, prefix: Option<&Path>) -> Result<Vec<ObjectMeta>> {
    let folder = prefix.filter(|p| !p.as_ref().is_empty()).map(file_path).transpose()?;
    let shown = folder.as_ref().map_or("", |folder| folder.as_str());
    let mut found = Vec::new();
    let listed = listing::walk_below(root, folder.as_ref(), &mut |file| {
        found.push(object_meta(&file));
        ControlFlow::Continue(())
    });
    match listed {
        Err(error) if error.kind != ErrorKind::NotFound => Err(store_error(shown, error)),
        _ => {
            found.sort_by(|left, right| left.location.cmp(&right.location));
            Ok(found)
        }
    }
}

/// Returns the objects directly below a prefix, and the folders there.
fn split_level(files: Vec<ObjectMeta>, prefix: Option<&Path>) -> ListResult {
    let root = Path::default();
    let prefix = prefix.unwrap_or(&root);
    let mut folders = std::collections::BTreeSet::new();
    let mut objects = Vec::new();
    for file in files {
        let Some(mut parts) = file.location.prefix_match(prefix) else { continue };
        let Some(first) = parts.next() else { continue };
        if parts.next().is_some() {
            folders.insert(prefix.clone().join(first));
        } else {
            drop(parts);
            objects.push(file);
        }
    }
    ListResult { common_prefixes: folders.into_iter().collect(), objects }
}

fn put(root: &Root, path: &Path, payload: &PutPayload, mode: &PutMode) -> Result<PutResult> {
    let target = file_path(path)?;
    let fail = |source: std::io::Error| Error::Generic { store: STORE, source: source.into() };
    let named = |source: EngineError| store_error(path.as_ref(), source);
    if matches!(mode, PutMode::Update(_)) {
        return Err(unsupported("update"));
    }
    let temporary = StoragePath::new(&format!("{target}.{}.part", uuid::Uuid::new_v4().simple()))
        .map_err(|source| Error::Generic { store: STORE, source: source.into() })?;
    let mut file = root.create_file(&temporary).map_err(named)?;
    for part in payload {
        file.write_all(part).map_err(fail)?;
    }
    file.sync_all().map_err(fail)?;
    let (from, to) = (temporary.as_str(), target.as_str());
    if *mode == PutMode::Create {
        // Whole or not at all, and never in the place of another.
        let linked = root.dir().hard_link(from, root.dir(), to);
        root.dir().remove_file(from).map_err(fail)?;
        linked
            .map_err(|source| named(crate::lake::error::io_error("create a file", to, source)))?;
    } else {
        root.dir().rename(from, root.dir(), to).map_err(fail)?;
    }
    Ok(PutResult { e_tag: None, version: None })
}

#[async_trait]
impl ObjectStore for RootObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (root, path) = (Arc::clone(&self.root), location.clone());
        blocking(move || put(&root, &path, &payload, &options.mode)).await
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("write parts of"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (root, path) = (Arc::clone(&self.root), location.clone());
        blocking(move || {
            let file = root
                .pin(&file_path(&path)?)
                .map_err(|source| store_error(path.as_ref(), source))?;
            get(&root, &file, &path, &options)
        })
        .await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (root, path) = (Arc::clone(&self.root), location.clone());
        let ranges = ranges.to_vec();
        blocking(move || {
            let file = root
                .pin(&file_path(&path)?)
                .map_err(|source| store_error(path.as_ref(), source))?;
            get_ranges(&root, &file, &path, &ranges)
        })
        .await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let root = Arc::clone(&self.root);
        locations
            .and_then(move |path| {
                let root = Arc::clone(&root);
                blocking(move || {
                    let file = file_path(&path)?;
                    let removed = root.dir().remove_file(file.as_str());
                    let fail =
                        |source| crate::lake::error::io_error("delete", file.as_str(), source);
                    removed.map_err(|source| store_error(path.as_ref(), fail(source)))?;
                    Ok(path)
                })
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (root, prefix) = (Arc::clone(&self.root), prefix.cloned());
        stream::once(blocking(move || list_below(&root, prefix.as_ref())))
            .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (root, prefix) = (Arc::clone(&self.root), prefix.cloned());
        blocking(move || {
            let files = list_below(&root, prefix.as_ref())?;
            Ok(split_level(files, prefix.as_ref()))
        })
        .await
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(unsupported("copy"))
    }
}

/// Some files, as they were pinned; read only.
#[derive(Debug)]
pub(crate) struct PinnedObjects {
    root: Arc<Root>,
    files: HashMap<Path, PinnedFile>,
}

impl PinnedObjects {
    pub(crate) fn new(root: Arc<Root>, files: &[PinnedFile]) -> Self {
        let files = files.iter().map(|file| (object_path(&file.path), file.clone())).collect();
        Self { root, files }
    }

    fn pinned(&self, path: &Path) -> Result<PinnedFile> {
        self.files.get(path).cloned().ok_or_else(|| Error::NotFound {
            path: path.to_string(),
            source: "it is not among the files this job reads".into(),
        })
    }

    fn below(&self, prefix: Option<&Path>) -> Vec<ObjectMeta> {
        let matches = |path: &Path| prefix.is_none_or(|prefix| path.prefix_matches(prefix));
        let mut found: Vec<_> = self
            .files
            .iter()
            .filter(|(path, _)| matches(path))
            .map(|(_, file)| object_meta(file))
            .collect();
        found.sort_by(|left, right| left.location.cmp(&right.location));
        found
    }
}

impl fmt::Display for PinnedObjects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{STORE}({} pinned files)", self.files.len())
    }
}

#[async_trait]
impl ObjectStore for PinnedObjects {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(unsupported("write pinned"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("write pinned"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (root, path) = (Arc::clone(&self.root), location.clone());
        let file = self.pinned(location)?;
        blocking(move || get(&root, &file, &path, &options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (root, path) = (Arc::clone(&self.root), location.clone());
        let (file, ranges) = (self.pinned(location)?, ranges.to_vec());
        blocking(move || get_ranges(&root, &file, &path, &ranges)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations.and_then(|_| async { Err(unsupported("delete pinned")) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter(self.below(prefix).into_iter().map(Ok)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        Ok(split_level(self.below(prefix), prefix))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(unsupported("copy"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use object_store::ObjectStoreExt;

    use super::*;

    fn root() -> (tempfile::TempDir, Arc<Root>) {
        let folder = tempfile::tempdir().expect("should make a folder");
        fs::create_dir_all(folder.path().join("k=ä b%2F#")).expect("should make a folder");
        fs::write(folder.path().join("k=ä b%2F#/x.csv"), "0123456789").expect("should write");
        fs::write(folder.path().join("y.csv"), "y").expect("should write");
        let root = Arc::new(Root::open(folder.path()).expect("should open"));
        (folder, root)
    }

    #[tokio::test]
    async fn any_file_name_survives_its_object_path() {
        let (_folder, root) = root();
        let store = root.objects();
        let listed: Vec<_> = store.list(None).try_collect().await.expect("should list");
        assert_eq!(listed.len(), 2);
        let odd = object_path(&StoragePath::new("k=ä b%2F#/x.csv").expect("should be a path"));
        assert!(listed.iter().any(|meta| meta.location == odd), "{listed:?}");
        assert_eq!(store.get_range(&odd, 2..5).await.expect("should read"), "234");
        assert_eq!(
            store.get_ranges(&odd, &[0..1, 9..10]).await.expect("should read"),
            vec!["0", "9"]
        );
        let level = store.list_with_delimiter(None).await.expect("should list");
        assert_eq!((level.objects.len(), level.common_prefixes.len()), (1, 1));
    }

    #[tokio::test]
    async fn pinned_store_serves_only_its_files_and_notices_a_change() {
        let (folder, root) = root();
        let pinned =
            root.pin(&StoragePath::new("y.csv").expect("should be a path")).expect("should pin");
        let store = root.pinned_objects(std::slice::from_ref(&pinned));
        let path = object_path(&pinned.path);
        assert_eq!(store.get(&path).await.expect("should get").bytes().await.expect("y"), "y");
        let other = object_path(&StoragePath::new("k=ä b%2F#/x.csv").expect("should be a path"));
        assert!(matches!(store.get(&other).await, Err(Error::NotFound { .. })));
        fs::write(folder.path().join("y.csv"), "z!").expect("should write");
        let error = store.get(&path).await.expect_err("should notice");
        assert!(error.to_string().contains("y.csv"), "{error}");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_a_conflict_and_one_that_ends_early_is_broken() {
        let (folder, root) = root();
        let pinned =
            root.pin(&StoragePath::new("y.csv").expect("should be a path")).expect("should pin");
        let source = root.open_pinned(&pinned).expect("should open");
        let path = object_path(&pinned.path);
        let kind_of = |error: Error| {
            let source = std::error::Error::source(&error).expect("should have a cause");
            let known = source.downcast_ref::<EngineError>().expect("should be ours");
            assert!(known.message.contains("`y.csv`") && known.hint.is_some(), "{known:?}");
            known.kind
        };
        let beyond = read_range(&source, &path, 0..1 << 60).expect_err("should end early");
        assert_eq!(kind_of(beyond), ErrorKind::InvalidInput);
        fs::write(folder.path().join("y.csv"), "z!").expect("should write");
        let changed = read_range(&source, &path, 0..1).expect_err("should notice");
        assert_eq!(kind_of(changed), ErrorKind::Conflict);
    }

    #[tokio::test]
    async fn written_object_is_there_and_never_twice_on_create() {
        let (folder, root) = root();
        let store = root.objects();
        let path = Path::from("new/a.txt");
        store.put(&path, "1".into()).await.expect("should put");
        store.put(&path, "2".into()).await.expect("should overwrite");
        assert_eq!(fs::read(folder.path().join("new/a.txt")).expect("should read"), b"2");
        let again = store.put_opts(&path, "3".into(), PutMode::Create.into()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
    }
}
