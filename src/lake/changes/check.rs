//! What a change would do, and why it cannot be made. Looks only.

use super::locations::{folder, table_location};
use super::record::{Doomed, OPERATION};
use crate::engines::files::{Entry, EntryKind, Files};
use crate::engines::metastore::{Change, TableDeclaration};
use crate::engines::table::{PinnedFile, StoragePath, TableKind, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::error;
use crate::lake::file_lists::all_files;
use crate::lake::manifest::ManifestKind;
use crate::lake::tables::{self, FoundTable};
use crate::lake::{catalogue, listing};

/// Refuses a change that cannot be made, and fixes what it deletes.
pub(super) fn check(files: &dyn Files, change: &Change) -> Result<Doomed, EngineError> {
    match change {
        Change::CreateDatabase { name, if_not_exists } => {
            check_create_database(files, name, *if_not_exists)
        }
        Change::DeleteDatabase { name, cascade } => check_delete_database(files, name, *cascade),
        Change::PutTable { table, expected } => check_put_table(files, table, *expected),
        Change::DeleteTable { name, expected, delete_external_files } => {
            check_delete_table(files, name, *expected, *delete_external_files)
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
    files: &dyn Files,
    name: &str,
    if_not_exists: bool,
) -> Result<Doomed, EngineError> {
    check_name(name)?;
    match tables::database(files, name) {
        Ok(_) if if_not_exists => Ok(Doomed { already: true, ..Doomed::default() }),
        Ok(existing) => {
            let message = format!("there is a database `{}` already", existing.name);
            Err(error(ErrorKind::AlreadyExists, OPERATION, message))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Doomed::default()),
        Err(error) => Err(error),
    }
}

fn check_delete_database(
    files: &dyn Files,
    name: &str,
    cascade: bool,
) -> Result<Doomed, EngineError> {
    let database = tables::database(files, name)?;
    let tables = tables::tables(files, &database)?;
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
        doomed.bytes += manifest.total().bytes;
        doomed.files.extend(all_files(files, manifest)?.into_iter().map(|file| file.path));
    }
    let foreign = foreign_file(files, &database.location, &tables)?;
    if let Some(foreign) = foreign {
        let message = format!("`{foreign}` in database `{}` is not Mason's", database.name);
        return Err(error(ErrorKind::Conflict, OPERATION, message)
            .with_hint("move or delete that file first"));
    }
    Ok(doomed)
}

/// Returns a file of a database's folder that belongs to no managed table.
fn foreign_file(
    files: &dyn Files,
    location: &str,
    tables: &[FoundTable],
) -> Result<Option<String>, EngineError> {
    let database = folder(location)?;
    for Entry { name, kind } in files.level(Some(&database))? {
        let path = format!("{location}/{name}");
        let managed = tables.iter().any(|table| table.path.as_str() == path);
        if managed || kind == EntryKind::Folder && is_without_files(files, &path)? {
            continue;
        }
        return Ok(Some(path));
    }
    Ok(None)
}

fn is_without_files(files: &dyn Files, path: &str) -> Result<bool, EngineError> {
    Ok(listing::files_below(files, Some(&folder(path)?))?.is_empty())
}

fn check_put_table(
    files: &dyn Files,
    table: &TableDeclaration,
    expected: Option<TableVersion>,
) -> Result<Doomed, EngineError> {
    check_name(&table.name.table)?;
    let database = tables::database(files, &table.name.database)?;
    for location in &table.locations {
        listing::checked(location)?;
    }
    for key in &table.partition_keys {
        if table.schema.column(key).is_none() {
            let message = format!("the partition key `{key}` is not among the columns");
            return Err(error(ErrorKind::InvalidInput, OPERATION, message));
        }
    }
    let known = tables::tables_called(files, &database, &table.name.table)?;
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
        None => Ok(Doomed { base: base_of(files, &own)?, ..Doomed::default() }),
    }
}

/// Returns the highest generation of a folder, 0 where it has none.
fn base_of(files: &dyn Files, location: &StoragePath) -> Result<Option<TableVersion>, EngineError> {
    let latest = catalogue::latest(files, location)?;
    Ok(Some(latest.map_or(TableVersion(0), |latest| latest.manifest.generation)))
}

/// A declaration may give the files that were found under its name a schema.
fn is_declared_here(table: &TableDeclaration, path: &str) -> bool {
    table.locations.iter().any(|location| {
        let base = listing::base_of(location);
        base == path || base.starts_with(&format!("{path}/")) || location == path
    })
}

fn check_delete_table(
    files: &dyn Files,
    name: &TableName,
    expected: Option<TableVersion>,
    external_files: bool,
) -> Result<Doomed, EngineError> {
    let table = tables::table(files, name)?;
    if let Some(expected) = expected {
        check_version(name, table.manifest.as_ref().map(|m| m.generation), Some(expected))?;
    }
    let doomed: Vec<(StoragePath, u64)> = match &table.manifest {
        Some(manifest) if manifest.kind == ManifestKind::Managed => {
            let all = all_files(files, manifest)?.into_iter();
            all.map(|file| (file.path, file.size_bytes)).collect()
        }
        Some(manifest) if external_files => {
            let wanted = tables::WantedFiles { most: usize::MAX, filter: None };
            let found = tables::declared_files(files, manifest, wanted)?.unwrap_or_default();
            sized(found.files)
        }
        Some(_) => Vec::new(),
        None if external_files => sized(listing::files_of(files, table.path.as_str())?),
        None => {
            let message = format!("`{}` is not declared: its files are all there is", table.name);
            return Err(error(ErrorKind::InvalidInput, OPERATION, message)
                .with_hint("ask for its files to be deleted, if that is meant"));
        }
    };
    Ok(Doomed {
        declared: table.kind != TableKind::Discovered,
        bytes: doomed.iter().map(|(_, size)| size).sum(),
        files: doomed.into_iter().map(|(path, _)| path).collect(),
        already: false,
        base: base_of(files, &table.path)?,
        location: Some(table.path),
    })
}

fn sized(files: Vec<PinnedFile>) -> Vec<(StoragePath, u64)> {
    files.into_iter().map(|file| (file.path, file.size_bytes)).collect()
}

/// Refuses a change of a table that has another version by now.
pub(super) fn check_version(
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
        .with_hint("the table was changed meanwhile; run it again"))
}
