//! Notices work that does not move: a pass that does not end, or a queue in which something waits and
//! nothing begins.
//!
//! Pure: samples and the time between them are arguments. Time without samples, for example while the
//! process was stopped, does not count, and a controller without work is never stuck.

use std::collections::HashMap;
use std::time::Duration;

use crate::metrics::Sample;

/// What does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A pass does not end.
    Pass,
    /// Something waits, and no pass begins.
    Queue,
}

impl What {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Queue => "queue",
        }
    }
}

/// Something that does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) controller: &'static str,
    pub(super) what: What,
    /// Whether it was not stuck when it was looked at before.
    pub(super) is_new: bool,
}

/// What is known of every queue.
#[derive(Debug)]
pub(super) struct Watchdog {
    limit: Duration,
    watched: HashMap<u64, Watched>,
}

/// A queue, and how long each thing has not moved.
#[derive(Debug, Default)]
struct Watched {
    before: Sample,
    pass: Duration,
    queue: Duration,
}

impl Watchdog {
    /// Counts as stuck what does not move for so long.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, watched: HashMap::new() }
    }

    /// Takes samples of every queue, so long after the last ones, and returns what is stuck.
    pub(super) fn look(
        &mut self,
        samples: &[(u64, &'static str, Sample)],
        elapsed: Duration,
    ) -> Vec<Stuck> {
        self.watched.retain(|known, _| samples.iter().any(|(id, ..)| id == known));
        let limit = self.limit;
        let looked = samples.iter().flat_map(|&(id, controller, sample)| {
            let watched = self.watched.entry(id).or_default();
            let stuck = watched.see(sample, elapsed).map(move |(what, before, now)| {
                let is_new = before < limit;
                (now >= limit).then_some(Stuck { controller, what, is_new })
            });
            stuck.into_iter().flatten()
        });
        looked.collect()
    }
}

impl Watched {
    /// Returns for how long each thing had not moved before, and for how long it has not now.
    fn see(&mut self, now: Sample, elapsed: Duration) -> [(What, Duration, Duration); 2] {
        let (pass, queue) = (self.pass, self.queue);
        let same_pass = now.oldest.is_some() && now.oldest == self.before.oldest;
        self.pass = if same_pass { pass + elapsed } else { Duration::ZERO };
        let waits = now.depth > 0 && self.before.depth > 0 && now.begun == self.before.begun;
        self.queue = if waits { queue + elapsed } else { Duration::ZERO };
        self.before = now;
        [(What::Pass, pass, self.pass), (What::Queue, queue, self.queue)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(10);
    const TICK: Duration = Duration::from_mins(1);

    fn look(watchdog: &mut Watchdog, sample: Sample) -> Option<(What, bool)> {
        let stuck = watchdog.look(&[(1, "operatorrun", sample)], TICK);
        assert!(stuck.len() <= 1, "{stuck:?}");
        stuck.first().map(|stuck| (stuck.what, stuck.is_new))
    }

    #[test]
    fn an_idle_controller_is_never_stuck() {
        let mut watchdog = Watchdog::new(LIMIT);
        for _ in 0..10_000 {
            assert_eq!(look(&mut watchdog, Sample { begun: 7, ..Sample::default() }), None);
        }
    }

    #[test]
    fn a_busy_controller_is_never_stuck() {
        let mut watchdog = Watchdog::new(LIMIT);
        for begun in 0..10_000 {
            let sample = Sample {
                depth: 500,
                running: 8,
                oldest: Some(begun),
                begun: begun + 8,
                ..Sample::default()
            };
            assert_eq!(look(&mut watchdog, sample), None);
        }
    }

    #[test]
    fn a_pass_that_does_not_end_is_told_once_and_until_it_ends() {
        let mut watchdog = Watchdog::new(LIMIT);
        let hangs = Sample { running: 1, oldest: Some(3), begun: 4, ..Sample::default() };
        for _ in 0..10 {
            assert_eq!(look(&mut watchdog, hangs), None);
        }
        assert_eq!(look(&mut watchdog, hangs), Some((What::Pass, true)));
        assert_eq!(look(&mut watchdog, hangs), Some((What::Pass, false)));
        assert_eq!(look(&mut watchdog, Sample { begun: 4, ..Sample::default() }), None);
    }

    #[test]
    fn a_queue_that_does_not_move_is_stuck_and_one_that_does_is_not() {
        let mut watchdog = Watchdog::new(LIMIT);
        let waits = |begun| Sample { depth: 2, begun, ..Sample::default() };
        for begun in [1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2] {
            assert_eq!(look(&mut watchdog, waits(begun)), None);
        }
        assert_eq!(look(&mut watchdog, waits(2)), Some((What::Queue, true)));
        assert_eq!(look(&mut watchdog, waits(3)), None);
    }

    #[test]
    fn a_queue_that_is_gone_is_forgotten() {
        let mut watchdog = Watchdog::new(LIMIT);
        let hangs = Sample { running: 1, oldest: Some(0), begun: 1, ..Sample::default() };
        for _ in 0..11 {
            watchdog.look(&[(1, "operatorrun", hangs)], TICK);
        }
        assert!(watchdog.look(&[(2, "operatorrun", hangs)], TICK).is_empty());
    }
}
