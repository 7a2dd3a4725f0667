//! What a schedule does now: which planned times become runs, which are counted as missed, and when to look again.
//!
//! Every planned time after the base ends up in [`ScheduleDecision::fire`] or is counted in [`ScheduleDecision::missed`],
//! exactly once over any sequence of passes that record their state. Pure: `now` is an argument, and where jitter puts a
//! run follows from the workflow's uid and the planned time.
//!
//! What the caller has to do:
//!
//! - Record [`ScheduleState::after`] together with the times in `fire` in one status write, then create the runs, named by
//!   [`run_name`], then take the times off. A run that is there already counts as created.
//! - Set `base` to `now` in the pass that first sees `spec.schedule` edited or resumed; before that pass it plans nothing.
//! - Look again at `next`, but at the latest after a few minutes, because clocks are moved.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::api::v1alpha1::CatchUp;
use crate::validate::{Times, ValidSchedule};

/// How late a run may be with `catchUp: None` and no starting deadline: a restart of the controller takes less.
const GRACE: Duration = Duration::from_mins(1);
/// How many planned times a status shows.
const SHOWN: usize = 5;
/// The longest name of a run: a label's value.
const NAME: usize = 63;

/// What is recorded of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScheduleState {
    /// The newest planned time that became a run or was counted as missed.
    pub last_planned: Option<Timestamp>,
    /// When the schedule was created, last edited or last resumed. Nothing at or before it is planned.
    pub base: Timestamp,
    /// How many planned times were missed in all.
    pub missed: u64,
}

impl ScheduleState {
    /// Returns the state to record after a decision.
    #[must_use]
    pub(super) fn after(&self, decision: &ScheduleDecision) -> Self {
        let missed = self.missed.saturating_add(decision.missed);
        Self { last_planned: decision.last_planned, base: self.base, missed }
    }

    /// Nothing at or before this time is planned any more.
    fn settled(&self) -> Timestamp {
        self.last_planned.map_or(self.base, |last| last.max(self.base))
    }
}

/// What a schedule does now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ScheduleDecision {
    /// The planned times that become runs, oldest first.
    pub fire: Vec<Timestamp>,
    /// How many planned times were missed since the last pass.
    pub missed: u64,
    /// The newest planned time that is settled, to be recorded.
    pub last_planned: Option<Timestamp>,
    /// When the next run starts, jitter included. None while suspended.
    pub next: Option<Timestamp>,
    /// The next five planned times, without jitter. Empty while suspended.
    pub upcoming: Vec<Timestamp>,
}

/// Returns what a schedule does now.
///
/// A clock that was set back fires nothing again: nothing at or before the recorded time or the base is planned. While the
/// schedule is suspended, planned times are neither runs nor missed.
#[must_use]
pub(super) fn plan_schedule(
    settings: &ValidSchedule,
    state: &ScheduleState,
    uid: &str,
    now: Timestamp,
) -> ScheduleDecision {
    let idle = ScheduleDecision { last_planned: state.last_planned, ..Default::default() };
    if settings.suspend {
        return idle;
    }
    let times = settings.schedule.times(state.base);
    let pass = Pass { settings, times, uid, now };
    let settled = state.settled();
    let newest = pass.newest_ripe(settled);
    let fire = newest.map_or_else(Vec::new, |newest| pass.to_fire(settled, newest));
    let passed = newest.map_or(0, |newest| times.count_between(settled, newest));
    let missed = passed.saturating_sub(u64::try_from(fire.len()).unwrap_or(u64::MAX));
    let upcoming = times.upcoming(newest.unwrap_or(settled), SHOWN);
    let next = upcoming.first().map(|planned| pass.start_of(*planned));
    ScheduleDecision { fire, missed, last_planned: newest.or(idle.last_planned), next, upcoming }
}

struct Pass<'a> {
    settings: &'a ValidSchedule,
    times: Times<'a>,
    uid: &'a str,
    now: Timestamp,
}

impl Pass<'_> {
    /// The newest planned time whose jitter has passed too. Only the newest of all can be held back by it.
    fn newest_ripe(&self, settled: Timestamp) -> Option<Timestamp> {
        let newest = self.times.latest_between(settled, self.now)?;
        if self.start_of(newest) <= self.now {
            return Some(newest);
        }
        self.before(settled, newest)
    }

    /// The planned times that become runs, of those up to the newest that is ripe.
    fn to_fire(&self, settled: Timestamp, newest: Timestamp) -> Vec<Timestamp> {
        let at_most = match self.settings.catch_up {
            CatchUp::None | CatchUp::Latest => 1,
            CatchUp::All => usize::try_from(self.settings.catch_up_limit).unwrap_or(1).max(1),
        };
        let older = |planned: &Timestamp| self.before(settled, *planned);
        let newest_first = std::iter::successors(Some(newest), older);
        let in_time = newest_first.take_while(|planned| self.is_in_time(*planned));
        let mut fire: Vec<Timestamp> = in_time.take(at_most).collect();
        fire.reverse();
        fire
    }

    fn before(&self, settled: Timestamp, planned: Timestamp) -> Option<Timestamp> {
        let before = planned.checked_sub(SignedDuration::from_secs(1)).ok()?;
        self.times.latest_between(settled, before)
    }

    fn is_in_time(&self, planned: Timestamp) -> bool {
        let grace = (self.settings.catch_up == CatchUp::None).then_some(GRACE);
        let Some(deadline) = self.settings.starting_deadline.or(grace) else { return true };
        self.start_of(planned).checked_add(deadline).map_or(true, |latest| self.now <= latest)
    }

    /// When the run of a planned time starts: held back by its jitter, and before the next planned time.
    fn start_of(&self, planned: Timestamp) -> Timestamp {
        let jitter = self.settings.jitter.as_secs();
        if jitter == 0 {
            return planned;
        }
        let next = self.times.next_after(planned);
        let room =
            next.map_or(jitter, |next| (next.as_second() - planned.as_second()).unsigned_abs());
        let digest = Sha256::digest(format!("{}/{}/jitter", self.uid, planned.as_second()));
        let number = digest[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let held = Duration::from_secs(number % jitter.min(room).max(1));
        planned.checked_add(held).unwrap_or(planned)
    }
}

/// Returns whether it is not too late, at the second time, to make the run of a planned time, the first.
#[must_use]
pub(super) fn is_in_time(
    settings: &ValidSchedule,
    base: Timestamp,
    uid: &str,
    (planned, now): (Timestamp, Timestamp),
) -> bool {
    Pass { settings, times: settings.schedule.times(base), uid, now }.is_in_time(planned)
}

/// Returns the name of the run of a planned time, `orders-20261201-020000` in UTC: the same however often it is asked for,
/// at most 63 characters, a DNS label. A workflow's name that is too long, or is no DNS label, is cut and told apart by a
/// hash.
#[must_use]
pub fn run_name(workflow: &str, planned: Timestamp) -> String {
    let time = planned.strftime("%Y%m%d-%H%M%S");
    let suffix = format!("-{time}");
    let room = NAME.saturating_sub(suffix.len());
    let is_safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_whole = workflow.len() <= room
        && !workflow.is_empty()
        && workflow.chars().all(is_safe)
        && !workflow.starts_with('-');
    if is_whole {
        return format!("{workflow}{suffix}");
    }
    let digest = hex::encode(&Sha256::digest(workflow)[..4]);
    let room = room.saturating_sub(digest.len() + 1);
    let letters = workflow.chars().map(|c| if is_safe(c) { c } else { '-' });
    let cut: String = letters.skip_while(|c| *c == '-').take(room).collect();
    match cut.trim_end_matches('-') {
        "" => format!("{digest}{suffix}"),
        cut => format!("{cut}-{digest}{suffix}"),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
