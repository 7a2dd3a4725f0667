//! Suspending, resuming, retrying, logs, watching and the doctor, for a folder of resources.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::Mason;

/// A run of `table/query` that is stored and driven by nobody.
fn stored(name: &str, more: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {{name: {name}, labels: {{team: sales}}}}
spec:
  operator: table/query
  configRef: {{name: local}}
  parameters: {{database_name: sales, query_string: select count(*) as n from orders}}
{more}"
    )
}

fn with_stored(more: &str) -> Mason {
    let mason = Mason::with_data();
    mason.write("run.yaml", &stored("counts", more));
    assert_eq!(mason.call(["apply", "-f", "run.yaml"]).code, 0);
    mason
}

#[test]
fn a_suspended_run_goes_on_when_it_is_resumed_by_name() {
    let mason = with_stored("");
    let suspended = mason.call(["suspend", "counts"]);
    assert_eq!(suspended.out, "run `counts` is suspended: it begins nothing more\n");
    let all = mason.call(["resume", "-q"]);
    assert_eq!(all.code, 1, "it is looked at once, and then waits for a person: {all:?}");
    let nothing = mason.call(["resume"]);
    assert!(nothing.err.contains("no unfinished run"), "{nothing:?}");
    let resumed = mason.call(["resume", "counts", "-q"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(resumed.out.contains('3'), "{resumed:?}");
    let ended = mason.call(["suspend", "counts"]);
    assert_eq!(ended.out, "run `counts` has ended already: Succeeded\n");
}

#[test]
fn a_retry_is_a_run_of_its_own_and_one_that_has_not_ended_has_none() {
    let mason = with_stored("");
    let refused = mason.call(["retry", "counts"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("run `counts` has not ended (Pending)"), "{refused:?}");
    assert_eq!(mason.call(["resume", "-q"]).code, 0);
    for name in ["counts-r2", "counts-r3"] {
        let retried = mason.call(["retry", "counts", "-q", "-o", "name"]);
        assert_eq!(retried.out, format!("operatorrun.mason.dev/{name}\n"), "{retried:?}");
    }
    let of_retry = mason.call(["retry", "operatorrun.mason.dev/counts-r3", "-q", "-o", "json"]);
    let run: serde_json::Value = serde_json::from_str(&of_retry.out).unwrap();
    assert_eq!(run["metadata"]["name"], "counts-r4");
    assert_eq!(run["metadata"]["labels"]["team"], "sales");
    assert_eq!(run["status"]["phase"], "Succeeded");
    assert_eq!(mason.call(["retry", "absent"]).code, 1);
}

#[test]
fn what_only_a_controller_can_do_is_refused_for_a_folder() {
    let mason = Mason::with_data();
    let run = ["run", "table/list", "--config", "local", "-p", "database_name=sales", "--detach"];
    let refused = mason.call(run);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("no process would drive"), "{refused:?}");
    assert_eq!(mason.call(["get", "runs", "-o", "name"]).out, "");
    assert_eq!(mason.call(["doctor", "--service-account", "a/b"]).code, 2);
    assert_eq!(mason.call(["get", "runs", "--store", "x", "--cluster"]).code, 2);
}

#[test]
fn rows_come_as_runs_change() {
    let mason = Mason::with_data();
    let out = mason.path("out");
    let mut watching = mason.command(["get", "runs", "-w"]);
    watching.stdout(std::fs::File::create(&out).unwrap()).stderr(Stdio::null());
    let mut watching = watching.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let run = [
        "run",
        "table/list",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "--name",
        "lists",
        "-q",
    ];
    assert_eq!(mason.call(run).code, 0);
    let began = Instant::now();
    let rows = loop {
        let text = std::fs::read_to_string(&out).unwrap();
        if text.contains("Succeeded") || began.elapsed() > Duration::from_mins(1) {
            break text;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    watching.kill().unwrap();
    watching.wait().unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows[0].starts_with("NAME "), "{rows:?}");
    assert!(
        rows.last().unwrap().starts_with("lists   table/list   local    Succeeded"),
        "{rows:?}"
    );
    assert_eq!(mason.call(["get", "-w"]).code, 2, "one kind at one time");
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let mason = Mason::with_data();
    let well = mason.call(["doctor"]);
    assert_eq!(well.code, 0, "{well:?}");
    assert!(well.out.lines().all(|line| line.starts_with("ok ")), "{}", well.out);
    std::fs::remove_dir_all(mason.path("data")).unwrap();
    mason.write("store/default/operatorruns/bad.json", "{");
    let ill = mason.call(["doctor", "-o", "json"]);
    assert_eq!(ill.code, 1, "{ill:?}");
    let checks: serde_json::Value = serde_json::from_str(&ill.out).unwrap();
    let failed: Vec<&str> = checks
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] == "failed")
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert!(failed.contains(&"config local, client here"), "{checks:#}");
    assert!(failed.contains(&"operatorruns"), "{checks:#}");
}

#[test]
fn a_run_without_a_log_says_so() {
    let mason = with_stored("");
    let none = mason.call(["logs", "counts"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""), "{none:?}");
    assert!(none.err.contains("run `counts` has logged nothing"), "{none:?}");
    assert_eq!(mason.call(["logs", "absent"]).code, 1);
}
