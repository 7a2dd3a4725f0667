//! Which runs work now, and what is kept between the passes over them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::runs::Session;

/// The runs that work now, by uid: at most so many, others wait.
pub(super) struct Working {
    most: usize,
    sessions: Mutex<HashMap<String, Option<Session>>>,
}

impl Working {
    /// Lets so many runs work at one time, at least one.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), sessions: Mutex::default() }
    }

    /// Returns the session of a run that may be looked at; nothing when it has to wait. A run that works
    /// already, since before this process, never waits.
    pub(super) fn begin(&self, uid: &str, works: bool) -> Option<Session> {
        let mut sessions = self.sessions();
        if let Some(kept) = sessions.get_mut(uid) {
            return Some(kept.take().unwrap_or_default());
        }
        if !works && sessions.len() >= self.most {
            return None;
        }
        sessions.insert(uid.to_owned(), None);
        Some(Session::default())
    }

    /// Keeps the session of a run that works until the next pass.
    pub(super) fn pause(&self, uid: &str, session: Session) {
        if let Some(kept) = self.sessions().get_mut(uid) {
            *kept = Some(session);
        }
    }

    /// Lets another run begin in place of this one.
    pub(super) fn end(&self, uid: &str) {
        self.sessions().remove(uid);
    }

    /// Returns how many runs work now.
    pub(super) fn count(&self) -> usize {
        self.sessions().len()
    }

    /// Returns whether a run works in this process already.
    pub(super) fn knows(&self, uid: &str) -> bool {
        self.sessions().contains_key(uid)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Option<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_until_another_has_ended() {
        let working = Working::new(2);
        for uid in ["a", "b"] {
            let session = working.begin(uid, false).expect(uid);
            working.pause(uid, session);
        }
        assert!(working.begin("c", false).is_none());
        assert!(working.begin("a", false).is_some(), "who works goes on");
        working.end("b");
        assert!(working.begin("c", false).is_some());
        assert!(working.begin("b", false).is_none());
        assert!(working.begin("b", true).is_some(), "who works already never waits");
    }

    #[test]
    fn what_is_gone_is_not_kept() {
        let working = Working::new(1);
        let session = working.begin("a", false).expect("a");
        working.end("a");
        working.pause("a", session);
        assert!(working.begin("b", false).is_some());
    }
}
