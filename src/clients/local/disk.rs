//! The few operations on which durability rests.
//!
//! They stand behind [`Durable`], so that a test can assert their order (a killed process proves no
//! durability) and can kill the process at each of them.

use std::fmt;
use std::io::{self, Write};

use cap_std::fs::{Dir, OpenOptions};

/// The operations on which durability rests; paths are relative to the root.
pub trait Durable: fmt::Debug + Send + Sync {
    /// Creates a file that must not exist and writes all of it.
    ///
    /// # Errors
    /// Whatever the system says; `AlreadyExists`.
    fn write_new(&self, dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Waits until a file's content is on the disk.
    ///
    /// # Errors
    /// Whatever the system says.
    fn sync_file(&self, dir: &Dir, path: &str) -> io::Result<()>;

    /// Waits until a folder's names are on the disk; the root when the path is empty.
    ///
    /// # Errors
    /// Whatever the system says.
    fn sync_folder(&self, dir: &Dir, path: &str) -> io::Result<()>;

    /// Gives a file a second name that must not exist.
    ///
    /// # Errors
    /// Whatever the system says; `AlreadyExists`.
    fn link(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()>;

    /// Gives a file or folder another name; a file of that name is replaced at once.
    ///
    /// # Errors
    /// Whatever the system says.
    fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()>;
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Durable for Disk {
    fn write_new(&self, dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        dir.open_with(path, &options)?.write_all(bytes)
    }

    fn sync_file(&self, dir: &Dir, path: &str) -> io::Result<()> {
        dir.open(path)?.sync_all()
    }

    fn sync_folder(&self, dir: &Dir, path: &str) -> io::Result<()> {
        // A folder of cap-std may be open for its path only, which cannot be synced.
        dir.open(if path.is_empty() { "." } else { path })?.sync_all()
    }

    fn link(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
        dir.hard_link(from, dir, to)
    }

    fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
        dir.rename(from, dir, to)
    }
}

/// Writes down every durable operation, and can end the process at one of them.
#[cfg(any(test, feature = "test-support"))]
pub mod recorder {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, PoisonError};

    use super::{Dir, Disk, Durable, io};

    /// The real disk, with a list of what was asked of it.
    #[derive(Debug, Clone, Default)]
    pub struct Recorder {
        calls: Arc<Mutex<Vec<String>>>,
    }

    impl Recorder {
        /// Returns the operations so far, each as `word path`.
        #[must_use]
        pub fn calls(&self) -> Vec<String> {
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        fn note(&self, word: &str, path: &str) {
            let call = format!("{word} {path}");
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        }
    }

    impl Durable for Recorder {
        fn write_new(&self, dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()> {
            self.note("write", path);
            Disk.write_new(dir, path, bytes)
        }

        fn sync_file(&self, dir: &Dir, path: &str) -> io::Result<()> {
            self.note("sync-file", path);
            Disk.sync_file(dir, path)
        }

        fn sync_folder(&self, dir: &Dir, path: &str) -> io::Result<()> {
            self.note("sync-folder", path);
            Disk.sync_folder(dir, path)
        }

        fn link(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
            self.note("link", to);
            Disk.link(dir, from, to)
        }

        fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
            self.note("rename", to);
            Disk.rename(dir, from, to)
        }
    }

    /// The real disk until a given operation; that one and all after it fail, as if the process had died.
    #[derive(Debug)]
    pub struct FailsFrom {
        left: AtomicU64,
    }

    impl FailsFrom {
        /// Fails from operation number `step` on, counted from 1.
        #[must_use]
        pub fn step(step: u64) -> Self {
            Self { left: AtomicU64::new(step) }
        }

        fn count(&self) -> io::Result<()> {
            let count = |left: u64| Some(left.saturating_sub(1));
            let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
            if left.is_ok_and(|left| left > 1) { Ok(()) } else { Err(io::Error::other("dead")) }
        }
    }

    impl Durable for FailsFrom {
        fn write_new(&self, dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()> {
            self.count().and_then(|()| Disk.write_new(dir, path, bytes))
        }

        fn sync_file(&self, dir: &Dir, path: &str) -> io::Result<()> {
            self.count().and_then(|()| Disk.sync_file(dir, path))
        }

        fn sync_folder(&self, dir: &Dir, path: &str) -> io::Result<()> {
            self.count().and_then(|()| Disk.sync_folder(dir, path))
        }

        fn link(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
            self.count().and_then(|()| Disk.link(dir, from, to))
        }

        fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
            self.count().and_then(|()| Disk.rename(dir, from, to))
        }
    }

    /// The real disk until a given operation, before which the process is killed.
    #[derive(Debug)]
    pub struct KilledAt {
        left: AtomicU64,
    }

    impl KilledAt {
        /// Kills the process before its operation number `step`, counted from 1.
        #[must_use]
        pub fn step(step: u64) -> Self {
            Self { left: AtomicU64::new(step) }
        }

        fn count(&self) {
            if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
            }
        }
    }

    impl Durable for KilledAt {
        fn write_new(&self, dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()> {
            self.count();
            Disk.write_new(dir, path, bytes)
        }

        fn sync_file(&self, dir: &Dir, path: &str) -> io::Result<()> {
            self.count();
            Disk.sync_file(dir, path)
        }

        fn sync_folder(&self, dir: &Dir, path: &str) -> io::Result<()> {
            self.count();
            Disk.sync_folder(dir, path)
        }

        fn link(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
            self.count();
            Disk.link(dir, from, to)
        }

        fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
            self.count();
            Disk.rename(dir, from, to)
        }
    }
}
