//! What is to be done about the lease, from what is known of it: pure.
//!
//! As client-go decides it: the clocks of others are not trusted. A lease counts as expired when it has
//! not changed for as long as it lasts, by this process's own clock since it saw the last change.

use std::time::Duration;

/// How long a lease lasts without being renewed.
pub(super) const LASTS: Duration = Duration::from_secs(15);
/// How long its holder works without having renewed it; less than it lasts.
pub(super) const HOLDS: Duration = Duration::from_secs(10);
/// How often it is looked at.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// The lease as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// The identity of the holder; empty when the lease was released.
    pub(super) holder: String,
    /// How long it lasts for its holder.
    pub(super) lasts: Duration,
    /// How long it has been exactly so, as far as this process saw.
    pub(super) unchanged_for: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is none: create it.
    Create,
    /// It is ours: say that we are still there.
    Renew,
    /// It has expired or was released: take it.
    Take,
    /// Another replica holds it: look again later.
    Wait,
}

/// Returns what is to be done about a lease.
pub(super) fn decide(seen: Option<&Seen>, me: &str) -> Decision {
    match seen {
        None => Decision::Create,
        Some(lease) if lease.holder == me => Decision::Renew,
        Some(lease) if lease.holder.is_empty() => Decision::Take,
        Some(lease) if lease.unchanged_for >= lease.lasts => Decision::Take,
        Some(_) => Decision::Wait,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(holder: &str, unchanged_for: Duration) -> Seen {
        Seen { holder: holder.to_owned(), lasts: LASTS, unchanged_for }
    }

    #[test]
    fn a_lease_is_taken_only_when_it_is_nobodys() {
        let just = LASTS.saturating_sub(Duration::from_nanos(1));
        for (lease, expect) in [
            (None, Decision::Create),
            (Some(seen("me", LASTS * 9)), Decision::Renew),
            (Some(seen("", Duration::ZERO)), Decision::Take),
            (Some(seen("other", just)), Decision::Wait),
            (Some(seen("other", LASTS)), Decision::Take),
        ] {
            assert_eq!(decide(lease.as_ref(), "me"), expect, "{lease:?}");
        }
    }

    /// A process with a clock of its own, which does what `decide` says by compare-and-swap.
    #[derive(Debug, Default, Clone)]
    struct Process {
        known: Option<(u64, u64)>,
        holds_until: u64,
    }

    /// The lease of the simulation: version and holder.
    #[derive(Debug, Default, Clone, Copy)]
    struct Lease {
        version: u64,
        holder: Option<usize>,
    }

    impl Process {
        /// Looks at the lease as it was, and writes if it still is so.
        fn step(&mut self, me: usize, (read, now): (Lease, u64), lease: &mut Lease) {
            if self.known.is_none_or(|(version, _)| version != read.version) {
                self.known = Some((read.version, now));
            }
            let since = self.known.map_or(now, |(_, since)| since);
            let seen = (read.version > 0).then(|| Seen {
                holder: read.holder.map(|holder| holder.to_string()).unwrap_or_default(),
                lasts: LASTS,
                unchanged_for: Duration::from_millis(now - since),
            });
            let writes = decide(seen.as_ref(), &me.to_string()) != Decision::Wait;
            if writes && lease.version == read.version {
                *lease = Lease { version: read.version + 1, holder: Some(me) };
                self.holds_until = now + u64::try_from(HOLDS.as_millis()).unwrap();
            }
        }
    }

    proptest! {
        /// Whatever is delayed, stopped or lost, at most one process believes that it holds the lease,
        /// as long as a look and its write happen between two looks of another process.
        #[test]
        fn two_processes_never_hold_the_lease_at_once(
            turns in proptest::collection::vec((0_usize..3, 0_u64..30_000), 1..400),
        ) {
            let (mut lease, mut now) = (Lease::default(), 0);
            let mut processes = vec![Process::default(); 3];
            for (me, pause) in turns {
                now += pause;
                let read = lease;
                processes[me].step(me, (read, now), &mut lease);
                let holders = processes.iter().filter(|process| process.holds_until > now).count();
                prop_assert!(holders <= 1, "{holders} hold it at {now}: {processes:?}");
            }
        }
    }
}
