//! One generation of a table, as data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file_lists::FileList;
use crate::engines::result::WrittenFile;
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{FileFormat, StoragePath, TableKind, TableName, TableVersion};

/// What a generation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ManifestKind {
    /// A table whose files Mason wrote.
    Managed,
    /// A table declared over files that other programs keep.
    External,
    /// The table was deleted.
    Deleted,
}

/// How much there is of a table, or one commit added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// How many files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
}

impl Added {
    /// Returns both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            rows: self.rows + other.rows,
        }
    }

    /// Adds up written files.
    #[must_use]
    pub fn of(files: &[WrittenFile]) -> Self {
        Self {
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
            rows: files.iter().map(|file| file.rows).sum(),
        }
    }
}

/// One generation of a table. Never changed once it has its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this document; [`Manifest::VERSION`].
    pub version: u32,
    /// The generation.
    pub generation: TableVersion,
    /// The generation before, if there was one.
    pub previous: Option<TableVersion>,
    /// What the generation is.
    pub kind: ManifestKind,
    /// The table's name.
    pub name: TableName,
    /// The run that made it.
    pub run_uid: String,
    /// The run's attempt that made it.
    pub attempt: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where the files are.
    pub locations: Vec<String>,
    /// How they are read; none once the table is deleted.
    pub format: Option<FileFormat>,
    /// The columns, without partition keys.
    pub schema: Schema,
    /// The partition keys, in the order of the path.
    pub partition_columns: Schema,
    /// How the schema was found.
    pub found: SchemaFound,
    /// What this generation added.
    pub added: Added,
    /// What a managed table has in all.
    #[serde(default)]
    pub total: Added,
    /// Lists with most of the files of a managed table of many, the longest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<FileList>,
    /// The files of a managed table that are in none of its lists.
    pub files: Vec<WrittenFile>,
}

impl Manifest {
    /// The version this program writes. Documents of version 1, whose types are text, and of version 2, which
    /// have no lists and no record of their run beside them, are read too.
    pub const VERSION: u32 = 3;

    /// Returns what sort of table it is; `None` when it is deleted.
    #[must_use]
    pub fn table_kind(&self) -> Option<TableKind> {
        match self.kind {
            ManifestKind::Managed => Some(TableKind::Managed),
            ManifestKind::External => Some(TableKind::External),
            ManifestKind::Deleted => None,
        }
    }

    /// Returns the columns with the partition keys last.
    #[must_use]
    pub fn full_schema(&self) -> Schema {
        let columns = self.schema.columns.iter().chain(&self.partition_columns.columns);
        Schema { columns: columns.cloned().collect() }
    }

    /// Returns the names of the partition keys.
    #[must_use]
    pub fn partition_keys(&self) -> Vec<String> {
        self.partition_columns.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Returns how much the table has in all, also of a document that does not say so itself.
    #[must_use]
    pub fn total(&self) -> Added {
        if self.version < 3 { Added::of(&self.files) } else { self.total }
    }
}

/// Returns the name of the table that a folder is.
pub(crate) fn table_name(location: &StoragePath) -> TableName {
    let (database, table) = location.as_str().rsplit_once('/').unwrap_or(("", location.as_str()));
    TableName { database: database.to_owned(), table: table.to_owned() }
}

/// A manifest with the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// `sha256:` and the digest of its bytes as they are stored.
    pub digest: String,
}
