//! Workers that are started before there is a job for them, so that a job begins at once.
//!
//! Each still works on one job and ends: what one job leaves in a process is never seen by another, and its
//! bound on memory is its own. A waiting worker is told its job's absolute folder, closed by a NUL, on its
//! standard input, and behind that what the Secret of its store holds, if there is one; when the input ends without a
//! job, the process that started the worker is gone and the worker ends too. No job relies on a waiting worker: if none
//! waits, a job's worker is started as ever.

use std::io::{BufRead, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::process::{bounded, tell_keys};
use crate::clients::SecretKeys;
use crate::clients::local::jobs::JobFolder;

/// Returns the command whose process waits to be told a job.
type WaitingCommand = Box<dyn Fn() -> std::io::Result<Command> + Send + Sync>;

/// So many workers that wait for jobs.
pub struct WarmWorkers {
    command: WaitingCommand,
    count: usize,
    waiting: Mutex<Vec<Waiting>>,
}

/// A worker that waits.
struct Waiting {
    child: Child,
    told: ChildStdin,
}

impl WarmWorkers {
    /// Makes the pool of so many of this program's own workers; none waits before [`WarmWorkers::fill`].
    #[must_use]
    pub fn own(count: usize) -> Self {
        let command = || {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["worker", "--wait"]);
            Ok(command)
        };
        Self::by(Box::new(command), count)
    }

    /// Makes the pool of so many processes of a command.
    pub(crate) fn by(command: WaitingCommand, count: usize) -> Self {
        Self { command, count, waiting: Mutex::default() }
    }

    /// Starts workers until so many wait as should.
    pub fn fill(&self) {
        while self.waiting().len() < self.count {
            match self.start() {
                Ok(one) => drop(self.keep(one).map(end)),
                Err(error) => {
                    tracing::warn!(%error, "failed to start a worker ahead of its job");
                    return;
                }
            }
        }
    }

    /// Gives a job, with what the Secret of its store holds, to a worker that waits; nothing when none does.
    pub(super) fn take(&self, folder: &JobFolder, keys: Option<&SecretKeys>) -> Option<Child> {
        loop {
            let mut one = self.waiting().pop()?;
            let told = tell(&mut one.told, &folder.absolute())
                .and_then(|()| keys.map_or(Ok(()), |keys| tell_keys(&mut one.told, keys)));
            let Err(error) = told else { return Some(one.child) };
            tracing::warn!(%error, "a worker that waited for a job is gone");
            end(one);
        }
    }

    /// Lets a worker wait; returns it when others have filled the pool meanwhile.
    fn keep(&self, one: Waiting) -> Option<Waiting> {
        let mut waiting = self.waiting();
        if waiting.len() >= self.count {
            return Some(one);
        }
        waiting.push(one);
        None
    }

    fn start(&self) -> std::io::Result<Waiting> {
        let mut command = (self.command)()?;
        let mut child = bounded(command.stdin(Stdio::piped()).stdout(Stdio::null())).spawn()?;
        let told = child.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(Waiting { child, told })
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WarmWorkers {
    fn drop(&mut self) {
        std::mem::take(&mut *self.waiting()).into_iter().for_each(end);
    }
}

/// Lets a waiting worker end, which it does when no process can tell it a job any more.
fn end(Waiting { mut child, told }: Waiting) {
    drop(told);
    drop(child.wait());
}

/// Tells a waiting worker its job, in one write.
fn tell(worker: &mut ChildStdin, folder: &Path) -> std::io::Result<()> {
    worker.write_all(&[folder.as_os_str().as_bytes(), b"\0"].concat())
}

/// Waits to be told a job, and returns its absolute folder; nothing when no process can tell one any more.
///
/// # Errors
/// When the input cannot be read.
pub(crate) fn be_told(mut input: impl BufRead) -> std::io::Result<Option<PathBuf>> {
    let mut folder = Vec::new();
    input.read_until(0, &mut folder)?;
    let is_whole = folder.pop() == Some(0);
    Ok(is_whole.then(|| std::ffi::OsString::from_vec(folder).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_told_a_whole_folder_or_none() {
        let told = |input: &[u8]| be_told(input).expect("should read");
        assert_eq!(told(b"/a/b\0"), Some(PathBuf::from("/a/b")));
        assert_eq!(told(b"/a\nb\0rest"), Some(PathBuf::from("/a\nb")));
        assert_eq!((told(b""), told(b"/a/b")), (None, None), "the process that started it is gone");
    }

    #[test]
    fn so_many_wait_and_one_that_is_gone_is_replaced() {
        let cat = || Ok(Command::new("cat"));
        let warm = WarmWorkers::by(Box::new(cat), 2);
        assert_eq!(warm.waiting().len(), 0);
        warm.fill();
        warm.fill();
        assert_eq!(warm.waiting().len(), 2);
        for one in warm.waiting().iter_mut() {
            one.child.kill().expect("should be killed");
            one.child.wait().expect("should be gone");
        }
        let folder = tempfile::tempdir().expect("should make a folder");
        let root = crate::clients::local::root::Root::open(folder.path()).expect("should open");
        let token = crate::engines::job::JobToken("t".repeat(32));
        let job = JobFolder::of(&std::sync::Arc::new(root), &token).expect("should be a folder");
        assert!(warm.take(&job, None).is_none(), "no worker waits that could work");
        warm.fill();
        let mut worker = warm.take(&job, None).expect("should have taken one");
        assert!(
            worker.wait().expect("should end").success(),
            "no other process can tell it anything"
        );
        assert_eq!(warm.waiting().len(), 1);
    }
}
