//! Replicas that contend for a Lease: one reconciles, and another goes on when it is gone.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::team::{Controller, Team, query};

/// Whether a controller leads, by its own metric.
const LEADS: &str = "leader_election_master_status{name=\"mason\"}";
/// How many writes it has sent; one that stands by sends none.
const WRITES: &str = "rest_client_requests_total{code=\"200\",method=\"PUT\"}";
/// The longest until another leads, 15 s and the 2 s between two looks, and some for a machine that does
/// much else.
const TAKE_OVER: Duration = Duration::from_secs(25);

fn replica(team: &Team, identity: &str) -> Controller {
    let lease = ["--leader-elect", "--lease-namespace", team.name, "--identity", identity];
    team.controller_with(&lease)
}

/// Waits until a controller leads, or does not, and returns how long that took.
fn until(controller: &Controller, leads: f64, patience: Duration) -> Duration {
    let began = Instant::now();
    while controller.metric(LEADS) != Some(leads) {
        let log = controller.log();
        assert!(began.elapsed() < patience, "not {leads} for {patience:?}:\n{log}");
        std::thread::sleep(Duration::from_millis(50));
    }
    began.elapsed()
}

fn holder(team: &Team) -> String {
    let lease: Value = team.get("lease/mason");
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

fn does_a_run(team: &Team, name: &str) {
    team.apply(&query(name, "select count(*) as n from orders", ""));
    assert_eq!(team.finished(name)["phase"], "Succeeded");
}

#[test]
fn a_replica_stands_by_ready_and_replaces_a_leader_that_was_killed() {
    let team = Team::with_config("leader-killed");
    let first = replica(&team, "first");
    until(&first, 1.0, TAKE_OVER);
    let second = replica(&team, "second");
    does_a_run(&team, "one");
    assert_eq!(second.metric(LEADS), Some(0.0));
    assert_eq!(second.metric(WRITES), None, "who stands by writes nothing");
    assert!(second.ask("/readyz").unwrap().starts_with("HTTP/1.1 200 "));
    assert_eq!(holder(&team), "first");
    first.kill();
    let took = until(&second, 1.0, TAKE_OVER);
    assert!(took > Duration::from_secs(5), "a lease is not taken from its holder: {took:?}");
    assert_eq!(holder(&team), "second");
    does_a_run(&team, "two");
    assert_eq!(team.get("lease/mason")["spec"]["leaseTransitions"], 1);
}

#[test]
fn a_leader_that_is_asked_to_stop_gives_its_place_away_at_once() {
    let team = Team::with_config("leader-stopped");
    let first = replica(&team, "first");
    until(&first, 1.0, TAKE_OVER);
    let second = replica(&team, "second");
    does_a_run(&team, "one");
    let began = Instant::now();
    first.signal(Signal::TERM);
    until(&second, 1.0, TAKE_OVER);
    let took = began.elapsed();
    // 3 s, and some for a machine that does much else.
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(first.terminate());
    does_a_run(&team, "two");
}

#[test]
fn a_leader_that_slept_for_longer_than_its_lease_does_nothing_more() {
    let team = Team::with_config("leader-slept");
    let first = replica(&team, "first");
    until(&first, 1.0, TAKE_OVER);
    let second = replica(&team, "second");
    does_a_run(&team, "one");
    first.signal(Signal::STOP);
    until(&second, 1.0, TAKE_OVER);
    first.signal(Signal::CONT);
    until(&first, 0.0, Duration::from_secs(5));
    // A write that was on its way when it fell asleep arrives, and is refused if it came too late.
    std::thread::sleep(Duration::from_millis(500));
    let before = first.metric(WRITES).expect("it has written while it led");
    for name in ["two", "three"] {
        does_a_run(&team, name);
    }
    assert_eq!(first.metric(WRITES), Some(before), "{}", first.log());
    assert_eq!((holder(&team).as_str(), second.metric(LEADS)), ("second", Some(1.0)));
    assert!(first.ask("/healthz").unwrap().starts_with("HTTP/1.1 200 "), "sleep is no defect");
    assert!(first.ask("/readyz").unwrap().starts_with("HTTP/1.1 200 "));
}
