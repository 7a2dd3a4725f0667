//! What is kept between the passes over the runs that work now.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::runs::Session;

/// The sessions of the runs that work now, by uid; nothing while a pass has one.
#[derive(Default)]
pub(super) struct Working {
    sessions: Mutex<HashMap<String, Option<Paused>>>,
}

/// A session until the next pass.
struct Paused {
    session: Session,
    /// Waits for the end of its job.
    waiter: AbortHandle,
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.waiter.abort();
    }
}

impl Working {
    /// Returns the session of a run that is looked at.
    pub(super) fn begin(&self, uid: &str) -> Session {
        let paused = self.sessions().entry(uid.to_owned()).or_default().take();
        paused.map(|mut paused| std::mem::take(&mut paused.session)).unwrap_or_default()
    }

    /// Keeps the session of a run that works until the next pass; the run is woken when its job may have
    /// ended.
    pub(super) fn pause(&self, uid: &str, session: Session, wake: impl FnOnce() + Send + 'static) {
        if let Some(kept) = self.sessions().get_mut(uid) {
            let end_of_job = session.end_of_job();
            let waiting = tokio::spawn(async move {
                end_of_job.await;
                wake();
            });
            *kept = Some(Paused { session, waiter: waiting.abort_handle() });
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

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Option<Paused>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_gone_is_not_kept() {
        let working = Working::default();
        let session = working.begin("a");
        working.end("a");
        working.pause("a", session, || {});
        assert!(working.sessions().is_empty());
    }

    #[tokio::test]
    async fn nobody_is_woken_by_a_session_without_a_job() {
        let working = Working::default();
        let session = working.begin("a");
        let (woken, was_woken) = tokio::sync::oneshot::channel::<()>();
        working.pause("a", session, move || {
            let _ = woken.send(());
        });
        drop(working.begin("a"));
        assert!(was_woken.await.is_err(), "the waiter is gone with the pause");
    }
}
