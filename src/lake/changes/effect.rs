//! Makes changes. Every effect can be made again when a part of it was made.

use jiff::Timestamp;

use super::check::{check, check_version};
use super::effects::Effects;
use super::locations::{folder, table_location};
use super::record::{Doomed, OPERATION, Record};
use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed, TableDeclaration};
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{StoragePath, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::error;
use crate::lake::manifest::{Added, Manifest, ManifestKind, StoredManifest, table_name};
use crate::lake::{catalogue, run_record};

/// The effects of changes on manifests and files.
pub struct FileEffects<'a>(pub &'a dyn Files);

impl Effects for FileEffects<'_> {
    fn check(&self, change: &Change) -> Result<Doomed, EngineError> {
        check(self.0, change)
    }

    fn make(&self, record: &Record, now: Timestamp) -> Result<Changed, EngineError> {
        effect(self.0, record, now)
    }

    fn has_begun(&self, record: &Record) -> Result<bool, EngineError> {
        has_begun(self.0, record)
    }
}

/// Returns whether any part of an intended change can be seen.
fn has_begun(files: &dyn Files, record: &Record) -> Result<bool, EngineError> {
    let gone = |path: &StoragePath| Ok(files.kind(path)?.is_none());
    match &record.change {
        Change::CreateDatabase { name, .. } => gone(&folder(name)?).map(|gone| !gone),
        Change::DeleteDatabase { .. } => record.doomed.location.as_ref().map_or(Ok(false), gone),
        Change::PutTable { table, .. } => {
            Ok(made_by(files, &table_location(&table.name)?, record)?.is_some())
        }
        Change::DeleteTable { .. } => {
            let Some(location) = &record.doomed.location else { return Ok(false) };
            if record.doomed.declared && made_by(files, location, record)?.is_some() {
                return Ok(true);
            }
            for file in &record.doomed.files {
                if gone(file)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Makes a change, or what is left of it.
fn effect(files: &dyn Files, record: &Record, now: Timestamp) -> Result<Changed, EngineError> {
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
            files.make_folder(&folder(name)?)?;
            Ok(changed(format!("created database {name}"), None, doomed))
        }
        Change::DeleteDatabase { name, .. } => {
            let Some(location) = &doomed.location else {
                return Ok(changed(format!("deleted database {name}"), None, doomed));
            };
            let what = if files.remove_folder(location, &record.author.run_uid)? {
                format!("deleted database {name}")
            } else {
                format!(
                    "emptied database {name}; an object `{location}/` of another program keeps it: remove it there"
                )
            };
            Ok(changed(what, None, doomed))
        }
        Change::PutTable { table, expected } => {
            let version = declare(files, table, *expected, record, now)?;
            Ok(changed(format!("declared table {}", table.name), Some(version), doomed))
        }
        Change::DeleteTable { name, .. } => {
            let version = delete_table(files, record, now)?;
            Ok(changed(format!("deleted table {name}"), version, doomed))
        }
    }
}

/// Returns the generation that an author's change made of a table.
fn made_by(
    files: &dyn Files,
    location: &StoragePath,
    record: &Record,
) -> Result<Option<TableVersion>, EngineError> {
    let is_own = |stored: &StoredManifest| {
        stored.manifest.run_uid == record.author.run_uid
            && stored.manifest.kind != ManifestKind::Managed
    };
    let base = record.doomed.base.unwrap_or(TableVersion(0));
    let own = run_record::since(files, location, base, is_own)?.own;
    let found = own.map(|stored| stored.manifest.generation);
    if let Some(generation) = found {
        catalogue::keep(files, location, generation)?;
    }
    Ok(found)
}

fn declare(
    files: &dyn Files,
    table: &TableDeclaration,
    expected: Option<TableVersion>,
    record: &Record,
    now: Timestamp,
) -> Result<TableVersion, EngineError> {
    let location = table_location(&table.name)?;
    if let Some(version) = made_by(files, &location, record)? {
        return Ok(version);
    }
    let is_key = |name: &str| table.partition_keys.iter().any(|key| key == name);
    let (keys, columns): (Vec<_>, Vec<_>) =
        table.schema.columns.iter().cloned().partition(|column| is_key(&column.name));
    let latest = catalogue::latest(files, &location)?.map(|stored| stored.manifest);
    let current = latest.as_ref().filter(|manifest| manifest.kind != ManifestKind::Deleted);
    check_version(&table.name, current.map(|manifest| manifest.generation), expected)?;
    let manifest = Manifest {
        kind: ManifestKind::External,
        locations: table.locations.clone(),
        format: Some(table.format.clone()),
        schema: Schema { columns },
        partition_columns: Schema { columns: keys },
        found: table.found.clone(),
        ..following(&table.name, latest.as_ref(), &record.author, now)
    };
    publish(files, &location, &manifest)
}

/// Returns a tombstone that follows a generation.
fn following(
    name: &TableName,
    latest: Option<&Manifest>,
    author: &Author,
    now: Timestamp,
) -> Manifest {
    Manifest {
        version: Manifest::VERSION,
        generation: TableVersion(latest.map_or(1, |latest| latest.generation.0 + 1)),
        previous: latest.map(|latest| latest.generation),
        kind: ManifestKind::Deleted,
        name: name.clone(),
        run_uid: author.run_uid.clone(),
        attempt: author.attempt,
        created_at: now,
        locations: Vec::new(),
        format: None,
        schema: Schema::default(),
        partition_columns: Schema::default(),
        found: SchemaFound::Declared,
        added: Added::default(),
        total: Added::default(),
        lists: Vec::new(),
        files: Vec::new(),
    }
}

fn publish(
    files: &dyn Files,
    location: &StoragePath,
    manifest: &Manifest,
) -> Result<TableVersion, EngineError> {
    if let Some(stored) = catalogue::publish(files, location, manifest)? {
        return Ok(stored.manifest.generation);
    }
    let message = format!("`{location}` was changed meanwhile");
    Err(error(ErrorKind::Conflict, OPERATION, message).with_hint("run it again"))
}

/// Ends a table with a tombstone, then removes its files.
fn delete_table(
    files: &dyn Files,
    record: &Record,
    now: Timestamp,
) -> Result<Option<TableVersion>, EngineError> {
    let Some(location) = &record.doomed.location else { return Ok(None) };
    let version =
        if record.doomed.declared { Some(tombstone(files, location, record, now)?) } else { None };
    for file in &record.doomed.files {
        files.remove(file)?;
    }
    for file in &record.doomed.files {
        files.remove_empty_folders(file, location);
    }
    Ok(version)
}

fn tombstone(
    files: &dyn Files,
    location: &StoragePath,
    record: &Record,
    now: Timestamp,
) -> Result<TableVersion, EngineError> {
    if let Some(version) = made_by(files, location, record)? {
        return Ok(version);
    }
    let latest = catalogue::latest(files, location)?.map(|stored| stored.manifest);
    // What is deleted was fixed when the change was written down: a table that has grown since is
    // another one.
    if let (Some(latest), Change::DeleteTable { expected: Some(expected), name, .. }) =
        (&latest, &record.change)
    {
        check_version(name, Some(latest.generation), Some(*expected))?;
    }
    let name = latest.as_ref().map_or_else(|| table_name(location), |latest| latest.name.clone());
    publish(files, location, &following(&name, latest.as_ref(), &record.author, now))
}
