//! Which resources wait for a pass and which are under way, as far as it can be known from outside of
//! kube's own queue: what was asked for, what has begun, what has ended.
//!
//! Pure but for its lock: the time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A resource: its namespace and name.
pub type Key = (String, String);

/// A pass that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    number: u64,
    /// How long the resource had waited for it.
    pub waited: Duration,
    /// When the pass began.
    pub began: Instant,
}

/// How a queue stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many resources wait for a pass that is due.
    pub depth: usize,
    /// How many passes are under way.
    pub running: usize,
    /// How long the passes under way have taken, added up.
    pub unfinished: Duration,
    /// How long the longest pass under way has taken.
    pub longest: Duration,
    /// The number of that pass.
    pub oldest: Option<u64>,
    /// How many passes have begun.
    pub begun: u64,
}

/// What waits and what is under way.
#[derive(Debug, Default)]
pub struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When each resource that is to be looked at is due.
    due: HashMap<Key, Instant>,
    /// When each pass under way began; numbers rise, so the first is the oldest.
    running: BTreeMap<u64, Instant>,
    begun: u64,
}

impl Queue {
    /// Notes that a resource is to be looked at from some time on, and returns whether that was not
    /// known; the earliest time counts.
    pub fn add(&self, key: Key, due: Instant) -> bool {
        let mut state = self.state();
        if let Some(known) = state.due.get_mut(&key) {
            *known = due.min(*known);
            return false;
        }
        state.due.insert(key, due);
        true
    }

    /// Notes that a pass over a resource begins.
    pub fn begin(&self, key: &Key, now: Instant) -> Pass {
        let mut state = self.state();
        let due = state.due.remove(key).unwrap_or(now);
        let number = state.begun;
        state.begun += 1;
        state.running.insert(number, now);
        Pass { number, waited: now.saturating_duration_since(due), began: now }
    }

    /// Notes that a pass has ended.
    pub fn end(&self, pass: Pass) {
        self.state().running.remove(&pass.number);
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, key: &Key) {
        self.state().due.remove(key);
    }

    /// Returns how it stands.
    pub fn sample(&self, now: Instant) -> Sample {
        let state = self.state();
        let lengths = state.running.values().map(|&began| now.saturating_duration_since(began));
        Sample {
            depth: state.due.values().filter(|&&due| due <= now).count(),
            running: state.running.len(),
            unfinished: lengths.clone().sum(),
            longest: lengths.max().unwrap_or_default(),
            oldest: state.running.keys().next().copied(),
            begun: state.begun,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("team".to_owned(), name.to_owned())
    }

    #[test]
    fn what_is_due_waits_until_its_pass_begins() {
        let (queue, start) = (Queue::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(queue.add(key("a"), at(0)));
        assert!(!queue.add(key("a"), at(9)), "asked for twice is asked for once");
        assert!(queue.add(key("later"), at(100)));
        assert_eq!(queue.sample(at(5)).depth, 1);
        let pass = queue.begin(&key("a"), at(5));
        assert_eq!(pass.waited, Duration::from_secs(5));
        let sample = queue.sample(at(8));
        assert_eq!((sample.depth, sample.running, sample.begun), (0, 1, 1));
        assert_eq!((sample.longest, sample.unfinished), (Duration::from_secs(3), at(8) - at(5)));
        queue.end(pass);
        assert_eq!(queue.sample(at(100)), Sample { depth: 1, begun: 1, ..Sample::default() });
        queue.forget(&key("later"));
        assert_eq!(queue.sample(at(100)).depth, 0);
    }

    #[test]
    fn an_earlier_time_counts_and_a_later_one_does_not() {
        let (queue, start) = (Queue::default(), Instant::now());
        let later = start + Duration::from_secs(60);
        queue.add(key("a"), later);
        assert_eq!(queue.sample(start).depth, 0);
        queue.add(key("a"), start);
        assert_eq!(queue.sample(start).depth, 1);
    }
}
