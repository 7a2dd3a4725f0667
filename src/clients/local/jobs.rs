//! A job's folder: `.mason/jobs/<token>/`, the only thing that a job's creator and its worker share.
//!
//! | file            | written by | says |
//! |-----------------|------------|------|
//! | `owner.json`    | creator    | for whom, what, when, with which limits |
//! | `spec.json`     | creator    | the job |
//! | `store.json`    | creator    | the client whose files the job works on, where they are not those of the root |
//! | `metastore.json` | creator   | the client that knows the tables, where it is not the one of the files |
//! | `lock`          | creator    | held by the worker for its life; free means that no worker works |
//! | `reserve`       | creator    | nothing: room on the disk for the files below |
//! | `released.json` | creator    | the job may begin, since when |
//! | `started.json`  | worker     | since when, by which process; never begun twice |
//! | `planned.json`  | worker     | the job of an operator as it was planned, without files that are never collected |
//! | `progress.json` | worker     | how far it is |
//! | `prepared.json` | worker     | the outcome as it will be if the commit that follows takes place |
//! | `statistics.json` | worker   | what it took, written before how it ended |
//! | `outcome.json`  | worker     | the proof of success |
//! | `error.json`    | worker     | how it ended otherwise |
//! | `exit.json`     | spawner    | how the process ended, if the spawner was there to see it |
//! | `cancel.json`   | any process | the job is to stop, since when |
//! | `fenced.json`   | any process | the job may neither begin nor commit |
//! | `log`           | worker     | what it printed |
//!
//! A folder appears whole (made under another name, synced, renamed) and its files are never changed,
//! except `progress.json`. On a full disk `reserve` is given up for them, so that a job that has its
//! folder can always say how it ended, and can always be fenced. Once the folder is gone, no process is
//! left to tell: the worker stops and commits nothing.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use cap_std::fs::OpenOptions;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::durable;
use super::root::{OWN_FOLDER, Root, checked_token};
use super::settings::JobLimits;
use crate::engines::job::{JobError, JobOwner, JobState, JobToken};
use crate::engines::job_spec::JobSpec;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{error, io_error, is_full, json_error};

/// What a creator writes down of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    /// For whom.
    pub owner: JobOwner,
    /// The operation's word.
    pub operation: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// What it may use.
    pub limits: JobLimits,
}

/// A moment, as the content of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
}

/// Who works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Since when.
    pub at: Timestamp,
    /// The process, told apart from later ones with the same number.
    pub process: ProcessIdentity,
}

/// A process: a number alone may belong to another one later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessIdentity {
    /// Its number.
    pub pid: i32,
    /// When it began, in ticks since the machine did; none where the system does not say.
    pub start_ticks: Option<u64>,
    /// Which start of the machine; none where the system does not say.
    pub boot_id: Option<String>,
}

/// How a job ended that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// `Failed` or `Cancelled`.
    pub state: JobState,
    /// Why.
    pub error: JobError,
}

/// How the worker's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    /// When.
    pub at: Timestamp,
    /// Its code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// When a job ended well, and its proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Succeeded {
    /// When.
    pub at: Timestamp,
    /// The proof.
    pub outcome: crate::engines::result::JobOutcome,
}

/// How much room is kept for a job's files: some blocks of usual size.
pub(crate) const RESERVE_BYTES: usize = 64 * 1024;

/// The files of a job's folder.
pub(crate) mod file {
    pub(crate) const OWNER: &str = "owner.json";
    pub(crate) const SPEC: &str = "spec.json";
    /// The client whose files the job works on, where they are not those of the root.
    pub(crate) const STORE: &str = "store.json";
    /// The client that knows the tables, where it is not the one of the files.
    pub(crate) const METASTORE: &str = "metastore.json";
    pub(crate) const LOCK: &str = "lock";
    pub(crate) const RESERVE: &str = "reserve";
    pub(crate) const RELEASED: &str = "released.json";
    pub(crate) const STARTED: &str = "started.json";
    pub(crate) const PLANNED: &str = "planned.json";
    pub(crate) const PROGRESS: &str = "progress.json";
    pub(crate) const PREPARED: &str = "prepared.json";
    pub(crate) const STATISTICS: &str = "statistics.json";
    pub(crate) const OUTCOME: &str = "outcome.json";
    pub(crate) const ERROR: &str = "error.json";
    pub(crate) const EXIT: &str = "exit.json";
    pub(crate) const CANCEL: &str = "cancel.json";
    pub(crate) const FENCED: &str = "fenced.json";
    pub(crate) const LOG: &str = "log";
}

/// A job's folder, which need not exist.
#[derive(Debug, Clone)]
pub(crate) struct JobFolder {
    root: Arc<Root>,
    path: String,
}

/// Returns the folder of all jobs, below the root.
pub(crate) fn jobs_folder() -> String {
    format!("{OWN_FOLDER}/jobs")
}

impl JobFolder {
    pub(crate) fn of(root: &Arc<Root>, token: &JobToken) -> Result<Self, EngineError> {
        let path = format!("{}/{}", jobs_folder(), checked_token(token)?);
        Ok(Self { root: Arc::clone(root), path })
    }

    /// Returns the folder's absolute path, for a child process.
    pub(crate) fn absolute(&self) -> std::path::PathBuf {
        self.root.path().join(Path::new(&self.path))
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn below(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    pub(crate) fn exists(&self) -> bool {
        self.root.dir().try_exists(&self.path).unwrap_or(false)
    }

    /// Returns whether there certainly is no such folder; a disk that does not answer tells nothing.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.root.dir().try_exists(&self.path), Ok(false))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.root.dir().try_exists(self.below(name)).unwrap_or(false)
    }

    /// Makes the folder with these files, whole or not at all; returns whether it was this call.
    pub(crate) fn create(&self, files: &[(&str, Vec<u8>)]) -> Result<bool, EngineError> {
        let new = format!("{}/.new-{}", jobs_folder(), uuid::Uuid::new_v4().simple());
        let fail = |source| io_error("create a job", &self.path, source);
        durable::make_folder(&self.root, &new).map_err(fail)?;
        let (disk, dir) = (self.root.disk(), self.root.dir());
        let fill = || -> io::Result<()> {
            for (name, bytes) in files {
                let path = format!("{new}/{name}");
                disk.write_new(dir, &path, bytes)?;
                disk.sync_file(dir, &path)?;
            }
            disk.sync_folder(dir, &new)?;
            disk.rename(dir, &new, &self.path)
        };
        let Err(source) = fill() else {
            disk.sync_folder(dir, &jobs_folder()).map_err(fail)?;
            return Ok(true);
        };
        let _ = dir.remove_dir_all(&new);
        // A folder that has files is never replaced by a rename.
        if self.exists() { Ok(false) } else { Err(fail(source)) }
    }

    /// Publishes a file that is not there yet; returns whether it was this call that did.
    pub(crate) fn publish<T: Serialize>(&self, name: &str, value: &T) -> Result<bool, EngineError> {
        let path = self.below(name);
        let bytes = as_json(value, &path)?;
        let publish = || durable::publish_into(&self.root, &path, &bytes);
        let published = match publish() {
            Err(source) if is_full(&source) && self.has(file::RESERVE) => {
                self.forget(file::RESERVE)?;
                publish()
            }
            other => other,
        };
        published.map_err(|source| io_error("write a job's file", &path, source))
    }

    /// Replaces a file that is only shown.
    pub(crate) fn show<T: Serialize>(&self, name: &str, value: &T) -> Result<(), EngineError> {
        let path = self.below(name);
        let bytes = as_json(value, &path)?;
        durable::replace_quickly(&self.root, &path, &bytes)
            .map_err(|source| io_error("write a job's file", &path, source))
    }

    /// Returns a file that is only shown. It is not kept for good when it is written: one that a machine's end left
    /// torn is none.
    pub(crate) fn shown<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.read(name).ok().flatten()
    }

    /// Removes a file that is only shown, if it is there.
    pub(crate) fn forget(&self, name: &str) -> Result<(), EngineError> {
        let path = self.below(name);
        match self.root.dir().remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove a job's file", &path, source))
            }
            _ => Ok(()),
        }
    }

    /// Returns the job; of an operator's, the job as it was planned, once it is.
    pub(crate) fn spec(&self) -> Result<Option<JobSpec>, EngineError> {
        match self.read(file::PLANNED)? {
            Some(planned) => Ok(Some(planned)),
            None => self.read(file::SPEC),
        }
    }

    /// Reads a file, if it is there.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, EngineError> {
        let path = self.below(name);
        let bytes = match self.root.read_document(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error("read a job's file", &path, source)),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| json_error("read a job's file", &path, source))
    }

    fn open_lock(&self) -> Result<File, EngineError> {
        let path = self.below(file::LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let opened = self.root.dir().open_with(&path, &options);
        Ok(opened.map_err(|source| io_error("open a job's lock", &path, source))?.into_std())
    }

    /// Takes the lock for as long as the returned file lives; `None` when another process has it.
    pub(crate) fn try_lock(&self) -> Result<Option<File>, EngineError> {
        let lock = self.open_lock()?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(io_error("take a job's lock", &self.path, source))
            }
        }
    }

    /// Returns whether a worker holds the lock. Looks with a shared lock, so that looks do not
    /// disturb each other; a worker that begins meanwhile tries again.
    pub(crate) fn is_worked_on(&self) -> Result<bool, EngineError> {
        let lock = self.open_lock()?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => {
                Err(io_error("look at a job's lock", &self.path, source))
            }
        }
    }

    /// Returns the end of the log, at most this many bytes; empty when there is none.
    pub(crate) fn log_tail(&self, max_bytes: u64) -> Result<String, EngineError> {
        let path = self.below(file::LOG);
        let fail = |source| io_error("read a job's log", &path, source);
        let mut log = match self.root.dir().open(&path) {
            Ok(log) => log.into_std(),
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(source) => return Err(fail(source)),
        };
        let size = log.metadata().map_err(fail)?.len();
        log.seek(SeekFrom::Start(size.saturating_sub(max_bytes))).map_err(fail)?;
        let mut tail = Vec::new();
        log.take(max_bytes).read_to_end(&mut tail).map_err(fail)?;
        Ok(String::from_utf8_lossy(&tail).into_owned())
    }

    /// Opens the log for the worker's process to print to.
    pub(crate) fn open_log(&self) -> Result<File, EngineError> {
        let path = self.below(file::LOG);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        let opened = self.root.dir().open_with(&path, &options);
        Ok(opened.map_err(|source| io_error("open a job's log", &path, source))?.into_std())
    }
}

fn as_json<T: Serialize>(value: &T, path: &str) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(value).map_err(|source| json_error("write a job's file", path, source))
}

/// Returns the tokens of all jobs that are still known, in no order.
pub(crate) fn tokens(root: &Root) -> Result<Vec<JobToken>, EngineError> {
    let folder = jobs_folder();
    let fail = |source| io_error("list jobs", &folder, source);
    let entries = match root.dir().read_dir(&folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(fail)?.file_name();
        let token = name.to_str().map(|name| JobToken(name.to_owned()));
        found.extend(token.filter(|token| checked_token(token).is_ok()));
    }
    Ok(found)
}

impl ProcessIdentity {
    /// Returns the identity of a running process; `None` when there is none of this number.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold anything.
        let after_name = stat.rsplit_once(')')?.1;
        let start_ticks = after_name.split_whitespace().nth(19)?.parse().ok();
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Some(Self { pid, start_ticks, boot_id: boot_id.map(|id| id.trim().to_owned()) })
    }

    /// Kills the process, if it is still the same one; returns whether it was.
    pub(crate) fn kill(&self) -> bool {
        use rustix::process::{Signal, pidfd_send_signal};
        self.handle().is_some_and(|process| pidfd_send_signal(process, Signal::KILL).is_ok())
    }

    /// Blocks until the process has ended; returns at once when it is not there any more, or the system does not
    /// tell.
    ///
    /// # Source
    /// <https://man7.org/linux/man-pages/man2/pidfd_open.2.html>
    pub(crate) fn await_end(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        let Some(process) = self.handle() else { return };
        let mut ends = [PollFd::new(&process, PollFlags::IN)];
        while poll(&mut ends, None) == Err(rustix::io::Errno::INTR) {}
    }

    /// Returns what stands for the process, if it is still the same one.
    fn handle(&self) -> Option<OwnedFd> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        // Opened before the comparison: what it stands for is what was compared.
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        let is_same = self.start_ticks.is_some() && Self::of(self.pid).as_ref() == Some(self);
        is_same.then_some(handle)
    }
}

/// Makes an error of a job that is not known.
pub(crate) fn no_such_job(token: &str) -> EngineError {
    error(ErrorKind::NotFound, "look at a job", format!("there is no job `{token}`"))
        .with_hint("jobs are forgotten some days after they end")
}
