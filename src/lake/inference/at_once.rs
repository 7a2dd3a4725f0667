//! How many files are looked at at once: one for each thread that may compute, and more while they only wait.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::engines::files::ByteSource;

/// Most files that are looked at at once, however long their storage takes to answer.
const MOST: usize = 64;

/// A look that has read more than this is none at a footer: several of them would take much memory.
const FOOTER_BYTES: u64 = 1024 * 1024;

/// Counts the threads that look at files, and decides how many there are to be.
pub(super) struct AtOnce {
    threads: usize,
    most: usize,
    running: AtomicUsize,
    looked_ns: AtomicU64,
    waited_ns: AtomicU64,
}

impl AtOnce {
    /// Begins with so many threads for so many files.
    pub(super) fn new(threads: usize, files: usize) -> Self {
        let threads = threads.clamp(1, files.max(1));
        Self {
            threads,
            most: files.clamp(threads, MOST.max(threads)),
            running: AtomicUsize::new(threads),
            looked_ns: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        }
    }

    /// Returns how many threads there are from the beginning.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Takes up what one look took, and returns whether one more thread is to look.
    pub(super) fn grows(&self, took: Duration, source: &Watched<impl ByteSource>) -> bool {
        if source.bytes.load(Ordering::Relaxed) > FOOTER_BYTES {
            return false;
        }
        let looked = add(&self.looked_ns, nanoseconds(took));
        let waited = add(&self.waited_ns, source.waited_ns.load(Ordering::Relaxed));
        let enough = wanted(self.threads, looked, waited).min(self.most);
        let more = |running: usize| (running < enough).then_some(running + 1);
        self.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Returns how many threads keep so many busy, when of the time that a look takes this much is waited.
fn wanted(threads: usize, looked_ns: u64, waited_ns: u64) -> usize {
    let busy = looked_ns.saturating_sub(waited_ns).max(1);
    let times = usize::try_from(looked_ns / busy).unwrap_or(usize::MAX);
    threads.saturating_mul(times.max(1))
}

fn add(sum: &AtomicU64, more: u64) -> u64 {
    sum.fetch_add(more, Ordering::Relaxed).saturating_add(more)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A file whose reads are timed.
pub(super) struct Watched<S> {
    source: S,
    bytes: AtomicU64,
    waited_ns: AtomicU64,
}

impl<S> Watched<S> {
    /// Watches a file.
    pub(super) fn new(source: S) -> Self {
        Self { source, bytes: AtomicU64::new(0), waited_ns: AtomicU64::new(0) }
    }
}

impl<S: ByteSource> ByteSource for Watched<S> {
    fn path(&self) -> &str {
        self.source.path()
    }

    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let began = Instant::now();
        let read = self.source.read_at(buffer, offset);
        self.waited_ns.fetch_add(nanoseconds(began.elapsed()), Ordering::Relaxed);
        if let Ok(bytes) = &read {
            self.bytes.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_look_while_they_wait_and_no_more_while_they_compute() {
        assert_eq!(wanted(2, 1_000, 0), 2);
        assert_eq!(wanted(2, 1_000, 400), 2);
        assert_eq!(wanted(2, 1_000, 500), 4);
        assert_eq!(wanted(2, 1_000, 950), 40);
        assert_eq!(wanted(2, 0, 0), 2);
        assert_eq!(wanted(2, 10, 10), 20, "it is bounded elsewhere");
    }
}
