//! The files of one client, with the roles of metastore and storage that follow from them.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use object_store::ObjectStore;

use super::changes::ChangeLock;
use super::discovery::Discovery;
use super::error::of_client;
use super::metastore::LakeMetastore;
use super::storage::LakeStorage;
use crate::engines::files::Files;
use crate::engines::{EngineError, Engines};

/// The files of one client: what its metastore, its storage, and the jobs on them stand on.
#[derive(Clone)]
pub struct Lake {
    files: Arc<dyn Files>,
    objects: Arc<dyn ObjectStore>,
    lock: Arc<dyn ChangeLock>,
    now: fn() -> Timestamp,
    client: Option<Arc<str>>,
}

impl fmt::Debug for Lake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Lake").field(&self.files).finish()
    }
}

impl Lake {
    /// Makes it of files, the same files as objects, the lock under which changes follow one another, and the client's
    /// clock.
    #[must_use]
    pub fn new(
        files: Arc<dyn Files>,
        objects: Arc<dyn ObjectStore>,
        lock: Arc<dyn ChangeLock>,
        now: fn() -> Timestamp,
    ) -> Self {
        Self { files, objects, lock, now, client: None }
    }

    /// Returns the same files, whose errors name the client.
    #[must_use]
    pub fn of_client(self, name: &str) -> Self {
        Self { client: Some(name.into()), ..self }
    }

    /// Returns an error of these files as one of their client.
    #[must_use]
    pub fn named(&self, error: EngineError) -> EngineError {
        of_client(error, self.client.as_deref())
    }

    /// Returns the files.
    #[must_use]
    pub fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    /// Returns the role that knows databases and tables.
    #[must_use]
    pub fn metastore(&self) -> LakeMetastore {
        LakeMetastore::new(Arc::clone(&self.files), Arc::clone(&self.lock), self.now)
            .of_client(self.client.clone())
    }

    /// Returns the role that keeps files.
    #[must_use]
    pub fn storage(&self) -> LakeStorage {
        LakeStorage::new(Arc::clone(&self.files), Arc::clone(&self.objects))
            .of_client(self.client.clone())
    }

    /// Returns both roles, without one for jobs.
    #[must_use]
    pub fn engines(&self) -> Engines {
        Engines {
            metastore: Some(Arc::new(self.metastore())),
            storage: Some(Arc::new(self.storage())),
            ..Engines::default()
        }
    }

    /// Returns both roles as a job uses them: there, undeclared tables are read.
    #[must_use]
    pub fn in_job(&self, discovery: Discovery) -> Engines {
        Engines {
            metastore: Some(Arc::new(self.metastore().in_job(discovery))),
            storage: Some(Arc::new(self.storage())),
            in_job: true,
            ..Engines::default()
        }
    }
}
