//! Lists of files beside the manifests of a table of many files, so that a manifest does not repeat them all.
//!
//! `<table>/_mason/files/<generation, 20 digits>-<token>.json`, written before the manifest of that generation
//! and never changed. A manifest names its lists, and has the newest files itself. Each list has at least twice
//! as many files as the next: a table of a million files has some 14, and a file is listed anew as often at most.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::catalogue::{digest, document};
use super::error::{error, json_error, path_error};
use super::manifest::{Added, Manifest};
use crate::engines::files::Files;
use crate::engines::job::JobToken;
use crate::engines::result::WrittenFile;
use crate::engines::table::{StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};

const OPERATION: &str = "read a list of files";

/// Most files that a manifest has itself.
const MOST_INLINE: usize = if cfg!(test) { 4 } else { 64 };

/// The folder of lists within that of the manifests.
pub(crate) const LISTS: &str = "files";

/// Files of a table that are listed in a document of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileList {
    /// The document.
    pub path: StoragePath,
    /// `sha256:` and the digest of its bytes.
    pub digest: String,
    /// What is in it.
    pub has: Added,
}

/// Returns the files of a list.
///
/// # Errors
/// `NotFound`; `Conflict` when it is not the document that was written.
pub(crate) fn read(files: &dyn Files, list: &FileList) -> Result<Vec<WrittenFile>, EngineError> {
    let bytes = files.read(&list.path)?;
    if digest(&bytes) != list.digest {
        let message = format!("`{}` is not as it was written", list.path);
        return Err(error(ErrorKind::Conflict, OPERATION, message)
            .with_hint("restore it, or write the table anew"));
    }
    serde_json::from_slice(&bytes)
        .map_err(|source| json_error(OPERATION, list.path.as_str(), source))
}

/// Returns all files of a table, the oldest first.
///
/// # Errors
/// As [`read`].
pub(crate) fn all_files(
    files: &dyn Files,
    manifest: &Manifest,
) -> Result<Vec<WrittenFile>, EngineError> {
    let mut all = Vec::new();
    for list in &manifest.lists {
        all.extend(read(files, list)?);
    }
    all.extend(manifest.files.iter().cloned());
    Ok(all)
}

/// Puts the files of a generation that is to be published into lists, where it has more than fit into its
/// manifest. `lists` are those of the generation before.
///
/// # Errors
/// Whatever reading and writing lists fails with.
pub(crate) fn spill(
    files: &dyn Files,
    location: &StoragePath,
    manifest: &mut Manifest,
    token: &JobToken,
) -> Result<(), EngineError> {
    if manifest.files.len() <= MOST_INLINE {
        return Ok(());
    }
    let mut listed = std::mem::take(&mut manifest.files);
    while manifest.lists.last().is_some_and(|last| last.has.files < 2 * listed.len() as u64) {
        let Some(last) = manifest.lists.pop() else { break };
        let mut longer = read(files, &last)?;
        longer.append(&mut listed);
        listed = longer;
    }
    manifest.lists.push(write(files, location, manifest.generation, token, &listed)?);
    Ok(())
}

fn write(
    files: &dyn Files,
    location: &StoragePath,
    generation: TableVersion,
    token: &JobToken,
    listed: &[WrittenFile],
) -> Result<FileList, EngineError> {
    const WRITING: &str = "write a list of files";
    let path = document(location, &format!("{LISTS}/{:020}-{token}.json", generation.0))?;
    let bytes = serde_json::to_vec(listed);
    let bytes = bytes.map_err(|source| json_error(WRITING, path.as_str(), source))?;
    let list = FileList { digest: digest(&bytes), has: Added::of(listed), path };
    // The same attempt may have written it before, and died.
    if !files.publish(&list.path, &bytes)? && digest(&files.read(&list.path)?) != list.digest {
        files.replace(&list.path, &bytes)?;
    }
    Ok(list)
}

/// Returns the lists of a table that no generation names any more, up to one that is kept: a list of a later
/// generation may be of one that is about to be published.
///
/// # Errors
/// Whatever listing fails with.
pub(crate) fn unneeded(
    files: &dyn Files,
    location: &StoragePath,
    latest: TableVersion,
    needed: &HashSet<&StoragePath>,
) -> Result<Vec<StoragePath>, EngineError> {
    let folder = document(location, LISTS)?;
    let entries = match files.level(Some(&folder)) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let generation = entry.name.split('-').next().and_then(|digits| digits.parse().ok());
        let is_past = generation.is_some_and(|generation: u64| generation <= latest.0);
        let path = folder.join(&entry.name).map_err(|source| path_error(OPERATION, source))?;
        if is_past && !needed.contains(&path) {
            found.push(path);
        }
    }
    Ok(found)
}
