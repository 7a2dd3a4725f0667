//! The files of a root, with the roles of metastore and storage over them: those of the lake.

use std::sync::Arc;

use super::change_lock::RootLock;
use super::clock;
use super::files::RootFiles;
use super::root::Root;
use crate::lake::metastore::LakeMetastore;
use crate::lake::roles::Lake;
use crate::lake::storage::LakeStorage;

/// Returns the files of a root.
#[must_use]
pub fn lake(root: &Arc<Root>) -> Lake {
    let files = Arc::new(RootFiles::new(Arc::clone(root)));
    Lake::new(files, root.objects(), Arc::new(RootLock(Arc::clone(root))), clock::now)
}

/// Returns the metastore role over a root.
#[must_use]
pub fn metastore(root: &Arc<Root>) -> LakeMetastore {
    lake(root).metastore()
}

/// Returns the storage role over a root.
#[must_use]
pub fn storage(root: &Arc<Root>) -> LakeStorage {
    lake(root).storage()
}
