//! Which files a location is: a file, a folder with everything below it, or a glob.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use globset::GlobBuilder;

use super::catalogue;
use super::error::{error, path_error};
use super::file_lists::all_files;
use crate::engines::files::{EntryKind, Files};
use crate::engines::job_spec::FileSink;
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};

const OPERATION: &str = "list files";

/// The folder that holds Mason's own files below a root.
pub const OWN_FOLDER: &str = ".mason";

/// Returns whether a file or folder of this name is no data.
pub(crate) fn is_left_out(name: &str) -> bool {
    name.starts_with('_') || name.starts_with('.')
}

/// Returns the folder of a path; empty for one directly below the root.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns every data file below a folder (the root when `None`), by path.
///
/// # Errors
/// As [`Files::walk`].
pub(crate) fn files_below(
    files: &dyn Files,
    folder: Option<&StoragePath>,
) -> Result<Vec<PinnedFile>, EngineError> {
    let mut found: Vec<PinnedFile> = Vec::new();
    files.walk(folder, &mut |file| {
        found.push(file);
        ControlFlow::Continue(())
    })?;
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

/// Returns whether there is any data file below a folder that no job has staged; looks no further than
/// the first.
///
/// # Errors
/// As [`Files::walk`].
pub(crate) fn holds_data(files: &dyn Files, folder: &StoragePath) -> Result<bool, EngineError> {
    let mut committed = CommittedFiles::of(files);
    let mut found = false;
    let mut take_first = |_| {
        found = true;
        ControlFlow::Break(())
    };
    let walked = files.walk(Some(folder), &mut |file| committed.hand_on(file, &mut take_first));
    committed.ended(walked)?;
    Ok(found)
}

/// Tells the files that jobs committed from those that they have only written.
struct CommittedFiles<'a> {
    files: &'a dyn Files,
    /// What the latest manifest of each folder names.
    named: HashMap<String, HashSet<StoragePath>>,
    failure: Option<EngineError>,
}

impl<'a> CommittedFiles<'a> {
    fn of(files: &'a dyn Files) -> Self {
        Self { files, named: HashMap::new(), failure: None }
    }

    /// Hands a file on, unless a job wrote it and no manifest names it.
    fn hand_on(
        &mut self,
        file: PinnedFile,
        take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.is_data(&file.path) {
            Ok(true) => take(file),
            Ok(false) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn is_data(&mut self, file: &StoragePath) -> Result<bool, EngineError> {
        let Some(table) = table_of_staged(file.as_str()) else { return Ok(true) };
        if !self.named.contains_key(table) {
            let named = named_by_manifest(self.files, table)?;
            self.named.insert(table.to_owned(), named);
        }
        Ok(self.named.get(table).is_some_and(|named| named.contains(file)))
    }

    fn ended(self, visited: Result<(), EngineError>) -> Result<(), EngineError> {
        visited.and(self.failure.map_or(Ok(()), Err))
    }
}

/// Returns the folder of the table that a job wrote a file to; nothing for a file that no job wrote. It is empty where
/// no table can be.
fn table_of_staged(file: &str) -> Option<&str> {
    let (folders, _) = file.rsplit_once('/')?;
    let mut at = 0;
    for part in folders.split('/') {
        if part.starts_with(FileSink::STAGING_PREFIX) {
            return Some(folders[..at].trim_end_matches('/'));
        }
        at += part.len() + 1;
    }
    None
}

/// Returns whether a job of a table wrote a file, committed or not.
pub(crate) fn is_staged(table: &StoragePath, file: &StoragePath) -> bool {
    table_of_staged(file.as_str()) == Some(table.as_str())
}

fn named_by_manifest(files: &dyn Files, table: &str) -> Result<HashSet<StoragePath>, EngineError> {
    let Ok(table) = StoragePath::new(table) else { return Ok(HashSet::new()) };
    let Some(latest) = catalogue::latest(files, &table)? else { return Ok(HashSet::new()) };
    let named = all_files(files, &latest.manifest)?;
    Ok(named.into_iter().map(|file| file.path).collect())
}

/// Checks the text of a location. It is taken as it is when something of that name is there, and as a
/// glob otherwise.
///
/// # Errors
/// `InvalidInput` for a text that is no path, or one within Mason's own folder.
pub(crate) fn checked(location: &str) -> Result<StoragePath, EngineError> {
    let path = StoragePath::new(location).map_err(|source| path_error(OPERATION, source))?;
    if path.as_str().split('/').any(|part| part == OWN_FOLDER) {
        let message = format!("`{location}` is within Mason's own folder");
        return Err(error(ErrorKind::InvalidInput, OPERATION, message));
    }
    Ok(path)
}

/// Returns the part of a location before the first part that is a pattern; empty for the root.
pub(crate) fn base_of(location: &str) -> &str {
    match location.find(['*', '?', '[', '{']) {
        Some(at) => folder_of(&location[..at]),
        None => location,
    }
}

/// Returns every data file of a location, by path.
///
/// # Errors
/// As [`visit`].
pub(crate) fn files_of(files: &dyn Files, location: &str) -> Result<Vec<PinnedFile>, EngineError> {
    let mut found = Vec::new();
    visit(files, location, &mut |file| {
        found.push(file);
        ControlFlow::Continue(())
    })?;
    found.sort_by(|left: &PinnedFile, right| left.path.cmp(&right.path));
    Ok(found)
}

/// Hands on every data file of a location, in no order, until it is enough. Of the files that jobs wrote, those are
/// data which the latest manifest of their table names.
///
/// # Errors
/// `NotFound` when there is nothing; `InvalidInput` for what is no location; as [`Files::walk`].
pub(crate) fn visit(
    files: &dyn Files,
    location: &str,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    data_of(files, take, |take| visit_all(files, location, take))
}

/// What takes files one by one, until it is enough.
type Take<'a> = dyn FnMut(PinnedFile) -> ControlFlow<()> + 'a;

/// Hands on what a walk finds, without what jobs have only written.
///
/// # Errors
/// As the walk, and when a manifest cannot be read.
pub(crate) fn data_of(
    files: &dyn Files,
    take: &mut Take<'_>,
    walk: impl FnOnce(&mut Take<'_>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut committed = CommittedFiles::of(files);
    let walked = walk(&mut |file| committed.hand_on(file, take));
    committed.ended(walked)
}

fn visit_all(
    files: &dyn Files,
    location: &str,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let path = checked(location)?;
    match files.kind(&path)? {
        Some(EntryKind::Folder) => return files.walk(Some(&path), take),
        Some(EntryKind::File) if files.is_folder_too(&path)? => {
            let message = format!("`{location}` is an object, and other objects are below it");
            let both = error(ErrorKind::InvalidInput, OPERATION, message);
            return Err(both.with_hint("rename one of them: which is meant cannot be told"));
        }
        Some(EntryKind::File) => {
            let _ = take(files.pin(&path)?);
            return Ok(());
        }
        None => {}
    }
    if base_of(path.as_str()) == path.as_str() {
        let message = format!("there is nothing at `{location}`");
        return Err(error(ErrorKind::NotFound, OPERATION, message));
    }
    visit_matching(files, path.as_str(), take)
}

fn visit_matching(
    files: &dyn Files,
    glob: &str,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let wrong = |source: globset::Error| {
        error(ErrorKind::InvalidInput, OPERATION, format!("`{glob}` is no glob: {source}"))
            .with_source(source)
    };
    let matcher = GlobBuilder::new(glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(wrong)?
        .compile_matcher();
    let base = base_of(glob);
    let base = if base.is_empty() { None } else { Some(checked(base)?) };
    let mut take_matching = |file: PinnedFile| {
        if matcher.is_match(file.path.as_str()) { take(file) } else { ControlFlow::Continue(()) }
    };
    match files.walk(base.as_ref(), &mut take_matching) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
