//! What is kept between the passes over the runs that work now.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::runs::Session;

/// The sessions of the runs that work now, by uid.
#[derive(Default)]
pub(super) struct Working {
    sessions: Mutex<HashMap<String, Option<Session>>>,
}

impl Working {
    /// Returns the session of a run that is looked at.
    pub(super) fn begin(&self, uid: &str) -> Session {
        self.sessions().entry(uid.to_owned()).or_default().take().unwrap_or_default()
    }

    /// Keeps the session of a run that works until the next pass.
    pub(super) fn pause(&self, uid: &str, session: Session) {
        if let Some(kept) = self.sessions().get_mut(uid) {
            *kept = Some(session);
        }
    }

    /// Forgets a run that does not work.
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
    fn what_is_gone_is_not_kept() {
        let working = Working::default();
        let session = working.begin("a");
        working.end("a");
        working.pause("a", session);
        assert!(working.sessions().is_empty());
    }
}
