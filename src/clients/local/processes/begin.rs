//! Begins the work on a job, in a worker that waits for one or in a new one, and waits for its end.

use std::sync::Arc;

use super::WarmWorkers;
use super::process::{WorkerCommand, not_started, own_worker, reap, start};
use crate::clients::SecretKeys;
use crate::clients::local::jobs::{JobFolder, ProcessIdentity};
use crate::engines::EngineError;

/// How the workers of jobs are started on this machine.
#[derive(Clone)]
pub struct WorkerProcesses {
    command: WorkerCommand,
    /// Those that wait for jobs.
    warm: Option<Arc<WarmWorkers>>,
}

impl WorkerProcesses {
    /// Returns how this program starts itself as worker, when there is a job and none waits for it.
    #[must_use]
    pub fn own(warm: Option<Arc<WarmWorkers>>) -> Self {
        Self { command: own_worker(), warm }
    }

    /// Returns workers that are started by a command, each when there is a job for it.
    pub(in crate::clients::local) fn by(command: WorkerCommand) -> Self {
        Self { command, warm: None }
    }

    /// Begins the work on a job, with what the Secret of its store holds. A thread waits for its end and calls `ended`
    /// then.
    ///
    /// # Errors
    /// `Unavailable` when no process can be started.
    pub(in crate::clients::local) fn begin(
        &self,
        folder: &JobFolder,
        keys: Option<&SecretKeys>,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<(), EngineError> {
        let child = match self.warm.as_ref().and_then(|warm| warm.take(folder, keys)) {
            Some(child) => child,
            None => start(folder, keys, &self.command)?,
        };
        let (folder, warm) = (folder.clone(), self.warm.clone());
        let wait = move || {
            if let Some(warm) = warm {
                warm.fill();
            }
            reap(child, &folder);
            ended();
        };
        apart("reaper", wait)
    }
}

/// Has a thread wait for a worker that another process has started. It calls `ended` when the worker is gone.
///
/// # Errors
/// `Unavailable` when no thread can be started.
pub(in crate::clients::local) fn attend(
    worker: ProcessIdentity,
    ended: impl FnOnce() + Send + 'static,
) -> Result<(), EngineError> {
    apart("attendant", move || {
        worker.await_end();
        ended();
    })
}

fn apart(name: &str, wait: impl FnOnce() + Send + 'static) -> Result<(), EngineError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(wait);
    thread.map(drop).map_err(not_started)
}
