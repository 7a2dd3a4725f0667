//! The store in a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::change;
use super::files::Files;
use crate::store::{Applied, Key, Kind, Resource, Store, StoreError};

/// How a new resource's time and the versions of changes are told.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A store in a folder. Copies share the folder; so may other processes.
#[derive(Clone)]
pub struct DirectoryStore {
    files: Arc<Files>,
    clock: Clock,
}

impl DirectoryStore {
    /// Returns the store in a folder, which is made with the first write.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a store is an edge: it stamps what it stores")]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_clock(root, Timestamp::now)
    }

    /// Returns the store in a folder, with a clock of the caller's choice.
    #[must_use]
    pub fn with_clock(
        root: impl Into<PathBuf>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self { files: Arc::new(Files::new(root.into())), clock: Arc::new(clock) }
    }

    /// Returns the folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.files.root()
    }

    /// Runs blocking work on files on a thread where it blocks no other task.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (files, clock) = (Arc::clone(&self.files), Arc::clone(&self.clock));
        let done = tokio::task::spawn_blocking(move || work(&files, clock())).await;
        done.unwrap_or_else(|error| {
            Err(StoreError::Io {
                operation: "work on",
                path: self.root().display().to_string(),
                source: std::io::Error::other(error),
            })
        })
    }
}

impl std::fmt::Debug for DirectoryStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DirectoryStore").field("root", &self.root()).finish_non_exhaustive()
    }
}

impl DirectoryStore {
    /// Returns the runs that a run of a workflow owns.
    async fn owned_by(&self, namespace: &str, owner: Option<&str>) -> Result<Vec<Key>, StoreError> {
        let Some(owner) = owner else { return Ok(Vec::new()) };
        let mut listed = self.list(Kind::OperatorRun, Some(namespace)).await?;
        listed.extend(self.list(Kind::WorkflowRun, Some(namespace)).await?);
        let is_owned = |found: &Resource| {
            let mut owners = found.metadata().owner_references.iter().flatten();
            owners.any(|reference| reference.uid == owner)
        };
        let found = listed.into_iter().filter_map(Result::ok);
        Ok(found.filter(is_owned).map(|found| found.key()).collect())
    }
}

#[async_trait]
impl Store for DirectoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Resource>, StoreError> {
        let key = key.clone();
        self.blocking(move |files, _| files.read(&key)).await
    }

    async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let namespace = namespace.map(str::to_owned);
        self.blocking(move |files, _| files.list(kind, namespace.as_deref())).await
    }

    async fn apply(&self, resource: &Resource) -> Result<(Resource, Applied), StoreError> {
        let given = resource.clone();
        self.blocking(move |files, now| change::apply(files, given, now)).await
    }

    async fn create(&self, resource: &Resource) -> Result<Resource, StoreError> {
        let given = resource.clone();
        self.blocking(move |files, now| change::create(files, given, now)).await
    }

    async fn replace_status(&self, resource: &Resource) -> Result<Resource, StoreError> {
        let given = resource.clone();
        self.blocking(move |files, now| change::replace_status(files, &given, now)).await
    }

    /// Deletes also what the resource owns, as an API server does by itself.
    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let owner = match key.kind {
            Kind::WorkflowRun => {
                self.get(key).await?.and_then(|found| found.metadata().uid.clone())
            }
            _ => None,
        };
        let removed = key.clone();
        let existed = self.blocking(move |files, _| files.locked()?.remove(&removed)).await?;
        for owned in self.owned_by(&key.namespace, owner.as_deref()).await? {
            self.delete(&owned).await?;
        }
        Ok(existed)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
