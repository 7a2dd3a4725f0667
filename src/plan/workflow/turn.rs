//! Whether it is the turn of a run of a workflow, when only some of its group may work at one time.
//!
//! Derived from what is seen, without a lock: a run writes its ticket into its status before it looks at the others, so that
//! of two runs at least one sees the other, and both agree on which of them is first.

use jiff::Timestamp;

use crate::api::conditions::Reason;
use crate::api::v1alpha1::{ConcurrencyPolicy, Phase, Ticket, WorkflowRun};

/// Another run of the group that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its ticket.
    pub ticket: Ticket,
    /// Whether it has begun.
    pub is_begun: bool,
}

/// What becomes of a run that has its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It begins.
    Begins,
    /// It waits; this says for what.
    Waits(String),
    /// It never begins.
    Ends(Reason, String),
}

/// Returns a run that has a ticket and has not ended, as the others of its group see it. One that was suspended before it
/// began has lost its place.
#[must_use]
pub fn peer_of(run: &WorkflowRun) -> Option<Peer> {
    let status = run.status.as_ref().filter(|status| !status.phase.is_terminal())?;
    if status.phase == Phase::Suspended && status.started_at.is_none() {
        return None;
    }
    Some(Peer {
        uid: run.metadata.uid.clone()?,
        name: run.metadata.name.clone()?,
        ticket: status.ticket.clone()?,
        is_begun: status.started_at.is_some(),
    })
}

/// Decides whether a run begins. `peers` are the others of its group, seen after its ticket was recorded.
pub(super) fn turn(ticket: &Ticket, uid: &str, peers: &[Peer]) -> Turn {
    let before = |peer: &&Peer| is_before(peer, (ticket.since, uid));
    let limit = usize::try_from(ticket.limit).unwrap_or(usize::MAX);
    let ahead: Vec<&Peer> = peers.iter().filter(|peer| peer.is_begun || before(peer)).collect();
    if ticket.newest_only
        && let Some(newer) = peers.iter().find(|peer| {
            peer.ticket.newest_only && !peer.is_begun && !before(peer) && !ahead.is_empty()
        })
    {
        let message =
            format!("run `{}` of the schedule is newer, and waits in its place", newer.name);
        return Turn::Ends(Reason::Superseded, message);
    }
    if ahead.len() < limit {
        return Turn::Begins;
    }
    let names: Vec<String> = ahead.iter().take(3).map(|peer| format!("`{}`", peer.name)).collect();
    let more = ahead.len().saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let others = format!("{}{more}", names.join(", "));
    match ticket.policy {
        ConcurrencyPolicy::Allow => Turn::Begins,
        ConcurrencyPolicy::Forbid => Turn::Ends(
            Reason::ConcurrencyLimit,
            format!("{others} of group `{}` had not ended, and {limit} may work", ticket.group),
        ),
        ConcurrencyPolicy::Queue | ConcurrencyPolicy::Replace => {
            Turn::Waits(format!("waits for {others} of group `{}`", ticket.group))
        }
    }
}

/// Returns the run that takes the place of one that works, if one does: its group replaces the oldest.
pub(super) fn replaced_by<'a>(ticket: &Ticket, uid: &str, peers: &'a [Peer]) -> Option<&'a str> {
    if ticket.policy != ConcurrencyPolicy::Replace {
        return None;
    }
    let replaces = |peer: &&Peer| peer.ticket.policy == ConcurrencyPolicy::Replace;
    let newer = peers.iter().filter(|peer| !is_before(peer, (ticket.since, uid)));
    let newer: Vec<&Peer> = newer.filter(replaces).collect();
    let limit = usize::try_from(ticket.limit).unwrap_or(usize::MAX);
    let first = newer.iter().min_by_key(|peer| (peer.ticket.since, peer.uid.as_str()));
    first.filter(|_| newer.len() >= limit).map(|peer| peer.name.as_str())
}

fn is_before(peer: &Peer, (since, uid): (Timestamp, &str)) -> bool {
    (peer.ticket.since, peer.uid.as_str()) < (since, uid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ticket(second: i64, policy: ConcurrencyPolicy, limit: u32) -> Ticket {
        let since = Timestamp::from_second(second).expect("a time");
        Ticket { group: "g".to_owned(), limit, policy, newest_only: false, since }
    }

    fn peer(name: &str, ticket: Ticket, is_begun: bool) -> Peer {
        Peer { uid: name.to_owned(), name: name.to_owned(), ticket, is_begun }
    }

    #[test]
    fn a_run_waits_for_those_that_work_and_those_before_it() {
        let queue = |second| ticket(second, ConcurrencyPolicy::Queue, 1);
        let works = peer("a", queue(9), true);
        let waits = "waits for `a` of group `g`";
        assert_eq!(
            turn(&queue(1), "b", std::slice::from_ref(&works)),
            Turn::Waits(waits.to_owned())
        );
        let later = peer("c", queue(3), false);
        assert_eq!(turn(&queue(2), "b", &[later]), Turn::Begins);
        let forbid = ticket(2, ConcurrencyPolicy::Forbid, 1);
        let ended = turn(&forbid, "b", std::slice::from_ref(&works));
        assert!(matches!(ended, Turn::Ends(Reason::ConcurrencyLimit, _)), "{ended:?}");
        let allow = ticket(2, ConcurrencyPolicy::Allow, 1);
        assert_eq!(turn(&allow, "b", &[works]), Turn::Begins);
    }

    #[test]
    fn of_the_runs_of_a_schedule_only_the_newest_waits() {
        let queue =
            |second| Ticket { newest_only: true, ..ticket(second, ConcurrencyPolicy::Queue, 1) };
        let works = peer("a", queue(1), true);
        let newer = peer("c", queue(3), false);
        let ended = turn(&queue(2), "b", &[works.clone(), newer.clone()]);
        assert!(matches!(ended, Turn::Ends(Reason::Superseded, _)), "{ended:?}");
        assert!(matches!(turn(&queue(3), "c", &[works]), Turn::Waits(_)));
        assert_eq!(turn(&queue(2), "b", &[newer]), Turn::Begins, "it need not wait");
    }

    #[test]
    fn the_oldest_that_works_is_replaced() {
        let replace = |second| ticket(second, ConcurrencyPolicy::Replace, 2);
        let newer = [peer("b", replace(2), true), peer("c", replace(3), false)];
        assert_eq!(replaced_by(&replace(1), "a", &newer), Some("b"));
        assert_eq!(replaced_by(&replace(1), "a", &newer[..1]), None);
        let queued = [newer[0].clone(), peer("c", ticket(3, ConcurrencyPolicy::Queue, 2), false)];
        assert_eq!(replaced_by(&replace(1), "a", &queued), None, "that one waits");
        assert!(matches!(
            turn(&replace(3), "c", &[peer("a", replace(1), true), newer[0].clone()]),
            Turn::Waits(_)
        ));
    }

    proptest! {
        /// Each run records its ticket, looks, and begins, in steps that interleave in any way.
        #[test]
        fn no_more_runs_work_than_may_whatever_order_they_look_in(
            order in prop::collection::vec(0_usize..6, 0..60), limit in 1_u32..4,
        ) {
            let mut tickets: Vec<Option<Ticket>> = vec![None; 6];
            let mut seen: Vec<Option<Turn>> = vec![None; 6];
            let mut begun = [false; 6];
            let mut ended = [false; 6];
            let uid = |run: usize| format!("r{run}");
            for (clock, run) in (0_i64..).zip(order) {
                if begun[run] {
                    ended[run] = true;
                    continue;
                }
                match (&tickets[run], seen[run].take()) {
                    (None, _) => tickets[run] = Some(ticket(clock, ConcurrencyPolicy::Queue, limit)),
                    (Some(_), Some(Turn::Begins)) => begun[run] = true,
                    (Some(own), _) => {
                        let peers: Vec<Peer> = (0..6)
                            .filter(|other| *other != run && !ended[*other])
                            .filter_map(|other| {
                                Some(peer(&uid(other), tickets[other].clone()?, begun[other]))
                            })
                            .collect();
                        seen[run] = Some(turn(own, &uid(run), &peers));
                    }
                }
                let working = (0..6).filter(|one| begun[*one] && !ended[*one]).count();
                prop_assert!(working <= limit as usize, "{working} work");
            }
        }
    }
}
