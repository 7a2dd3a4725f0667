//! Changes of the metastore: each at most once for its author, also after a crash at any point.
//!
//! Around every effect stands a record ([`super::change_records`]): what is intended is on the
//! disk before the effect, what was done after it. Every effect can be made again when a part of it was
//! made. One change is made at a time per root, under a lock that the system frees with its holder. A
//! run that ends without its change leaves `<run uid>.fenced.json`, which a late process meets.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;

use super::catalogue::{self, Added, Manifest, ManifestKind};
use super::change_records::{Doomed, OPERATION, Record, is_fenced, load, lock, mark_fenced, store};
use super::durable;
use super::metastore::{self, FoundTable, LocalMetastore};
use super::root::{OWN_FOLDER, Root};
use super::storage;
use crate::engines::metastore::{Author, Change, Changed, Changes, TableDeclaration};
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{StoragePath, TableKind, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::faults;
use crate::lake::error::{error, io_error, path_error};

/// Writes and removes a file as large as the records of a change.
fn check_room(root: &Root) -> Result<(), EngineError> {
    const BYTES: usize = 16 * 1024;
    let _lock = lock(root)?;
    let path = format!("{OWN_FOLDER}/changes/check");
    let written = root.dir().write(&path, vec![0; BYTES]);
    let removed = root.dir().remove_file(&path);
    written.and(removed).map_err(|source| io_error(OPERATION, &path, source))
}

/// Makes a change, or returns what it did when the same author made it before.
fn apply(root: &Root, change: &Change, author: &Author) -> Result<Changed, EngineError> {
    let _lock = lock(root)?;
    let recorded = load(root, author)?;
    #[cfg(test)]
    let recorded = recorded.filter(|_| !crate::faults::Precondition::ChangeRecord.is_removed());
    let record = match recorded {
        Some(Record { done: Some(done), change: made, .. }) if made == *change => return Ok(done),
        _ if is_fenced(root, author)? => {
            let message = format!("run `{}` has been fenced", author.run_uid);
            return Err(error(ErrorKind::Conflict, OPERATION, message));
        }
        Some(record) if record.change != *change => {
            let message = format!("run `{}` made another change already", author.run_uid);
            return Err(error(ErrorKind::Conflict, OPERATION, message));
        }
        Some(record) => record,
        None => {
            let doomed = check(root, change)?;
            let (author, change) = (author.clone(), change.clone());
            let record = Record { author, change, doomed, done: None };
            store(root, &record)?;
            faults::reach("change", "recorded");
            record
        }
    };
    complete(root, record)
}

/// Makes what is left of a change and writes down that it is done.
fn complete(root: &Root, record: Record) -> Result<Changed, EngineError> {
    if let Some(done) = record.done {
        return Ok(done);
    }
    let changed = effect(root, &record)?;
    faults::reach("change", "made");
    store(root, &Record { done: Some(changed.clone()), ..record })?;
    Ok(changed)
}

/// Returns what an author's change did; completes one of which a part was made.
fn find(root: &Root, author: &Author) -> Result<Option<Changed>, EngineError> {
    let _lock = lock(root)?;
    made(root, author)
}

/// Returns what an author's change did, or else marks that it changes nothing any more.
fn fence(root: &Root, author: &Author) -> Result<Option<Changed>, EngineError> {
    let _lock = lock(root)?;
    let made = made(root, author)?;
    if made.is_none() {
        mark_fenced(root, author)?;
    }
    Ok(made)
}

/// Returns what a change did, completed when a part of it was made; called with the lock.
fn made(root: &Root, author: &Author) -> Result<Option<Changed>, EngineError> {
    let Some(record) = load(root, author)? else { return Ok(None) };
    // What others make under the same name after the fence is not this run's.
    if record.done.is_none() && (is_fenced(root, author)? || !has_begun(root, &record)?) {
        return Ok(None);
    }
    complete(root, record).map(Some)
}

/// Returns whether any part of an intended change can be seen.
fn has_begun(root: &Root, record: &Record) -> Result<bool, EngineError> {
    let there = |path: &str| root.dir().try_exists(path).unwrap_or(false);
    let gone = |path: &StoragePath| !there(path.as_str());
    match &record.change {
        Change::CreateDatabase { name, .. } => Ok(there(name)),
        Change::DeleteDatabase { .. } => Ok(record.doomed.location.as_ref().is_some_and(gone)),
        Change::PutTable { table, .. } => {
            Ok(made_by(root, &table_location(&table.name)?, record)?.is_some())
        }
        Change::DeleteTable { .. } => {
            let Some(location) = &record.doomed.location else { return Ok(false) };
            let tombstone = record.doomed.declared && made_by(root, location, record)?.is_some();
            Ok(tombstone || record.doomed.files.iter().any(gone))
        }
    }
}

/// Refuses a change that cannot be made, and fixes what it deletes.
fn check(root: &Root, change: &Change) -> Result<Doomed, EngineError> {
    match change {
        Change::CreateDatabase { name, if_not_exists } => {
            check_create_database(root, name, *if_not_exists)
        }
        Change::DeleteDatabase { name, cascade } => check_delete_database(root, name, *cascade),
        Change::PutTable { table, expected } => check_put_table(root, table, *expected),
        Change::DeleteTable { name, expected, delete_external_files } => {
            check_delete_table(root, name, *expected, *delete_external_files)
        }
    }
}

fn check_name(name: &str) -> Result<(), EngineError> {
    let refuse = |why: &str| {
        let shown: String = name.chars().take(120).collect();
        Err(error(ErrorKind::InvalidInput, OPERATION, format!("{shown:?} is no name: {why}"))
            .with_hint("a name is that of a folder: no `/`, not beginning with `.` or `_`"))
    };
    if name.contains('/') {
        return refuse("it has a `/`");
    }
    if name.starts_with(['.', '_']) {
        return refuse("it begins with `.` or `_`");
    }
    match StoragePath::new(name) {
        Ok(_) => Ok(()),
        Err(source) => refuse(source.reason),
    }
}

fn check_create_database(
    root: &Root,
    name: &str,
    if_not_exists: bool,
) -> Result<Doomed, EngineError> {
    check_name(name)?;
    match metastore::database(root, name) {
        Ok(_) if if_not_exists => Ok(Doomed { already: true, ..Doomed::default() }),
        Ok(existing) => {
            let message = format!("there is a database `{}` already", existing.name);
            Err(error(ErrorKind::AlreadyExists, OPERATION, message))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Doomed::default()),
        Err(error) => Err(error),
    }
}

fn check_delete_database(root: &Root, name: &str, cascade: bool) -> Result<Doomed, EngineError> {
    let database = metastore::database(root, name)?;
    let tables = metastore::tables(root, &database)?;
    let refuse = |what: &str, table: &FoundTable, hint: &str| {
        let message = format!("database `{}` {what} `{}`", database.name, table.name.table);
        Err(error(ErrorKind::Conflict, OPERATION, message).with_hint(hint))
    };
    if let Some(table) = tables.first().filter(|_| !cascade) {
        return refuse("has tables, for example", table, "delete its tables first, or `cascade`");
    }
    let mut doomed = Doomed { location: Some(folder(&database.location)?), ..Doomed::default() };
    for table in &tables {
        let Some(manifest) = table.manifest.as_ref().filter(|m| m.kind == ManifestKind::Managed)
        else {
            let hint = "delete that table, or move its files; they are not Mason's";
            return refuse("has a table whose files Mason did not write:", table, hint);
        };
        doomed.bytes += manifest.files.iter().map(|file| file.size_bytes).sum::<u64>();
        doomed.files.extend(manifest.files.iter().map(|file| file.path.clone()));
    }
    let foreign = foreign_file(root, &database.location, &tables)?;
    if let Some(foreign) = foreign {
        let message = format!("`{foreign}` in database `{}` is not Mason's", database.name);
        return Err(error(ErrorKind::Conflict, OPERATION, message)
            .with_hint("move or delete that file first"));
    }
    Ok(doomed)
}

/// Returns a file of a database's folder that belongs to no managed table.
fn foreign_file(
    root: &Root,
    location: &str,
    tables: &[FoundTable],
) -> Result<Option<String>, EngineError> {
    let fail = |source| io_error(OPERATION, location, source);
    for entry in root.dir().read_dir(location).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{location}/{name}");
        let managed = tables.iter().any(|table| table.path.as_str() == path);
        if managed || entry.file_type().map_err(fail)?.is_dir() && is_without_files(root, &path)? {
            continue;
        }
        return Ok(Some(path));
    }
    Ok(None)
}

fn is_without_files(root: &Root, path: &str) -> Result<bool, EngineError> {
    Ok(super::listing::files_below(root, Some(&folder(path)?))?.is_empty())
}

fn folder(path: &str) -> Result<StoragePath, EngineError> {
    StoragePath::new(path).map_err(|source| path_error(OPERATION, source))
}

/// Returns the folder of a table's manifests.
fn table_location(name: &TableName) -> Result<StoragePath, EngineError> {
    folder(&format!("{}/{}", name.database, name.table))
}

fn check_version(
    name: &TableName,
    now: Option<TableVersion>,
    expected: Option<TableVersion>,
) -> Result<(), EngineError> {
    if now == expected {
        return Ok(());
    }
    let shown =
        |version: Option<TableVersion>| version.map_or("none".to_owned(), |v| v.0.to_string());
    let message = format!("`{name}` has version {}, {} was expected", shown(now), shown(expected));
    Err(error(ErrorKind::Conflict, OPERATION, message)
        .with_hint("somebody changed the table meanwhile; run it again"))
}

fn check_put_table(
    root: &Root,
    table: &TableDeclaration,
    expected: Option<TableVersion>,
) -> Result<Doomed, EngineError> {
    check_name(&table.name.table)?;
    let database = metastore::database(root, &table.name.database)?;
    for location in &table.locations {
        storage::checked(location)?;
    }
    for key in &table.partition_keys {
        if table.schema.column(key).is_none() {
            let message = format!("the partition key `{key}` is not among the columns");
            return Err(error(ErrorKind::InvalidInput, OPERATION, message));
        }
    }
    let known = metastore::tables_called(root, &database, &table.name.table)?;
    let now = known.iter().find_map(|known| known.manifest.as_ref()).map(|m| m.generation);
    check_version(&table.name, now, expected)?;
    let own = table_location(&table.name)?;
    let taken = known.iter().find(|known| {
        known.manifest.is_none() && !is_declared_here(table, known.path.as_str())
            || known.path.as_str().eq_ignore_ascii_case(own.as_str()) && known.path != own
    });
    match taken {
        Some(taken) => {
            let message = format!("the name `{}` is taken by `{}`", table.name, taken.path);
            Err(error(ErrorKind::AlreadyExists, OPERATION, message))
        }
        None => Ok(Doomed::default()),
    }
}

/// A declaration may give the files that were found under its name a schema.
fn is_declared_here(table: &TableDeclaration, path: &str) -> bool {
    table.locations.iter().any(|location| {
        let base = storage::base_of(location);
        base == path || base.starts_with(&format!("{path}/")) || location == path
    })
}

fn check_delete_table(
    root: &Root,
    name: &TableName,
    expected: Option<TableVersion>,
    external_files: bool,
) -> Result<Doomed, EngineError> {
    let table = metastore::table(root, name)?;
    if let Some(expected) = expected {
        check_version(name, table.manifest.as_ref().map(|m| m.generation), Some(expected))?;
    }
    let files: Vec<(StoragePath, u64)> = match &table.manifest {
        Some(manifest) if manifest.kind == ManifestKind::Managed => {
            manifest.files.iter().map(|file| (file.path.clone(), file.size_bytes)).collect()
        }
        Some(manifest) if external_files => sized(metastore::declared_files(root, manifest)?),
        Some(_) => Vec::new(),
        None if external_files => sized(metastore::discovered_files(root, &table.path)?),
        None => {
            let message = format!("`{}` is not declared: its files are all there is", table.name);
            return Err(error(ErrorKind::InvalidInput, OPERATION, message)
                .with_hint("ask for its files to be deleted, if that is meant"));
        }
    };
    Ok(Doomed {
        declared: table.kind != TableKind::Discovered,
        location: Some(table.path),
        bytes: files.iter().map(|(_, size)| size).sum(),
        files: files.into_iter().map(|(path, _)| path).collect(),
        already: false,
    })
}

fn sized(files: Vec<crate::engines::table::PinnedFile>) -> Vec<(StoragePath, u64)> {
    files.into_iter().map(|file| (file.path, file.size_bytes)).collect()
}

/// Makes a change, or what is left of it.
fn effect(root: &Root, record: &Record) -> Result<Changed, EngineError> {
    let changed = |what: String, version: Option<TableVersion>, doomed: &Doomed| Changed {
        what,
        version,
        files_deleted: doomed.files.len() as u64,
        bytes_deleted: doomed.bytes,
        attempt: record.author.attempt,
    };
    let doomed = &record.doomed;
    match &record.change {
        Change::CreateDatabase { name, .. } if doomed.already => {
            Ok(changed(format!("database {name} exists already"), None, doomed))
        }
        Change::CreateDatabase { name, .. } => {
            root.make_folders(name)
                .and_then(|()| durable::sync_folders_above(root, name))
                .map_err(|source| io_error(OPERATION, name, source))?;
            Ok(changed(format!("created database {name}"), None, doomed))
        }
        Change::DeleteDatabase { name, .. } => {
            delete_folder(root, record)?;
            Ok(changed(format!("deleted database {name}"), None, doomed))
        }
        Change::PutTable { table, expected } => {
            let version = declare(root, table, *expected, record)?;
            Ok(changed(format!("declared table {}", table.name), Some(version), doomed))
        }
        Change::DeleteTable { name, .. } => {
            let version = delete_table(root, record)?;
            Ok(changed(format!("deleted table {name}"), version, doomed))
        }
    }
}

/// Moves a database's folder out of sight at once, then removes it.
fn delete_folder(root: &Root, record: &Record) -> Result<(), EngineError> {
    let Some(location) = &record.doomed.location else { return Ok(()) };
    let trash = format!("{OWN_FOLDER}/trash/{}", record.author.run_uid);
    let fail = |source| io_error(OPERATION, location.as_str(), source);
    root.make_folders(durable::folder_of(&trash)).map_err(fail)?;
    if root.dir().try_exists(location.as_str()).map_err(fail)? {
        root.disk().rename(root.dir(), location.as_str(), &trash).map_err(fail)?;
    }
    durable::sync_folders_above(root, location.as_str()).map_err(fail)?;
    match root.dir().remove_dir_all(&trash) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(fail(source)),
        _ => Ok(()),
    }
}

fn made_by(
    root: &Root,
    location: &StoragePath,
    record: &Record,
) -> Result<Option<TableVersion>, EngineError> {
    let history = catalogue::history(root, location)?;
    let own = |stored: &&catalogue::StoredManifest| {
        stored.manifest.run_uid == record.author.run_uid
            && stored.manifest.kind != ManifestKind::Managed
    };
    let found = history.iter().find(own).map(|stored| stored.manifest.generation);
    if found.is_some() {
        catalogue::sync(root, location)?;
    }
    Ok(found)
}

fn declare(
    root: &Root,
    table: &TableDeclaration,
    expected: Option<TableVersion>,
    record: &Record,
) -> Result<TableVersion, EngineError> {
    let location = table_location(&table.name)?;
    if let Some(version) = made_by(root, &location, record)? {
        return Ok(version);
    }
    let is_key = |name: &str| table.partition_keys.iter().any(|key| key == name);
    let (keys, columns): (Vec<_>, Vec<_>) =
        table.schema.columns.iter().cloned().partition(|column| is_key(&column.name));
    let latest = catalogue::latest(root, &location)?.map(|stored| stored.manifest);
    let current = latest.as_ref().filter(|manifest| manifest.kind != ManifestKind::Deleted);
    check_version(&table.name, current.map(|manifest| manifest.generation), expected)?;
    let manifest = Manifest {
        kind: ManifestKind::External,
        locations: table.locations.clone(),
        format: Some(table.format.clone()),
        schema: Schema { columns },
        partition_columns: Schema { columns: keys },
        found: table.found.clone(),
        ..following(&location, latest.as_ref(), &record.author)
    };
    publish(root, &location, &manifest)
}

/// Returns a tombstone that follows a generation.
fn following(location: &StoragePath, latest: Option<&Manifest>, author: &Author) -> Manifest {
    Manifest {
        version: Manifest::VERSION,
        generation: TableVersion(latest.map_or(1, |latest| latest.generation.0 + 1)),
        previous: latest.map(|latest| latest.generation),
        kind: ManifestKind::Deleted,
        name: catalogue::table_name(location),
        run_uid: author.run_uid.clone(),
        attempt: author.attempt,
        created_at: super::clock::now(),
        locations: Vec::new(),
        format: None,
        schema: Schema::default(),
        partition_columns: Schema::default(),
        found: SchemaFound::Declared,
        added: Added::default(),
        files: Vec::new(),
    }
}

fn publish(
    root: &Root,
    location: &StoragePath,
    manifest: &Manifest,
) -> Result<TableVersion, EngineError> {
    if let Some(stored) = catalogue::publish(root, location, manifest)? {
        return Ok(stored.manifest.generation);
    }
    let message = format!("`{location}` was changed meanwhile");
    Err(error(ErrorKind::Conflict, OPERATION, message).with_hint("run it again"))
}

/// Ends a table with a tombstone, then removes its files.
fn delete_table(root: &Root, record: &Record) -> Result<Option<TableVersion>, EngineError> {
    let Some(location) = &record.doomed.location else { return Ok(None) };
    let version =
        if record.doomed.declared { Some(tombstone(root, location, record)?) } else { None };
    for file in &record.doomed.files {
        match root.dir().remove_file(file.as_str()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(OPERATION, file.as_str(), source));
            }
            _ => {}
        }
    }
    for file in &record.doomed.files {
        remove_empty_folders(root, file.as_str(), location.as_str());
    }
    Ok(version)
}

fn tombstone(
    root: &Root,
    location: &StoragePath,
    record: &Record,
) -> Result<TableVersion, EngineError> {
    if let Some(version) = made_by(root, location, record)? {
        return Ok(version);
    }
    let latest = catalogue::latest(root, location)?.map(|stored| stored.manifest);
    // What is deleted was fixed when the change was written down: a table that has grown since is
    // another one.
    if let (Some(latest), Change::DeleteTable { expected: Some(expected), name, .. }) =
        (&latest, &record.change)
    {
        check_version(name, Some(latest.generation), Some(*expected))?;
    }
    publish(root, location, &following(location, latest.as_ref(), &record.author))
}

/// Removes the folders above a removed file that are empty now, up to and with the table's own.
pub(crate) fn remove_empty_folders(root: &Root, file: &str, top: &str) {
    let mut folder = durable::folder_of(file);
    while folder.starts_with(top) && !folder.is_empty() {
        if root.dir().remove_dir(folder).is_err() {
            return;
        }
        folder = durable::folder_of(folder);
    }
}

#[async_trait]
impl Changes for LocalMetastore {
    async fn check(&self) -> Result<(), EngineError> {
        let root = Arc::clone(&self.root);
        super::threads::blocking(move || check_room(&root)).await
    }

    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        let (root, change, author) = (Arc::clone(&self.root), change.clone(), author.clone());
        super::threads::blocking(move || apply(&root, &change, &author)).await
    }

    async fn find(&self, author: &Author) -> Result<Option<Changed>, EngineError> {
        let (root, author) = (Arc::clone(&self.root), author.clone());
        super::threads::blocking(move || find(&root, &author)).await
    }

    async fn fence(&self, author: &Author) -> Result<Option<Changed>, EngineError> {
        let (root, author) = (Arc::clone(&self.root), author.clone());
        super::threads::blocking(move || fence(&root, &author)).await
    }
}
