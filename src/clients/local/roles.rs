//! The roles of metastore and storage over a root: those of the lake.

use std::sync::Arc;

use super::change_lock::RootLock;
use super::clock;
use super::files::RootFiles;
use super::root::Root;
use crate::embedded::work::Work;
use crate::engines::Engines;
use crate::lake::metastore::LakeMetastore;
use crate::lake::storage::LakeStorage;

/// Returns the metastore role over a root.
#[must_use]
pub fn metastore(root: &Arc<Root>) -> LakeMetastore {
    let files = Arc::new(RootFiles::new(Arc::clone(root)));
    LakeMetastore::new(files, Arc::new(RootLock(Arc::clone(root))), clock::now)
}

/// Returns the roles over a root as a job uses them, which may read anything.
#[must_use]
pub(super) fn in_job(root: &Arc<Root>, work: &Work) -> Engines {
    Engines {
        metastore: Some(Arc::new(metastore(root).in_job(work.discovery()))),
        storage: Some(Arc::new(storage(root))),
        execution: None,
        in_job: true,
    }
}

/// Returns the storage role over a root.
#[must_use]
pub fn storage(root: &Arc<Root>) -> LakeStorage {
    LakeStorage::new(Arc::new(RootFiles::new(Arc::clone(root))), root.objects())
}
