//! Runs as a person meets them: applied, waited for, listed, refused.

use std::time::Duration;

use serde_json::json;

use crate::team::{LONG, Team, condition, query};

#[test]
fn an_applied_run_succeeds_with_its_result_in_its_status() {
    let team = Team::with_config("succeeds");
    let controller = team.controller();
    team.apply(&query(
        "by-city",
        "select city, sum(amount) as amount from orders group by city order by city",
        "",
    ));
    let waited =
        team.kubectl(&["wait", "--for=condition=Finished", "--timeout=60s", "oprun/by-city"]);
    assert_eq!(waited.trim(), "operatorrun.mason.dev/by-city condition met");
    let run = team.get("oprun/by-city");
    let status = &run["status"];
    assert_eq!(status["phase"], "Succeeded", "{status:#}\n{}", controller.log());
    assert_eq!(status["result"]["rows"], 2);
    let rows = serde_json::to_string(&status["result"]["data"]).unwrap();
    assert!(rows.contains("Graz") && rows.contains("2.25") && rows.contains("4.5"), "{rows}");
    assert_eq!(condition(&run, "Succeeded").unwrap()["status"], "True");
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["attempts"].as_array().unwrap().len(), 1);
    let managers = run["metadata"]["managedFields"].as_array();
    assert_eq!(managers, None, "kubectl leaves them out");
    let all = team.kubectl(&["get", "oprun/by-city", "-o", "json", "--show-managed-fields"]);
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    let writers = all["metadata"]["managedFields"].as_array().unwrap().iter();
    let writers: Vec<_> = writers
        .filter(|one| one["subresource"] == "status")
        .map(|one| (one["manager"].as_str().unwrap(), one["fieldsV1"].to_string()))
        .collect();
    let whole = ("mason-operator-run", r#"{"f:status":{}}"#.to_owned());
    assert_eq!(writers, [whole], "the status has one writer, who owns it as a whole");
}

#[test]
fn kubectl_prints_the_columns() {
    let team = Team::with_config("columns");
    let _controller = team.controller();
    team.apply(&query("one", "select 1 as n", ""));
    team.finished("one");
    team.until("mcfg/lake", |config| condition(config, "Ready").is_some());
    let cells = |args: &[&str]| -> Vec<Vec<String>> {
        let printed = team.kubectl(args);
        printed.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let runs = cells(&["get", "operatorruns"]);
    // Progress of a run that has ended is empty, so its row has one cell less.
    assert_eq!(
        runs[0],
        ["NAME", "OPERATOR", "CONFIG", "PHASE", "REASON", "PROGRESS", "DURATION", "AGE"]
    );
    assert_eq!(runs[1][..5], ["one", "table/query", "lake", "Succeeded", "Completed"]);
    assert_eq!(runs[1].len(), 7, "{runs:?}");
    let wide = cells(&["get", "operatorruns", "-o", "wide"]);
    assert_eq!(wide[0][8..], ["ATTEMPTS", "ENGINE", "MESSAGE"]);
    assert_eq!(wide[1][7..9], ["1", "here"], "{wide:?}");
    let configs = cells(&["get", "mcfg"]);
    assert_eq!(configs[0], ["NAME", "METASTORE", "STORAGE", "EXECUTION", "READY", "AGE"]);
    assert_eq!(configs[1][..5], ["lake", "here", "here", "here", "True"]);
    let selected = team.kubectl(&[
        "get",
        "operatorruns",
        "--field-selector",
        "status.phase=Succeeded",
        "-o",
        "name",
    ]);
    assert_eq!(selected.trim(), "operatorrun.mason.dev/one");
}

#[test]
fn a_wrong_run_is_refused_with_every_problem_and_nothing_happens() {
    let team = Team::with_config("refused");
    let _controller = team.controller();
    team.apply(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: wrong}
spec:
  operator: table/query
  configRef: {name: lakes}
  parameters: {databse_name: sales, limit: many}
",
    );
    let status = team.finished("wrong");
    assert_eq!(
        (&status["phase"], &status["columns"]["reason"]),
        (&json!("Failed"), &json!("Invalid"))
    );
    let errors: Vec<_> = status["messages"]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e.as_str().unwrap())
        .collect();
    for expect in [
        "spec.parameters.databse_name: `table/query` has no such parameter (hint: did you mean `database_name`?)",
        "spec.parameters.query_string: is required",
        "spec.parameters.limit: must be a whole number within 64 bits, but is the text \"many\"",
        "spec.configRef.name: there is no config `lakes` in namespace `refused` (hint: did you mean `lake`?)",
    ] {
        assert!(errors.iter().any(|error| error.starts_with(expect)), "{expect}\n{errors:#?}");
    }
    assert_eq!(errors.len(), 4, "{errors:#?}");
    assert_eq!(status["attempts"], json!([]));
}

#[test]
fn a_suspended_run_goes_on_and_a_running_one_is_cancelled() {
    let team = Team::with_config("suspended");
    let _controller = team.controller();
    let suspended = query("later", "select 1 as n", "") + "  suspend: true\n";
    team.apply(&suspended);
    team.until("oprun/later", |run| run["status"]["phase"] == "Suspended");
    team.kubectl(&["patch", "oprun/later", "--type=merge", "-p", r#"{"spec":{"suspend":false}}"#]);
    assert_eq!(team.finished("later")["phase"], "Succeeded");
    team.apply(&query("long", LONG, ""));
    team.until("oprun/long", |run| run["status"]["attempts"][0]["state"] == "Launched");
    team.kubectl(&["patch", "oprun/long", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    assert_eq!(team.finished("long")["phase"], "Cancelled");
}

#[test]
fn with_one_place_runs_work_one_after_the_other_and_who_waits_takes_none() {
    let team = Team::with_config("one-place");
    let suspended = query("waits", "select 1 as n", "") + "  suspend: true\n";
    team.apply(&suspended);
    let _controller = team.controller_with(&["--working-runs", "1"]);
    team.until("oprun/waits", |run| run["status"]["phase"] == "Suspended");
    for name in ["a", "b", "c"] {
        team.apply(&query(name, "select 1 as n", ""));
    }
    let mut spans: Vec<(jiff::Timestamp, jiff::Timestamp)> = ["a", "b", "c"]
        .map(|name| {
            let status = team.finished(name);
            assert_eq!(status["phase"], "Succeeded", "{status:#}");
            let time = |field: &str| status[field].as_str().unwrap().parse().unwrap();
            (time("startedAt"), time("finishedAt"))
        })
        .into();
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
}

#[test]
fn an_object_that_cannot_be_read_stops_nobody_else() {
    let team = Team::with_config("unreadable");
    // As an older CRD might have let it pass.
    let crd = "crd/operatorruns.mason.dev";
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/timeout/pattern";
    let relax = json!([{"op": "replace", "path": path, "value": ".*"}]).to_string();
    team.cluster.done(&["patch", crd, "--type=json", "-p", &relax]);
    let bad = query("bad", "select 1", "") + "  timeout: soon\n";
    while !team
        .cluster
        .kubectl(&["apply", "--server-side", "-f", "-", "-n", team.name], &bad)
        .is_success
    {
        std::thread::sleep(Duration::from_millis(100)); // until the API server serves the new schema
    }
    let controller = team.controller();
    team.apply(&query("good", "select 1 as n", ""));
    assert_eq!(team.finished("good")["phase"], "Succeeded");
    let bad = team.until("oprun/bad", |run| condition(run, "Stalled").is_some());
    let ready = condition(&bad, "Ready").unwrap();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Unreadable")));
    assert!(ready["message"].as_str().unwrap().contains("soon"), "{ready}");
    assert_eq!(bad["status"]["columns"]["reason"], "Unreadable");
    let log = controller.log();
    assert!(log.contains("an object is not readable") && log.contains("soon"), "{log}");
    let strict = json!([{"op": "replace", "path": path, "value": mason::api::duration::DurationText::PATTERN}]);
    team.cluster.done(&["patch", crd, "--type=json", "-p", &strict.to_string()]);
}

#[test]
fn the_controller_is_healthy_and_ends_when_it_is_told_to() {
    let team = Team::with_config("told-to-stop");
    let controller = team.controller();
    for path in ["/healthz", "/readyz"] {
        let answer = controller.ask(path).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    team.apply(&query("long", LONG, ""));
    team.until("oprun/long", |run| run["status"]["attempts"][0]["state"] == "Launched");
    assert!(controller.terminate(), "a controller ends well also while work goes on");
    let next = team.controller();
    team.kubectl(&["patch", "oprun/long", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    assert_eq!(team.finished("long")["phase"], "Cancelled", "{}", next.log());
}

/// A table of 2 GB that nothing declares, which takes a worker long to read.
fn write_large(team: &Team) {
    use std::io::Write;
    let block = "1;some text of no meaning;2026-01-31;10.50;true\n".repeat(20_000);
    let file = std::fs::File::create(team.root().join("sales/large.csv")).unwrap();
    let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
    for _ in 0..2_000_000_000 / block.len() {
        file.write_all(block.as_bytes()).unwrap();
    }
    file.flush().unwrap();
}

#[test]
fn a_run_over_a_large_undeclared_file_delays_no_other_and_ends_soon_after_its_cancel() {
    let team = Team::with_config("large");
    write_large(&team);
    let controller = team.controller();
    let get = "operator: table/get\n  configRef: {name: lake}\n  parameters: {database_name: sales, table_name: large}";
    team.apply(&format!(
        "apiVersion: mason.dev/v1alpha1\nkind: OperatorRun\nmetadata: {{name: big}}\nspec:\n  {get}\n"
    ));
    let works = |run: &serde_json::Value| run["status"]["progress"]["done"].as_u64() > Some(0);
    team.until("oprun/big", works);
    for name in ["small-1", "small-2", "small-3"] {
        let began = std::time::Instant::now();
        team.apply(&query(name, "select count(*) as n from orders", ""));
        let status = team.finished(name);
        assert_eq!(status["phase"], "Succeeded", "{status:#}\n{}", controller.log());
        assert!(began.elapsed() < Duration::from_secs(10), "{name} took {:?}", began.elapsed());
    }
    assert_eq!(team.get("oprun/big")["status"]["phase"], "Running", "it should take longer");
    let began = std::time::Instant::now();
    let cancel = r#"{"spec": {"cancel": true}}"#;
    team.kubectl(&["patch", "oprun/big", "--type=merge", "-p", cancel]);
    let status = team.finished("big");
    let took = began.elapsed();
    assert_eq!(status["phase"], "Cancelled", "{status:#}");
    assert!(took < Duration::from_secs(5), "it took {took:?}, with the calls of kubectl");
}
