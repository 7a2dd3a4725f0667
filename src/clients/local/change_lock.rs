//! The lock under which changes of the metastore follow one another, one at a time per root. The system frees it
//! with its holder.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::OpenOptions;

use super::root::{OWN_FOLDER, Root};
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::lake::changes::ChangeLock;
use crate::lake::error::{error, io_error};
use crate::lake::listing::folder_of;

const OPERATION: &str = "change the metastore";

/// The lock of a root.
pub(super) struct RootLock(pub(super) Arc<Root>);

impl ChangeLock for RootLock {
    fn take(&self) -> Result<Box<dyn Send>, EngineError> {
        lock(&self.0).map(|held| Box::new(held) as Box<dyn Send>)
    }
}

/// How long another change may take, 15 s: one whose process is stopped holds up no other run for longer.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);
const TRIES: u32 = if cfg!(test) { 600 } else { 3_000 };

/// One change after another: held until the returned file is dropped.
fn lock(root: &Root) -> Result<File, EngineError> {
    let path = format!("{OWN_FOLDER}/changes/lock");
    let fail = |source: io::Error| io_error(OPERATION, &path, source);
    root.make_folders(folder_of(&path)).map_err(fail)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    let file = root.dir().open_with(&path, &options).map_err(fail)?.into_std();
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
    }
    let seconds = (BETWEEN_TRIES * TRIES).as_secs();
    let message = format!("another change has held `{path}` for more than {seconds} s");
    Err(error(ErrorKind::Unavailable, OPERATION, message).with_retry(Retry::Later))
}
