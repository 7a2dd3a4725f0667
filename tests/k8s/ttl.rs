//! Runs that have ended: pruned or deleted when their time has passed, and looked at when it is asked for.

use serde_json::{Value, json};

use crate::team::{Team, config, query};

#[test]
fn a_run_whose_time_has_passed_is_pruned_and_says_so_also_after_a_restart() {
    let team = Team::new("ttl-prune");
    let root = team.root().to_string_lossy().into_owned();
    let results = "  results: {inline: Never, location: \"here:_results/\"}\n";
    team.apply(&(config("lake", &root) + results));
    let controller = team.controller();
    team.apply(&(query("one", "select 1 as n", "") + "  ttl: {afterSuccess: 6s}\n"));
    let status = team.finished("one");
    let path = status["result"]["ref"]["uri"].as_str().unwrap().replace("here:", "");
    assert!(team.root().join(&path).exists());
    controller.kill();
    let _next = team.controller();
    let run = team.until("oprun/one", |run| !run["status"]["prunedAt"].is_null());
    let status = &run["status"];
    assert_eq!((&status["phase"], &status["result"]), (&json!("Succeeded"), &Value::Null));
    assert!(
        status["columns"]["message"].as_str().unwrap().starts_with("result and log were dropped")
    );
    assert!(!team.root().join(&path).exists(), "a stored result goes too");
    let (ended, pruned) = (&status["finishedAt"], &status["prunedAt"]);
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let passed = time(pruned).duration_since(time(ended)).as_secs_f64();
    assert!((6.0..60.0).contains(&passed), "{passed}");
    team.until("oprun/one", |run| run["metadata"]["finalizers"].is_null());
}

#[test]
fn a_failed_run_keeps_its_cause_and_loses_its_log_and_a_generated_one_is_deleted() {
    let team = Team::with_config("ttl-delete");
    let _controller = team.controller();
    let ttl = "  ttl: {afterSuccess: 1s, afterFailure: 1s}\n";
    team.apply(&(query("fails", "select amount / 0 from nowhere", "") + ttl));
    let run = team.until("oprun/fails", |run| !run["status"]["prunedAt"].is_null());
    let message = run["status"]["columns"]["message"].as_str().unwrap();
    assert!(message.contains("nowhere") && message.contains("were dropped"), "{message}");
    assert_eq!(run["status"]["attempts"][0]["logTail"], Value::Null);
    let generated = (query("x", "select 1 as n", "") + ttl)
        .replace("{name: x}", &format!("{{generateName: x-, namespace: {}}}", team.name));
    let created = team.cluster.kubectl(&["create", "-f", "-", "-o", "name"], &generated);
    assert!(created.is_success, "{}", created.err);
    let began = std::time::Instant::now();
    while team.exists(created.out.trim()) {
        assert!(began.elapsed() < crate::team::PATIENCE, "{} stays", created.out);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn a_time_that_is_given_after_the_end_counts() {
    let team = Team::with_config("ttl-later");
    let _controller = team.controller();
    team.apply(&query("one", "select 1 as n", ""));
    team.finished("one");
    let ttl = r#"{"spec":{"ttl":{"afterSuccess":"1s","policy":"Delete"}}}"#;
    team.kubectl(&["patch", "oprun/one", "--type=merge", "-p", ttl]);
    team.kubectl(&["wait", "--for=delete", "oprun/one", "--timeout=60s"]);
}

#[test]
fn of_too_many_runs_the_oldest_are_cleared_away_as_each_says() {
    let team = Team::with_config("kept-runs");
    let _controller = team.controller_with(&["--kept-runs", "2"]);
    for name in ["a", "b", "c", "d"] {
        let policy = if name == "a" { "Delete" } else { "Prune" };
        team.apply(&(query(name, "select 1 as n", "") + &format!("  ttl: {{policy: {policy}}}\n")));
        team.finished(name);
    }
    team.kubectl(&["wait", "--for=delete", "oprun/a", "--timeout=90s"]);
    team.until("oprun/b", |run| !run["status"]["prunedAt"].is_null());
    std::thread::sleep(std::time::Duration::from_secs(25)); // until all were looked over again
    for name in ["c", "d"] {
        let run = team.get(&format!("oprun/{name}"));
        assert_eq!(run["status"]["prunedAt"], Value::Null, "{name}");
        assert_eq!(run["status"]["result"]["rows"], 1, "{name}");
    }
}

#[test]
fn runs_are_kept_for_as_long_as_the_administrator_says() {
    let team = Team::with_config("kept-for");
    let _controller = team.controller_with(&["--kept-for", "2s"]);
    team.apply(&(query("one", "select 1 as n", "") + "  ttl: {afterSuccess: 1d}\n"));
    team.until("oprun/one", |run| !run["status"]["prunedAt"].is_null());
}

#[test]
fn a_request_to_look_now_is_answered_in_the_status() {
    let team = Team::with_config("requested");
    let _controller = team.controller();
    team.apply(&query("one", "select 1 as n", ""));
    team.apply(&(query("waits", "select 1 as n", "") + "  suspend: true\n"));
    team.finished("one");
    team.until("oprun/waits", |run| run["status"]["phase"] == "Suspended");
    for run in ["oprun/one", "oprun/waits"] {
        for asked in ["first", "second"] {
            let annotation = format!("mason.dev/requested-at={asked}");
            team.kubectl(&["annotate", "--overwrite", run, &annotation]);
            team.until(run, |run| run["status"]["lastHandledRequest"] == asked);
        }
    }
}

#[test]
fn a_time_that_is_raised_above_the_administrators_counts_as_that() {
    let team = Team::with_config("ttl-raised");
    let _controller = team.controller_with(&["--max-ttl", "2s"]);
    team.apply(&query("one", "select 1 as n", ""));
    team.finished("one");
    let raised = json!({"spec": {"ttl": {"afterSuccess": "30d"}}}).to_string();
    team.kubectl(&["patch", "oprun/one", "--type=merge", "-p", &raised]);
    team.until("oprun/one", |run| !run["status"]["prunedAt"].is_null());
}
