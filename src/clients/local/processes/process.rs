//! One process that works on a job: its command, its start within bounds, and how it ended.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::clients::SecretKeys;
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

/// Starts the process that works on a job; it prints into the job's log. What the Secret of the job's store holds it is
/// told on its standard input, and nowhere else.
pub(super) fn start(
    folder: &JobFolder,
    keys: Option<&SecretKeys>,
    worker: &WorkerCommand,
) -> Result<Child, EngineError> {
    let log = folder.open_log()?;
    let mut command = worker(&folder.absolute()).map_err(not_started)?;
    command.stdin(if keys.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(log.try_clone().map_err(not_started)?).stderr(log);
    let mut child = bounded(&mut command).spawn().map_err(not_started)?;
    if let (Some(keys), Some(input)) = (keys, child.stdin.take())
        && let Err(error) = tell_keys(input, keys)
    {
        // A worker that does not know them says so by itself; one that is gone is missed.
        tracing::warn!(job = folder.path(), %error, "failed to tell a worker its credentials");
    }
    Ok(child)
}

/// Tells a worker what a Secret holds, in one write, and that this is all.
pub(super) fn tell_keys(mut input: impl Write, keys: &SecretKeys) -> std::io::Result<()> {
    input.write_all(&serde_json::to_vec(keys)?)
}

/// Returns what a worker was told of a Secret; nothing when it was told nothing.
///
/// # Errors
/// When the input cannot be read, or says something else.
pub(crate) fn be_told_keys(mut input: impl Read) -> std::io::Result<Option<SecretKeys>> {
    let mut told = Vec::new();
    input.read_to_end(&mut told)?;
    if told.is_empty() {
        return Ok(None);
    }
    // The words of the error could hold what was told.
    let other = |_| std::io::Error::other("it is told something else than credentials");
    serde_json::from_slice(&told).map(Some).map_err(other)
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
