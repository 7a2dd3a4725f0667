//! The runs that wait for a slot or for something that they name, and the wake-ups when that has changed:
//! no run polls.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;
use tokio::sync::mpsc::UnboundedReceiver;

use super::wakers::{Wakers, Woken};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{AttemptState, MasonConfig, OperatorRun};
use crate::controllers::scope::Scope;
use crate::plan::{AdmissionQueue, Bounds, Needs, Place};
use crate::runs::Places;
use crate::validate::{Rules, ValidRun, config_namespace};

/// Which runs work, which wait, and for what.
pub(crate) struct RunQueue {
    rules: Rules,
    library_namespace: Option<String>,
    admission: Mutex<AdmissionQueue>,
    known: Mutex<Known>,
    /// How many watches of runs have not brought all of them yet.
    unlisted: AtomicUsize,
}

#[derive(Default)]
struct Known {
    /// Unfinished runs that have been looked at, by uid.
    runs: HashMap<String, Expecting>,
    /// Runs that another process drives.
    elsewhere: HashSet<String>,
    wakers: Wakers,
}

struct Expecting {
    run: Woken,
    /// The config, by namespace and name, and the operator that a run waits for which is not resolved.
    unresolved: Option<((String, String), String)>,
}

impl RunQueue {
    /// Makes an empty queue. No run begins before this many watches have brought all runs.
    pub(crate) fn new(
        bounds: Bounds,
        rules: Rules,
        library_namespace: Option<String>,
        watches: usize,
    ) -> Self {
        Self {
            rules,
            library_namespace,
            admission: Mutex::new(AdmissionQueue::new(bounds)),
            known: Mutex::default(),
            unlisted: AtomicUsize::new(watches),
        }
    }

    /// Returns the runs of a scope as they are woken.
    pub(crate) fn subscribe(&self, scope: &Scope) -> UnboundedReceiver<Woken> {
        self.known().wakers.subscribe(scope)
    }

    /// Notes that a watch has brought all runs, those that work already among them.
    pub(crate) fn listed(&self) {
        let less = |left: usize| left.checked_sub(1);
        let _ = self.unlisted.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// Returns whether all runs that work already are known.
    pub(crate) fn is_open(&self) -> bool {
        self.unlisted.load(Ordering::Acquire) == 0
    }

    /// Notes a run as the watch has it. A run that works has a slot, whichever process began it.
    pub(crate) fn seen(&self, run: &OperatorRun) {
        let uid = run.uid().unwrap_or_default();
        if takes_slot(run) {
            if self.occupy(run) {
                self.known().elsewhere.insert(uid);
            }
        } else if self.known().elsewhere.remove(&uid) {
            let woken = self.admission().end(&uid);
            self.wake(&woken);
        }
    }

    /// Gives a slot to a run that works, whatever the bounds are; returns whether it had none.
    pub(crate) fn occupy(&self, run: &OperatorRun) -> bool {
        let uid = run.uid().unwrap_or_default();
        let has_none = !self.admission().works(&uid);
        if has_none {
            let needs = self.needs_of_recorded(run);
            self.admission().occupy(&uid, needs);
        }
        has_none
    }

    /// Notes that a pass over a run begins here, before anything is read: whatever it waits for wakes it
    /// from now on.
    pub(crate) fn begins(&self, run: &OperatorRun) {
        let uid = run.uid().unwrap_or_default();
        let is_resolved = run.status.as_ref().is_some_and(|status| status.resolved.is_some());
        let config = (config_namespace(run).to_owned(), run.spec.config_ref.name.clone());
        let unresolved = (!is_resolved).then(|| (config, run.spec.operator.clone()));
        let namespace = run.namespace().unwrap_or_default();
        let woken = Woken { uid: uid.clone(), namespace, name: run.name_any() };
        let mut known = self.known();
        known.elsewhere.remove(&uid);
        known.runs.insert(uid, Expecting { run: woken, unresolved });
    }

    /// Takes back the slot or the position of a run that does not work, and admits others.
    pub(crate) fn release(&self, uid: &str) {
        let woken = self.admission().end(uid);
        self.wake(&woken);
    }

    /// Forgets a run that has ended or is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.release(uid);
        let mut known = self.known();
        known.runs.remove(uid);
        known.elsewhere.remove(uid);
    }

    /// Pauses the runs that have not begun, or resumes them.
    pub(crate) fn pause(&self, is_paused: bool) {
        let woken = self.admission().pause(is_paused);
        self.wake(&woken);
    }

    /// Wakes the runs that wait for a config, and notes how many of its runs may work.
    pub(crate) fn config_changed(&self, config: &MasonConfig) {
        let key = key_of(config);
        self.bound(config);
        self.wake_if(|_, (wanted, _)| *wanted == key);
    }

    /// Wakes the runs that wait for a definition of an operator.
    pub(crate) fn definition_changed(&self, namespace: &str, operator: &str) {
        let is_shared = self.library_namespace.as_deref() == Some(namespace);
        self.wake_if(|run, (_, wanted)| {
            wanted == operator && (is_shared || run.namespace == namespace)
        });
    }

    /// Wakes one run.
    pub(crate) fn wake_run(&self, uid: &str) {
        self.wake(&[uid.to_owned()]);
    }

    /// Returns how many runs work, and how many wait.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        self.admission().lengths()
    }

    fn bound(&self, config: &MasonConfig) {
        let most = config.spec.limits.as_ref().and_then(|limits| limits.concurrent_runs);
        let most = most.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        let woken = self.admission().bound_config(key_of(config), most);
        self.wake(&woken);
    }

    fn wake_if(&self, is_wanted: impl Fn(&Woken, &((String, String), String)) -> bool) {
        let known = self.known();
        let waiting = known.runs.values().filter(|one| {
            one.unresolved.as_ref().is_some_and(|unresolved| is_wanted(&one.run, unresolved))
        });
        for one in waiting {
            known.wakers.send(&one.run);
        }
    }

    fn wake(&self, uids: &[String]) {
        let known = self.known();
        for one in uids.iter().filter_map(|uid| known.runs.get(uid)) {
            known.wakers.send(&one.run);
        }
    }

    /// Returns the needs of a run that another process, or a former one, has begun.
    fn needs_of_recorded(&self, run: &OperatorRun) -> Needs {
        let valid = run.status.as_ref().and_then(|status| ValidRun::thaw(status).ok().flatten());
        let memory_bytes = valid.map_or(0, |valid| memory_of(&valid, &self.rules));
        needs_of(run, memory_bytes)
    }

    fn admission(&self) -> MutexGuard<'_, AdmissionQueue> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places for RunQueue {
    fn ask(&self, run: &OperatorRun, valid: &ValidRun, config: Option<&MasonConfig>) -> Place {
        if let Some(config) = config {
            self.bound(config);
        }
        let needs = needs_of(run, memory_of(valid, &self.rules));
        self.admission().ask(&run.uid().unwrap_or_default(), needs)
    }
}

/// The reasons why a pod does not start until something outside of Mason changes.
pub(super) const HELD_UP: [Reason; 6] = [
    Reason::ImagePullFailed,
    Reason::Unschedulable,
    Reason::PodHeldUp,
    Reason::QuotaExceeded,
    Reason::AdmissionDenied,
    Reason::ServiceAccountMissing,
];

/// Returns whether a run needs a slot. A run whose pod cannot start needs none, so that a wrong image keeps
/// no other run from working; when the pod starts all the same, the run works beside the others.
pub(crate) fn takes_slot(run: &OperatorRun) -> bool {
    let reason = run.status.as_ref().map_or("", |status| status.columns.reason.as_str());
    works(run) && HELD_UP.iter().all(|held_up| held_up.as_str() != reason)
}

/// Returns whether an attempt of a run is under way.
pub(crate) fn works(run: &OperatorRun) -> bool {
    let attempts = run.status.iter().flat_map(|status| &status.attempts);
    let ended = run.status.as_ref().is_some_and(|status| status.phase.is_terminal());
    !ended && attempts.last().is_some_and(|attempt| attempt.state != AttemptState::Finished)
}

fn needs_of(run: &OperatorRun, memory_bytes: u64) -> Needs {
    let config = (config_namespace(run).to_owned(), run.spec.config_ref.name.clone());
    Needs { namespace: run.namespace().unwrap_or_default(), config, memory_bytes }
}

/// Returns the memory that a run takes in the controller.
pub(super) fn memory_of(valid: &ValidRun, rules: &Rules) -> u64 {
    let execution = valid.engines.execution.as_ref();
    let client = execution.and_then(|choice| valid.client(&choice.client));
    client.map_or(0, |client| rules.memory_in_controller(client))
}

fn key_of(config: &MasonConfig) -> (String, String) {
    (config.namespace().unwrap_or_default(), config.name_any())
}
