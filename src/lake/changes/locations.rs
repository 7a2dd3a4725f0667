//! Where databases and tables are in a lake.

use super::record::OPERATION;
use crate::engines::EngineError;
use crate::engines::table::{StoragePath, TableName};
use crate::lake::error::path_error;

/// Returns a path of the lake.
pub(super) fn folder(path: &str) -> Result<StoragePath, EngineError> {
    StoragePath::new(path).map_err(|source| path_error(OPERATION, source))
}

/// Returns the folder of a table's manifests.
pub(super) fn table_location(name: &TableName) -> Result<StoragePath, EngineError> {
    folder(&format!("{}/{}", name.database, name.table))
}
