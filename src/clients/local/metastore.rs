//! The metastore role: databases are folders of the root, tables are found in them or declared.
//!
//! A table is a file (named without its endings), a folder with everything below it, or a folder with
//! manifests of the catalogue, which say what the table is.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::catalogue::{self, Manifest, ManifestKind};
use super::error::{error, io_error};
use super::inference::{FoundFile, found_files};
use super::root::Root;
use super::{listing, names, partitions, storage};
use crate::engines::metastore::{Changes, Metastore, TableEntry};
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{
    ConflictingTable, Database, FileFormat, PinnedFile, StoragePath, Table, TableKind, TableLookup,
    TableName,
};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::compare::{Compared, compare};

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
    let fail = |source| io_error("list tables", &database.location, source);
    let mut found = Vec::new();
    for entry in root.dir().read_dir(&database.location).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !listing::is_left_out(name)) else { continue };
        let Ok(path) = StoragePath::new(&format!("{}/{name}", database.location)) else { continue };
        let table = if entry.file_type().map_err(fail)?.is_dir() {
            folder_table(root, database, name, path)?
        } else {
            names::table_of_file(name).map(|name| discovered(database, name, path))
        };
        found.extend(table);
    }
    found.sort_by(|left: &FoundTable, right| {
        left.name.cmp(&right.name).then_with(|| left.path.cmp(&right.path))
    });
    Ok(found)
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
    let is_table = !discovered_files(root, &path)?.is_empty();
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
    let known = tables(root, &database)?;
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
    let keys = manifest.partition_keys();
    let mut all = Vec::new();
    for location in &manifest.locations {
        let mut files = storage::files_of(root, location)?;
        files.retain(|file| file.size_bytes > 0);
        let own = partitions::assign(&mut files, storage::base_of(location))?;
        if !files.is_empty() && own != keys {
            let message = format!(
                "`{location}` has the partition keys [{}], the table is declared with [{}]",
                own.join(", "),
                keys.join(", ")
            );
            return Err(error(ErrorKind::InvalidInput, "read a declared table", message));
        }
        all.extend(files);
    }
    all.sort_by(|left, right| left.path.cmp(&right.path));
    all.dedup_by(|left, right| left.path == right.path);
    Ok(all)
}

fn managed_files(root: &Root, manifest: &Manifest) -> Result<Vec<PinnedFile>, EngineError> {
    let pin = |file: &super::work::WrittenFile| {
        let pinned = root.pin(&file.path)?;
        if pinned.size_bytes == file.size_bytes {
            return Ok(PinnedFile { partition_values: file.partition_values.clone(), ..pinned });
        }
        let message = format!(
            "`{}` of `{}` has {} bytes, {} were committed",
            file.path, manifest.name, pinned.size_bytes, file.size_bytes
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
        notes: Vec::new(),
        name: found.name,
    })
}

/// What the files of a discovered table are, together.
struct Discovery {
    files: Vec<PinnedFile>,
    found: Vec<FoundFile>,
    keys: Vec<String>,
    notes: Vec<String>,
}

impl LocalMetastore {
    async fn discover(&self, table: &FoundTable) -> Result<TableLookup, EngineError> {
        let shown = table.name.to_string();
        let (root, path) = (Arc::clone(&self.root), table.path.clone());
        let files = super::blocking(move || discovered_files(&root, &path)).await?;
        let found = found_files(&self.root, &shown, &files).await?;
        let mut discovery = without_empty(files, found);
        if discovery.files.is_empty() {
            let message = format!("every file of `{shown}` is empty");
            return Err(error(ErrorKind::InvalidInput, "infer a table", message));
        }
        discovery.keys = partitions::assign(&mut discovery.files, table.path.as_str())?;
        let format = one_format(&shown, &discovery)?;
        Ok(lookup(table, format, discovery))
    }
}

fn without_empty(files: Vec<PinnedFile>, found: Vec<FoundFile>) -> Discovery {
    let mut notes: Vec<String> = Vec::new();
    let (mut kept_files, mut kept_found, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    for (file, found) in files.into_iter().zip(found) {
        if found.format.is_none() {
            empty.push(file.path.to_string());
            continue;
        }
        for note in &found.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        kept_files.push(file);
        kept_found.push(found);
    }
    if let Some(first) = empty.first() {
        notes.push(format!("{} empty files are left out, the first is `{first}`", empty.len()));
    }
    Discovery { files: kept_files, found: kept_found, keys: Vec::new(), notes }
}

/// Returns the one format of all files.
fn one_format(table: &str, discovery: &Discovery) -> Result<FileFormat, EngineError> {
    let all: Vec<_> = discovery.found.iter().filter_map(|found| found.format.as_ref()).collect();
    if let Some(first) = all.first()
        && all.iter().all(|format| format == first)
    {
        return Ok((*first).clone());
    }
    let mut groups: BTreeMap<String, (u64, &PinnedFile)> = BTreeMap::new();
    for (file, format) in discovery.files.iter().zip(all) {
        groups.entry(shown(format)).or_insert((0, file)).0 += 1;
    }
    let each: Vec<_> = groups
        .iter()
        .map(|(format, (count, file))| format!("{format} ({count}, as `{}`)", file.path))
        .collect();
    let message = format!("the files of `{table}` are read in several ways: {}", each.join("; "));
    Err(error(ErrorKind::InvalidInput, "infer a table", message)
        .with_hint("put files of each format into a folder of their own"))
}

fn shown(format: &FileFormat) -> String {
    match &format.csv {
        Some(csv) => format!(
            "{} with delimiter {:?}, quote {:?}, {} header, {:?}, nulls {:?}",
            format.format,
            csv.delimiter,
            csv.quote,
            if csv.header { "a" } else { "no" },
            csv.encoding,
            csv.null_tokens
        ),
        None => format.format.to_string(),
    }
}

/// Compares the files' schemas and makes the table of them.
fn lookup(table: &FoundTable, format: FileFormat, discovery: Discovery) -> TableLookup {
    let Discovery { files, found, keys, mut notes } = discovery;
    let mut shadowed = Vec::new();
    let schemas: Vec<_> = files
        .iter()
        .zip(&found)
        .map(|(file, found)| {
            let mut schema = found.schema.clone();
            schema.columns.retain(|column| {
                let from_path = keys.iter().any(|key| key.eq_ignore_ascii_case(&column.name));
                if from_path && !shadowed.contains(&column.name) {
                    shadowed.push(column.name.clone());
                }
                !from_path
            });
            (file.path.to_string(), schema)
        })
        .collect();
    for column in shadowed {
        notes.push(format!("`{column}` is taken from the path, the files' own column is not read"));
    }
    let count = files.len() as u64;
    let rows: u64 = found.iter().map(|found| found.rows).sum();
    let how = if found.iter().all(|found| found.declared) {
        SchemaFound::Footers { files: count }
    } else {
        SchemaFound::AllRows { files: count, rows }
    };
    let (name, locations) = (table.name.clone(), vec![table.path.to_string()]);
    match compare(&schemas, format.format) {
        Compared::Same(schema) => {
            let partition_columns = partitions::columns(&keys, &files).columns;
            let columns = schema.columns.into_iter().chain(partition_columns).collect();
            TableLookup::Table(Box::new(Table {
                name,
                kind: TableKind::Discovered,
                locations,
                format,
                schema: Schema { columns },
                partition_keys: keys,
                found: how,
                version: None,
                files,
                rows: Some(rows),
                notes,
            }))
        }
        Compared::Conflict(conflict, of_file) => {
            TableLookup::Conflicting(Box::new(ConflictingTable {
                name,
                locations,
                format,
                conflict: *conflict,
                files: files.into_iter().zip(of_file).collect(),
                partition_keys: keys,
                found: how,
                notes,
            }))
        }
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
        stream_of(super::blocking(move || databases(&root)))
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let (root, name) = (Arc::clone(&self.root), name.to_owned());
        super::blocking(move || {
            let found = database(&root, &name)?;
            let tables = tables(&root, &found)?.len() as u64;
            Ok(Database { tables: Some(tables), ..found })
        })
        .await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        let (root, name) = (Arc::clone(&self.root), database.to_owned());
        let entry = |table: FoundTable| TableEntry {
            locations: match &table.manifest {
                Some(manifest) => manifest.locations.clone(),
                None => vec![table.path.to_string()],
            },
            name: table.name,
            kind: table.kind,
        };
        stream_of(super::blocking(move || {
            let database = self::database(&root, &name)?;
            Ok(tables(&root, &database)?.into_iter().map(entry).collect())
        }))
    }

    async fn get_table(&self, name: &TableName) -> Result<TableLookup, EngineError> {
        let (root, name) = (Arc::clone(&self.root), name.clone());
        let known = super::blocking(move || {
            let found = table(&root, &name)?;
            match found.manifest.clone() {
                Some(manifest) => Ok(Ok(declared_table(&root, found, &manifest)?)),
                None => Ok(Err(found)),
            }
        })
        .await?;
        match known {
            Ok(table) => Ok(TableLookup::Table(Box::new(table))),
            Err(found) => self.discover(&found).await,
        }
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}
