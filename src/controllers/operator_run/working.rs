//! What is kept between the passes over the runs that work now.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;
use tokio::task::AbortHandle;

use crate::api::v1alpha1::OperatorRun;
use crate::runs::Session;

/// What is kept of the runs that have not ended, by uid.
#[derive(Default)]
pub(super) struct Working {
    /// The sessions of those that work now; nothing while a pass has one.
    sessions: Mutex<HashMap<String, Option<Paused>>>,
    /// The version of each run that this process has stored last.
    stored: Mutex<HashMap<String, String>>,
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

    /// Notes a run as this process has stored it.
    pub(super) fn store(&self, uid: &str, run: &OperatorRun) {
        let version = run.resource_version().unwrap_or_default();
        self.stored().insert(uid.to_owned(), version);
    }

    /// Returns whether a run is, as the watch has it, what this process has stored last: then reading it
    /// would most likely bring the same.
    pub(super) fn has_stored(&self, uid: &str, run: &OperatorRun) -> bool {
        let version = run.resource_version();
        version.is_some() && self.stored().get(uid) == version.as_ref()
    }

    /// Forgets a run that has ended or is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.end(uid);
        self.stored().remove(uid);
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

    fn stored(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn only_what_this_process_stored_last_is_known_to_be_the_newest() {
        let at = |version: &str| {
            let document = serde_json::json!({
                "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
                "metadata": {"name": "x", "namespace": "n", "uid": "a", "resourceVersion": version},
                "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
            });
            serde_json::from_value::<OperatorRun>(document).expect("should be a run")
        };
        let working = Working::default();
        assert!(!working.has_stored("a", &at("1")));
        working.store("a", &at("2"));
        assert!(working.has_stored("a", &at("2")));
        assert!(!working.has_stored("a", &at("1")), "the watch has not brought it yet");
        assert!(!working.has_stored("a", &at("3")), "another writer has changed it since");
        assert!(!working.has_stored("b", &at("2")));
        working.end("a");
        assert!(working.has_stored("a", &at("2")), "a run that waits for a slot has no session");
        working.forget("a");
        assert!(!working.has_stored("a", &at("2")));
    }

    #[tokio::test]
    async fn a_session_without_a_job_wakes_no_run() {
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
