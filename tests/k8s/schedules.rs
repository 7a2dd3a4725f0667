//! Schedules on a real API server: each planned time one run, whatever dies in between.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::team::{Team, condition};
use crate::workflows::{finished, scheduled};

/// Returns the runs that a schedule made, by name.
fn made(team: &Team) -> Vec<Value> {
    let listed = team.get("mwfr");
    let runs = listed["items"].as_array().cloned().unwrap_or_default();
    runs.into_iter().filter(|run| !run["spec"]["plannedAt"].is_null()).collect()
}

fn missed(workflow: &Value) -> u64 {
    workflow["status"]["schedule"]["missed"].as_u64().unwrap_or_default()
}

/// Returns how many times a schedule has settled: from the first planned time to the last.
fn settled(workflow: &Value) -> u64 {
    let at = |field: &str| {
        let text = workflow["status"]["schedule"][field].as_str().unwrap_or_default();
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    };
    u64::try_from((at("lastPlanned") - at("base")) / 10).unwrap()
}

#[test]
fn a_schedule_makes_runs_that_work_and_says_when_the_next_is() {
    let team = Team::with_config("schedule");
    let _controller = team.controller();
    team.apply(&scheduled("ticks", "every: 10s"));
    let workflow = team.until("mwf/ticks", |flow| !flow["status"]["schedule"]["lastRun"].is_null());
    let name = workflow["status"]["schedule"]["lastRun"]["name"].as_str().unwrap();
    let done = finished(&team, name);
    assert_eq!(done["status"]["phase"], "Succeeded", "{done:#}");
    assert_eq!(done["spec"]["plannedAt"], workflow["status"]["schedule"]["lastRun"]["plannedAt"]);
    let printed = team.kubectl(&["get", "workflows"]);
    assert!(printed.contains("every 10s") && printed.contains("NEXT RUN"), "{printed}");
    let events = team.kubectl(&["get", "events"]);
    assert!(events.contains(&format!("made run `{name}`")), "{events}");

    let suspend = r#"{"spec":{"schedule":{"suspend":true}}}"#;
    team.kubectl(&["patch", "mwf/ticks", "--type=merge", "-p", suspend]);
    team.until("mwf/ticks", |flow| {
        flow["status"]["observedGeneration"] == flow["metadata"]["generation"]
            && flow["status"]["schedule"]["next"].is_null()
    });
    let wrong = r#"{"spec":{"schedule":{"timeZone":"Europe/Wienna"}}}"#;
    team.kubectl(&["patch", "mwf/ticks", "--type=merge", "-p", wrong]);
    let workflow = team.until("mwf/ticks", |flow| {
        condition(flow, "Ready").is_some_and(|ready| ready["status"] == "False")
    });
    let message = condition(&workflow, "Ready").unwrap()["message"].to_string();
    assert!(message.contains("means nothing with `every`"), "{message}");
}

#[test]
fn controllers_that_are_killed_and_two_at_once_make_each_run_once() {
    let team = Team::with_config("schedule-kills");
    team.apply(&scheduled("ticks", "every: 10s, catchUp: All, catchUpLimit: 100"));
    for pause in [1_500, 900, 1_200, 700, 1_600, 1_300] {
        let controllers = [team.controller(), team.controller()];
        std::thread::sleep(Duration::from_millis(pause));
        for controller in controllers {
            controller.kill();
        }
    }
    let _controller = team.controller();
    let workflow = team.until("mwf/ticks", |flow| {
        flow["status"]["schedule"]["lastRun"].is_object() && settled(flow) >= 2
    });
    let workflow = if workflow["status"]["schedule"]["due"].is_null() {
        workflow
    } else {
        team.until("mwf/ticks", |flow| flow["status"]["schedule"]["due"].is_null())
    };
    let (runs, planned) = (made(&team), settled(&workflow));
    let times: BTreeSet<String> =
        runs.iter().map(|run| run["spec"]["plannedAt"].to_string()).collect();
    assert_eq!(times.len(), runs.len(), "no planned time has two runs");
    assert!(runs.len() as u64 + missed(&workflow) >= planned, "{planned} {workflow:#}");
    assert_eq!(missed(&workflow), 0, "{workflow:#}");
    for run in runs {
        let done = finished(&team, run["metadata"]["name"].as_str().unwrap());
        assert_eq!(done["status"]["phase"], "Succeeded", "{done:#}");
    }
}

#[test]
fn a_controller_that_was_down_for_a_day_catches_up_the_newest_and_counts_the_others() {
    let team = Team::with_config("schedule-day");
    team.apply(&scheduled("hourly", "cron: '0 * * * *', timeZone: Australia/Lord_Howe"));
    let controller = team.controller();
    team.until("mwf/hourly", |flow| flow["status"]["schedule"]["next"].is_string());
    controller.kill();
    let ahead = [("MASON_FAULT_CLOCK", "86400")];
    let _next = team.controller_in(team.cluster.kubeconfig(), &[], &ahead);
    let workflow =
        team.until("mwf/hourly", |flow| flow["status"]["schedule"]["lastRun"].is_object());
    // An hour may begin while the test runs.
    assert!((23..=24).contains(&missed(&workflow)), "{workflow:#}");
    assert_eq!(made(&team).len(), 1);
    let events = team.kubectl(&["get", "events"]);
    assert!(events.contains("planned times that became no run: 2"), "{events}");
}
