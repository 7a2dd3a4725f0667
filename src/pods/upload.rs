//! Results that are too large for a termination message, through a storage that their pod may write.
//!
//! The pod leaves the result there as a file under its token, whole or not at all, and says in its message
//! what the digest is. Who collects reads it; once the run has ended it is removed. Both are of the user who
//! reads and writes below the root for the local engine as well.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use object_store::{ObjectStore, ObjectStoreExt as _};
use serde_json::Value;

use super::error::error;
use super::proof::{Uploaded, digest_of};
use crate::engines::storage::meaning_of;
use crate::engines::{EngineError, ErrorKind, Retry};

/// The folder below the storage's root; files below a name that begins with `.` are no data.
pub(super) const FOLDER: &str = ".mason/uploads";
/// Most bytes of a result that comes this way.
pub(super) const UPLOAD_BYTES: usize = 8 * 1024 * 1024;

/// Leaves the result of an attempt in a folder. It is on the disk when this returns.
///
/// # Errors
/// When the folder cannot be made or written.
pub(super) fn leave(folder: &Path, token: &str, result: &[u8]) -> io::Result<Uploaded> {
    fs::create_dir_all(folder)?;
    // As readable as any other file that its user makes.
    let readable = fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
    file.write_all(result)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name_of(token)))?;
    fs::File::open(folder)?.sync_all()?;
    Ok(Uploaded { bytes: result.len(), sha256: digest_of(result) })
}

/// Reads what an attempt has left.
///
/// # Errors
/// `Unavailable` when it is not there, or is not what the attempt said.
pub(super) async fn fetch(
    storage: &dyn ObjectStore,
    token: &str,
    uploaded: &Uploaded,
) -> Result<Value, EngineError> {
    const WHAT: &str = "collect a pod's result";
    let unread = |source: object_store::Error| {
        let message =
            format!("the result that its pod left in the storage cannot be read: {source}");
        error(ErrorKind::Unavailable, WHAT, message).with_source(source).with_retry(Retry::Later)
    };
    let another = || {
        let message = "the result in the storage is not the one that its pod left there";
        error(ErrorKind::Unavailable, WHAT, message)
    };
    let found = storage.get(&path_of(token)).await.map_err(unread)?;
    let size = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
    if size != uploaded.bytes || size > UPLOAD_BYTES {
        return Err(another());
    }
    let bytes = found.bytes().await.map_err(unread)?;
    if digest_of(&bytes) != uploaded.sha256 {
        return Err(another());
    }
    serde_json::from_slice(&bytes).map_err(|_| another())
}

/// Removes what an attempt may have left.
///
/// # Errors
/// When it cannot be removed.
pub(super) async fn remove(storage: &dyn ObjectStore, token: &str) -> Result<(), EngineError> {
    match storage.delete(&path_of(token)).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(source) => {
            let kind = meaning_of(&source).unwrap_or(ErrorKind::Unavailable);
            let failed = error(kind, "remove a pod's result", source.to_string());
            Err(failed.with_source(source))
        }
    }
}

fn path_of(token: &str) -> object_store::path::Path {
    object_store::path::Path::from(format!("{FOLDER}/{}", name_of(token)))
}

fn name_of(token: &str) -> String {
    format!("{token}.json")
}
