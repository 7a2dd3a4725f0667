//! Makes written files visible at once: the next generation of their folder's manifest.
//!
//! Everything the manifest names is kept for good before the manifest gets its name. A run commits once,
//! whichever of its attempts does: every generation since the run was recorded ([`super::run_record`]) is
//! looked at for the run's UID first, and again whenever another writer was faster.

use jiff::Timestamp;

use super::catalogue;
use super::error::{error, path_error};
use super::file_lists::{self, all_files};
use super::listing::{files_below, folder_of, is_staged};
use super::manifest::{Added, Manifest, ManifestKind, StoredManifest, table_name};
use super::run_record::{self, RunRecord, is_commit_of};
use crate::engines::files::Files;
use crate::engines::job::{JobOwner, JobToken};
use crate::engines::job_spec::{FileSink, WriteMode};
use crate::engines::metastore::{Change, TableDeclaration};
use crate::engines::result::{Commit, Written};
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{CsvDialect, FileFormat, Format, StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};

const OPERATION: &str = "commit";

/// How often a commit is tried again because another writer made the generation first.
const MAX_TRIES: u32 = 1_000;

/// For whom a commit is made, and when.
#[derive(Debug, Clone, Copy)]
pub struct Committer<'a> {
    /// The run.
    pub owner: &'a JobOwner,
    /// The token its files were written under.
    pub token: &'a JobToken,
    /// The time, which the manifest says.
    pub now: Timestamp,
}

/// Commits written files, or returns the commit that the run made before.
///
/// # Errors
/// `Conflict` when the table is no longer the one that was planned for; `AlreadyExists` when there is
/// one and the mode is `error`; `InvalidInput` for appended files whose schema or format differs.
pub fn commit(
    files: &dyn Files,
    sink: &FileSink,
    written: &Written,
    committer: Committer<'_>,
) -> Result<Commit, EngineError> {
    let location = location_of(sink)?;
    let paths: Vec<&StoragePath> = written.files.iter().map(|file| &file.path).collect();
    files.keep(&paths)?;
    let record = match run_record::of(files, &location, &committer.owner.run_uid)? {
        Some(record) => record,
        None => match recorded(files, &location, sink, committer)? {
            Recorded::Run(record) => record,
            Recorded::Commit(own) => return adopted(files, &location, &own),
        },
    };
    let is_own = |stored: &StoredManifest| is_commit_of(stored, &committer.owner.run_uid);
    let mut base = record.base;
    for _ in 0..MAX_TRIES {
        let since = run_record::since(files, &location, base, is_own)?;
        if let Some(own) = since.own {
            return adopted(files, &location, &own);
        }
        base = since.last.as_ref().map_or(base, |last| last.manifest.generation);
        let mut manifest = next_manifest(&location, sink, written, committer, since.last.as_ref())?;
        file_lists::spill(files, &location, &mut manifest, committer.token)?;
        if let Some(stored) = catalogue::publish(files, &location, &manifest)? {
            return Ok(as_commit(&location, &stored));
        }
    }
    let message = format!("`{location}` is written to by too many at once");
    Err(error(ErrorKind::Unavailable, OPERATION, message))
}

/// What is known of a run before it commits.
enum Recorded {
    /// It is recorded now.
    Run(RunRecord),
    /// It has committed, before there were records.
    Commit(Box<StoredManifest>),
}

/// Records a run that is about to make its first commit to a folder that may be written to.
fn recorded(
    files: &dyn Files,
    location: &StoragePath,
    sink: &FileSink,
    committer: Committer<'_>,
) -> Result<Recorded, EngineError> {
    let latest = catalogue::latest(files, location)?;
    let base = latest.as_ref().map_or(TableVersion(0), |last| last.manifest.generation);
    let is_table = latest.is_some();
    let uid = &committer.owner.run_uid;
    if let Some(own) = run_record::unrecorded_commit(files, location, uid, latest)? {
        return Ok(Recorded::Commit(Box::new(own)));
    }
    check_folder(files, location, sink, is_table)?;
    let record = RunRecord {
        run_uid: uid.clone(),
        attempt: committer.owner.attempt,
        token: committer.token.clone(),
        base,
    };
    run_record::publish(files, location, record).map(Recorded::Run)
}

fn location_of(sink: &FileSink) -> Result<StoragePath, EngineError> {
    StoragePath::new(&sink.location).map_err(|source| path_error(OPERATION, source))
}

/// Returns the commit that a run made to a sink, by whichever attempt.
///
/// # Errors
/// Whatever reading the catalogue fails with.
pub fn find_commit(
    files: &dyn Files,
    sink: &FileSink,
    owner: &JobOwner,
) -> Result<Option<Commit>, EngineError> {
    let location = location_of(sink)?;
    let own = if let Some(record) = run_record::of(files, &location, &owner.run_uid)? {
        let is_own = |stored: &StoredManifest| is_commit_of(stored, &owner.run_uid);
        run_record::since(files, &location, record.base, is_own)?.own
    } else {
        let latest = catalogue::latest(files, &location)?;
        run_record::unrecorded_commit(files, &location, &owner.run_uid, latest)?
    };
    own.map(|own| adopted(files, &location, &own)).transpose()
}

/// A commit of an attempt that died may not be kept for good yet: it is when this returns.
fn adopted(
    files: &dyn Files,
    location: &StoragePath,
    own: &StoredManifest,
) -> Result<Commit, EngineError> {
    catalogue::keep(files, location, own.manifest.generation)?;
    Ok(as_commit(location, own))
}

fn as_commit(location: &StoragePath, stored: &StoredManifest) -> Commit {
    let Manifest { name, generation, added, attempt, .. } = &stored.manifest;
    Commit {
        table: Some(name.clone()),
        location: location.to_string(),
        version: *generation,
        files: added.files,
        bytes: added.bytes,
        rows: added.rows,
        digest: stored.digest.clone(),
        attempt: *attempt,
    }
}

/// Returns what a catalogue has to be told of a commit: the table, in the folder of the files that were committed.
///
/// # Errors
/// Whatever reading the manifest fails with.
pub fn registration(
    files: &dyn Files,
    sink: &FileSink,
    (commit, token): (&Commit, &JobToken),
) -> Result<Option<Change>, EngineError> {
    let Some(register) = sink.register else { return Ok(None) };
    let location = location_of(sink)?;
    let manifest = catalogue::read(files, &location, commit.version)?.manifest;
    let first = all_files(files, &manifest)?.into_iter().next();
    // A job that wrote no file has a folder too, in which there is nothing.
    let folder = match first.and_then(|file| staging_of(&location, &file.path)) {
        Some(folder) => folder,
        None => sink.staging(token).map_err(|source| path_error(OPERATION, source))?.into(),
    };
    let table = TableDeclaration {
        name: manifest.name.clone(),
        locations: vec![folder],
        format: written_format(sink.format),
        schema: manifest.full_schema(),
        partition_keys: manifest.partition_keys(),
        found: manifest.found.clone(),
    };
    Ok(Some(Change::PutTable { table: Box::new(table), expected: register.expected }))
}

/// Returns the folder of the job that wrote a file of a table.
fn staging_of(table: &StoragePath, file: &StoragePath) -> Option<String> {
    let below = file.as_str().strip_prefix(table.as_str())?.strip_prefix('/')?;
    let (job, _) = below.split_once('/')?;
    Some(format!("{table}/{job}"))
}

/// Refuses a folder that holds files of another origin, or whose name is taken.
fn check_folder(
    files: &dyn Files,
    location: &StoragePath,
    sink: &FileSink,
    is_table: bool,
) -> Result<(), EngineError> {
    if let Some(other) = same_name_in_other_case(files, location)? {
        let message = format!("`{location}` and `{other}` differ only in case");
        return Err(error(ErrorKind::InvalidInput, OPERATION, message)
            .with_hint("names are compared without regard to case; choose another one"));
    }
    if is_table || sink.mode == WriteMode::Replace {
        return Ok(());
    }
    let found = match files_below(files, Some(location)) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let Some(foreign) = found.iter().find(|file| !is_staged(location, &file.path)) else {
        return Ok(());
    };
    let message = format!("`{location}` holds files that Mason did not write: `{}`", foreign.path);
    Err(error(ErrorKind::AlreadyExists, OPERATION, message)
        .with_hint("write to another table, or use mode `replace`, which leaves those files alone"))
}

fn same_name_in_other_case(
    files: &dyn Files,
    location: &StoragePath,
) -> Result<Option<String>, EngineError> {
    let folder = folder_of(location.as_str());
    let folder = if folder.is_empty() { None } else { Some(StoragePath::new(folder)) };
    let folder = folder.transpose().map_err(|source| path_error(OPERATION, source))?;
    let entries = match files.level(folder.as_ref()) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let own = location.file_name();
    let other = entries.into_iter().map(|entry| entry.name);
    Ok(other.into_iter().find(|name| name != own && name.eq_ignore_ascii_case(own)))
}

/// Returns the manifest that follows the latest, with all new files in itself.
fn next_manifest(
    location: &StoragePath,
    sink: &FileSink,
    written: &Written,
    committer: Committer<'_>,
    latest: Option<&StoredManifest>,
) -> Result<Manifest, EngineError> {
    let latest = latest.map(|stored| &stored.manifest);
    let current = latest.filter(|manifest| manifest.kind != ManifestKind::Deleted);
    check_target(location, sink, current)?;
    let kept = current.filter(|_| sink.mode == WriteMode::Append);
    let (mut files, mut lists, mut total) = (Vec::new(), Vec::new(), Added::of(&written.files));
    if let Some(kept) = kept {
        check_appendable(location, sink.format, written, kept)?;
        files.clone_from(&kept.files);
        lists.clone_from(&kept.lists);
        total = total.plus(kept.total());
    }
    files.extend(written.files.iter().cloned());
    Ok(Manifest {
        version: Manifest::VERSION,
        generation: TableVersion(latest.map_or(1, |manifest| manifest.generation.0 + 1)),
        previous: latest.map(|manifest| manifest.generation),
        kind: ManifestKind::Managed,
        name: sink.table.clone().unwrap_or_else(|| table_name(location)),
        run_uid: committer.owner.run_uid.clone(),
        attempt: committer.owner.attempt,
        created_at: committer.now,
        locations: vec![location.to_string()],
        format: Some(written_format(sink.format)),
        schema: merged_nullability(&written.schema, kept.map(|manifest| &manifest.schema)),
        partition_columns: written.partition_columns.clone(),
        found: SchemaFound::AllRows { files: total.files, rows: total.rows },
        added: Added::of(&written.files),
        total,
        lists,
        files,
    })
}

/// Refuses a target that is not the one the job was planned for.
fn check_target(
    location: &StoragePath,
    sink: &FileSink,
    current: Option<&Manifest>,
) -> Result<(), EngineError> {
    if sink.register.is_some() {
        // The catalogue decides what the table is; the manifests of its folder only prove what jobs wrote.
        return Ok(());
    }
    let now = current.map(|manifest| manifest.generation);
    let changed = |what: String| {
        Err(error(ErrorKind::Conflict, OPERATION, format!("`{location}` {what}"))
            .with_hint("the target changed while the job worked; run it again"))
    };
    let shown = |version: Option<TableVersion>| match version {
        Some(version) => format!("at version {}", version.0),
        None => "not there".to_owned(),
    };
    match sink.mode {
        WriteMode::Error if now.is_some() => changed("was created meanwhile".to_owned()),
        WriteMode::Replace if now != sink.expected => changed(format!(
            "was {} when the job was planned and is now {}",
            shown(sink.expected),
            shown(now)
        )),
        WriteMode::Append if sink.expected.is_some() && now.is_none() => {
            changed("was deleted meanwhile".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_appendable(
    location: &StoragePath,
    format: Format,
    written: &Written,
    current: &Manifest,
) -> Result<(), EngineError> {
    let refuse = |what: String| {
        Err(error(ErrorKind::InvalidInput, OPERATION, format!("`{location}` {what}")))
    };
    if current.kind != ManifestKind::Managed {
        return refuse("is declared over files that Mason did not write".to_owned());
    }
    let has = current.format.as_ref().map(|format| format.format);
    if has != Some(format) {
        let has = has.map_or_else(|| "no format".to_owned(), |format| format.to_string());
        return refuse(format!("is kept as {has}, the new files are {format}"));
    }
    let partitions = |schema: &Schema| shapes(schema);
    if partitions(&current.partition_columns) != partitions(&written.partition_columns) {
        return refuse("is partitioned by other columns than the new files".to_owned());
    }
    let (have, new) = (shapes(&current.schema), shapes(&written.schema));
    if have == new {
        return Ok(());
    }
    let only = |left: &[String], right: &[String]| {
        left.iter().filter(|shape| !right.contains(shape)).cloned().collect::<Vec<_>>().join(", ")
    };
    refuse(format!(
        "has another schema than the new files: the table has [{}], the files have [{}]",
        only(&have, &new),
        only(&new, &have)
    ))
}

fn shapes(schema: &Schema) -> Vec<String> {
    schema.columns.iter().map(|column| format!("{} {}", column.name, column.data_type.0)).collect()
}

fn merged_nullability(new: &Schema, current: Option<&Schema>) -> Schema {
    let mut merged = new.clone();
    for column in &mut merged.columns {
        let before = current.and_then(|schema| schema.column(&column.name));
        column.nullable |= before.is_some_and(|before| before.nullable);
    }
    merged
}

/// Returns how files that Mason wrote are read.
pub(crate) fn written_format(format: Format) -> FileFormat {
    let csv = (format == Format::Csv).then(CsvDialect::default);
    FileFormat { csv, ..FileFormat::of(format) }
}
