//! Schedules from the command line: what is planned, made once whatever dies, caught up and made up for.

use mason::faults::SCHEDULE_POINTS;
use serde_json::Value;

use crate::{Called, Mason};

/// A workflow that is run once a minute, and says what it is for.
const EVERY_MINUTE: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: ticks}
spec:
  workflow: sales/ticks
  description: Count the orders once a minute
  configRef: {name: local}
  schedule: {every: 60s}
  steps:
    - id: count
      operator: table/query
      parameters: {database_name: sales, query_string: select count(*) as n from orders}
  outputs: {planned: "${schedule.plannedAt ?? 'by hand'}", n: "${steps.count.result[0].n}"}
"#;

fn applied(text: &str) -> Mason {
    let mason = Mason::with_data();
    let file = mason.write("ticks.yaml", text);
    let called = mason.call(["apply", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 0, "{called:?}");
    mason
}

/// Makes and drives what is due when the clock is so many seconds ahead.
fn scheduler_at(mason: &Mason, seconds: i64) -> Called {
    let mut command = mason.command(["scheduler", "--once"]);
    command.env("MASON_FAULT_CLOCK", seconds.to_string());
    mason.finish(&mut command, "")
}

fn workflow(mason: &Mason) -> Value {
    let called = mason.call(["get", "workflow", "ticks", "-o", "json"]);
    assert_eq!(called.code, 0, "{called:?}");
    serde_json::from_str(&called.out).unwrap()
}

fn runs(mason: &Mason) -> Vec<Value> {
    let called = mason.call(["get", "workflowruns", "-o", "json"]);
    let list: Value = serde_json::from_str(&called.out).unwrap_or_default();
    list["items"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_schedule_makes_a_run_for_each_planned_time_and_catches_up_the_newest_of_a_day() {
    let mason = applied(EVERY_MINUTE);
    let called = scheduler_at(&mason, 0);
    assert_eq!((called.code, called.out.as_str(), called.err.as_str()), (0, "", ""), "{called:?}");
    let called = scheduler_at(&mason, 70);
    assert_eq!(called.code, 0, "{called:?}");
    assert!(called.err.contains("sales/ticks: made run `ticks-2"), "{}", called.err);
    assert!(called.err.contains("succeeded"), "{}", called.err);
    let made = runs(&mason);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["status"]["outputs"]["n"], 3);
    let planned = made[0]["spec"]["plannedAt"].as_str().unwrap();
    assert_eq!(made[0]["status"]["outputs"]["planned"], planned);
    assert_eq!(made[0]["metadata"]["labels"]["mason.dev/workflow"], "ticks");
    scheduler_at(&mason, 71);
    scheduler_at(&mason, -600);
    assert_eq!(runs(&mason).len(), 1, "no time is made twice, also when the clock is set back");

    let called = scheduler_at(&mason, 86_400);
    assert!(called.err.contains("planned times that became no run: 1438"), "{}", called.err);
    assert_eq!(runs(&mason).len(), 2, "the newest is caught up");
    let status = &workflow(&mason)["status"];
    assert_eq!(status["schedule"]["missed"], 1438, "{status:#}");
    assert_eq!(status["schedule"]["upcoming"].as_array().map(Vec::len), Some(5));
    let shown = mason.call(["get", "workflows"]).out;
    let next = status["columns"]["nextRun"].as_str().unwrap();
    assert!(shown.contains("every 60s") && shown.contains(next), "{shown}");
}

#[test]
fn a_scheduler_that_dies_anywhere_is_followed_by_one_that_makes_no_run_twice() {
    for (number, point) in SCHEDULE_POINTS.iter().enumerate() {
        let mason = applied(EVERY_MINUTE);
        scheduler_at(&mason, 0);
        let mark = mason.path(&format!("mark-{number}"));
        let mut dies = mason.command(["scheduler", "--once", "-q"]);
        dies.env("MASON_FAULT_CLOCK", "65");
        dies.env("MASON_FAULT_POINT", format!("{point}:1")).env("MASON_FAULT_MARK", &mark);
        let ended = mason.finish(&mut dies, "");
        assert!(mark.exists() && ended.code != 0, "{point}: {ended:?}");
        for _ in 0..2 {
            let called = scheduler_at(&mason, 66);
            assert_eq!(called.code, 0, "{point}: {called:?}");
        }
        let made = runs(&mason);
        assert_eq!(made.len(), 1, "{point}");
        assert_eq!(made[0]["status"]["phase"], "Succeeded", "{point}");
        let steps = mason.call(["get", "runs", "-o", "name"]).out;
        assert_eq!(steps.lines().count(), 1, "{point}: {steps}");
        assert_eq!(workflow(&mason)["status"]["schedule"]["missed"], 0, "{point}");
    }
}

#[test]
fn old_runs_of_a_schedule_go_with_their_steps_and_those_of_people_stay() {
    let text = EVERY_MINUTE.replace("  steps:", "  history: {succeeded: 2, failed: 1}\n  steps:");
    let mason = applied(&text);
    scheduler_at(&mason, 0);
    let by_hand = mason.call(["run", "workflow", "sales/ticks", "--name", "by-hand", "-q"]);
    assert_eq!(by_hand.code, 0, "{by_hand:?}");
    for minute in 1..=5 {
        let called = scheduler_at(&mason, minute * 60 + 5);
        assert_eq!(called.code, 0, "{called:?}");
    }
    let names: Vec<Value> =
        runs(&mason).iter().map(|run| run["metadata"]["name"].clone()).collect();
    // Two that are kept, the one before the newest had ended by then, and the newest.
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.contains(&"by-hand".into()), "{names:?}");
    let steps = mason.call(["get", "runs", "-o", "name"]).out;
    assert_eq!(steps.lines().count(), 4, "{steps}");
}

#[test]
fn what_is_past_is_made_up_for_under_the_names_of_the_schedule() {
    let daily = EVERY_MINUTE.replace("every: 60s", "cron: \"0 2 * * *\", suspend: true");
    let mason = applied(&daily);
    let stretch = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-03T02:00:00Z"];
    let backfill = |more: &[&str]| {
        mason.call(["backfill", "sales/ticks"].iter().chain(&stretch).chain(more).copied())
    };
    let called = backfill(&["--dry-run"]);
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(called.out.lines().count(), 3);
    assert!(called.out.contains("ticks-20260102-020000  would be made"), "{}", called.out);
    assert!(runs(&mason).is_empty());
    let called = backfill(&["--limit", "2"]);
    assert_eq!(called.code, 2, "{called:?}");
    assert!(called.err.contains("3 planned times are in that stretch"), "{}", called.err);
    let called = backfill(&["-q"]);
    assert_eq!(called.code, 0, "{called:?}");
    let made = runs(&mason);
    assert_eq!(made.len(), 3);
    assert!(made.iter().all(|run| run["status"]["phase"] == "Succeeded"), "{made:#?}");
    let called = backfill(&[]);
    assert!(called.out.lines().all(|line| line.ends_with("is there already")), "{}", called.out);
    assert_eq!(runs(&mason).len(), 3, "twice is once");
}

#[test]
fn a_wrong_schedule_is_refused_with_every_problem_and_one_can_be_explained() {
    let mason = Mason::with_data();
    let wrong = EVERY_MINUTE
        .replace("{every: 60s}", "{cron: \"0 0 30 2 *\", timeZone: Europe/Wienna, jitter: 25h}");
    let wrong = wrong
        .replace("  steps:", "  parameters: [{name: day, type: string, required: true}]\n  steps:");
    let file = mason.write("wrong.yaml", &wrong);
    let called = mason.call(["validate", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 2, "{called:?}");
    for part in [
        "spec.schedule.cron: `0 0 30 2 *` never fires",
        "did you mean `Europe/Vienna`?",
        "spec.schedule.jitter",
        "`day` is required, and a run that the schedule makes gives no values",
    ] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
    let explained =
        mason.call(["explain", "schedule", "0 2 * * MON", "--time-zone", "Europe/Vienna"]);
    assert_eq!(explained.code, 0, "{explained:?}");
    let lines: Vec<&str> = explained.out.lines().collect();
    assert_eq!(lines[0], "at 02:00, on Monday (Europe/Vienna)");
    assert!(lines.len() == 6 && lines[1].starts_with("  Mon "), "{lines:?}");
    let called = mason.call(["explain", "table/query", "--time-zone", "UTC"]);
    assert_eq!(called.code, 2, "{called:?}");
}
