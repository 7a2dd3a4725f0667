//! Remembers what was found of files, for as long as path, size, time and inode stay the same.
//!
//! One document per folder and way of reading, beside the files. It may be deleted at any
//! time; a broken one is written anew, and one that cannot be written costs only time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::shape::{FoundFile, Looked, Shape};
use crate::engines::bad_rows::Bad;
use crate::engines::files::Files;
use crate::engines::reading::Reading;
use crate::engines::table::PinnedFile;
use crate::formats::kinds::NearlyTyped;

/// Grows when the rules of inference or this document change, so that what older rules found is not
/// used.
const RULES: u32 = 4;

/// A file that changed so recently may change again within one tick of the file system's clock.
const SETTLED_NS: i64 = 2_000_000_000;

/// What is kept of one file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    size: u64,
    modified_ns: i64,
    identity: Option<String>,
    /// The index of its shape; none for a file without content.
    shape: Option<usize>,
    rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Bad::is_none")]
    bad: Bad,
    bytes: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nearly: Vec<NearlyTyped>,
}

impl Entry {
    fn new(file: &PinnedFile, found: Option<&FoundFile>, shape: Option<usize>) -> Self {
        Self {
            size: file.size_bytes,
            modified_ns: file.modified_ns,
            identity: file.identity.clone(),
            shape,
            rows: found.and_then(|one| one.rows),
            bad: found.map(|one| one.bad.clone()).unwrap_or_default(),
            bytes: found.map_or(0, |one| one.bytes),
            nearly: found.map(|one| one.nearly.clone()).unwrap_or_default(),
        }
    }

    fn is_of(&self, file: &PinnedFile) -> bool {
        self.size == file.size_bytes
            && self.modified_ns == file.modified_ns
            && self.identity == file.identity
    }
}

/// What is kept of the files of one folder, by path.
#[derive(Debug, Serialize, Deserialize)]
struct Document<S> {
    rules: u32,
    program: String,
    shapes: Vec<S>,
    files: BTreeMap<String, Entry>,
}

/// What was found before.
#[derive(Debug)]
pub(super) struct Cache {
    name: String,
    shapes: Vec<Arc<Shape>>,
    files: BTreeMap<String, Entry>,
}

/// Returns the folder that all files are below; the file itself when there is one. They are sorted.
fn place(files: &[PinnedFile]) -> &str {
    let (Some(first), Some(last)) = (files.first(), files.last()) else { return "" };
    let (first, last) = (first.path.as_str(), last.path.as_str());
    if first == last {
        return first;
    }
    let same = first.bytes().zip(last.bytes()).take_while(|(left, right)| left == right).count();
    first.as_bytes()[..same].iter().rposition(|byte| *byte == b'/').map_or("", |at| &first[..at])
}

impl Cache {
    /// Loads what is known of files that are read in one way. The files are sorted by path.
    pub(super) fn load(source: &dyn Files, files: &[PinnedFile], reading: &Reading) -> Self {
        let key = (place(files), reading);
        let key = serde_json::to_vec(&key).expect("should be texts");
        let name = hex::encode(&Sha256::digest(key)[..16]);
        let name = format!("inference/{name}.json");
        let known = source.recall(&name);
        let known = known.and_then(|bytes| serde_json::from_slice::<Document<Shape>>(&bytes).ok());
        let current = |document: &Document<Shape>| {
            document.rules == RULES && document.program == env!("CARGO_PKG_VERSION")
        };
        let (shapes, files) = known
            .filter(current)
            .map_or_else(Default::default, |document| (document.shapes, document.files));
        Self { name, shapes: shapes.into_iter().map(Arc::new).collect(), files }
    }

    /// Returns what was found of a file, if it is still the same.
    pub(super) fn get(&self, file: &PinnedFile) -> Option<Looked> {
        let entry = self.files.get(file.path.as_str()).filter(|entry| entry.is_of(file))?;
        let Some(index) = entry.shape else { return Some(None) };
        let shape = Arc::clone(self.shapes.get(index)?);
        let (rows, bad, bytes) = (entry.rows, entry.bad.clone(), entry.bytes);
        let nearly = entry.nearly.clone();
        Some(Some(FoundFile { shape, rows, bad, bytes, complete: true, nearly }))
    }

    /// Keeps what was found of files beside what is known of the others of `all`.
    pub(super) fn store(
        mut self,
        (source, now): (&dyn Files, Timestamp),
        all: &[PinnedFile],
        found: &[(&PinnedFile, Looked)],
    ) {
        let there: HashSet<&str> = all.iter().map(|file| file.path.as_str()).collect();
        self.files.retain(|path, _| there.contains(path.as_str()));
        let mut shapes = Indexed::default();
        for entry in self.files.values_mut() {
            let shape = entry.shape.and_then(|index| self.shapes.get(index));
            entry.shape = shape.map(|shape| shapes.index(shape));
        }
        let now = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        for (file, looked) in found {
            let path = file.path.to_string();
            if now.saturating_sub(file.modified_ns) > SETTLED_NS {
                let shape = looked.as_ref().map(|one| shapes.index(&one.shape));
                self.files.insert(path, Entry::new(file, looked.as_ref(), shape));
            } else {
                self.files.remove(&path);
            }
        }
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let document = Document { rules: RULES, program, shapes: shapes.list, files: self.files };
        let written = serde_json::to_vec(&document).map_err(std::io::Error::other);
        let written = written.and_then(|bytes| source.remember(&self.name, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "failed to remember what was inferred");
        }
    }
}

/// The shapes of a document, each with its index.
#[derive(Debug, Default)]
struct Indexed<'a> {
    list: Vec<&'a Shape>,
    known: HashMap<&'a Shape, usize>,
}

impl<'a> Indexed<'a> {
    fn index(&mut self, shape: &'a Shape) -> usize {
        *self.known.entry(shape).or_insert_with(|| {
            self.list.push(shape);
            self.list.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::table::StoragePath;

    #[test]
    fn files_are_remembered_by_the_folder_that_all_are_below() {
        let of = |paths: &[&str]| {
            let file = |path: &&str| PinnedFile {
                path: StoragePath::new(path).expect("should be a path"),
                size_bytes: 1,
                modified_ns: 0,
                identity: None,
                partition_values: Vec::new(),
            };
            place(&paths.iter().map(file).collect::<Vec<_>>()).to_owned()
        };
        assert_eq!(of(&["a/b/x.csv"]), "a/b/x.csv");
        assert_eq!(of(&["a/b/k=1/x.csv", "a/b/k=2/x.csv"]), "a/b");
        assert_eq!(of(&["a/b.csv", "a/b.csv.gz"]), "a");
        assert_eq!(of(&["a.csv", "b.csv"]), "");
        assert_eq!(of(&[]), "");
    }
}
