//! Whether and when a run may begin: what it names is there and open to it, nothing is over a limit, and
//! there is a place for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::team::{LONG, Team, condition, config, query};

fn until_reason(team: &Team, run: &str, reason: &str) -> Value {
    team.until(&format!("oprun/{run}"), |run| run["status"]["columns"]["reason"] == reason)
}

fn message(run: &Value) -> &str {
    run["status"]["columns"]["message"].as_str().unwrap()
}

fn patch(team: &Team, what: &str, patch: &Value) {
    team.kubectl(&["patch", what, "--type=merge", "-p", &patch.to_string()]);
}

/// A definition of `my/query`, which is `table/query` by another name.
fn definition(name: &str, action: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {{name: {name}}}
spec:
  operator: my/query
  description: mine
  parameters:
  - {{name: query_string, type: sql, required: true}}
  - {{name: database_name, type: identifier, required: true}}
  action: {action}
"
    )
}

const BUILTIN: &str = "{builtin: {name: table.query}}";

fn in_namespace(namespace: &str, manifest: &str) -> String {
    manifest.replace("metadata: {", &format!("metadata: {{namespace: {namespace}, "))
}

#[test]
fn a_run_waits_for_its_config_and_its_definition_and_begins_when_they_are_there() {
    let team = Team::new("comes-first");
    let _controller = team.controller();
    team.apply(&query("early", "select 1 as n", "").replace("table/query", "my/query"));
    let early = until_reason(&team, "early", "NotFound");
    assert_eq!(early["status"]["phase"], "Pending");
    assert_eq!(condition(&early, "Reconciling").unwrap()["status"], "True");
    for expect in ["there is no operator `my/query`", "there is no config `lake` in namespace"] {
        assert!(message(&early).contains(expect), "{}", message(&early));
    }
    team.apply(&definition("mine", BUILTIN));
    let early = team.until("oprun/early", |run| !message(run).contains("there is no operator"));
    assert_eq!(early["status"]["phase"], "Pending", "{early:#}");
    team.apply(&config("lake", &team.root().to_string_lossy()));
    assert_eq!(team.finished("early")["phase"], "Succeeded");
}

#[test]
fn a_run_does_not_wait_for_ever() {
    let team = Team::new("not-for-ever");
    let _controller = team.controller_with(&["--patience", "3s"]);
    team.apply(&query("lost", "select 1 as n", ""));
    until_reason(&team, "lost", "NotFound");
    let status = team.finished("lost");
    assert_eq!(status["phase"], "Failed");
    assert_eq!(status["columns"]["reason"], "NotFound");
    let error = status["messages"]["errors"][0].as_str().unwrap();
    assert!(error.starts_with("spec.configRef.name: there is no config `lake`"), "{error}");
}

#[test]
fn a_run_waits_for_a_config_that_is_not_ready() {
    let team = Team::new("ready-later");
    let lake = team.root().join("lake");
    team.apply(&config("lake", &lake.to_string_lossy()));
    let _controller = team.controller();
    team.until("mcfg/lake", |config| condition(config, "Ready").is_some());
    team.apply(&query("waits", "select 1 as n", ""));
    let waits = until_reason(&team, "waits", "ClientNotReady");
    assert_eq!(waits["status"]["phase"], "Pending");
    std::fs::create_dir_all(lake.join("sales")).unwrap();
    assert_eq!(team.finished("waits")["phase"], "Succeeded");
}

#[test]
fn a_config_is_used_from_another_namespace_only_if_it_is_open_to_it() {
    let (owner, team) = (Team::with_config("owner"), Team::new("borrower"));
    let _controller = owner.controller_with(&["--watch-namespace", team.name]);
    let foreign = |name: &str, config: &str| {
        query(name, "select count(*) as n from orders", "").replace(
            "configRef: {name: lake}",
            &format!("configRef: {{name: {config}, namespace: owner}}"),
        )
    };
    team.apply(&foreign("closed", "lake"));
    team.apply(&foreign("absent", "lagoon"));
    let (closed, absent) = (
        until_reason(&team, "closed", "ConfigNotShared"),
        until_reason(&team, "absent", "ConfigNotShared"),
    );
    assert_eq!(message(&closed), message(&absent).replace("lagoon", "lake"), "no stranger learns");
    assert_eq!(closed["status"]["phase"], absent["status"]["phase"]);
    let open = json!({"spec": {"allowedNamespaces": {"from": "Names", "names": ["borrower"]}}});
    patch(&owner, "mcfg/lake", &open);
    let status = team.finished("closed");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    assert!(status["result"]["data"].to_string().contains('3'), "it reads the owner's table");
    // By labels only where namespaces can be read, which a restricted controller may not.
    let labels = json!({"spec": {"allowedNamespaces":
        {"from": "Selector", "names": null, "selector": {"matchLabels": {"lake": "yes"}}}}});
    patch(&owner, "mcfg/lake", &labels);
    let wrong = owner.until("mcfg/lake", |config| {
        condition(config, "Ready").is_some_and(|ready| ready["reason"] == "Invalid")
    });
    let told = condition(&wrong, "Ready").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(told.contains("spec.allowedNamespaces.from: `Selector` needs a controller"), "{told}");
}

#[test]
fn a_restricted_controller_reads_no_config_outside_its_namespaces() {
    let (outside, team) = (Team::with_config("beyond-reach"), Team::new("restricted"));
    patch(&outside, "mcfg/lake", &json!({"spec": {"allowedNamespaces": {"from": "All"}}}));
    let _controller = team.controller();
    let foreign = query("far", "select 1 as n", "")
        .replace("configRef: {name: lake}", "configRef: {name: lake, namespace: beyond-reach}");
    team.apply(&foreign);
    let far = until_reason(&team, "far", "ConfigNotShared");
    assert!(message(&far).contains("that is open to `restricted`"), "{}", message(&far));
}

#[test]
fn a_config_is_open_only_to_the_actions_that_it_allows() {
    let team = Team::with_config("actions");
    let _controller = team.controller();
    let sql = "{sql: {statement: \"select $query_string as said from $database_name.orders\"}}";
    team.apply(
        &definition("mine", sql).replace("query_string, type: sql", "query_string, type: string"),
    );
    team.apply(&query("refused", "hello", "").replace("table/query", "my/query"));
    let status = team.finished("refused");
    assert_eq!(status["columns"]["reason"], "ActionNotAllowed", "{status:#}");
    let told = status["columns"]["message"].as_str().unwrap();
    assert!(told.contains("is not open to actions of kind sql, only to builtin"), "{told}");
    patch(&team, "mcfg/lake", &json!({"spec": {"allowedActions": ["builtin", "sql"]}}));
    team.apply(&query("allowed", "hello", "").replace("table/query", "my/query"));
    let status = team.finished("allowed");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
}

#[test]
fn a_config_tells_whether_its_secret_is_there_and_notices_another_one() {
    let team = Team::new("secrets");
    let controller = team.controller();
    let root = team.root();
    let with = config("lake", &root.to_string_lossy())
        .replace("parallelism: 1", "parallelism: 1, credentials: {secretRef: {name: key}}");
    team.apply(&with);
    let reason = |config: &Value| condition(config, "Ready").map(|ready| ready["reason"].clone());
    let missing =
        team.until("mcfg/lake", |config| reason(config) == Some(json!("CredentialsMissing")));
    let told = condition(&missing, "Ready").unwrap()["message"].as_str().unwrap();
    assert_eq!(told, "here: there is no Secret `key` in namespace `secrets`");
    let version = |config: &Value| config["status"]["clients"][0]["credentialsVersion"].clone();
    team.kubectl(&["create", "secret", "generic", "key", "--from-literal=token=PLANTED-one"]);
    let first = team.until("mcfg/lake", |config| reason(config) == Some(json!("Checked")));
    assert!(version(&first).is_string(), "{first:#}");
    patch(&team, "secret/key", &json!({"stringData": {"token": "PLANTED-two"}}));
    let second = team.until("mcfg/lake", |config| {
        version(config).is_string() && version(config) != version(&first)
    });
    assert!(!second.to_string().contains("PLANTED"), "{second:#}");
    assert!(!controller.log().contains("PLANTED"), "{}", controller.log());
    team.kubectl(&["delete", "secret", "key"]);
    team.until("mcfg/lake", |config| reason(config) == Some(json!("CredentialsMissing")));
}

#[test]
fn what_is_over_a_maximum_is_refused_with_every_problem() {
    let team = Team::with_config("maxima");
    let arguments = ["--max-timeout", "5m", "--max-retries", "1", "--max-ttl", "1d"];
    let more = ["--max-memory-limit", "2Gi", "--max-parallelism", "2"];
    let _controller = team.controller_with(&[&arguments[..], &more[..]].concat());
    let greedy = query("greedy", "select 1 as n", "")
        + "  timeout: 6m\n  retry: {limit: 2}\n  ttl: {afterSuccess: 2d}\n";
    team.apply(&greedy);
    let status = team.finished("greedy");
    assert_eq!(status["columns"]["reason"], "Invalid");
    let errors = status["messages"]["errors"].to_string();
    for expect in
        ["`6m` is more than the `5m`", "`2` is more than the `1`", "`2d` is more than the `1d`"]
    {
        assert!(errors.contains(expect), "{errors}");
    }
    team.apply(&query("modest", "select 1 as n", ""));
    let status = team.finished("modest");
    assert_eq!(status["phase"], "Succeeded");
    assert_eq!(status["resolved"]["timeout"], "5m", "who gives none has the longest");
    let large = config("large", &team.root().to_string_lossy())
        .replace("parallelism: 1", "parallelism: 3, memoryLimit: 3Gi");
    team.apply(&large);
    let large = team.until("mcfg/large", |config| condition(config, "Ready").is_some());
    let told = condition(&large, "Ready").unwrap()["message"].as_str().unwrap();
    for expect in ["`3Gi` is more than the `2Gi`", "`3` is more than the `2`"] {
        assert!(told.contains(expect), "{told}");
    }
}

#[test]
fn an_answer_above_the_largest_result_is_cut_and_says_so() {
    let team = Team::with_config("largest-result");
    let _controller = team.controller_with(&["--max-result", "8Ki"]);
    let many = "select value, 'a text that takes some room' as words from generate_series(1, 900)";
    team.apply(&query("many", many, ""));
    let status = team.finished("many");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    assert_eq!(status["result"]["truncated"], true, "{status:#}");
    assert!(status["result"]["bytes"].as_u64().unwrap() <= 8 * 1024, "{status:#}");
    let warnings = status["messages"]["warnings"].to_string();
    assert!(warnings.contains("cut"), "{warnings}");
    let message = "the result is cut: a part of the answer is left out";
    assert_eq!(status["columns"]["message"], message);
    let row = team.kubectl(&["get", "oprun", "many", "-o", "wide"]);
    assert!(row.contains(message), "{row}");
}

/// Returns when runs began and ended, in order.
fn spans(team: &Team, names: &[&str]) -> Vec<(jiff::Timestamp, jiff::Timestamp)> {
    let mut spans: Vec<_> = names
        .iter()
        .map(|name| {
            let status = team.finished(name);
            assert_eq!(status["phase"], "Succeeded", "{status:#}");
            let time = |field: &str| status[field].as_str().unwrap().parse().unwrap();
            (time("startedAt"), time("finishedAt"))
        })
        .collect();
    spans.sort();
    spans
}

#[test]
fn runs_of_a_config_wait_for_one_another_and_say_so_once() {
    let team = Team::with_config("config-limit");
    patch(&team, "mcfg/lake", &json!({"spec": {"limits": {"concurrentRuns": 1}}}));
    let _controller = team.controller();
    team.apply(&query("long", LONG, ""));
    team.until("oprun/long", |run| run["status"]["attempts"][0]["state"] == "Launched");
    for name in ["a", "b"] {
        team.apply(&query(name, "select 1 as n", ""));
    }
    let waits = until_reason(&team, "a", "ConcurrencyLimit");
    assert_eq!(waits["status"]["phase"], "Pending");
    assert_eq!(message(&waits), "as many runs of config `lake` work as may (1)");
    let version = |run: &Value| run["metadata"]["resourceVersion"].clone();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(version(&team.get("oprun/a")), version(&waits), "waiting is written once");
    patch(&team, "oprun/long", &json!({"spec": {"cancel": true}}));
    assert_eq!(team.finished("long")["phase"], "Cancelled");
    let began = Instant::now();
    let spans = spans(&team, &["a", "b"]);
    assert!(spans[0].1 <= spans[1].0, "{spans:?}");
    assert!(began.elapsed() < Duration::from_mins(1), "who waits is woken, and does not poll");
}

#[test]
fn a_limit_that_is_raised_lets_those_begin_who_wait() {
    let team = Team::with_config("raised-limit");
    patch(&team, "mcfg/lake", &json!({"spec": {"limits": {"concurrentRuns": 1}}}));
    let _controller = team.controller();
    team.apply(&query("long", LONG, ""));
    team.until("oprun/long", |run| run["status"]["attempts"][0]["state"] == "Launched");
    team.apply(&query("waits", "select 1 as n", ""));
    until_reason(&team, "waits", "ConcurrencyLimit");
    patch(&team, "mcfg/lake", &json!({"spec": {"limits": {"concurrentRuns": 2}}}));
    assert_eq!(team.finished("waits")["phase"], "Succeeded");
    patch(&team, "oprun/long", &json!({"spec": {"cancel": true}}));
    assert_eq!(team.finished("long")["phase"], "Cancelled");
}

#[test]
fn the_memory_of_all_work_is_bounded_also_after_a_restart() {
    let team = Team::with_config("memory-bound");
    let arguments = ["--worker-memory", "1536Mi"];
    let controller = team.controller_with(&arguments);
    team.apply(&query("long", LONG, ""));
    team.until("oprun/long", |run| run["status"]["attempts"][0]["state"] == "Launched");
    controller.kill();
    team.apply(&query("waits", "select 1 as n", ""));
    let _next = team.controller_with(&arguments);
    let waits = until_reason(&team, "waits", "WorkerPoolFull");
    assert_eq!(message(&waits), "not 1Gi are free of the 1536Mi for all work");
    patch(&team, "oprun/long", &json!({"spec": {"cancel": true}}));
    assert_eq!(team.finished("waits")["phase"], "Succeeded");
}

#[test]
fn while_paused_nothing_begins_and_what_works_goes_on() {
    let team = Team::with_config("paused");
    let file = team.allowed().join("pause");
    let _controller = team.controller_with(&["--pause-file", &file.to_string_lossy()]);
    team.apply(&query("works", LONG, ""));
    team.until("oprun/works", |run| run["status"]["attempts"][0]["state"] == "Launched");
    std::fs::write(&file, "").unwrap();
    std::thread::sleep(Duration::from_secs(4));
    team.apply(&query("waits", "select 1 as n", ""));
    let waits = until_reason(&team, "waits", "Paused");
    assert_eq!(waits["status"]["phase"], "Pending");
    assert_eq!(team.get("oprun/works")["status"]["phase"], "Running");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(team.finished("waits")["phase"], "Succeeded");
    patch(&team, "oprun/works", &json!({"spec": {"cancel": true}}));
    assert_eq!(team.finished("works")["phase"], "Cancelled");
}

#[test]
fn definitions_of_the_librarys_namespace_are_everybodys_and_ones_own_come_first() {
    let (library, team) = (Team::new("library"), Team::with_config("reader"));
    let _controller = team.controller_with(&["--library-namespace", library.name]);
    team.apply(&query("early", "select 1 as n", "").replace("table/query", "my/query"));
    until_reason(&team, "early", "NotFound");
    library.cluster.apply(&in_namespace(library.name, &definition("shared", BUILTIN)));
    let status = team.finished("early");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    let shared = library.until("opdef/shared", |one| condition(one, "Ready").is_some());
    assert_eq!(status["operator"], json!({"name": "shared", "digest": shared["status"]["digest"]}));
    team.apply(&definition("own", BUILTIN).replace("description: mine", "description: my own"));
    team.until("opdef/own", |one| condition(one, "Ready").is_some());
    team.apply(&query("late", "select 1 as n", "").replace("table/query", "my/query"));
    assert_eq!(team.finished("late")["operator"]["name"], "own");
}
