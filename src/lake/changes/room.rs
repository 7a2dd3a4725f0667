//! Whether there is room for the records of a change, found out before one is made.

use super::record::own_document;
use crate::engines::EngineError;
use crate::engines::files::Files;

/// Writes and removes a document as large as the records of a change.
///
/// # Errors
/// Whatever writing a record would fail with.
pub fn check_room(files: &dyn Files) -> Result<(), EngineError> {
    const BYTES: usize = 16 * 1024;
    let path = own_document("check")?;
    files.replace(&path, &vec![0; BYTES])?;
    files.remove(&path).map(drop)
}
