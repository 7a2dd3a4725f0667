//! Databases and tables: databases are folders of the root, tables are found in them or declared.
//!
//! A table is a file (named without its endings), a folder with everything below it, or a folder with
//! manifests of the catalogue, which say what the table is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::catalogue;
use super::error::{error, path_error};
use super::file_lists::all_files;
use super::listing::{holds_data, is_left_out, visit};
use super::manifest::{Manifest, ManifestKind};
use super::partition_folders::{Listed, Wanted, visit_wanted};
use super::{names, partitions};
use crate::engines::bad_rows::Bad;
use crate::engines::counted::counted;
use crate::engines::files::{Entry, EntryKind, Files};
use crate::engines::metastore::TableEntry;
use crate::engines::partitions::{PartitionFilter, PartitionsRead};
use crate::engines::result::WrittenFile;
use crate::engines::table::{
    Database, PinnedFile, StoragePath, Table, TableKind, TableLookup, TableName, UnreadTable,
};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::endings;

/// A table as it stands in its database's folder.
#[derive(Debug, Clone)]
pub(crate) struct FoundTable {
    pub(crate) name: TableName,
    pub(crate) kind: TableKind,
    pub(crate) path: StoragePath,
    pub(crate) manifest: Option<Manifest>,
}

/// Returns the databases, by name.
pub(crate) fn databases(files: &dyn Files) -> Result<Vec<Database>, EngineError> {
    let is_database = |entry: &Entry| {
        entry.kind == EntryKind::Folder
            && !is_left_out(&entry.name)
            && StoragePath::new(&entry.name).is_ok()
    };
    let entries = files.level(None)?.into_iter().filter(is_database);
    let database =
        |Entry { name, .. }: Entry| Database { location: name.clone(), name, tables: None };
    Ok(entries.map(database).collect())
}

/// Returns the database that is meant.
pub(crate) fn database(files: &dyn Files, name: &str) -> Result<Database, EngineError> {
    let known = databases(files)?;
    let place = |database: &Database| database.location.clone();
    names::resolve("database", name, &known, |database| &database.name, place).cloned()
}

/// Returns the tables of a database, by name.
pub(crate) fn tables(
    files: &dyn Files,
    database: &Database,
) -> Result<Vec<FoundTable>, EngineError> {
    tables_where(files, database, |_| true)
}

/// Returns the tables of a database that are called so, compared without regard to ASCII case. No other is
/// looked into: what a run costs does not grow with the tables beside its own.
pub(crate) fn tables_called(
    files: &dyn Files,
    database: &Database,
    name: &str,
) -> Result<Vec<FoundTable>, EngineError> {
    tables_where(files, database, |found| found.eq_ignore_ascii_case(name))
}

fn tables_where(
    files: &dyn Files,
    database: &Database,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<FoundTable>, EngineError> {
    let folder = StoragePath::new(&database.location);
    let folder = folder.map_err(|source| path_error("list tables", source))?;
    let mut found = Vec::new();
    for Entry { name, kind } in files.level(Some(&folder))? {
        let Some(path) = folder.join(&name).ok().filter(|_| !is_left_out(&name)) else { continue };
        let table = if kind == EntryKind::Folder {
            if is_wanted(&name) { folder_table(files, database, &name, path)? } else { None }
        } else {
            let name = endings::without_endings(&name).filter(|name| is_wanted(name));
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
    files: &dyn Files,
    database: &Database,
    name: &str,
    path: StoragePath,
) -> Result<Option<FoundTable>, EngineError> {
    let latest = catalogue::latest(files, &path)?.map(|stored| stored.manifest);
    if let Some(kind) = latest.as_ref().and_then(Manifest::table_kind) {
        return Ok(Some(FoundTable { kind, manifest: latest, ..discovered(database, name, path) }));
    }
    let is_table = holds_data(files, &path)?;
    Ok(is_table.then(|| discovered(database, name, path)))
}

/// Returns the table that is meant.
pub(crate) fn table(files: &dyn Files, name: &TableName) -> Result<FoundTable, EngineError> {
    let database = database(files, &name.database)?;
    let mut known = tables_called(files, &database, &name.table)?;
    if known.is_empty() {
        known = tables(files, &database)?; // for the names that come near
    }
    let place = |table: &FoundTable| table.path.to_string();
    names::resolve("table", &name.table, &known, |table| &table.name.table, place).cloned()
}

/// Which files of a declared or managed table are wanted.
#[derive(Clone, Copy)]
pub(crate) struct WantedFiles<'a> {
    /// Most that are listed.
    pub(crate) most: usize,
    /// Which partitions; all without one.
    pub(crate) filter: Option<&'a dyn PartitionFilter>,
}

/// The files of a declared or managed table, pinned.
#[derive(Debug, Default)]
pub(crate) struct DeclaredFiles {
    pub(crate) files: Vec<PinnedFile>,
    /// Their rows, where they are known.
    rows: Option<u64>,
    /// How many partitions they are of, where the table has partition keys.
    partitions: Option<PartitionsRead>,
}

/// Returns the files of a declared or managed table, pinned as they are now; nothing when there are more than are
/// wanted.
pub(crate) fn declared_files(
    files: &dyn Files,
    manifest: &Manifest,
    wanted: WantedFiles<'_>,
) -> Result<Option<DeclaredFiles>, EngineError> {
    if manifest.kind == ManifestKind::Managed {
        let is_small =
            usize::try_from(manifest.total().files).is_ok_and(|files| files <= wanted.most);
        let found = is_small.then(|| managed_files(files, manifest, wanted.filter));
        return found.transpose();
    }
    external_files(files, manifest, wanted)
}

fn external_files(
    files: &dyn Files,
    manifest: &Manifest,
    wanted: WantedFiles<'_>,
) -> Result<Option<DeclaredFiles>, EngineError> {
    let (keys, most) = (manifest.partition_keys(), wanted.most);
    let mut found: Vec<PinnedFile> = Vec::new();
    let mut listed: Vec<Listed> = Vec::new();
    for location in &manifest.locations {
        let mut take = |file: PinnedFile| {
            if file.size_bytes > 0 {
                found.push(file);
            }
            if found.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match wanted.filter {
            Some(filter) => {
                let wanted = Wanted { keys: &keys, filter };
                listed.push(visit_wanted(files, location, wanted, &mut take)?);
            }
            None => visit(files, location, &mut take)?,
        }
        if found.len() > most {
            return Ok(None);
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found.dedup_by(|left, right| left.path == right.path);
    check_keys(manifest, &keys, &mut found)?;
    let of = |files: &[PinnedFile]| {
        partitions::count(files.iter().map(|file| file.partition_values.as_slice()))
    };
    let total = match listed.as_slice() {
        [Listed::Folders(folders)] => Some(*folders),
        listed => listed.iter().all(|one| *one == Listed::All).then(|| of(&found)),
    };
    if let Some(filter) = wanted.filter {
        partitions::retain(&mut found, filter);
    }
    let partitions = (!keys.is_empty()).then(|| PartitionsRead { read: of(&found), total });
    Ok(Some(DeclaredFiles { files: found, rows: None, partitions }))
}

/// Sets the partition values of files, whose paths have the keys that the table is declared with.
fn check_keys(
    manifest: &Manifest,
    keys: &[String],
    found: &mut [PinnedFile],
) -> Result<(), EngineError> {
    let own = partitions::assign(found)?;
    if found.is_empty() || own == keys {
        return Ok(());
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

fn managed_files(
    files: &dyn Files,
    manifest: &Manifest,
    filter: Option<&dyn PartitionFilter>,
) -> Result<DeclaredFiles, EngineError> {
    let mut written = all_files(files, manifest)?;
    let of = |files: &[WrittenFile]| {
        partitions::count(files.iter().map(|file| file.partition_values.as_slice()))
    };
    let total = Some(of(&written));
    if let Some(filter) = filter {
        let values: Vec<&[Option<String>]> =
            written.iter().map(|file| file.partition_values.as_slice()).collect();
        let mut kept = filter.keeps(&values).into_iter();
        written.retain(|_| kept.next().unwrap_or(true));
    }
    let is_partitioned = !manifest.partition_columns.columns.is_empty();
    Ok(DeclaredFiles {
        rows: Some(written.iter().map(|file| file.rows).sum()),
        partitions: is_partitioned.then(|| PartitionsRead { read: of(&written), total }),
        files: written
            .iter()
            .map(|file| pinned(files, manifest, file))
            .collect::<Result<_, _>>()?,
    })
}

/// Pins a file that Mason wrote, as it was written.
fn pinned(
    files: &dyn Files,
    manifest: &Manifest,
    file: &WrittenFile,
) -> Result<PinnedFile, EngineError> {
    let pinned = files.pin(&file.path)?;
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
    Err(error(ErrorKind::Conflict, "read a managed table", message)
        .with_hint("a file that Mason wrote was changed; restore it, or write the table anew"))
}

/// Returns a table that was declared, or that Mason wrote, with its files as they are now; unread when there are more
/// than are wanted.
pub(crate) fn declared_table(
    files: &dyn Files,
    found: FoundTable,
    manifest: &Manifest,
    wanted: WantedFiles<'_>,
) -> Result<TableLookup, EngineError> {
    let Some(listed) = declared_files(files, manifest, wanted)? else { return Ok(unread(found)) };
    declared(found, manifest, listed).map(|table| TableLookup::Table(Box::new(table)))
}

/// Returns a table that was declared with partition keys, or that Mason wrote with them, without its files; nothing for
/// another one.
pub(crate) fn partitioned_table(found: FoundTable) -> Result<Option<Table>, EngineError> {
    let manifest = found.manifest.clone();
    let manifest = manifest.filter(|manifest| !manifest.partition_columns.columns.is_empty());
    manifest.map(|manifest| declared(found, &manifest, DeclaredFiles::default())).transpose()
}

fn declared(
    found: FoundTable,
    manifest: &Manifest,
    listed: DeclaredFiles,
) -> Result<Table, EngineError> {
    let no_format = || {
        let message = format!("the manifest of `{}` has no format", found.name);
        error(ErrorKind::Unexpected, "read a declared table", message)
    };
    Ok(Table {
        kind: found.kind,
        locations: manifest.locations.clone(),
        format: manifest.format.clone().ok_or_else(no_format)?,
        schema: manifest.full_schema(),
        partition_keys: manifest.partition_keys(),
        found: manifest.found.clone(),
        version: Some(manifest.generation),
        files: listed.files,
        rows: listed.rows,
        bad: Bad::default(),
        notes: Vec::new(),
        partitions: listed.partitions,
        unregistered: 0,
        why_text: BTreeMap::new(),
        name: found.name,
    })
}

/// Returns a table as it is known without a look at its data.
pub(crate) fn unread(table: FoundTable) -> TableLookup {
    let TableEntry { name, kind, locations, version } = entry(table);
    TableLookup::Unread(UnreadTable { name, kind, locations, version })
}

/// Returns a table as listings have it.
pub(crate) fn entry(table: FoundTable) -> TableEntry {
    TableEntry {
        locations: match &table.manifest {
            Some(manifest) => manifest.locations.clone(),
            None => vec![table.path.to_string()],
        },
        name: table.name,
        kind: table.kind,
        version: table.manifest.map(|manifest| manifest.generation),
    }
}
