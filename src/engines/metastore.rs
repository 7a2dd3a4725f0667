//! The role that knows databases and tables.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::error::EngineError;
use super::lookup::Lookup;
use super::partitions::PartitionFilter;
use super::reading::Reading;
use super::schema::{Schema, SchemaFound};
use super::table::{Database, FileFormat, Table, TableKind, TableLookup, TableName, TableVersion};

/// A metastore. Names are compared without regard to ASCII case; two that differ only so are an
/// `InvalidInput` naming both.
#[async_trait]
pub trait Metastore: Send + Sync {
    /// Streams every database, by name.
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>>;

    /// Returns one database.
    ///
    /// # Errors
    /// `NotFound`, with the nearest names as hint.
    async fn get_database(&self, name: &str) -> Result<Database, EngineError>;

    /// Streams every table of a database, by name, without looking into its files.
    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>>;

    /// Returns a table as [`Metastore::list_tables`] has it, the one of exactly this name first.
    ///
    /// # Errors
    /// `NotFound` when there is no such database.
    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        let listed: Vec<TableEntry> = self.list_tables(&name.database).try_collect().await?;
        Ok(closest(listed, name))
    }

    /// Returns a table with its schema and its files as they are now. `reading` says how delimited
    /// undeclared text is read; a declared or managed table is read as it was declared.
    ///
    /// # Errors
    /// `NotFound`, with the nearest names as hint; `InvalidInput` when the files are of no known or
    /// of several formats, or one is broken (every broken file is named, at most 20).
    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError>;

    /// Returns a table with partition keys as a query can be planned over it, without its files; nothing for any other
    /// table, and where its columns cannot be told without a look at all its files.
    ///
    /// # Errors
    /// As [`Metastore::get_table`].
    async fn find_partitioned(
        &self,
        _name: &TableName,
        _reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        Ok(None)
    }

    /// Returns a table as [`Metastore::get_table`] does, with the files of the partitions that a filter keeps. A
    /// metastore may keep more.
    ///
    /// # Errors
    /// As [`Metastore::get_table`]; what is wrong with partitions that are left out need not be found.
    async fn get_pruned(
        &self,
        name: &TableName,
        reading: &Reading,
        _filter: Arc<dyn PartitionFilter>,
    ) -> Result<TableLookup, EngineError> {
        self.get_table(name, reading).await
    }

    /// Returns whether a table that a job commits beside its files is one of this metastore. Otherwise it has to be
    /// told of it.
    fn knows_commits(&self) -> bool {
        true
    }

    /// Refuses a table that could not be declared, by how its files are read and by its columns.
    ///
    /// # Errors
    /// `InvalidInput` with every problem.
    fn check_columns(
        &self,
        _format: &FileFormat,
        _columns: &Schema,
        _partition_keys: &[String],
    ) -> Result<(), EngineError> {
        Ok(())
    }

    /// Returns the part that changes databases and tables, if there is one.
    fn changes(&self) -> Option<&dyn Changes>;
}

/// Returns the table of exactly this name, else one whose name differs in ASCII case only.
#[must_use]
pub fn closest(
    listed: impl IntoIterator<Item = TableEntry>,
    name: &TableName,
) -> Option<TableEntry> {
    let is_called = |entry: &TableEntry| entry.name.table.eq_ignore_ascii_case(&name.table);
    let called = listed.into_iter().filter(is_called);
    called.min_by_key(|entry| entry.name.table != name.table)
}

/// A table in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableEntry {
    /// Its name.
    pub name: TableName,
    /// What sort of table it is.
    pub kind: TableKind,
    /// Where its files are.
    pub locations: Vec<String>,
    /// Its version, where a listing says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TableVersion>,
}

/// Changing a metastore: each change takes place at most once for its author, also when it is asked
/// for again after a crash.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Makes a change, or returns what it did when the same author made it before.
    ///
    /// # Errors
    /// `Conflict` when the version is not the expected one, or the author has been fenced;
    /// `AlreadyExists`; `NotFound`.
    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError>;

    /// Says whether a change could be made now, before one is recorded as decided: what was decided on and
    /// cannot be made can neither be fenced where nothing can be written. Changes nothing that is seen.
    ///
    /// # Errors
    /// What [`apply`](Self::apply) would fail with: `PermissionDenied`, `OutOfDisk`.
    async fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Returns what the author's change did, if it took place.
    ///
    /// # Errors
    /// When the metastore cannot be read.
    async fn find(&self, change: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError>;

    /// Makes sure that the author's change takes place no more, also if it is asked for late, unless it did: what it
    /// did is returned then. May be repeated.
    ///
    /// # Errors
    /// When the metastore cannot be read, or nothing can be written there.
    async fn fence(&self, change: &Change, author: &Author)
    -> Result<Lookup<Changed>, EngineError>;
}

/// Who changes something: a run. One run makes at most one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// The run's UID: the change is made once per UID, whichever attempt makes it.
    pub run_uid: String,
    /// The attempt.
    pub attempt: u32,
}

/// One change of a metastore, as data, so that it can be recorded before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "change")]
pub enum Change {
    /// Creates a database.
    CreateDatabase {
        /// Its name.
        name: String,
        /// Whether an existing one is fine.
        if_not_exists: bool,
    },
    /// Deletes a database.
    #[serde(rename_all = "camelCase")]
    DeleteDatabase {
        /// Its name.
        name: String,
        /// Whether its managed tables go with it; without it, a database with tables is a `Conflict`.
        cascade: bool,
    },
    /// Declares a table over existing files, or replaces its declaration.
    #[serde(rename_all = "camelCase")]
    PutTable {
        /// The declaration.
        table: Box<TableDeclaration>,
        /// The version it replaces; `None` when there must be none.
        expected: Option<TableVersion>,
    },
    /// Deletes a table's declaration and, for managed tables or on demand, its files.
    #[serde(rename_all = "camelCase")]
    DeleteTable {
        /// Its name.
        name: TableName,
        /// The version it must have, where the metastore keeps one.
        expected: Option<TableVersion>,
        /// Whether files that Mason did not write go too.
        delete_external_files: bool,
    },
}

/// A table over existing files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableDeclaration {
    /// Its name.
    pub name: TableName,
    /// Where its files are.
    pub locations: Vec<String>,
    /// How its files are read.
    pub format: FileFormat,
    /// Its columns, partition keys last.
    pub schema: Schema,
    /// Names of the columns that come from the path.
    pub partition_keys: Vec<String>,
    /// How the schema was found.
    pub found: SchemaFound,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// In words, for the run's result: `created database sales`.
    pub what: String,
    /// The table's version after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TableVersion>,
    /// How many files were deleted.
    pub files_deleted: u64,
    /// Their size.
    pub bytes_deleted: u64,
    /// The run attempt that made it.
    pub attempt: u32,
}
