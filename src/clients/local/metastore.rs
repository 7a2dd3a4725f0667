//! The metastore role: databases are folders of the root, tables are found in them or declared.
//!
//! A table is a file (named without its endings), a folder with everything below it, or a folder with
//! manifests of the catalogue, which say what the table is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::catalogue::{self, Manifest, ManifestKind};
use super::clock::now;
use super::files::RootFiles;
use super::root::Root;
use super::{listing, storage};
use crate::engines::bad_rows::Bad;
use crate::engines::counted::counted;
use crate::engines::metastore::{Changes, Metastore, TableEntry, closest};
use crate::engines::reading::Reading;
use crate::engines::table::{
    Database, PinnedFile, StoragePath, Table, TableKind, TableLookup, TableName,
};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::endings;
use crate::lake::error::{error, io_error};
use crate::lake::inference::{Inference, infer_files};
use crate::lake::{names, partitions};

/// The metastore role of a `local` client.
#[derive(Debug, Clone)]
pub struct LocalMetastore {
    pub(crate) root: Arc<Root>,
}

impl LocalMetastore {
    /// Makes the role over a root.
    #[must_use]
    pub fn new(root: Arc<Root>) -> Self {
        Self { root }
    }
}

/// A table as it stands in its database's folder.
#[derive(Debug, Clone)]
pub(crate) struct FoundTable {
    pub(crate) name: TableName,
    pub(crate) kind: TableKind,
    pub(crate) path: StoragePath,
    pub(crate) manifest: Option<Manifest>,
}

/// Returns the databases, by name.
pub(crate) fn databases(root: &Root) -> Result<Vec<Database>, EngineError> {
    let fail = |source| io_error("list databases", "", source);
    let mut found = Vec::new();
    for entry in root.dir().entries().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !listing::is_left_out(name)) else { continue };
        if entry.file_type().map_err(fail)?.is_dir() && StoragePath::new(name).is_ok() {
            let name = name.to_owned();
            found.push(Database { location: name.clone(), name, tables: None });
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

/// Returns the database that is meant.
pub(crate) fn database(root: &Root, name: &str) -> Result<Database, EngineError> {
    let known = databases(root)?;
    let place = |database: &Database| database.location.clone();
    names::resolve("database", name, &known, |database| &database.name, place).cloned()
}

/// Returns the tables of a database, by name.
pub(crate) fn tables(root: &Root, database: &Database) -> Result<Vec<FoundTable>, EngineError> {
    tables_where(root, database, |_| true)
}

/// Returns the tables of a database that are called so, compared without regard to ASCII case. No other is
/// looked into: what a run costs does not grow with the tables beside its own.
pub(crate) fn tables_called(
    root: &Root,
    database: &Database,
    name: &str,
) -> Result<Vec<FoundTable>, EngineError> {
    tables_where(root, database, |found| found.eq_ignore_ascii_case(name))
}

fn tables_where(
    root: &Root,
    database: &Database,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<FoundTable>, EngineError> {
    let fail = |source| io_error("list tables", &database.location, source);
    let mut found = Vec::new();
    for entry in root.dir().read_dir(&database.location).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !listing::is_left_out(name)) else { continue };
        let Ok(path) = StoragePath::new(&format!("{}/{name}", database.location)) else { continue };
        let table = if entry.file_type().map_err(fail)?.is_dir() {
            if is_wanted(name) { folder_table(root, database, name, path)? } else { None }
        } else {
            let name = endings::without_endings(name).filter(|name| is_wanted(name));
            name.map(|name| discovered(database, name, path))
        };
        found.extend(table);
    }
    let mut found = shadowed(found);
    found.sort_by(|left: &FoundTable, right| {
        left.name.cmp(&right.name).then_with(|| left.path.cmp(&right.path))
    });
    Ok(found)
}

/// Leaves out what only lies there under the name of a table that Mason keeps or was told of: a declaration stands for
/// the files that it is made of, and `orders.csv` beside it is not a second table `orders`.
fn shadowed(mut found: Vec<FoundTable>) -> Vec<FoundTable> {
    let lower = |table: &FoundTable| table.name.table.to_ascii_lowercase();
    let is_kept = |table: &&FoundTable| table.kind != TableKind::Discovered;
    let kept: BTreeSet<String> = found.iter().filter(is_kept).map(lower).collect();
    found.retain(|table| table.kind != TableKind::Discovered || !kept.contains(&lower(table)));
    found
}

fn discovered(database: &Database, name: &str, path: StoragePath) -> FoundTable {
    let name = TableName { database: database.name.clone(), table: name.to_owned() };
    FoundTable { name, kind: TableKind::Discovered, path, manifest: None }
}

fn folder_table(
    root: &Root,
    database: &Database,
    name: &str,
    path: StoragePath,
) -> Result<Option<FoundTable>, EngineError> {
    let latest = catalogue::latest(root, &path)?.map(|stored| stored.manifest);
    if let Some(kind) = latest.as_ref().and_then(Manifest::table_kind) {
        return Ok(Some(FoundTable { kind, manifest: latest, ..discovered(database, name, path) }));
    }
    let is_table = listing::holds_data(root, &path)?;
    Ok(is_table.then(|| discovered(database, name, path)))
}

/// Returns the files of a table that nobody declared. What jobs have not committed is not of it.
pub(crate) fn discovered_files(
    root: &Root,
    path: &StoragePath,
) -> Result<Vec<PinnedFile>, EngineError> {
    let mut files = storage::files_of(root, path.as_str())?;
    if root.dir().metadata(path.as_str()).is_ok_and(|metadata| metadata.is_dir()) {
        let staged = listing::staged_folders(root, path)?;
        let is_staged = |file: &PinnedFile| {
            staged.iter().any(|folder| file.path.as_str().starts_with(folder.as_str()))
        };
        files.retain(|file| !is_staged(file));
    }
    Ok(files)
}

/// Returns the table that is meant.
pub(crate) fn table(root: &Root, name: &TableName) -> Result<FoundTable, EngineError> {
    let database = database(root, &name.database)?;
    let mut known = tables_called(root, &database, &name.table)?;
    if known.is_empty() {
        known = tables(root, &database)?; // for the names that come near
    }
    let place = |table: &FoundTable| table.path.to_string();
    names::resolve("table", &name.table, &known, |table| &table.name.table, place).cloned()
}

/// Returns the files of a declared or managed table, pinned as they are now.
pub(crate) fn declared_files(
    root: &Root,
    manifest: &Manifest,
) -> Result<Vec<PinnedFile>, EngineError> {
    if manifest.kind == ManifestKind::Managed {
        return managed_files(root, manifest);
    }
    let mut files = Vec::new();
    for location in &manifest.locations {
        files.extend(storage::files_of(root, location)?);
    }
    files.retain(|file| file.size_bytes > 0);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files.dedup_by(|left, right| left.path == right.path);
    let (keys, own) = (manifest.partition_keys(), partitions::assign(&mut files)?);
    if files.is_empty() || own == keys {
        return Ok(files);
    }
    let message = format!(
        "the paths of `{}` have the partition keys [{}], it is declared with [{}]",
        manifest.name,
        own.join(", "),
        keys.join(", ")
    );
    Err(error(ErrorKind::InvalidInput, "read a declared table", message)
        .with_hint("run table/infer with mode=replace to declare it anew"))
}

fn managed_files(root: &Root, manifest: &Manifest) -> Result<Vec<PinnedFile>, EngineError> {
    let pin = |file: &crate::engines::result::WrittenFile| {
        let pinned = root.pin(&file.path)?;
        if pinned.size_bytes == file.size_bytes {
            return Ok(PinnedFile { partition_values: file.partition_values.clone(), ..pinned });
        }
        let message = format!(
            "`{}` of `{}` has {}, and {} when it was committed",
            file.path,
            manifest.name,
            counted(pinned.size_bytes, "byte"),
            file.size_bytes
        );
        Err(error(ErrorKind::Conflict, "read a managed table", message).with_hint(
            "somebody changed a file that Mason wrote; restore it, or write the table anew",
        ))
    };
    manifest.files.iter().map(pin).collect()
}

fn declared_table(
    root: &Root,
    found: FoundTable,
    manifest: &Manifest,
) -> Result<Table, EngineError> {
    let files = declared_files(root, manifest)?;
    let no_format = || {
        let message = format!("the manifest of `{}` has no format", found.name);
        error(ErrorKind::Unexpected, "read a declared table", message)
    };
    let rows = (manifest.kind == ManifestKind::Managed)
        .then(|| manifest.files.iter().map(|file| file.rows).sum());
    Ok(Table {
        kind: found.kind,
        locations: manifest.locations.clone(),
        format: manifest.format.clone().ok_or_else(no_format)?,
        schema: manifest.full_schema(),
        partition_keys: manifest.partition_keys(),
        found: manifest.found.clone(),
        version: Some(manifest.generation),
        files,
        rows,
        bad: Bad::default(),
        notes: Vec::new(),
        why_text: std::collections::BTreeMap::new(),
        name: found.name,
    })
}

impl LocalMetastore {
    /// Finds the schema of a table that nobody declared.
    fn discover(&self, table: FoundTable, reading: &Reading) -> Result<TableLookup, EngineError> {
        let files = discovered_files(&self.root, &table.path)?;
        let source = RootFiles::new(Arc::clone(&self.root));
        let inference = Inference {
            files: &source,
            now: now(),
            sample: None,
            reading,
            threads: std::thread::available_parallelism().map_or(2, usize::from) * 2,
            on_bytes: &|_| {},
            cancelled: &AtomicBool::new(false),
        };
        let concluded = infer_files(&inference, files).map_err(|error| {
            let message = format!("`{}`: {}", table.name, error.message);
            EngineError { message, ..error }
        })?;
        Ok(concluded.into_lookup(table.name, table.path.to_string()))
    }

    fn look_up(&self, name: &TableName, reading: &Reading) -> Result<TableLookup, EngineError> {
        let found = table(&self.root, name)?;
        match found.manifest.clone() {
            Some(manifest) => {
                let table = declared_table(&self.root, found, &manifest)?;
                Ok(TableLookup::Table(Box::new(table)))
            }
            None => self.discover(found, reading),
        }
    }
}

fn entry(table: FoundTable) -> TableEntry {
    TableEntry {
        locations: match &table.manifest {
            Some(manifest) => manifest.locations.clone(),
            None => vec![table.path.to_string()],
        },
        name: table.name,
        kind: table.kind,
    }
}

fn stream_of<'a, T: Send + 'a>(
    listed: impl Future<Output = Result<Vec<T>, EngineError>> + Send + 'a,
) -> BoxStream<'a, Result<T, EngineError>> {
    stream::once(listed).map_ok(|all| stream::iter(all.into_iter().map(Ok))).try_flatten().boxed()
}

#[async_trait]
impl Metastore for LocalMetastore {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        let root = Arc::clone(&self.root);
        stream_of(super::threads::blocking(move || databases(&root)))
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let (root, name) = (Arc::clone(&self.root), name.to_owned());
        super::threads::blocking(move || database(&root, &name)).await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        let (root, name) = (Arc::clone(&self.root), database.to_owned());
        stream_of(super::threads::blocking(move || {
            let database = self::database(&root, &name)?;
            Ok(tables(&root, &database)?.into_iter().map(entry).collect())
        }))
    }

    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        let (root, name) = (Arc::clone(&self.root), name.clone());
        super::threads::blocking(move || {
            let database = self::database(&root, &name.database)?;
            let found = tables_called(&root, &database, &name.table)?;
            Ok(closest(found.into_iter().map(entry), &name))
        })
        .await
    }

    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        let (own, name, reading) = (self.clone(), name.clone(), reading.clone());
        super::threads::blocking(move || own.look_up(&name, &reading)).await
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}
