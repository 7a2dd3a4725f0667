//! Deleting runs and namespaces while work goes on: gone in bounded time, and nothing works afterwards.

use std::time::{Duration, Instant};

use crate::team::{LONG, PATIENCE, Team, query};
use crate::workers::{end_workers_below, workers_below};

fn until_gone(team: &Team, resource: &str) {
    let began = Instant::now();
    while team.exists(resource) {
        assert!(began.elapsed() < PATIENCE, "{resource} is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn finalizers(team: &Team, run: &str) -> serde_json::Value {
    team.get(&format!("oprun/{run}"))["metadata"]["finalizers"].clone()
}

/// Waits until a run has begun and a worker prints into its job's log. A run is recorded as begun before its worker has
/// opened the log.
pub(crate) fn until_it_works(team: &Team, run: &str) {
    team.until(&format!("oprun/{run}"), |run| run["status"]["columns"]["reason"] == "Running");
    let began = Instant::now();
    while workers_below(&team.root()) == 0 {
        assert!(began.elapsed() < PATIENCE, "no worker of {run}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_is_held_while_it_works_and_its_deletion_stops_the_work() {
    let team = Team::with_config("deleted-run");
    let controller = team.controller();
    team.apply(&query("short", "select 1 as n", ""));
    team.finished("short");
    team.until("oprun/short", |run| run["metadata"]["finalizers"].is_null());
    team.apply(&query("long", LONG, ""));
    until_it_works(&team, "long");
    assert_eq!(finalizers(&team, "long"), serde_json::json!(["mason.dev/external-work"]));
    assert_eq!(workers_below(&team.root()), 1, "{}", controller.log());
    team.kubectl(&["delete", "oprun/long", "--wait=false"]);
    until_gone(&team, "oprun/long");
    assert_eq!(workers_below(&team.root()), 0);
    assert!(!controller.log().contains("let a deleted run go"), "{}", controller.log());
}

#[test]
fn a_run_whose_controller_is_gone_is_let_go_by_the_next() {
    let team = Team::with_config("deleted-between");
    let controller = team.controller();
    team.apply(&query("long", LONG, ""));
    until_it_works(&team, "long");
    controller.kill();
    team.kubectl(&["delete", "oprun/long", "--wait=false"]);
    std::thread::sleep(Duration::from_secs(1));
    assert!(team.exists("oprun/long"), "it is held while nobody stops its work");
    let _next = team.controller();
    until_gone(&team, "oprun/long");
    assert_eq!(workers_below(&team.root()), 0);
}

#[test]
fn a_run_whose_root_is_gone_is_let_go_when_a_person_forces_it() {
    let team = Team::with_config("deleted-forced");
    let controller = team.controller();
    team.apply(&query("long", LONG, ""));
    until_it_works(&team, "long");
    controller.kill();
    let moved = team.root().with_extension("away");
    std::fs::rename(team.root(), &moved).unwrap();
    let next = team.controller();
    team.kubectl(&["annotate", "oprun/long", "mason.dev/force-delete=true"]);
    team.kubectl(&["delete", "oprun/long", "--wait=false"]);
    until_gone(&team, "oprun/long");
    let log = next.log();
    assert!(log.contains("let a deleted run go") && log.contains("job="), "{log}");
    let events = team.kubectl(&["get", "events"]);
    assert!(events.contains("Abandoned"), "{events}");
    std::fs::rename(&moved, team.root()).unwrap();
    // What was left behind, as the administrator ends it who is told.
    end_workers_below(&team.root());
}

#[test]
fn a_namespace_with_runs_at_work_goes_and_nothing_works_afterwards() {
    let team = Team::with_config("deleted-namespace");
    let controller = team.controller();
    for name in ["a", "b", "c"] {
        team.apply(&query(name, LONG, ""));
    }
    team.apply(&(query("waits", "select 1", "") + "  suspend: true\n"));
    for name in ["a", "b", "c"] {
        until_it_works(&team, name);
    }
    team.cluster.done(&["delete", "namespace", team.name, "--wait=false"]);
    let began = Instant::now();
    while team.cluster.kubectl(&["get", "namespace", team.name], "").is_success {
        assert!(began.elapsed() < PATIENCE, "the namespace stays: {}", controller.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(workers_below(&team.root()), 0);
    assert!(!controller.log().contains("let a deleted run go"), "{}", controller.log());
}
