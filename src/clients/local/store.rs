//! The files that a worker's job works on: those of its root, or those of the client that the job's folder names.

use std::sync::Arc;

use tokio::runtime::Runtime;

use super::jobs::{JobFolder, file};
use super::lake;
use super::processes::be_told_keys;
use super::root::Root;
use crate::api::v1alpha1::ClientConfig;
use crate::clients::{OpenStore, SecretKeys};
use crate::engines::{EngineError, Engines, ErrorKind, Metastore};
use crate::lake::discovery::Discovery;
use crate::lake::error::error;
use crate::lake::roles::Lake;

/// Open files, with the runtime that their requests are made on: the job's own ends before it commits.
pub(super) struct Store {
    pub(super) lake: Lake,
    /// Knows the tables, where they are not those of the files alone.
    pub(super) metastore: Option<Arc<dyn Metastore>>,
    _requests: Option<Runtime>,
}

impl Store {
    /// Opens the files of a job.
    ///
    /// # Errors
    /// What the client's opening fails with; `Unavailable` without threads.
    pub(super) fn open(
        root: &Arc<Root>,
        folder: &JobFolder,
        threads: usize,
    ) -> Result<Self, EngineError> {
        let Some(client) = folder.read::<ClientConfig>(file::STORE)? else {
            return Ok(Self { lake: lake(root), metastore: None, _requests: None });
        };
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let requests = builder.worker_threads(threads.min(4)).enable_all().build();
        let requests = requests.map_err(|source| {
            error(ErrorKind::Unavailable, "open the files of a job", source.to_string())
                .with_source(source)
        })?;
        let keys = match client.secret() {
            Some(_) => told_keys()?,
            None => None,
        };
        let handle = requests.handle().clone();
        let tables = folder.read::<ClientConfig>(file::METASTORE)?;
        let (open, metastore) = requests.block_on(async {
            let open = OpenStore::reopen(client, tables, keys, handle).await?;
            let metastore = open.open_metastore().await?;
            Ok::<_, EngineError>((open, metastore))
        })?;
        Ok(Self { lake: open.lake, metastore, _requests: Some(requests) })
    }
}

impl Store {
    /// Returns the engines of the job: the metastore of another client where there is one.
    pub(super) fn engines(&self, discovery: Discovery) -> Engines {
        let own = self.lake.in_job(discovery);
        let metastore = self.metastore.clone().or(own.metastore);
        Engines { metastore, ..own }
    }
}

/// Returns what the process that started this one tells of the client's Secret; nothing on a machine without Secrets.
fn told_keys() -> Result<Option<SecretKeys>, EngineError> {
    be_told_keys(std::io::stdin().lock()).map_err(|source| {
        error(ErrorKind::Unexpected, "open the files of a job", source.to_string())
            .with_source(source)
    })
}
