//! Lists files below the root.
//!
//! Names that begin with `_` or `.` are left out. Links are never walked: a link to a file within the
//! root counts as that file, every other link is an error that names it.

use std::io;
use std::ops::ControlFlow;

use cap_std::fs::{Dir, DirEntry};

use super::root::{Root, pinned_beneath};
use crate::engines::files::{Entry, EntryKind};
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{error, io_error, path_error};
use crate::lake::listing::is_left_out;

const OPERATION: &str = "list files";

/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;

/// Hands on every file below a folder (the root when `None`), pinned as it is now, until it is enough.
///
/// # Errors
/// `NotFound` when there is no such folder; `InvalidInput` for a link that leads nowhere, out of the
/// root or to a folder, for a name that is not UTF-8, and for what is neither file nor folder.
pub(crate) fn walk_below(
    root: &Root,
    folder: Option<&StoragePath>,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let shown = folder.map_or("", |folder| folder.as_str());
    let opened = match folder {
        Some(folder) => root.dir().open_dir(folder.as_str()),
        None => root.dir().try_clone(),
    };
    let dir = opened.map_err(|source| io_error(OPERATION, shown, source))?;
    walk(&dir, shown, 0, take).map(drop)
}

/// Returns what is directly in a folder (the root when `None`), sorted by name.
///
/// # Errors
/// `NotFound` when there is no such folder.
pub(crate) fn level(root: &Root, folder: Option<&StoragePath>) -> Result<Vec<Entry>, EngineError> {
    let shown = folder.map_or("", |folder| folder.as_str());
    let fail = |source| io_error("list a folder", shown, source);
    let entries = match folder {
        Some(folder) => root.dir().read_dir(folder.as_str()),
        None => root.dir().entries(),
    };
    let mut found = Vec::new();
    for entry in entries.map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_folder = entry.file_type().map_err(fail)?.is_dir();
        let kind = if is_folder { EntryKind::Folder } else { EntryKind::File };
        found.push(Entry { name, kind });
    }
    found.sort_unstable();
    Ok(found)
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
