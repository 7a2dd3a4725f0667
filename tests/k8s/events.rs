//! Events as `kubectl get events` prints them: one for each transition, and none for staying so.

use crate::team::{Team, config, query};

/// Returns type, reason and text of the events of an object, oldest first.
fn events_of(team: &Team, object: &str) -> Vec<(String, String, String)> {
    let printed =
        team.kubectl(&["get", "events", "--no-headers", "--sort-by=.metadata.creationTimestamp"]);
    let mut events = Vec::new();
    for line in printed.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        if cells[3] == object {
            events.push((cells[1].to_owned(), cells[2].to_owned(), cells[4..].join(" ")));
        }
    }
    events
}

/// Waits until an event of the object has a reason; events follow what they speak of.
fn until(team: &Team, object: &str, reason: &str) -> Vec<(String, String, String)> {
    let began = std::time::Instant::now();
    loop {
        let events = events_of(team, object);
        if events.iter().any(|(_, found, _)| found == reason) {
            return events;
        }
        assert!(began.elapsed() < crate::team::PATIENCE, "{object}: {events:#?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn each_transition_of_a_run_is_one_event_also_after_a_restart() {
    let team = Team::with_config("events");
    let controller = team.controller();
    team.apply(&query("one", "select 1 as n", ""));
    team.finished("one");
    let events = until(&team, "operatorrun/one", "Completed");
    let mut reasons: Vec<&str> = events.iter().map(|(_, reason, _)| reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["Completed", "Launching", "Running"], "{events:#?}");
    let (kind, _, text) = events.iter().find(|(_, reason, _)| reason == "Completed").unwrap();
    assert_eq!(kind, "Normal");
    assert!(text.starts_with("succeeded after ") && text.ends_with(", 1 row"), "{text}");
    let described = team.kubectl(&["describe", "oprun/one"]);
    assert!(described.contains("attempt 1 works as LocalJob"), "{described}");

    controller.kill();
    let _next = team.controller();
    team.apply(&query("two", "select nothing", ""));
    team.finished("two");
    let failed = until(&team, "operatorrun/two", "UserError");
    assert!(failed.iter().any(|(kind, reason, _)| kind == "Warning" && reason == "UserError"));
    assert_eq!(events_of(&team, "operatorrun/one"), events, "the past is not told again");
}

#[test]
fn a_config_that_comes_and_goes_is_told_and_a_younger_definition_too() {
    let team = Team::new("events-stand");
    let _controller = team.controller();
    team.apply(&config("lake", "/nowhere"));
    let refused = until(&team, "masonconfig/lake", "RootNotAllowed");
    assert_eq!(refused.len(), 1, "probed again and again, told once: {refused:#?}");
    team.apply(&config("lake", &team.root().to_string_lossy()));
    let events = until(&team, "masonconfig/lake", "Checked");
    std::thread::sleep(std::time::Duration::from_secs(5)); // two more probes
    assert_eq!(events_of(&team, "masonconfig/lake"), events);
    for name in ["older", "younger"] {
        team.apply(&format!(
            "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {{name: {name}}}
spec: {{operator: my/list, description: d, action: {{builtin: {{name: database.list}}}}}}
"
        ));
        team.until(&format!("opdef/{name}"), |found| !found["status"].is_null());
        std::thread::sleep(std::time::Duration::from_millis(1_100)); // ages are whole seconds
    }
    let events = until(&team, "operatordefinition/younger", "DuplicateOperator");
    assert_eq!(events[0].0, "Warning");
}

#[test]
fn two_controllers_that_contend_for_a_run_tell_each_transition_once() {
    let team = Team::with_config("events-contended");
    let (_one, _other) = (team.controller(), team.controller());
    for name in ["a", "b", "c"] {
        team.apply(&query(name, "select 1 as n", ""));
    }
    for name in ["a", "b", "c"] {
        team.finished(name);
        let object = format!("operatorrun/{name}");
        until(&team, &object, "Completed");
        std::thread::sleep(std::time::Duration::from_secs(1));
        let events = events_of(&team, &object);
        let mut reasons: Vec<&str> = events.iter().map(|(_, reason, _)| reason.as_str()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, ["Completed", "Launching", "Running"], "{events:#?}");
    }
}
