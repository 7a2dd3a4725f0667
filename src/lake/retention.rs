//! Collects what a table does not need any more: old generations with the files, lists and records of runs
//! that only they need. What jobs read is given, and stays.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use super::catalogue::{self, MANIFESTS};
use super::error::path_error;
use super::file_lists::{self, FileList};
use super::manifest::StoredManifest;
use super::{run_record, tables};
use crate::engines::EngineError;
use crate::engines::files::{EntryKind, Files};
use crate::engines::result::WrittenFile;
use crate::engines::table::StoragePath;

const OPERATION: &str = "collect generations";

/// Which generations of a table are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptGenerations {
    /// Those that were followed by another this long ago, or less.
    pub age: Duration,
    /// At least this many; the present one always.
    pub least: usize,
    /// At most this many, but every one that was followed by another within the last day.
    pub most: usize,
}

/// However many there are, a generation stays so long after the next was made, for readers that found it.
const LEAST_AGE: Duration = Duration::from_hours(24);

/// What was collected of tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CollectedGenerations {
    /// How many generations.
    pub generations: u64,
    /// How many files of tables.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// How many lists of files and records of runs.
    pub records: u64,
}

/// Returns whether a time is longer ago than an age.
pub(crate) fn is_older(then: Timestamp, age: Duration, now: Timestamp) -> bool {
    let passed = now.duration_since(then);
    !passed.is_negative() && passed.unsigned_abs() > age
}

impl KeptGenerations {
    /// Returns how many of the oldest generations go.
    fn surplus(self, history: &[StoredManifest], now: Timestamp) -> usize {
        let old = history.len().saturating_sub(self.least.max(1));
        let above_most = history.len().saturating_sub(self.most.max(1));
        // A generation is old since the next one was made.
        let next = history.iter().skip(1).map(|next| next.manifest.created_at);
        next.take(old)
            .enumerate()
            .take_while(|(index, next)| {
                let age = if *index < above_most { LEAST_AGE.min(self.age) } else { self.age };
                is_older(*next, age, now)
            })
            .count()
    }
}

/// Returns the folders of databases' tables that have manifests.
///
/// # Errors
/// Whatever listing fails with.
pub(crate) fn managed_locations(files: &dyn Files) -> Result<Vec<StoragePath>, EngineError> {
    let mut found = Vec::new();
    for database in tables::databases(files)? {
        let folder = StoragePath::new(&database.location);
        let folder = folder.map_err(|source| path_error(OPERATION, source))?;
        for entry in files.level(Some(&folder))? {
            if entry.kind != EntryKind::Folder {
                continue;
            }
            let Ok(location) = folder.join(&entry.name) else { continue };
            let Ok(manifests) = location.join(MANIFESTS) else { continue };
            if files.kind(&manifests)? == Some(EntryKind::Folder) {
                found.push(location);
            }
        }
    }
    Ok(found)
}

/// Returns the names of the folders directly in a table's that hold files of any kept generation.
///
/// # Errors
/// Whatever reading the catalogue fails with.
pub(crate) fn folders_in_use(
    files: &dyn Files,
    location: &StoragePath,
) -> Result<HashSet<String>, EngineError> {
    let history = catalogue::history(files, location)?;
    let mut found = HashSet::new();
    for path in paths_of(files, &history)? {
        let below = path.as_str().strip_prefix(location.as_str());
        let first = below.and_then(|below| below.trim_start_matches('/').split('/').next());
        found.extend(first.map(str::to_owned));
    }
    Ok(found)
}

/// Returns the paths of all files of some generations; each list is read once.
fn paths_of(
    files: &dyn Files,
    generations: &[StoredManifest],
) -> Result<HashSet<StoragePath>, EngineError> {
    let (mut paths, mut seen) = (HashSet::new(), HashSet::new());
    for stored in generations {
        paths.extend(stored.manifest.files.iter().map(|file| file.path.clone()));
        for list in &stored.manifest.lists {
            if seen.insert(&list.path) {
                paths.extend(file_lists::read(files, list)?.into_iter().map(|file| file.path));
            }
        }
    }
    Ok(paths)
}

/// Collects the old generations of a table as of `now`, the oldest first, up to one with a file that a job reads.
/// May be repeated, and interrupted at any point.
///
/// # Errors
/// Whatever reading or removing fails with; what was removed before stays removed.
pub(crate) fn collect_generations(
    files: &dyn Files,
    location: &StoragePath,
    keep: KeptGenerations,
    now: Timestamp,
    in_use: &HashSet<String>,
) -> Result<CollectedGenerations, EngineError> {
    let history = catalogue::history(files, location)?;
    let (old, kept) = history.split_at(keep.surplus(&history, now));
    let mut collected = CollectedGenerations::default();
    let (Some(oldest), Some(latest)) = (kept.first(), kept.last()) else { return Ok(collected) };
    if old.is_empty() {
        return Ok(collected);
    }
    let needed = paths_of(files, kept)?;
    let mut lists: HashSet<&StoragePath> = lists_of(kept).map(|list| &list.path).collect();
    let mut gone = HashSet::new();
    for stored in old {
        let doomed = doomed(files, stored, &needed, &mut lists)?;
        if doomed.iter().any(|file| in_use.contains(file.path.as_str())) {
            // A job reads it: this generation and those after it wait for the next collection.
            return Ok(collected);
        }
        for file in doomed {
            if gone.insert(file.path.clone()) && files.remove(&file.path)? {
                collected.files += 1;
                collected.bytes += file.size_bytes;
                files.remove_empty_folders(&file.path, location);
            }
        }
        files.remove(&catalogue::manifest_path(location, stored.manifest.generation)?)?;
        collected.generations += 1;
    }
    let needed: HashSet<&StoragePath> = lists_of(kept).map(|list| &list.path).collect();
    let latest = latest.manifest.generation;
    for list in file_lists::unneeded(files, location, latest, &needed)? {
        collected.records += u64::from(files.remove(&list)?);
    }
    for record in run_record::before(files, location, oldest.manifest.generation)? {
        collected.records += u64::from(files.remove(&record)?);
    }
    Ok(collected)
}

fn lists_of(generations: &[StoredManifest]) -> impl Iterator<Item = &FileList> {
    generations.iter().flat_map(|stored| &stored.manifest.lists)
}

/// Returns the files of a generation that none of the kept ones has. Lists that were looked at are noted.
fn doomed<'a>(
    files: &dyn Files,
    stored: &'a StoredManifest,
    needed: &HashSet<StoragePath>,
    lists: &mut HashSet<&'a StoragePath>,
) -> Result<Vec<WrittenFile>, EngineError> {
    let mut doomed = stored.manifest.files.clone();
    for list in &stored.manifest.lists {
        if lists.insert(&list.path) {
            doomed.extend(file_lists::read(files, list)?);
        }
    }
    doomed.retain(|file| !needed.contains(&file.path));
    Ok(doomed)
}
