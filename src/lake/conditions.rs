//! Whether a store honours the condition of a write, on which every commit rests.

use object_store::path::Path;
use object_store::{Error, ObjectStore, PutMode, PutPayload};

/// The object that is written under the condition that it is not there. It stays: where it is, one write tells.
const PROBE: &str = ".mason/conditional-writes";

/// Returns whether a store refuses to write an object anew that must not be there.
///
/// # Errors
/// Whatever the store fails with, such as `PermissionDenied`.
pub(super) async fn are_honoured(store: &dyn ObjectStore) -> Result<bool, Error> {
    let probe = Path::from(PROBE);
    // The first write may be the one that makes it.
    for _ in 0..2 {
        match store.put_opts(&probe, PutPayload::new(), PutMode::Create.into()).await {
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(true),
            Err(failed) => return Err(failed),
            Ok(_) => {}
        }
    }
    Ok(false)
}
