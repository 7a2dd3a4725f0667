//! Which files a location is: a file, a folder with everything below it, or a glob.

use std::ops::ControlFlow;

use globset::GlobBuilder;

use super::error::{error, path_error};
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
    let mut found = false;
    files.walk(Some(folder), &mut |file| {
        if is_staged(folder, &file.path) {
            return ControlFlow::Continue(());
        }
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Returns whether a file below a table's folder is in one that a job writes to: it is of the table only
/// when a manifest names it.
pub(crate) fn is_staged(table: &StoragePath, file: &StoragePath) -> bool {
    let below = file.as_str().strip_prefix(table.as_str()).and_then(|path| path.strip_prefix('/'));
    below.is_some_and(|path| path.starts_with(FileSink::STAGING_PREFIX) && path.contains('/'))
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

/// Hands on every data file of a location, in no order, until it is enough.
///
/// # Errors
/// `NotFound` when there is nothing; `InvalidInput` for what is no location; as [`Files::walk`].
pub(crate) fn visit(
    files: &dyn Files,
    location: &str,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let path = checked(location)?;
    match files.kind(&path)? {
        Some(EntryKind::Folder) => return files.walk(Some(&path), take),
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
