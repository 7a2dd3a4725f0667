//! Lists files below the root: a file, a folder with everything below it, or a glob.
//!
//! Names that begin with `_` or `.` are left out. Links are never walked: a link to a file within the
//! root counts as that file, every other link is an error that names it.

use std::io;
use std::ops::ControlFlow;

use cap_std::fs::{Dir, DirEntry};

use super::root::{Root, pinned_beneath};
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{error, io_error, path_error};

const OPERATION: &str = "list files";

/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;

/// Returns every file below a folder (the root when `None`), pinned as it is now, by path.
///
/// # Errors
/// `NotFound` when there is no such folder; `InvalidInput` for a link that leads nowhere, out of the
/// root or to a folder, for a name that is not UTF-8, and for what is neither file nor folder.
pub(crate) fn files_below(
    root: &Root,
    folder: Option<&StoragePath>,
) -> Result<Vec<PinnedFile>, EngineError> {
    let shown = folder.map_or("", |folder| folder.as_str());
    let opened = match folder {
        Some(folder) => root.dir().open_dir(folder.as_str()),
        None => root.dir().try_clone(),
    };
    let dir = opened.map_err(|source| io_error(OPERATION, shown, source))?;
    let mut found: Vec<PinnedFile> = Vec::new();
    let mut take = |file| {
        found.push(file);
        ControlFlow::Continue(())
    };
    let _ = walk(&dir, shown, 0, &mut take)?;
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

/// Returns whether there is any file below a folder that no job has staged; looks no further than
/// the first.
///
/// # Errors
/// As [`files_below`].
pub(crate) fn holds_data(root: &Root, folder: &StoragePath) -> Result<bool, EngineError> {
    let fail = |source| io_error(OPERATION, folder.as_str(), source);
    let dir = root.dir().open_dir(folder.as_str()).map_err(fail)?;
    let staged = staged_folders(root, folder)?;
    let mut take = |file: PinnedFile| {
        if staged.iter().any(|folder| file.path.as_str().starts_with(folder)) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    };
    Ok(walk(&dir, folder.as_str(), 0, &mut take)?.is_break())
}

/// Hands every file on until it is enough.
fn walk(
    dir: &Dir,
    path: &str,
    depth: usize,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, EngineError> {
    let fail = |source| io_error(OPERATION, path, source);
    if depth > MAX_DEPTH {
        let message = format!("`{path}` is nested deeper than {MAX_DEPTH} folders");
        return Err(error(ErrorKind::InvalidInput, OPERATION, message));
    }
    for entry in dir.entries().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            #[expect(
                clippy::unnecessary_debug_formatting,
                reason = "shows the bytes that are no text"
            )]
            let message = format!("a file below `{path}` has a name that is not UTF-8: {name:?}");
            return Err(error(ErrorKind::InvalidInput, OPERATION, message));
        };
        if is_left_out(name) {
            continue;
        }
        let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let kind = entry.file_type().map_err(fail)?;
        if kind.is_dir() {
            let inner = dir.open_dir(name).map_err(|source| io_error(OPERATION, &below, source))?;
            if walk(&inner, &below, depth + 1, take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        } else if let Some(file) = look_at(dir, &entry, name, &below)?
            && take(file).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Returns whether a file or folder of this name is no data.
pub(crate) fn is_left_out(name: &str) -> bool {
    name.starts_with('_') || name.starts_with('.')
}

/// Pins one file; `None` when it vanished since its folder was read.
fn look_at(
    dir: &Dir,
    entry: &DirEntry,
    name: &str,
    path: &str,
) -> Result<Option<PinnedFile>, EngineError> {
    // What is a file by its folder needs no look at where it leads.
    let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
    let metadata = match if is_file { entry.metadata() } else { dir.metadata(name) } {
        Ok(metadata) => metadata,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            if dir.symlink_metadata(name).is_err() {
                return Ok(None);
            }
            let message = format!("`{path}` is a link that leads nowhere");
            return Err(error(ErrorKind::InvalidInput, OPERATION, message));
        }
        Err(source) => return Err(io_error(OPERATION, path, source)),
    };
    if metadata.is_dir() {
        let message = format!("`{path}` is a link to a folder; links to folders are not followed");
        return Err(error(ErrorKind::InvalidInput, OPERATION, message));
    }
    let path = StoragePath::new(path).map_err(|source| path_error(OPERATION, source))?;
    pinned_beneath(path, &metadata).map(Some)
}

/// Returns the folders directly below a location that jobs of this root write to, each with a
/// trailing `/`: those whose name is the token of a known job.
pub(crate) fn staged_folders(
    root: &Root,
    location: &StoragePath,
) -> Result<Vec<String>, EngineError> {
    let fail = |source| io_error(OPERATION, location.as_str(), source);
    let entries = match root.dir().read_dir(location.as_str()) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if !entry.file_type().map_err(fail)?.is_dir() || is_left_out(name) {
            continue;
        }
        let job = format!("{}/jobs/{name}", super::root::OWN_FOLDER);
        if root.dir().try_exists(&job).unwrap_or(false) {
            found.push(format!("{location}/{name}/"));
        }
    }
    Ok(found)
}
