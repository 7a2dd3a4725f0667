//! Whether a change could be made, found out before one is: names are given once, and there is room for its records.

use super::record::own_document;
use crate::engines::EngineError;
use crate::engines::files::Files;

/// Checks how names are given, then writes and removes a document as large as the records of a change.
///
/// # Errors
/// As [`Files::check_publishing`], and whatever writing a record would fail with.
pub fn check_room(files: &dyn Files) -> Result<(), EngineError> {
    const BYTES: usize = 16 * 1024;
    files.check_publishing()?;
    let path = own_document("check")?;
    files.replace(&path, &vec![0; BYTES])?;
    files.remove(&path).map(drop)
}
