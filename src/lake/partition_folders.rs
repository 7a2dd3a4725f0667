//! The files of those partitions that are wanted: folders `key=value` are listed level by level, and a folder is looked
//! into where the values on its path may be wanted.
//!
//! What is no folder of the next key is handed on with everything below it, so that paths which disagree are still told.
//! Where most folders of a level may be wanted, everything below it is listed at once, which takes fewer requests.

use std::ops::ControlFlow;

use super::listing::{base_of, checked, data_of, is_left_out, visit};
use super::partitions;
use crate::engines::EngineError;
use crate::engines::files::{EntryKind, Files};
use crate::engines::partitions::{PartitionFilter, are_few};
use crate::engines::table::{PinnedFile, StoragePath};

/// Which partitions are wanted of a table with these keys, outermost first.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) keys: &'a [String],
    pub(crate) filter: &'a dyn PartitionFilter,
}

/// How much of the folders of a location was looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Everything below it.
    All,
    /// All folders of partitions are known, and there are so many.
    Folders(u64),
    /// Folders of outer keys were left out, with unknown folders in them.
    Part,
}

/// Hands on the data files of a location that are in partitions that may be wanted, and perhaps others.
///
/// # Errors
/// As [`visit`].
pub(crate) fn visit_wanted(
    files: &dyn Files,
    location: &str,
    wanted: Wanted<'_>,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<Listed, EngineError> {
    let path = checked(location)?;
    let is_folder =
        base_of(path.as_str()) == path.as_str() && files.kind(&path)? == Some(EntryKind::Folder);
    let Some(outer) = is_folder.then(|| outer_values(&path, wanted.keys)).flatten() else {
        visit(files, location, take)?;
        return Ok(Listed::All);
    };
    let mut descent = Descent { files, wanted, folders: 0, left_out: false, knows_all: true };
    data_of(files, take, |take| descent.look_into(&path, &outer, take).map(drop))?;
    Ok(match descent {
        Descent { left_out: false, .. } => Listed::All,
        Descent { knows_all: true, folders, .. } => Listed::Folders(folders),
        Descent { .. } => Listed::Part,
    })
}

/// Returns the values of the outer keys that are on the path of a location itself; nothing where they are not those of
/// the table, or are all of them.
fn outer_values(location: &StoragePath, keys: &[String]) -> Option<Vec<Option<String>>> {
    let mut values = Vec::new();
    for folder in location.as_str().split('/') {
        let Some((key, value)) = partitions::of_folder(folder).ok()? else { continue };
        if keys.get(values.len()) != Some(&key) {
            return None;
        }
        values.push(value);
    }
    (values.len() < keys.len()).then_some(values)
}

type Take<'a> = dyn FnMut(PinnedFile) -> ControlFlow<()> + 'a;

struct Descent<'a> {
    files: &'a dyn Files,
    wanted: Wanted<'a>,
    /// How many folders of the innermost key there are.
    folders: u64,
    /// Whether a folder was not looked into.
    left_out: bool,
    /// Whether all folders of the innermost key are counted.
    knows_all: bool,
}

/// What is directly in a folder.
#[derive(Default)]
struct Level {
    /// Folders of the next key, with the values of all keys so far.
    folders: Vec<(StoragePath, Vec<Option<String>>)>,
    /// Whatever else.
    others: Vec<(StoragePath, EntryKind)>,
}

impl Descent<'_> {
    fn look_into(
        &mut self,
        folder: &StoragePath,
        outer: &[Option<String>],
        take: &mut Take<'_>,
    ) -> Result<ControlFlow<()>, EngineError> {
        let is_innermost = outer.len() + 1 == self.wanted.keys.len();
        let Some(level) = self.level(folder, outer)? else {
            self.knows_all = false;
            return self.all_below(folder, take);
        };
        let values: Vec<&[Option<String>]> =
            level.folders.iter().map(|(_, values)| values.as_slice()).collect();
        let kept = self.wanted.filter.keeps(&values);
        let (read, total) = (kept.iter().filter(|kept| **kept).count(), level.folders.len());
        if is_innermost {
            self.folders += total as u64;
        }
        if !are_few(read, total) || (is_innermost && read == total) {
            self.knows_all &= is_innermost;
            return self.all_below(folder, take);
        }
        self.left_out |= read < total;
        self.knows_all &= is_innermost || read == total;
        for (path, kind) in level.others {
            let taken = match kind {
                EntryKind::File => take(self.files.pin(&path)?),
                EntryKind::Folder => self.all_below(&path, take)?,
            };
            if taken.is_break() {
                return Ok(taken);
            }
        }
        let read = level.folders.into_iter().zip(kept).filter(|(_, kept)| *kept);
        for ((path, values), _) in read {
            let taken = if is_innermost {
                self.all_below(&path, take)?
            } else {
                self.look_into(&path, &values, take)?
            };
            if taken.is_break() {
                return Ok(taken);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Returns what is in a folder; nothing where a name in it has to be refused, as a look at everything does.
    fn level(
        &self,
        folder: &StoragePath,
        outer: &[Option<String>],
    ) -> Result<Option<Level>, EngineError> {
        let mut level = Level::default();
        for entry in self.files.level(Some(folder))? {
            if is_left_out(&entry.name) {
                continue;
            }
            let (Ok(path), Ok(part)) =
                (folder.join(&entry.name), partitions::of_folder(&entry.name))
            else {
                return Ok(None);
            };
            match part {
                Some((key, value))
                    if entry.kind == EntryKind::Folder
                        && self.wanted.keys.get(outer.len()) == Some(&key) =>
                {
                    let values = outer.iter().cloned().chain([value]).collect();
                    level.folders.push((path, values));
                }
                _ => level.others.push((path, entry.kind)),
            }
        }
        Ok(Some(level))
    }

    fn all_below(
        &self,
        folder: &StoragePath,
        take: &mut Take<'_>,
    ) -> Result<ControlFlow<()>, EngineError> {
        let mut taken = ControlFlow::Continue(());
        self.files.walk(Some(folder), &mut |file| {
            taken = take(file);
            taken
        })?;
        Ok(taken)
    }
}
