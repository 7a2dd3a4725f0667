//! The runs of workflows that may not all work at one time: when one ends, those that wait are woken.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;

use crate::api::v1alpha1::WorkflowRun;
use crate::controllers::queue::Woken;

/// The runs of each group that have not ended, by the group's namespace and name.
#[derive(Default)]
pub(crate) struct Groups(Mutex<BTreeMap<(String, String), BTreeMap<String, Woken>>>);

impl Groups {
    /// Notes a run as a pass has left it, and returns the others of its group that have to look again: all when the run is
    /// new in it, or has ended.
    pub(crate) fn note(&self, run: &WorkflowRun) -> Vec<Woken> {
        let status = run.status.as_ref();
        let Some(ticket) = status.and_then(|status| status.ticket.as_ref()) else {
            return Vec::new();
        };
        let (namespace, uid) = (run.namespace().unwrap_or_default(), run.uid().unwrap_or_default());
        let key = (namespace.clone(), ticket.group.clone());
        let mut groups = self.groups();
        let group = groups.entry(key.clone()).or_default();
        let has_ended = status.is_some_and(|status| status.phase.is_terminal());
        let is_changed = if has_ended {
            group.remove(&uid).is_some()
        } else {
            let woken = Woken { uid: uid.clone(), namespace, name: run.name_any() };
            group.insert(uid.clone(), woken).is_none()
        };
        let others = group.values().filter(|other| other.uid != uid && is_changed);
        let others = others.cloned().collect();
        if group.is_empty() {
            groups.remove(&key);
        }
        others
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<(String, String), BTreeMap<String, Woken>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, phase: &str) -> WorkflowRun {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": name, "namespace": "n", "uid": name},
            "spec": {"workflowRef": {"name": "w"}},
            "status": {"phase": phase, "ticket": {
                "group": "g", "limit": 1, "policy": "Queue", "since": "2026-12-01T00:00:00Z",
            }},
        }))
        .expect("should be a run")
    }

    #[test]
    fn a_run_that_comes_or_ends_wakes_the_others_of_its_group() {
        let groups = Groups::default();
        let names = |woken: Vec<Woken>| woken.into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert!(names(groups.note(&run("a", "Running"))).is_empty());
        assert_eq!(names(groups.note(&run("b", "Pending"))), ["a"]);
        assert!(names(groups.note(&run("b", "Pending"))).is_empty(), "nothing has changed");
        assert_eq!(names(groups.note(&run("a", "Succeeded"))), ["b"]);
        assert!(names(groups.note(&run("b", "Cancelled"))).is_empty());
        assert!(groups.groups().is_empty());
    }
}
