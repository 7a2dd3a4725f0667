use serde_json::{Value, json};

use tokio::sync::mpsc::UnboundedReceiver;

use super::run_queue::{HELD_UP, Turns, Woken, memory_of, takes_place, works};
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

fn turns(bounds: Bounds) -> (Turns, UnboundedReceiver<Woken>) {
    let turns = Turns::new(bounds, Rules::default(), Some("library".to_owned()), 1);
    let woken = turns.subscribe(&Scope::Cluster);
    (turns, woken)
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
    let (turns, mut woken) = turns(one());
    for name in ["a", "b"] {
        turns.begins(&run(name, "Pending", &[]));
    }
    assert_eq!(turns.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    assert_ne!(turns.ask(&run("b", "Pending", &[]), &valid(), None), Place::Free);
    assert!(names(&mut woken).is_empty());
    turns.forget("uid-a");
    assert_eq!(names(&mut woken), ["b"]);
    assert_eq!(turns.ask(&run("b", "Pending", &[]), &valid(), None), Place::Free);
}

#[test]
fn who_works_under_another_hand_counts_until_it_has_ended() {
    let (turns, mut woken) = turns(one());
    turns.seen(&run("other", "Running", &["Launched"]));
    turns.begins(&run("a", "Pending", &[]));
    assert_ne!(turns.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    turns.seen(&run("other", "Succeeded", &["Finished"]));
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
        assert!(!takes_place(&held_up(reason.as_str())), "{reason:?}");
    }
    assert!(takes_place(&held_up("Starting")) && takes_place(&held_up("Running")));
    let (turns, mut woken) = turns(one());
    turns.seen(&held_up("Starting"));
    turns.begins(&run("a", "Pending", &[]));
    assert_ne!(turns.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    turns.seen(&held_up("ImagePullFailed"));
    assert_eq!(names(&mut woken), ["a"]);
    assert_eq!(turns.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    turns.seen(&held_up("Running"));
    assert_eq!(turns.lengths(), (2, 0), "what runs counts, though there is no place for it");
}

#[test]
fn a_stale_event_takes_no_place_away() {
    let (turns, _woken) = turns(one());
    turns.begins(&run("a", "Pending", &[]));
    assert_eq!(turns.ask(&run("a", "Pending", &[]), &valid(), None), Place::Free);
    turns.seen(&run("a", "Pending", &[]));
    assert_eq!(turns.lengths(), (1, 0), "what is begun is not stored yet");
}

#[test]
fn what_a_run_waits_for_wakes_it_and_nobody_else() {
    let (turns, mut woken) = turns(Bounds::default());
    turns.begins(&run("waits", "Pending", &[]));
    let mut resolved = run("resolved", "Running", &["Finished"]);
    resolved.status.get_or_insert_default().resolved =
        Some(crate::api::v1alpha1::FreeForm::default());
    turns.begins(&resolved);
    let config = |namespace: &str, name: &str| -> MasonConfig {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"engines": {}, "clients": [{"name": "here", "local": {"root": "/a"}}]},
        }))
        .expect("should be a config")
    };
    turns.config_changed(&config("team", "sea"));
    turns.config_changed(&config("other", "lake"));
    turns.definition_changed("other", "table/query");
    turns.definition_changed("team", "table/get");
    assert!(names(&mut woken).is_empty());
    turns.config_changed(&config("team", "lake"));
    assert_eq!(names(&mut woken), ["waits"]);
    turns.definition_changed("team", "table/query");
    turns.definition_changed("library", "table/query");
    assert_eq!(names(&mut woken), ["waits", "waits"]);
}

#[test]
fn nobody_begins_before_it_is_known_who_works() {
    let (turns, _woken) = turns(one());
    assert!(!turns.is_open());
    turns.listed();
    assert!(turns.is_open());
    turns.listed();
    assert!(turns.is_open(), "a watch that begins anew changes nothing");
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
