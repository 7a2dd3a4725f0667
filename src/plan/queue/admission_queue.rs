//! The queue: slots by the bounds, and an order among those that wait.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::api::conditions::Reason;
use crate::api::quantity::show_bytes;
use crate::plan::observation::Place;

/// How often a run is passed by before others leave free what it needs.
const PASSED_BY: u32 = 64;

/// How much may work at one time; no bound where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Runs in all.
    pub all: Option<usize>,
    /// Runs of one namespace.
    pub namespace: Option<usize>,
    /// Runs of a config that does not say how many.
    pub config: Option<usize>,
    /// Memory of all work in the controller, in bytes.
    pub memory_bytes: Option<u64>,
}

/// What a run takes while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The run's namespace.
    pub namespace: String,
    /// The config's namespace and name.
    pub config: (String, String),
    /// Memory in the controller, in bytes.
    pub memory_bytes: u64,
}

/// The runs that have a slot, and those that wait.
#[derive(Debug, Default)]
pub struct AdmissionQueue {
    bounds: Bounds,
    /// How many runs of a config may work, where the config says so.
    configs: HashMap<(String, String), usize>,
    is_paused: bool,
    working: HashMap<String, Needs>,
    used: Used,
    /// By namespace, in the order in which the runs came.
    waiting: BTreeMap<String, VecDeque<Waiting>>,
    /// The namespace that was given a slot last.
    last: String,
    /// How many came.
    came: u64,
}

#[derive(Debug)]
struct Waiting {
    uid: String,
    needs: Needs,
    came: u64,
    passed_by: u32,
}

#[derive(Debug, Default)]
struct Used {
    all: usize,
    namespaces: HashMap<String, usize>,
    configs: HashMap<(String, String), usize>,
    memory_bytes: u64,
}

impl AdmissionQueue {
    /// Returns an empty queue.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Returns whether a run may begin now. If it may, it has a slot from now on; else it waits in the queue.
    pub fn ask(&mut self, uid: &str, needs: Needs) -> Place {
        if self.working.contains_key(uid) {
            return Place::Free;
        }
        let claim = self.claim();
        let first = claim.as_ref().is_none_or(|(claimant, _)| claimant == uid);
        let kept = claim.as_ref().filter(|_| !first).map(|(_, needs)| needs);
        if let Some(taken) = self.obstacle(&needs, kept) {
            self.wait(uid, needs);
            return taken;
        }
        // A run that waits while there is room is held up by a bound of its own.
        self.leave(uid);
        self.came += 1;
        self.pass_by(self.came);
        self.occupy(uid, needs);
        Place::Free
    }

    /// Gives a slot to a run that works already, whatever the bounds are.
    pub fn occupy(&mut self, uid: &str, needs: Needs) {
        self.leave(uid);
        if !self.working.contains_key(uid) {
            self.used.add(&needs);
            self.working.insert(uid.to_owned(), needs);
        }
    }

    /// Takes back the slot of a run, or its position in the queue; returns the runs that get a slot instead.
    pub fn end(&mut self, uid: &str) -> Vec<String> {
        let stood = self.leave(uid);
        let worked = self.working.remove(uid);
        if let Some(needs) = &worked {
            self.used.remove(needs);
        }
        // Also one that only waited may have kept something free for itself.
        if stood || worked.is_some() { self.admit() } else { Vec::new() }
    }

    /// Pauses the queue, so that no run begins, or resumes it; returns the runs that get a slot.
    pub fn pause(&mut self, is_paused: bool) -> Vec<String> {
        self.is_paused = is_paused;
        self.admit()
    }

    /// Notes how many runs of a config may work; returns the runs that get a slot.
    pub fn bound_config(&mut self, config: (String, String), most: Option<usize>) -> Vec<String> {
        let before = match most {
            Some(most) => self.configs.insert(config, most),
            None => self.configs.remove(&config),
        };
        if before == most { Vec::new() } else { self.admit() }
    }

    /// Returns whether a run has a slot.
    #[must_use]
    pub fn works(&self, uid: &str) -> bool {
        self.working.contains_key(uid)
    }

    /// Returns how many runs work, and how many wait.
    #[must_use]
    pub fn lengths(&self) -> (usize, usize) {
        (self.working.len(), self.waiting.values().map(VecDeque::len).sum())
    }

    /// Gives slots to the runs that may have one, namespace by namespace.
    fn admit(&mut self) -> Vec<String> {
        let mut admitted = Vec::new();
        while let Some((namespace, index)) = self.next() {
            let queue = self.waiting.get_mut(&namespace);
            let Some(next) = queue.and_then(|queue| queue.remove(index)) else { break };
            self.tidy(&namespace);
            self.pass_by(next.came);
            self.last = namespace;
            self.used.add(&next.needs);
            self.working.insert(next.uid.clone(), next.needs);
            admitted.push(next.uid);
        }
        admitted
    }

    /// Notes that a run that came at this number has a slot before those that came earlier.
    fn pass_by(&mut self, came: u64) {
        for other in self.waiting.values_mut().flatten().filter(|one| one.came < came) {
            other.passed_by = other.passed_by.saturating_add(1);
        }
    }

    /// Returns the next run, by namespace and position: the first run that may begin, looked for from the
    /// namespace after the one that was given a slot last.
    fn next(&self) -> Option<(String, usize)> {
        if self.is_paused || self.is_full() {
            return None;
        }
        let claim = self.claim();
        let turn = self.waiting.keys().position(|name| *name > self.last).unwrap_or_default();
        let mut turns = self.waiting.iter().skip(turn).chain(self.waiting.iter().take(turn));
        let may = |one: &Waiting| {
            let kept = claim.as_ref().filter(|(uid, _)| *uid != one.uid).map(|(_, needs)| needs);
            self.obstacle(&one.needs, kept).is_none()
        };
        turns.find_map(|(namespace, queue)| Some((namespace.clone(), queue.iter().position(may)?)))
    }

    fn is_full(&self) -> bool {
        self.bounds.all.is_some_and(|most| self.used.all >= most)
    }

    /// Returns the oldest run that has been passed by too often, with what it needs.
    fn claim(&self) -> Option<(String, Needs)> {
        let tired = self.waiting.values().flatten().filter(|one| one.passed_by >= PASSED_BY);
        tired.min_by_key(|one| one.came).map(|one| (one.uid.clone(), one.needs.clone()))
    }

    /// Returns what keeps a run from beginning while something is kept free for another.
    fn obstacle(&self, needs: &Needs, kept: Option<&Needs>) -> Option<Place> {
        let taken = |reason, message| Some(Place::Taken { reason, message });
        let Needs { namespace, config, memory_bytes } = needs;
        if self.is_paused {
            let message = "the administrator has paused all runs".to_owned();
            return taken(Reason::Paused, message);
        }
        let keeps = |is_shared: bool| usize::from(is_shared);
        let most = self.configs.get(config).copied().or(self.bounds.config);
        let same = kept.is_some_and(|kept| kept.config == *config);
        let used = self.used.configs.get(config).copied().unwrap_or_default();
        if let Some(most) = most.filter(|most| used + keeps(same) >= *most) {
            let message = format!("as many runs of config `{}` work as may ({most})", config.1);
            return taken(Reason::ConcurrencyLimit, message);
        }
        let same = kept.is_some_and(|kept| kept.namespace == *namespace);
        let used = self.used.namespaces.get(namespace).copied().unwrap_or_default();
        if let Some(most) = self.bounds.namespace.filter(|most| used + keeps(same) >= *most) {
            let message = format!("as many runs of namespace `{namespace}` work as may ({most})");
            return taken(Reason::ConcurrencyLimit, message);
        }
        let used = self.used.all + keeps(kept.is_some());
        if let Some(most) = self.bounds.all.filter(|most| used >= *most) {
            let message = format!("as many runs work as may in all ({most})");
            return taken(Reason::WorkerPoolFull, message);
        }
        let kept = kept.map_or(0, |kept| kept.memory_bytes);
        let used = self.used.memory_bytes.saturating_add(kept).saturating_add(*memory_bytes);
        let most = self.bounds.memory_bytes.filter(|most| *memory_bytes > 0 && used > *most)?;
        let (asked, most) = (show_bytes(*memory_bytes), show_bytes(most));
        taken(Reason::WorkerPoolFull, format!("not {asked} are free of the {most} for all work"))
    }

    /// Puts a run at the end of its namespace's queue; a run that waits there keeps its position.
    fn wait(&mut self, uid: &str, needs: Needs) {
        let queue = self.waiting.entry(needs.namespace.clone()).or_default();
        if let Some(known) = queue.iter_mut().find(|one| one.uid == uid) {
            known.needs = needs;
            return;
        }
        self.came += 1;
        let uid = uid.to_owned();
        queue.push_back(Waiting { uid, needs, came: self.came, passed_by: 0 });
    }

    /// Takes a run out of the queue; returns whether it waited there.
    fn leave(&mut self, uid: &str) -> bool {
        let stands = |queue: &VecDeque<Waiting>| queue.iter().position(|one| one.uid == uid);
        let mut queues = self.waiting.iter_mut();
        let found = queues.find_map(|(name, queue)| {
            let index = stands(queue)?;
            queue.remove(index);
            Some(name.clone())
        });
        if let Some(namespace) = &found {
            self.tidy(namespace);
        }
        found.is_some()
    }

    fn tidy(&mut self, namespace: &str) {
        if self.waiting.get(namespace).is_some_and(VecDeque::is_empty) {
            self.waiting.remove(namespace);
        }
    }
}

impl Used {
    fn add(&mut self, needs: &Needs) {
        self.all += 1;
        *self.namespaces.entry(needs.namespace.clone()).or_default() += 1;
        *self.configs.entry(needs.config.clone()).or_default() += 1;
        self.memory_bytes = self.memory_bytes.saturating_add(needs.memory_bytes);
    }

    fn remove(&mut self, needs: &Needs) {
        self.all = self.all.saturating_sub(1);
        take(&mut self.namespaces, &needs.namespace);
        take(&mut self.configs, &needs.config);
        self.memory_bytes = self.memory_bytes.saturating_sub(needs.memory_bytes);
    }
}

fn take<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
