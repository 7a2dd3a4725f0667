//! The catalogue: immutable manifests, one per generation of a table, in the table's own folder.
//!
//! `<database>/<table>/_mason/<generation, 20 digits>.json`. The highest generation is the table. A
//! generation comes into being by a name that is given only once, so that two writers never make the
//! same one. A deleted table is a generation too. Generations follow one another without a gap, and the
//! oldest go first: from any that is there, the highest is found by going on.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::{error, json_error, path_error};
use super::manifest::{Manifest, StoredManifest};
use crate::engines::files::Files;
use crate::engines::table::{StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};

/// The folder of manifests within a table's folder.
pub(crate) const MANIFESTS: &str = "_mason";

/// What every version of a manifest has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Returns where a document of a table is.
pub(crate) fn document(location: &StoragePath, name: &str) -> Result<StoragePath, EngineError> {
    let path = location.join(&format!("{MANIFESTS}/{name}"));
    path.map_err(|source| path_error("find a manifest", source))
}

pub(crate) fn manifest_path(
    location: &StoragePath,
    generation: TableVersion,
) -> Result<StoragePath, EngineError> {
    document(location, &format!("{:020}.json", generation.0))
}

/// Returns the generations that are kept, oldest first; empty when the folder has none.
pub(crate) fn generations(
    files: &dyn Files,
    location: &StoragePath,
) -> Result<Vec<TableVersion>, EngineError> {
    let folder = location.join(MANIFESTS);
    let folder = folder.map_err(|source| path_error("list generations", source))?;
    let entries = match files.level(Some(&folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Vec::new()),
        // A file of the table's name has no folder of manifests.
        Err(_) if files.pin(location).is_ok() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let digits = |name: &str| {
        let digits = name.strip_suffix(".json").filter(|digits| digits.len() == 20)?;
        digits.parse().ok().map(TableVersion)
    };
    let mut found: Vec<_> = entries.iter().filter_map(|entry| digits(&entry.name)).collect();
    found.sort_unstable();
    Ok(found)
}

/// Reads one generation.
///
/// # Errors
/// `NotFound`; `Unsupported` for one of a later Mason; `Unexpected` for what is no manifest.
pub(crate) fn read(
    files: &dyn Files,
    location: &StoragePath,
    generation: TableVersion,
) -> Result<StoredManifest, EngineError> {
    let path = manifest_path(location, generation)?;
    let bytes = files.read(&path)?;
    let unreadable = |source| json_error("read a manifest", path.as_str(), source);
    // A later version may have another form: it is told before the rest is read.
    let Versioned { version } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if !(1..=Manifest::VERSION).contains(&version) {
        let message = format!("`{path}` has version {version}, which is not known");
        return Err(error(ErrorKind::Unsupported, "read a manifest", message)
            .with_hint("it was written by a newer Mason; use that one"));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(unreadable)?;
    Ok(StoredManifest { manifest, digest: digest(&bytes) })
}

/// Reads one generation, if it is there.
pub(crate) fn read_if_there(
    files: &dyn Files,
    location: &StoragePath,
    generation: TableVersion,
) -> Result<Option<StoredManifest>, EngineError> {
    match read(files, location, generation) {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the highest generation, deleted or not; `None` when there is none. What it costs does not grow
/// with the generations, as long as it is remembered about which one was the highest.
pub(crate) fn latest(
    files: &dyn Files,
    location: &StoragePath,
) -> Result<Option<StoredManifest>, EngineError> {
    if let Some(known) = recalled(files, location)
        && let Some(stored) = read_if_there(files, location, known)?
    {
        let last = last_from(files, location, stored)?;
        // One that was collected meanwhile was not the last: those after it were gone before it was asked for them.
        if files.kind(&manifest_path(location, last.manifest.generation)?)?.is_some() {
            return Ok(Some(last));
        }
    }
    // A generation may be collected between the listing and the reading, never the highest one.
    match generations(files, location)?.last() {
        Some(generation) => {
            let stored = read(files, location, *generation)?;
            last_from(files, location, stored).map(Some)
        }
        None => Ok(None),
    }
}

/// Returns the highest generation from one that is there.
fn last_from(
    files: &dyn Files,
    location: &StoragePath,
    mut stored: StoredManifest,
) -> Result<StoredManifest, EngineError> {
    loop {
        let next = TableVersion(stored.manifest.generation.0.saturating_add(1));
        match read_if_there(files, location, next)? {
            Some(later) => stored = later,
            None => return Ok(stored),
        }
    }
}

/// Returns every kept generation, oldest first.
pub(crate) fn history(
    files: &dyn Files,
    location: &StoragePath,
) -> Result<Vec<StoredManifest>, EngineError> {
    let mut found = Vec::new();
    for generation in generations(files, location)? {
        found.extend(read_if_there(files, location, generation)?);
    }
    Ok(found)
}

/// Publishes a generation; `None` when another writer made that generation first.
pub(crate) fn publish(
    files: &dyn Files,
    location: &StoragePath,
    manifest: &Manifest,
) -> Result<Option<StoredManifest>, EngineError> {
    let path = manifest_path(location, manifest.generation)?;
    let bytes = serde_json::to_vec_pretty(manifest)
        .map_err(|source| json_error("write a manifest", path.as_str(), source))?;
    if !files.publish(&path, &bytes)? {
        return Ok(None);
    }
    remember(files, location, manifest.generation);
    Ok(Some(StoredManifest { manifest: manifest.clone(), digest: digest(&bytes) }))
}

/// Waits until a generation is kept for good that another process may have made right before its end.
pub(crate) fn keep(
    files: &dyn Files,
    location: &StoragePath,
    generation: TableVersion,
) -> Result<(), EngineError> {
    files.keep(&[&manifest_path(location, generation)?])
}

/// Returns `sha256:` and the digest of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Where it is remembered which generation of a table was the highest lately.
fn remembered(location: &StoragePath) -> String {
    format!("latest/{}.json", hex::encode(Sha256::digest(location.as_str())))
}

fn recalled(files: &dyn Files, location: &StoragePath) -> Option<TableVersion> {
    let bytes = files.recall(&remembered(location))?;
    std::str::from_utf8(&bytes).ok()?.trim().parse().ok().map(TableVersion)
}

/// Remembers a generation as the highest. Nothing depends on it but the time that the next look takes.
fn remember(files: &dyn Files, location: &StoragePath, generation: TableVersion) {
    if let Err(error) = files.remember(&remembered(location), generation.0.to_string().as_bytes()) {
        tracing::debug!(%error, %location, "failed to remember the latest generation");
    }
}
