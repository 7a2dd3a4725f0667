//! Changes of the metastore: those of the lake, one at a time per root, under a lock that the system frees
//! with its holder.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use cap_std::fs::OpenOptions;

use super::clock::now;
use super::metastore::LocalMetastore;
use super::root::{OWN_FOLDER, Root};
use crate::engines::metastore::{Author, Change, Changed, Changes};
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::lake::changes;
use crate::lake::error::{error, io_error};
use crate::lake::listing::folder_of;

const OPERATION: &str = "change the metastore";

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

#[async_trait]
impl Changes for LocalMetastore {
    async fn check(&self) -> Result<(), EngineError> {
        let own = self.clone();
        super::threads::blocking(move || {
            let _lock = lock(&own.root)?;
            changes::check_room(&own.files)
        })
        .await
    }

    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        let (own, change, author) = (self.clone(), change.clone(), author.clone());
        super::threads::blocking(move || {
            let _lock = lock(&own.root)?;
            changes::apply(&own.files, &change, &author, now())
        })
        .await
    }

    async fn find(&self, author: &Author) -> Result<Option<Changed>, EngineError> {
        let (own, author) = (self.clone(), author.clone());
        super::threads::blocking(move || {
            let _lock = lock(&own.root)?;
            changes::find(&own.files, &author, now())
        })
        .await
    }

    async fn fence(&self, author: &Author) -> Result<Option<Changed>, EngineError> {
        let (own, author) = (self.clone(), author.clone());
        super::threads::blocking(move || {
            let _lock = lock(&own.root)?;
            changes::fence(&own.files, &author, now())
        })
        .await
    }
}
