//! The storage role: files below the root.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use globset::GlobBuilder;
use object_store::ObjectStore;

use super::listing;
use super::root::{OWN_FOLDER, Root};
use crate::engines::storage::Storage;
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{error, path_error};

const OPERATION: &str = "list files";

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

/// Checks the text of a location. It is taken as it is when something of that name is there, and as a
/// glob otherwise.
pub(crate) fn checked(location: &str) -> Result<StoragePath, EngineError> {
    let path = StoragePath::new(location).map_err(|source| path_error(OPERATION, source))?;
    if path.as_str().split('/').any(|part| part == OWN_FOLDER) {
        let message = format!("`{location}` is within Mason's own folder");
        return Err(error(ErrorKind::InvalidInput, OPERATION, message));
    }
    Ok(path)
}

/// Returns the part of a location before the first part that is a pattern; empty for the root.
pub(crate) fn base_of(location: &str) -> &str {
    match location.find(['*', '?', '[', '{']) {
        Some(at) => super::durable::folder_of(&location[..at]),
        None => location,
    }
}

/// Returns every data file of a location, by path.
pub(crate) fn files_of(root: &Root, location: &str) -> Result<Vec<PinnedFile>, EngineError> {
    let path = checked(location)?;
    match root.dir().metadata(path.as_str()) {
        Ok(metadata) if metadata.is_dir() => return listing::files_below(root, Some(&path)),
        Ok(_) => return Ok(vec![root.pin(&path)?]),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(crate::lake::error::io_error(OPERATION, location, source)),
    }
    if base_of(path.as_str()) == path.as_str() {
        let message = format!("there is nothing at `{location}`");
        return Err(error(ErrorKind::NotFound, OPERATION, message));
    }
    matching(root, path.as_str())
}

fn matching(root: &Root, glob: &str) -> Result<Vec<PinnedFile>, EngineError> {
    let wrong = |source: globset::Error| {
        error(ErrorKind::InvalidInput, OPERATION, format!("`{glob}` is no glob: {source}"))
            .with_source(source)
    };
    let matcher = GlobBuilder::new(glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(wrong)?
        .compile_matcher();
    let base = base_of(glob);
    let base = if base.is_empty() { None } else { Some(checked(base)?) };
    let mut files = match listing::files_below(root, base.as_ref()) {
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    files.retain(|file| matcher.is_match(file.path.as_str()));
    Ok(files)
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
        let (root, location) = (Arc::clone(&self.root), location.to_owned());
        let listed = super::threads::blocking(move || files_of(&root, &location));
        stream::once(listed)
            .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn exists(&self, location: &str) -> Result<bool, EngineError> {
        let (root, location) = (Arc::clone(&self.root), location.to_owned());
        super::threads::blocking(move || {
            let path = checked(&location)?;
            if root.dir().try_exists(path.as_str()).unwrap_or(false) {
                return Ok(true);
            }
            match files_of(&root, &location) {
                Ok(files) => Ok(!files.is_empty()),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }
}
