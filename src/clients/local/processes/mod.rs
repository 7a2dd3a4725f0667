//! The processes that work on jobs: one process for one job, started for it or before it.
//!
//! A process of its own has a bound on its memory that the system enforces, and takes nobody along when it
//! ends. Whether it works is read off its job's lock; here it is only started and waited for.

mod supervise;
mod warm;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

pub use supervise::supervise;
pub use warm::WarmWorkers;
pub(super) use warm::be_told;

use super::jobs::{Exit, JobFolder, ProcessIdentity, file};
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::lake::error::error;

/// Returns the command that works on a job, given the job's absolute folder.
pub type WorkerCommand = Arc<dyn Fn(&Path) -> std::io::Result<Command> + Send + Sync>;

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
    pub(super) fn by(command: WorkerCommand) -> Self {
        Self { command, warm: None }
    }

    /// Begins the work on a job, and has somebody wait for its end, who calls `ended` then.
    ///
    /// # Errors
    /// `Unavailable` when no process can be started.
    pub(super) fn begin(
        &self,
        folder: &JobFolder,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<(), EngineError> {
        let child = match self.warm.as_ref().and_then(|warm| warm.take(folder)) {
            Some(child) => child,
            None => start(folder, &self.command)?,
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

/// Has somebody wait for a worker that another process has started, who calls `ended` when it is gone.
///
/// # Errors
/// `Unavailable` when nobody can.
pub(super) fn attend(
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

/// Returns this program's own `worker` command.
fn own_worker() -> WorkerCommand {
    Arc::new(|folder| {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("worker").arg("--job").arg(folder);
        Ok(command)
    })
}

/// Starts the process that works on a job; it prints into the job's log.
fn start(folder: &JobFolder, worker: &WorkerCommand) -> Result<Child, EngineError> {
    let log = folder.open_log()?;
    let mut command = worker(&folder.absolute()).map_err(not_started)?;
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(not_started)?).stderr(log);
    bounded(&mut command).spawn().map_err(not_started)
}

/// Makes a command that of a worker, whose memory is bounded and who is nobody's foreground.
fn bounded(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    command
        // What the allocator only reserves (a gibibyte at once) must not count against the limit.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        // Telling where memory ran out takes memory: std would wait for its own lock for ever.
        .env("RUST_BACKTRACE", "0")
        // A terminal's Ctrl-C is for the command line, which cancels the job.
        .process_group(0)
}

/// Waits for the child, so that it does not stay as a zombie, and notes how it ended; returns whether
/// that was well.
fn reap(mut child: Child, folder: &JobFolder) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let Ok(status) = child.wait() else { return false };
    if folder.has(file::OUTCOME) || folder.has(file::ERROR) || !folder.has(file::OWNER) {
        return status.success();
    }
    let exit = Exit { at: super::clock::now(), code: status.code(), signal: status.signal() };
    if let Err(error) = folder.show(file::EXIT, &exit) {
        tracing::warn!(job = folder.path(), %error, "failed to note how a worker ended");
    }
    status.success()
}

fn not_started(source: std::io::Error) -> EngineError {
    error(ErrorKind::Unavailable, "start a worker", source.to_string())
        .with_source(source)
        .with_retry(Retry::Later)
}
