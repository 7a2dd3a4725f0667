//! Proof of a managed table: every file is read again and compared with its manifest.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::error;
use super::file_lists::all_files;
use super::manifest::{Manifest, ManifestKind};
use super::tables;
use crate::engines::counted::counted;
use crate::engines::files::{ByteSource, Files};
use crate::engines::job_spec::BadRows;
use crate::engines::result::WrittenFile;
use crate::engines::table::{FileFormat, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::decode::decode;
use crate::formats::decoding::DecodeOptions;

const OPERATION: &str = "verify a table";

/// Bytes that are read at once.
const PART_BYTES: usize = 1024 * 1024;

/// What was read again and found as it was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The generation.
    pub version: TableVersion,
    /// How many files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
}

/// Reads every file of a managed table again: size, checksum, and the number of rows that can be
/// decoded.
///
/// # Errors
/// `Conflict` naming the first file that is not as it was committed; `NotFound` for one that is gone;
/// `InvalidInput` for a table that Mason did not write.
pub fn verify(files: &dyn Files, name: &TableName) -> Result<Verified, EngineError> {
    let table = tables::table(files, name)?;
    let managed = table.manifest.filter(|manifest| manifest.kind == ManifestKind::Managed);
    let Some(manifest) = managed else {
        let message = format!("`{}` was not written by Mason", table.name);
        return Err(error(ErrorKind::InvalidInput, OPERATION, message));
    };
    let mut verified = Verified { version: manifest.generation, files: 0, bytes: 0, rows: 0 };
    for file in &all_files(files, &manifest)? {
        verify_file(files, &manifest, file)?;
        verified.files += 1;
        verified.bytes += file.size_bytes;
        verified.rows += file.rows;
    }
    Ok(verified)
}

fn verify_file(
    files: &dyn Files,
    manifest: &Manifest,
    file: &WrittenFile,
) -> Result<(), EngineError> {
    let differs = |what: String| {
        let message = format!("`{}` of `{}` {what}", file.path, manifest.name);
        Err(error(ErrorKind::Conflict, OPERATION, message)
            .with_hint("the file was changed after it was committed; write the table anew"))
    };
    let pinned = files.pin(&file.path)?;
    if pinned.size_bytes != file.size_bytes {
        return differs(format!(
            "has {}, and {} when it was committed",
            counted(pinned.size_bytes, "byte"),
            file.size_bytes
        ));
    }
    let source = files.open(&pinned)?;
    let sha256 = checksum(source.as_ref())?;
    if sha256 != file.sha256 {
        return differs(format!("has the SHA-256 {sha256}, {} was committed", file.sha256));
    }
    let Some(format) = &manifest.format else {
        return differs("has no format in its manifest".to_owned());
    };
    let rows = count_rows(source, format, manifest)?;
    if rows != file.rows {
        return differs(format!(
            "has {}, and {} when it was committed",
            counted(rows, "row"),
            file.rows
        ));
    }
    Ok(())
}

fn checksum(source: &dyn ByteSource) -> Result<String, EngineError> {
    let mut digest = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    let mut offset = 0;
    loop {
        let count = source
            .read_at(&mut part, offset)
            .map_err(|e| super::error::io_error(OPERATION, source.path(), e))?;
        if count == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(&part[..count]);
        offset += count as u64;
    }
}

fn count_rows(
    source: Arc<dyn ByteSource>,
    format: &FileFormat,
    manifest: &Manifest,
) -> Result<u64, EngineError> {
    let options = DecodeOptions {
        schema: manifest.schema.to_arrow(),
        batch_rows: 8192,
        threads: 1,
        bad_rows: BadRows::Fail,
        bad: Arc::default(),
        known: None,
    };
    let wrong = |source: crate::formats::error::FormatError| {
        error(ErrorKind::Conflict, OPERATION, source.to_string()).with_source(source)
    };
    let mut rows = 0;
    for batch in decode(source, format, &options).map_err(wrong)? {
        rows += batch.map_err(wrong)?.num_rows() as u64;
    }
    Ok(rows)
}
