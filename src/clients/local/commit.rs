//! Makes written files visible at once: the next generation of their folder's manifest.
//!
//! Everything the manifest names is on the disk before the manifest gets its name. A run commits once,
//! whichever of its attempts does: every kept generation is searched for the run's UID first, and again
//! whenever somebody else was faster.

use std::collections::BTreeSet;

use super::catalogue::{self, Added, Manifest, ManifestKind, StoredManifest};
use super::durable::{folder_of, sync_folders_above};
use super::listing;
use super::root::Root;
use crate::engines::job::{JobOwner, JobToken};
use crate::engines::job_spec::{FileSink, WriteMode};
use crate::engines::result::Commit;
use crate::engines::result::Written;
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{CsvDialect, FileFormat, Format, StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{error, io_error, path_error};

const OPERATION: &str = "commit";

/// How often a commit is tried again because somebody else made the generation first.
const MAX_TRIES: u32 = 1_000;

/// For whom a commit is made.
#[derive(Debug, Clone, Copy)]
pub struct Committer<'a> {
    /// The run.
    pub owner: &'a JobOwner,
    /// The token its files were written under.
    pub token: &'a JobToken,
}

/// Commits written files, or returns the commit that the run made before.
///
/// # Errors
/// `Conflict` when the table is no longer the one that was planned for; `AlreadyExists` when there is
/// one and the mode is `error`; `InvalidInput` for appended files whose schema or format differs.
pub fn commit(
    root: &Root,
    sink: &FileSink,
    written: &Written,
    committer: Committer<'_>,
) -> Result<Commit, EngineError> {
    let location =
        StoragePath::new(&sink.location).map_err(|source| path_error(OPERATION, source))?;
    if let Some(commit) = find_commit(root, sink, committer.owner)? {
        return Ok(commit);
    }
    check_folder(root, &location, sink, committer.token)?;
    sync_files(root, written)?;
    for _ in 0..MAX_TRIES {
        let history = catalogue::history(root, &location)?;
        if let Some(own) = made_by(&history, &committer.owner.run_uid) {
            return adopted(root, &location, own);
        }
        let manifest = next_manifest(&location, sink, written, committer.owner, history.last())?;
        if let Some(stored) = catalogue::publish(root, &location, &manifest)? {
            return Ok(as_commit(&location, &stored));
        }
    }
    let message = format!("`{location}` is written to by too many at once");
    Err(error(ErrorKind::Unavailable, OPERATION, message))
}

/// Returns the commit that a run made to a sink, by whichever attempt.
///
/// # Errors
/// Whatever reading the manifests fails with.
pub fn find_commit(
    root: &Root,
    sink: &FileSink,
    owner: &JobOwner,
) -> Result<Option<Commit>, EngineError> {
    let location =
        StoragePath::new(&sink.location).map_err(|source| path_error(OPERATION, source))?;
    let history = catalogue::history(root, &location)?;
    made_by(&history, &owner.run_uid).map(|own| adopted(root, &location, own)).transpose()
}

fn made_by<'a>(history: &'a [StoredManifest], run_uid: &str) -> Option<&'a StoredManifest> {
    #[cfg(test)]
    if crate::faults::Precondition::CommitRecord.is_removed() {
        return None;
    }
    history.iter().find(|stored| {
        stored.manifest.kind == ManifestKind::Managed && stored.manifest.run_uid == run_uid
    })
}

/// A commit of an attempt that died may not have reached the disk: it has when this returns.
fn adopted(
    root: &Root,
    location: &StoragePath,
    own: &StoredManifest,
) -> Result<Commit, EngineError> {
    catalogue::sync(root, location)?;
    Ok(as_commit(location, own))
}

fn as_commit(location: &StoragePath, stored: &StoredManifest) -> Commit {
    let Manifest { generation, added, attempt, .. } = &stored.manifest;
    Commit {
        location: location.to_string(),
        version: *generation,
        files: added.files,
        bytes: added.bytes,
        rows: added.rows,
        digest: stored.digest.clone(),
        attempt: *attempt,
    }
}

/// Waits until every written file and the names of all folders on its path are on the disk.
fn sync_files(root: &Root, written: &Written) -> Result<(), EngineError> {
    let mut folders = BTreeSet::new();
    for file in &written.files {
        let path = file.path.as_str();
        root.disk()
            .sync_file(root.dir(), path)
            .map_err(|source| io_error("sync a file", path, source))?;
        let mut folder = folder_of(path);
        while !folder.is_empty() && folders.insert(folder) {
            folder = folder_of(folder);
        }
    }
    // The deepest first: a name is of use only when what it names is on the disk.
    let mut deepest_first: Vec<_> = folders.into_iter().collect();
    deepest_first.sort_by_key(|folder| std::cmp::Reverse(folder.matches('/').count()));
    for folder in deepest_first {
        root.disk()
            .sync_folder(root.dir(), folder)
            .map_err(|source| io_error("sync a folder", folder, source))?;
    }
    match written.files.first() {
        Some(file) => {
            let top = file.path.as_str().split('/').next().unwrap_or_default();
            sync_folders_above(root, top).map_err(|source| io_error("sync a folder", top, source))
        }
        None => Ok(()),
    }
}

/// Refuses a folder that holds files of somebody else, or whose name is taken.
fn check_folder(
    root: &Root,
    location: &StoragePath,
    sink: &FileSink,
    token: &JobToken,
) -> Result<(), EngineError> {
    if let Some(other) = same_name_in_other_case(root, location)? {
        let message = format!("`{location}` and `{other}` differ only in case");
        return Err(error(ErrorKind::InvalidInput, OPERATION, message)
            .with_hint("names are compared without regard to case; choose another one"));
    }
    if sink.mode == WriteMode::Replace || catalogue::latest(root, location)?.is_some() {
        return Ok(());
    }
    let own = format!("{location}/{token}/");
    let files = match listing::files_below(root, Some(location)) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let staged = listing::staged_folders(root, location)?;
    let foreign = files.iter().map(|file| file.path.as_str()).find(|path| {
        !path.starts_with(&own) && !staged.iter().any(|folder| path.starts_with(folder))
    });
    let Some(foreign) = foreign else { return Ok(()) };
    let message = format!("`{location}` holds files that Mason did not write: `{foreign}`");
    Err(error(ErrorKind::AlreadyExists, OPERATION, message)
        .with_hint("write to another table, or use mode `replace`, which leaves those files alone"))
}

fn same_name_in_other_case(
    root: &Root,
    location: &StoragePath,
) -> Result<Option<String>, EngineError> {
    let folder = folder_of(location.as_str());
    let fail = |source| io_error("list a folder", folder, source);
    let entries =
        if folder.is_empty() { root.dir().entries() } else { root.dir().read_dir(folder) };
    let entries = match entries {
        Ok(entries) => entries,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(fail(source)),
    };
    for entry in entries {
        let name = entry.map_err(fail)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name != location.file_name() && name.eq_ignore_ascii_case(location.file_name()) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

fn next_manifest(
    location: &StoragePath,
    sink: &FileSink,
    written: &Written,
    owner: &JobOwner,
    latest: Option<&StoredManifest>,
) -> Result<Manifest, EngineError> {
    let latest = latest.map(|stored| &stored.manifest);
    let current = latest.filter(|manifest| manifest.kind != ManifestKind::Deleted);
    check_target(location, sink, current)?;
    let kept = current.filter(|_| sink.mode == WriteMode::Append);
    let mut files = Vec::new();
    if let Some(kept) = kept {
        check_appendable(location, sink.format, written, kept)?;
        files.clone_from(&kept.files);
    }
    files.extend(written.files.iter().cloned());
    let rows = files.iter().map(|file| file.rows).sum();
    let count = files.len() as u64;
    Ok(Manifest {
        version: Manifest::VERSION,
        generation: TableVersion(latest.map_or(1, |manifest| manifest.generation.0 + 1)),
        previous: latest.map(|manifest| manifest.generation),
        kind: ManifestKind::Managed,
        name: catalogue::table_name(location),
        run_uid: owner.run_uid.clone(),
        attempt: owner.attempt,
        created_at: super::clock::now(),
        locations: vec![location.to_string()],
        format: Some(written_format(sink.format)),
        schema: merged_nullability(&written.schema, kept.map(|manifest| &manifest.schema)),
        partition_columns: written.partition_columns.clone(),
        found: SchemaFound::AllRows { files: count, rows },
        added: Added::of(&written.files),
        files,
    })
}

/// Refuses a target that is not the one the job was planned for.
fn check_target(
    location: &StoragePath,
    sink: &FileSink,
    current: Option<&Manifest>,
) -> Result<(), EngineError> {
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
