use serde_json::{Value, json};

use tokio::sync::mpsc::UnboundedReceiver;

use super::run_queue::{HELD_UP, RunQueue, memory_of, takes_slot, works};
use super::wakers::Woken;
use crate::api::v1alpha1::{MasonConfig, OperatorRun};
use crate::controllers::scope::Scope;
use crate::plan::{Bounds, Place};
use crate::runs::Places;
use crate::validate::{Rules, ValidRun};

fn run(name: &str, phase: &str, states: &[&str]) -> OperatorRun {
    let attempt = |(number, state): (usize, &&str)| -> Value {
        let started = "2026-01-01T00:00:00Z";
        json!({"number": number + 1, "token": "t", "state": state, "startedAt": started})
    };
    let attempts: Vec<Value> = states.iter().enumerate().map(attempt).collect();
    serde_json::from_value(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
        "metadata": {"name": name, "namespace": "team", "uid": format!("uid-{name}")},
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
        "status": {"phase": phase, "attempts": attempts},
    }))
    .expect("should be a run")
}

fn valid() -> ValidRun {
    serde_json::from_value(json!({
        "operator": "table/query", "definition": {"name": "d", "digest": "x"},
        "action": "table.query", "allowWritingSql": false, "parameters": {}, "origins": [],
        "config": {"name": "lake", "namespace": "team"}, "dryRun": false, "retry": {"limit": 0},
        "engines": {"execution": {"client": "here", "type": "local"}},
        "clients": [{"name": "here", "local": {"root": "/a", "memoryLimit": "1Gi"}}],
    }))
    .expect("should be a valid run")
}

fn queue(bounds: Bounds) -> (RunQueue, UnboundedReceiver<Woken>) {
    let queue = RunQueue::new(bounds, Rules::default(), Some("library".to_owned()), 1);
    let woken = queue.subscribe(&Scope::Cluster);
    (queue, woken)
}

fn one() -> Bounds {
    Bounds { all: Some(1), ..Bounds::default() }
}

fn names(woken: &mut UnboundedReceiver<Woken>) -> Vec<String> {
    std::iter::from_fn(|| woken.try_recv().ok()).map(|one| one.name).collect()
}

#[test]
fn only_a_run_with_an_attempt_under_way_takes_a_place() {
    for (phase, states, expect) in [
        ("Pending", &[][..], false),
        ("Running", &["Intended"], true),
        ("Running", &["Finished", "Launched"], true),
        ("Running", &["Finished"], false),
        ("Suspended", &["Launched"], true),
        ("Failed", &["Launched"], false),
    ] {
        assert_eq!(works(&run("x", phase, states)), expect, "{phase} {states:?}");
    }
}

#[test]
fn a_run_is_woken_when_it_has_a_place() {
    let (queue, mut woken) = queue(one());
    for name in ["a", "b"] {
        queue.begins(&run(name, "Pending", &[]));
    }
    assert_eq!(queue.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    assert_ne!(queue.ask(&run("b", "Pending", &[]), &valid(), None), Place::Free);
    assert!(names(&mut woken).is_empty());
    queue.forget("uid-a");
    assert_eq!(names(&mut woken), ["b"]);
    assert_eq!(queue.ask(&run("b", "Pending", &[]), &valid(), None), Place::Free);
}

#[test]
fn who_works_under_another_hand_counts_until_it_has_ended() {
    let (queue, mut woken) = queue(one());
    queue.seen(&run("other", "Running", &["Launched"]));
    queue.begins(&run("a", "Pending", &[]));
    assert_ne!(queue.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    queue.seen(&run("other", "Succeeded", &["Finished"]));
    assert_eq!(names(&mut woken), ["a"]);
}

#[test]
fn a_pod_that_cannot_start_frees_its_place_and_takes_one_when_it_runs() {
    let held_up = |reason: &str| {
        let mut run = run("typo", "Running", &["Launched"]);
        run.status.get_or_insert_default().columns.reason = reason.to_owned();
        run
    };
    for reason in HELD_UP {
        assert!(!takes_slot(&held_up(reason.as_str())), "{reason:?}");
    }
    assert!(takes_slot(&held_up("Starting")) && takes_slot(&held_up("Running")));
    for reason in ["ImagePullFailed", "PodHeldUp"] {
        let (queue, mut woken) = queue(one());
        queue.seen(&held_up("Starting"));
        queue.begins(&run("a", "Pending", &[]));
        assert_ne!(queue.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
        queue.seen(&held_up(reason));
        assert_eq!(names(&mut woken), ["a"], "{reason}");
        assert_eq!(queue.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
        queue.seen(&held_up("Running"));
        assert_eq!(queue.lengths(), (2, 0), "what runs counts, though there is no place for it");
    }
}

#[test]
fn a_stale_event_takes_no_place_away() {
    let (queue, _woken) = queue(one());
    queue.begins(&run("a", "Pending", &[]));
    assert_eq!(queue.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    queue.seen(&run("a", "Pending", &[]));
    assert_eq!(queue.lengths(), (1, 0), "what is begun is not stored yet");
}

#[test]
fn what_a_run_waits_for_wakes_it_and_nobody_else() {
    let (queue, mut woken) = queue(Bounds::default());
    queue.begins(&run("waits", "Pending", &[]));
    let mut resolved = run("resolved", "Running", &["Finished"]);
    resolved.status.get_or_insert_default().resolved =
        Some(crate::api::v1alpha1::FreeForm::default());
    queue.begins(&resolved);
    let config = |namespace: &str, name: &str| -> MasonConfig {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"engines": {}, "clients": [{"name": "here", "local": {"root": "/a"}}]},
        }))
        .expect("should be a config")
    };
    queue.config_changed(&config("team", "sea"));
    queue.config_changed(&config("other", "lake"));
    queue.definition_changed("other", "table/query");
    queue.definition_changed("team", "table/get");
    assert!(names(&mut woken).is_empty());
    queue.config_changed(&config("team", "lake"));
    assert_eq!(names(&mut woken), ["waits"]);
    queue.definition_changed("team", "table/query");
    queue.definition_changed("library", "table/query");
    assert_eq!(names(&mut woken), ["waits", "waits"]);
}

#[test]
fn nobody_begins_before_it_is_known_who_works() {
    let (queue, _woken) = queue(one());
    assert!(!queue.is_open());
    queue.listed();
    assert!(queue.is_open());
    queue.listed();
    assert!(queue.is_open(), "a watch that begins anew changes nothing");
}

#[test]
fn memory_counts_only_for_work_in_the_controller() {
    let mut valid = valid();
    assert_eq!(memory_of(&valid, &Rules::default()), 1 << 30);
    let local = valid.clients[0].local.as_mut().expect("should be local");
    local.placement = Some(crate::api::v1alpha1::Placement::Pod);
    assert_eq!(memory_of(&valid, &Rules::default()), 0);
    valid.engines.execution = None;
    assert_eq!(memory_of(&valid, &Rules::default()), 0);
}
