//! The roles of metastore and storage over a root: those of the lake.

use std::sync::Arc;

use super::change_lock::RootLock;
use super::clock;
use super::files::RootFiles;
use super::root::Root;
use crate::lake::metastore::LakeMetastore;
use crate::lake::storage::LakeStorage;

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
