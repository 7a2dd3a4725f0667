//! The catalogue: immutable manifests, one per generation of a table, in the table's own folder.
//!
//! `<database>/<table>/_mason/<generation, 20 digits>.json`. The highest generation is the table. A
//! generation comes into being by a hard link that fails when the name exists, so that two writers
//! never make the same one. A deleted table is a generation too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::durable;
use super::root::Root;
use crate::engines::result::WrittenFile;
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{FileFormat, StoragePath, TableKind, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{io_error, json_error};

/// The folder of manifests within a table's folder.
pub(crate) const MANIFESTS: &str = "_mason";

/// What a generation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ManifestKind {
    /// A table whose files Mason wrote.
    Managed,
    /// A table declared over files that somebody else keeps.
    External,
    /// The table was deleted.
    Deleted,
}

/// How much one commit added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// How many files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
}

impl Added {
    /// Adds up written files.
    #[must_use]
    pub fn of(files: &[WrittenFile]) -> Self {
        Self {
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
            rows: files.iter().map(|file| file.rows).sum(),
        }
    }
}

/// One generation of a table. Never changed once it has its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this document; [`Manifest::VERSION`].
    pub version: u32,
    /// The generation.
    pub generation: TableVersion,
    /// The generation before, if there was one.
    pub previous: Option<TableVersion>,
    /// What the generation is.
    pub kind: ManifestKind,
    /// The table's name.
    pub name: TableName,
    /// The run that made it.
    pub run_uid: String,
    /// The run's attempt that made it.
    pub attempt: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where the files are.
    pub locations: Vec<String>,
    /// How they are read; none once the table is deleted.
    pub format: Option<FileFormat>,
    /// The columns, without partition keys.
    pub schema: Schema,
    /// The partition keys, in the order of the path.
    pub partition_columns: Schema,
    /// How the schema was found.
    pub found: SchemaFound,
    /// What this generation added.
    pub added: Added,
    /// The files of a managed table.
    pub files: Vec<WrittenFile>,
}

impl Manifest {
    /// The version this program writes. Documents of version 1, whose types are text, are read too.
    pub const VERSION: u32 = 2;

    /// Returns what sort of table it is; `None` when it is deleted.
    #[must_use]
    pub fn table_kind(&self) -> Option<TableKind> {
        match self.kind {
            ManifestKind::Managed => Some(TableKind::Managed),
            ManifestKind::External => Some(TableKind::External),
            ManifestKind::Deleted => None,
        }
    }

    /// Returns the columns with the partition keys last.
    #[must_use]
    pub fn full_schema(&self) -> Schema {
        let columns = self.schema.columns.iter().chain(&self.partition_columns.columns);
        Schema { columns: columns.cloned().collect() }
    }

    /// Returns the names of the partition keys.
    #[must_use]
    pub fn partition_keys(&self) -> Vec<String> {
        self.partition_columns.columns.iter().map(|column| column.name.clone()).collect()
    }
}

/// What every version of a manifest has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// A manifest with the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// `sha256:` and the digest of its bytes as they are stored.
    pub digest: String,
}

fn manifest_path(location: &StoragePath, generation: TableVersion) -> String {
    format!("{location}/{MANIFESTS}/{:020}.json", generation.0)
}

/// Returns the generations that are kept, oldest first; empty when the folder has none.
pub(crate) fn generations(
    root: &Root,
    location: &StoragePath,
) -> Result<Vec<TableVersion>, EngineError> {
    let folder = format!("{location}/{MANIFESTS}");
    let fail = |source| io_error("list generations", &folder, source);
    let entries = match root.dir().read_dir(&folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) if source.kind() == std::io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(fail)?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(".json"));
        let Some(digits) = digits.filter(|digits| digits.len() == 20) else { continue };
        if let Ok(generation) = digits.parse() {
            found.push(TableVersion(generation));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads one generation.
pub(crate) fn read(
    root: &Root,
    location: &StoragePath,
    generation: TableVersion,
) -> Result<StoredManifest, EngineError> {
    let path = manifest_path(location, generation);
    let bytes =
        root.read_document(&path).map_err(|source| io_error("read a manifest", &path, source))?;
    let unreadable = |source| json_error("read a manifest", &path, source);
    // A later version may have another form: it is told before the rest is read.
    let Versioned { version } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if !(1..=Manifest::VERSION).contains(&version) {
        let message = format!("`{path}` has version {version}, which is not known");
        return Err(crate::lake::error::error(ErrorKind::Unsupported, "read a manifest", message)
            .with_hint("it was written by a newer Mason; use that one"));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(unreadable)?;
    Ok(StoredManifest { manifest, digest: digest(&bytes) })
}

/// Returns the highest generation, deleted or not; `None` when there is none.
pub(crate) fn latest(
    root: &Root,
    location: &StoragePath,
) -> Result<Option<StoredManifest>, EngineError> {
    // A generation may be collected between the listing and the reading, never the highest one.
    match generations(root, location)?.last() {
        Some(generation) => read(root, location, *generation).map(Some),
        None => Ok(None),
    }
}

/// Returns every kept generation, oldest first.
pub(crate) fn history(
    root: &Root,
    location: &StoragePath,
) -> Result<Vec<StoredManifest>, EngineError> {
    let mut found = Vec::new();
    for generation in generations(root, location)? {
        match read(root, location, generation) {
            Ok(stored) => found.push(stored),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Publishes a generation; `None` when somebody else made that generation first.
pub(crate) fn publish(
    root: &Root,
    location: &StoragePath,
    manifest: &Manifest,
) -> Result<Option<StoredManifest>, EngineError> {
    let path = manifest_path(location, manifest.generation);
    let bytes = serde_json::to_vec_pretty(manifest)
        .map_err(|source| json_error("write a manifest", &path, source))?;
    let published = durable::publish_new(root, &path, &bytes)
        .map_err(|source| io_error("publish a manifest", &path, source))?;
    Ok(published.then(|| StoredManifest { manifest: manifest.clone(), digest: digest(&bytes) }))
}

/// Waits until the names of a table's generations are on the disk.
pub(crate) fn sync(root: &Root, location: &StoragePath) -> Result<(), EngineError> {
    let folder = format!("{location}/{MANIFESTS}");
    root.disk()
        .sync_folder(root.dir(), &folder)
        .map_err(|source| io_error("sync a folder", &folder, source))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Returns the name of the table that a folder is.
pub(crate) fn table_name(location: &StoragePath) -> TableName {
    let (database, table) = location.as_str().rsplit_once('/').unwrap_or(("", location.as_str()));
    TableName { database: database.to_owned(), table: table.to_owned() }
}
