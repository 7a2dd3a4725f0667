//! What has to happen before the process is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Something that has to happen before the process is ready. A dropped gate is open: what is no longer
/// wanted does not keep the process from being ready.
#[derive(Debug)]
pub(crate) struct Gate {
    closed: Arc<AtomicUsize>,
    is_open: AtomicBool,
}

impl Gate {
    /// Returns a closed gate, which is counted among the closed ones until it opens.
    pub(super) fn new(closed: &Arc<AtomicUsize>) -> Self {
        closed.fetch_add(1, Ordering::AcqRel);
        Self { closed: Arc::clone(closed), is_open: AtomicBool::new(false) }
    }

    /// Returns a gate that no process waits for.
    #[cfg(test)]
    pub(crate) fn of_nobody() -> Self {
        Self::new(&Arc::default())
    }

    /// Says that it happened; saying it again changes nothing.
    pub(crate) fn open(&self) {
        if !self.is_open.swap(true, Ordering::AcqRel) {
            self.closed.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Returns whether it has happened.
    pub(crate) fn has_opened(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}
