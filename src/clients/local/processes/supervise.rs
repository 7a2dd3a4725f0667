//! One worker of one job under a process that waits for it: what a pod begins with.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::process::{not_started, own_worker, reap, start};
use crate::clients::SecretKeys;
use crate::clients::local::clock::now;
use crate::clients::local::jobs::{JobFolder, Mark, file};
use crate::clients::local::worker;
use crate::engines::EngineError;

/// Starts the worker of a job's absolute folder, with the credentials of a mounted Secret if the job's files need one,
/// waits for its end, and notes how it ended; returns whether it ended well. When this process is asked to stop, the job
/// is.
///
/// # Errors
/// When the folder is not that of a job, or the worker cannot be started.
pub fn supervise(job_folder: &Path, credentials: Option<&Path>) -> Result<bool, EngineError> {
    let (root, token) = worker::locate(job_folder)?;
    let folder = JobFolder::of(&Arc::new(root), &token)?;
    let keys = credentials.map(SecretKeys::mounted).transpose().map_err(not_started)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(not_started)?.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(not_started)?;
        let child = start(&folder, keys.as_ref(), &own_worker())?;
        let reaped = folder.clone();
        let mut worker = tokio::task::spawn_blocking(move || reap(child, &reaped));
        loop {
            tokio::select! {
                ended = &mut worker => return Ok(ended.unwrap_or_default()),
                _ = terminate.recv() => {
                    folder.publish(file::CANCEL, &Mark { at: now() })?;
                }
            }
        }
    })
}
