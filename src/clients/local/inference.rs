//! Finds the schema of tables that nobody declared, and remembers it per file.
//!
//! What was found of a file is kept in `.mason/cache/inference/` for as long as the file's path, size,
//! time and inode stay the same. The cache may be deleted at any time; a broken one is written anew.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::durable;
use super::error::error;
use super::root::{OWN_FOLDER, Root};
use crate::engines::schema::Schema;
use crate::engines::table::{FileFormat, PinnedFile};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::error::FormatError;
use crate::formats::infer::infer;
use crate::formats::sniff::{SniffOptions, sniff};

/// Grows when the rules of inference change, so that what older rules found is not used.
const RULES: u32 = 1;

/// A file that changed so recently may change again within one tick of the file system's clock.
const SETTLED_NS: i64 = 2_000_000_000;

/// Most broken files that an error names.
const NAMED: usize = 20;

/// What was found of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundFile {
    /// Format and dialect; none for a file without content.
    pub(crate) format: Option<FileFormat>,
    pub(crate) schema: Schema,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) declared: bool,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CachedFile {
    size: u64,
    modified_ns: i64,
    identity: Option<String>,
    found: FoundFile,
}

/// What was found of the files of one table, by path.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cache {
    rules: u32,
    program: String,
    files: HashMap<String, CachedFile>,
}

fn cache_path(table: &str) -> String {
    let name = hex::encode(&Sha256::digest(table.as_bytes())[..16]);
    format!("{OWN_FOLDER}/cache/inference/{name}.json")
}

impl Cache {
    fn load(root: &Root, table: &str) -> Self {
        let bytes = root.dir().read(cache_path(table)).unwrap_or_default();
        let known: Option<Self> = serde_json::from_slice(&bytes).ok();
        let current =
            |cache: &Self| cache.rules == RULES && cache.program == env!("CARGO_PKG_VERSION");
        known.filter(current).unwrap_or_default()
    }

    fn get(&self, file: &PinnedFile) -> Option<&FoundFile> {
        let cached = self.files.get(file.path.as_str())?;
        let same = cached.size == file.size_bytes
            && cached.modified_ns == file.modified_ns
            && cached.identity == file.identity;
        same.then_some(&cached.found)
    }

    /// Keeps what was found; a cache that cannot be written costs only time.
    fn store(root: &Root, table: &str, files: &[(PinnedFile, FoundFile)]) {
        let now = i64::try_from(super::now().as_nanosecond()).unwrap_or(i64::MAX);
        let settled = |file: &PinnedFile| now.saturating_sub(file.modified_ns) > SETTLED_NS;
        let entry = |(file, found): &(PinnedFile, FoundFile)| {
            let cached = CachedFile {
                size: file.size_bytes,
                modified_ns: file.modified_ns,
                identity: file.identity.clone(),
                found: found.clone(),
            };
            (file.path.to_string(), cached)
        };
        let files = files.iter().filter(|(file, _)| settled(file)).map(entry).collect();
        let cache = Self { rules: RULES, program: env!("CARGO_PKG_VERSION").to_owned(), files };
        let path = cache_path(table);
        let written = serde_json::to_vec(&cache).map_err(std::io::Error::other).and_then(|bytes| {
            root.make_folders(durable::folder_of(&path))?;
            durable::replace_quickly(root, &path, &bytes)
        });
        if let Err(error) = written {
            tracing::warn!(%error, "failed to remember what was inferred");
        }
    }
}

/// Returns what each file is, in the order of the files; several at a time, on threads of their own.
///
/// # Errors
/// `InvalidInput` naming every file that is broken, at most 20.
pub(crate) async fn found_files(
    root: &Arc<Root>,
    table: &str,
    files: &[PinnedFile],
) -> Result<Vec<FoundFile>, EngineError> {
    let cache = {
        let (root, table) = (Arc::clone(root), table.to_owned());
        super::blocking(move || Ok(Cache::load(&root, &table))).await?
    };
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    let mut fresh = false;
    let one = |file: &PinnedFile| {
        let known = cache.get(file).cloned();
        fresh |= known.is_none();
        let (root, file) = (Arc::clone(root), file.clone());
        async move {
            match known {
                Some(found) => Ok(Ok(found)),
                None => super::blocking(move || look_into(&root, &file)).await,
            }
        }
    };
    let looks: Vec<_> = files.iter().map(one).collect();
    let results: Vec<_> = stream::iter(looks).buffered(at_once).collect().await;
    let mut found = Vec::with_capacity(files.len());
    let mut broken = Vec::new();
    for result in results {
        match result? {
            Ok(file) => found.push(file),
            Err(problem) => broken.push(problem),
        }
    }
    if !broken.is_empty() {
        return Err(broken_files(table, broken));
    }
    if fresh {
        let (root, table) = (Arc::clone(root), table.to_owned());
        let pairs: Vec<_> = files.iter().cloned().zip(found.iter().cloned()).collect();
        super::blocking(move || {
            Cache::store(&root, &table, &pairs);
            Ok(())
        })
        .await?;
    }
    Ok(found)
}

/// Sniffs and infers one file; what is wrong with its content is a value, not an error.
fn look_into(
    root: &Root,
    file: &PinnedFile,
) -> Result<Result<FoundFile, FormatError>, EngineError> {
    let source = root.read(file)?;
    let outcome = sniff(source.as_ref(), &SniffOptions::default()).and_then(|sniffed| {
        let Some(sniffed) = sniffed else { return Ok(None) };
        let inferred = infer(source.as_ref(), &sniffed, None, &|_| true)?;
        Ok(Some((sniffed, inferred)))
    });
    Ok(outcome.map(|found| match found {
        None => FoundFile {
            format: None,
            schema: Schema::default(),
            rows: 0,
            bytes: 0,
            declared: false,
            notes: Vec::new(),
        },
        Some((sniffed, inferred)) => FoundFile {
            format: Some(inferred.format),
            schema: inferred.schema,
            rows: inferred.rows,
            bytes: inferred.bytes,
            declared: inferred.declared,
            notes: sniffed.notes.into_iter().chain(inferred.notes).collect(),
        },
    }))
}

fn broken_files(table: &str, mut broken: Vec<FormatError>) -> EngineError {
    let count = broken.len();
    let chain = |problem: &FormatError| {
        let source = std::error::Error::source(problem);
        source.map_or_else(|| problem.to_string(), |source| format!("{problem}: {source}"))
    };
    let mut shown: Vec<_> = broken.iter().take(NAMED).map(chain).collect();
    if count > NAMED {
        shown.push(format!("and {} more", count - NAMED));
    }
    let message = format!("{count} files of `{table}` cannot be read: {}", shown.join("; "));
    error(ErrorKind::InvalidInput, "infer a table", message)
        .with_hint("correct or remove these files; names beginning with `_` are left out")
        .with_source(broken.swap_remove(0))
}
