//! One process that works on a job: its command, its start within bounds, and how it ended.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::clients::local::clock::now;
use crate::clients::local::jobs::{Exit, JobFolder, file};
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::lake::error::error;

/// Returns the command that works on a job, given the job's absolute folder.
pub type WorkerCommand = Arc<dyn Fn(&Path) -> std::io::Result<Command> + Send + Sync>;

/// Returns this program's own `worker` command.
pub(super) fn own_worker() -> WorkerCommand {
    Arc::new(|folder| {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("worker").arg("--job").arg(folder);
        Ok(command)
    })
}

/// Starts the process that works on a job; it prints into the job's log.
pub(super) fn start(folder: &JobFolder, worker: &WorkerCommand) -> Result<Child, EngineError> {
    let log = folder.open_log()?;
    let mut command = worker(&folder.absolute()).map_err(not_started)?;
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(not_started)?).stderr(log);
    bounded(&mut command).spawn().map_err(not_started)
}

/// Makes a command that of a worker, whose memory is bounded and which no terminal has in its foreground.
pub(super) fn bounded(command: &mut Command) -> &mut Command {
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
pub(super) fn reap(mut child: Child, folder: &JobFolder) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let Ok(status) = child.wait() else { return false };
    if folder.has(file::OUTCOME) || folder.has(file::ERROR) || !folder.has(file::OWNER) {
        return status.success();
    }
    let exit = Exit { at: now(), code: status.code(), signal: status.signal() };
    if let Err(error) = folder.show(file::EXIT, &exit) {
        tracing::warn!(job = folder.path(), %error, "failed to note how a worker ended");
    }
    status.success()
}

pub(super) fn not_started(source: std::io::Error) -> EngineError {
    error(ErrorKind::Unavailable, "start a worker", source.to_string())
        .with_source(source)
        .with_retry(Retry::Later)
}
