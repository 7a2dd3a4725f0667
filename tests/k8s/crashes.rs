//! Killed at any moment, or two at once: every run has its effect exactly once.

use std::time::Duration;

use serde_json::Value;

use crate::team::{Team, query};

/// Takes long enough that a kill falls into it.
const SLOW: &str =
    "select city, count(*) as n from orders cross join generate_series(1, 400000) group by city";

fn apply_appends(team: &Team, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
    for name in &names {
        team.apply(&query(name, SLOW, &format!(", output_table: {name}, mode: append")));
    }
    names
}

/// A second append would be a second generation, and twice the rows.
fn assert_each_took_place_once(team: &Team, names: &[String]) {
    for name in names {
        let status = team.finished(name);
        assert_eq!(status["phase"], "Succeeded", "{name}: {status:#}");
        assert_eq!(team.generations(name), 1, "{name}");
    }
    for name in names {
        let check = format!("check-{name}");
        team.apply(&query(&check, &format!("select sum(n) as n from {name}"), ""));
        let status = team.finished(&check);
        let data = status["result"]["data"].to_string();
        assert!(data.contains("1200000"), "{name}: {data}");
    }
}

/// Returns how many runs have an attempt that has begun and not ended.
fn at_work(runs: &Value) -> usize {
    let runs = runs["items"].as_array().unwrap().iter();
    let attempts = runs.filter_map(|run| run["status"]["attempts"].as_array()?.last());
    attempts.filter(|attempt| attempt["state"] != "Finished").count()
}

#[test]
fn a_killed_controller_is_replaced_and_every_run_takes_place_once() {
    let team = Team::with_config("killed");
    let names = apply_appends(&team, 6);
    let mut killed_at_work = 0;
    for pause in [0, 150, 400, 250, 700, 50] {
        let controller = team.controller();
        std::thread::sleep(Duration::from_millis(pause));
        controller.kill();
        killed_at_work += at_work(&team.get("operatorruns"));
    }
    // On a slow machine no run may have come so far.
    if killed_at_work == 0 {
        let controller = team.controller();
        team.until("operatorruns", |runs| at_work(runs) > 0);
        controller.kill();
    }
    let _controller = team.controller();
    assert_each_took_place_once(&team, &names);
}

#[test]
fn two_controllers_on_the_same_runs_do_each_once() {
    let team = Team::with_config("two-at-once");
    let (_one, _other) = (team.controller(), team.controller());
    let names = apply_appends(&team, 6);
    assert_each_took_place_once(&team, &names);
}
