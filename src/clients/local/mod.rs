//! Files below one folder of this machine, with an embedded SQL engine in a process of its own.
//!
//! Fills metastore, storage and execution. Needs no credentials. Layout, commit protocol and limits
//! are described in `docs/local.md`. May import `api`, `engines` and `formats`.

mod change_lock;
mod clock;
pub mod disk;
pub mod durable;
pub mod execution;
pub mod files;
pub mod jobs;
pub mod leftovers;
mod listing;
pub mod objects;
pub mod processes;
mod proof;
pub mod root;
pub mod settings;
pub mod worker;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use crate::api::v1alpha1::{ClientKind, LocalClient};
use crate::engines::capability::{Capability, ClientDescription};
use crate::engines::table::Format;
use crate::engines::{EngineError, Execution, Metastore, Role, Storage};
use crate::lake::metastore::LakeMetastore;
use crate::lake::storage::LakeStorage;
use change_lock::RootLock;
use execution::{LocalExecution, WorkerPlace};
use files::RootFiles;
use root::Root;
use settings::LocalSettings;

/// What this type of client is and can do.
pub const DESCRIPTION: ClientDescription = ClientDescription {
    kind: ClientKind::Local,
    summary: "Files below one folder of this machine, with an embedded SQL engine in a process of its own",
    roles: &[Role::Metastore, Role::Storage, Role::Execution],
    capabilities: &[
        Capability::ReadTables,
        Capability::ChangeDatabases,
        Capability::ChangeTables,
        Capability::ReadFiles,
        Capability::WriteFiles,
        Capability::DeleteFiles,
        Capability::Jobs,
        Capability::Query,
        Capability::Preview,
        Capability::Summarize,
        Capability::Infer,
        Capability::Merge,
        Capability::Format,
        Capability::Deduplicate,
        Capability::Join,
        Capability::Explode,
        Capability::Cast,
        Capability::Fake,
    ],
    reads: &[
        Format::Parquet,
        Format::Csv,
        Format::Json,
        Format::Jsonl,
        Format::Avro,
        Format::Orc,
        Format::Msgpack,
        Format::Arrow,
    ],
    writes: &[
        Format::Parquet,
        Format::Csv,
        Format::Json,
        Format::Jsonl,
        Format::Avro,
        Format::Arrow,
        Format::Xlsx,
    ],
};

/// An open client: its three roles over one root.
#[derive(Clone)]
pub struct Local {
    root: Arc<Root>,
    /// Knows databases and tables.
    pub metastore: Arc<dyn Metastore>,
    /// Keeps files.
    pub storage: Arc<dyn Storage>,
    /// Runs jobs.
    pub execution: Arc<dyn Execution>,
}

impl Local {
    /// Opens a client. A relative root is below `base`; workers run where `workers` says.
    ///
    /// # Errors
    /// `InvalidInput` for wrong settings; `NotFound` when there is no root folder.
    pub fn open(
        config: &LocalClient,
        base: &Path,
        workers: WorkerPlace,
    ) -> Result<Self, EngineError> {
        let settings = LocalSettings::of(config, base)?;
        let root = Arc::new(Root::open(&settings.root)?);
        Ok(Self {
            metastore: Arc::new(metastore(&root)),
            storage: Arc::new(storage(&root)),
            execution: Arc::new(LocalExecution::with_workers(
                Arc::clone(&root),
                settings.limits,
                workers,
            )),
            root,
        })
    }

    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> &Arc<Root> {
        &self.root
    }
}

/// Returns the metastore role over a root.
#[must_use]
pub fn metastore(root: &Arc<Root>) -> LakeMetastore {
    let files = Arc::new(RootFiles::new(Arc::clone(root)));
    LakeMetastore::new(files, Arc::new(RootLock(Arc::clone(root))), clock::now)
}

/// Returns the storage role over a root.
#[must_use]
pub fn storage(root: &Arc<Root>) -> LakeStorage {
    LakeStorage::new(Arc::new(RootFiles::new(Arc::clone(root))), root.objects())
}
