//! The command line on a cluster: every verb, beside what it prints for a folder.

mod console;
mod outages;
mod rights;

use serde_json::{Value, json};

use crate::team::{LONG, PATIENCE, Team, condition, config, query};
use console::{Console, signal};

const BY_CITY: &str =
    "query_string=select city, sum(amount) as amount from orders group by city order by city";

/// Returns the arguments of a run of `table/query`.
fn run_query<'a>(name: &'a str, sql: &'a str) -> Vec<&'a str> {
    let run = ["run", "table/query", "--config", "lake", "-p", "database_name=sales", "-p", sql];
    [&run[..], &["--name", name]].concat()
}

#[test]
fn verbs_print_on_a_cluster_what_they_print_for_a_folder() {
    let team = Team::with_config("cli-verbs");
    let _controller = team.controller();
    team.until("mcfg/lake", |config| condition(config, "Ready").is_some());
    let (cluster, folder) = (Console::of(&team), Console::for_folder(&team));
    let file = folder.write("lake.yaml", &config("lake", &team.root().to_string_lossy()));
    assert_eq!(folder.call(&["apply", "-f", &file]).code, 0);
    let mut calls: Vec<Vec<&str>> = vec![
        run_query("by-city", BY_CITY),
        run_query("by-city", BY_CITY),
        run_query("wrong", "query_string=select nothing from orders"),
        run_query("refused", "qery_string=select 1"),
        run_query("json", "query_string=select 1 as n"),
    ];
    for call in &mut calls {
        call.push("-q");
    }
    calls.extend([
        vec!["get", "run", "by-city", "-o", "name"],
        vec!["get", "config", "lake", "-o", "name"],
        vec!["get", "runs", "-o", "name"],
        vec!["get", "operators"],
        vec!["get", "run", "absent"],
        vec!["cancel", "by-city"],
        vec!["suspend", "by-city"],
        vec!["retry", "by-city", "-q"],
        vec!["retry", "by-city-r2", "-q", "-o", "name"],
        vec!["delete", "run", "by-city-r3"],
        vec!["delete", "run", "by-city-r3"],
        vec!["validate", "-f", &file],
        vec!["apply", "-f", &file],
    ]);
    // Who made the config had it by another name of its manager.
    assert_eq!(cluster.call(&["apply", "-f", &file]).code, 0);
    for call in &calls {
        let (there, here) = (cluster.call(call), folder.call(call));
        assert_eq!(there.code, here.code, "{call:?}: {there:?}\n{here:?}");
        assert_eq!(there.out, here.out, "{call:?}: {there:?}");
        let here_too =
            here.err.replace("namespace `default`", &format!("namespace `{}`", team.name));
        let as_here = there.err.replace("`mason --cluster ", "`mason ");
        assert_eq!(as_here, here_too, "{call:?}: {there:?}");
    }
    // What a worker logged stands beside its job, which only the folder's console can read.
    let logs = [cluster.call(&["logs", "by-city"]), folder.call(&["logs", "by-city"])];
    assert_eq!((logs[0].code, logs[0].out.as_str(), logs[1].code), (0, "", 0), "{logs:?}");
    assert!(logs[0].err.contains("run `by-city` has logged nothing"), "{logs:?}");
    assert!(logs[1].out.contains("begins run=\"by-city\""), "{logs:?}");
    let beginnings = |console: &Console| {
        let printed = console.call(&["get", "runs", "-o", "wide"]).out;
        let first_words = |line: &str| -> Vec<String> {
            line.split_whitespace().take(5).map(str::to_owned).collect()
        };
        printed.lines().map(first_words).collect::<Vec<_>>()
    };
    assert_eq!(beginnings(&cluster), beginnings(&folder));
    let described = cluster.call(&["describe", "run", "by-city"]).out;
    assert!(described.contains("events:\n  - Normal "), "{described}");
}

#[test]
fn the_controller_does_the_work_and_who_asked_sees_progress_and_warnings() {
    let team = Team::with_config("cli-run");
    let _controller = team.controller();
    let console = Console::of(&team);
    let done = console.call(&run_query("by-city", BY_CITY));
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("Graz") && done.out.contains("2.25"), "{}", done.out);
    assert!(done.err.contains("by-city: Succeeded in "), "{}", done.err);
    let run = team.get("oprun/by-city");
    assert_eq!(run["status"]["attempts"].as_array().unwrap().len(), 1);
    let answer =
        console.call(&[run_query("j", "query_string=select 1 as n"), vec!["-o", "json"]].concat());
    let printed: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(printed["status"]["result"]["data"], json!([{"n": 1}]));
    let left = console.call(&[run_query("left", BY_CITY), vec!["--detach"]].concat());
    assert_eq!(
        (left.code, left.out.as_str()),
        (0, "operatorrun.mason.dev/left created\n"),
        "{left:?}"
    );
    assert_eq!(team.finished("left")["phase"], "Succeeded");
    let dry = console.call(&[run_query("dry", BY_CITY), vec!["--dry-run", "-q"]].concat());
    assert!(dry.code == 0 && dry.out.contains("what: "), "{dry:?}");
}

#[test]
fn an_interrupt_cancels_the_run_on_the_cluster_and_waits_for_its_end() {
    let team = Team::with_config("cli-interrupt");
    let _controller = team.controller();
    let console = Console::of(&team);
    let sql = format!("query_string={LONG}");
    let called = console.start(&run_query("long", &sql));
    team.until("oprun/long", |run| run["status"]["attempts"][0]["state"] == "Launched");
    signal(&called, rustix::process::Signal::INT);
    let ended = called.ended();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("cancelling run `long`; interrupt once more"), "{}", ended.err);
    assert!(ended.err.contains("error: run `long` cancelled"), "{}", ended.err);
    let run = team.get("oprun/long");
    assert_eq!(
        (&run["status"]["phase"], &run["spec"]["cancel"]),
        (&json!("Cancelled"), &json!(true))
    );
}

#[test]
fn a_run_is_suspended_resumed_cancelled_and_its_log_is_printed() {
    let team = Team::with_config("cli-change");
    let console = Console::of(&team);
    team.apply(&query("later", "select 1 as n", ""));
    let suspended = console.call(&["suspend", "later"]);
    assert_eq!(suspended.code, 0, "{suspended:?}");
    assert_eq!(suspended.out, "run `later` is suspended: it begins nothing more\n");
    let _controller = team.controller();
    team.until("oprun/later", |run| run["status"]["phase"] == "Suspended");
    let resumed = console.call(&["resume", "later", "--wait", "-q"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(resumed.out.contains('1'), "{resumed:?}");
    assert_eq!(team.finished("later")["phase"], "Succeeded");
    assert_eq!(console.call(&["resume"]).code, 2, "the controller drives the others");
    let sql = format!("query_string={LONG}");
    console.call(&[run_query("long", &sql), vec!["--detach"]].concat());
    let refused = console.call(&["retry", "long"]);
    assert!(refused.code == 2 && refused.err.contains("has not ended"), "{refused:?}");
    let logs = console.start(&["logs", "long", "-f"]);
    let cancelled = console.call(&["cancel", "long"]);
    assert_eq!((cancelled.code, cancelled.out.as_str()), (0, "run `long` is asked to stop\n"));
    assert_eq!(team.finished("long")["phase"], "Cancelled");
    assert_eq!(logs.ended().code, 0, "it ends with the run");
    let all = team.kubectl(&["get", "oprun/long", "-o", "json", "--show-managed-fields"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    let entries = all["metadata"]["managedFields"].as_array().unwrap();
    let asked: Vec<&Value> =
        entries.iter().filter(|one| one["manager"] == "mason-cancel").collect();
    assert_eq!(asked.len(), 1, "{entries:#?}");
    assert_eq!(asked[0]["fieldsV1"], json!({"f:spec": {"f:cancel": {}}}), "only that field");
}

#[test]
fn what_others_apply_again_and_again_is_changed_by_force_only() {
    let team = Team::with_config("cli-owners");
    let console = Console::of(&team);
    let kept = query("kept", "select 1 as n", "") + "  suspend: true\n";
    let kept = kept.replace("metadata: {", "metadata: {namespace: cli-owners, ");
    let applied = team
        .cluster
        .kubectl(&["apply", "--server-side", "--field-manager=argocd", "-f", "-"], &kept);
    assert!(applied.is_success, "{}", applied.err);
    let refused = console.call(&["resume", "kept"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("belong to others: spec.suspend: `argocd`")
            && refused.err.contains("--force"),
        "{}",
        refused.err
    );
    assert_eq!(team.get("oprun/kept")["spec"]["suspend"], true);
    let forced = console.call(&["resume", "kept", "--force"]);
    assert_eq!((forced.code, forced.out.as_str()), (0, "run `kept` goes on\n"), "{forced:?}");
    assert_eq!(team.get("oprun/kept")["spec"]["suspend"], false);
    let own = console.write("kept.yaml", &kept);
    let refused = console.call(&["apply", "-f", &own]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("mason-suspend"), "{}", refused.err);
    assert_eq!(console.call(&["apply", "-f", &own, "--force"]).code, 0);
    assert_eq!(team.get("oprun/kept")["spec"]["suspend"], true);
}

#[test]
fn an_answer_that_is_given_again_counts_again() {
    let team = Team::with_config("cli-answer");
    let console = Console::of(&team);
    team.apply(&query("lost", "select 1 as n", ""));
    let unknown = json!({"status": {"phase": "Unknown", "observedGeneration": 1}}).to_string();
    team.kubectl(&["patch", "oprun/lost", "--subresource=status", "--type=merge", "-p", &unknown]);
    let generation = || team.get("oprun/lost")["metadata"]["generation"].as_i64().unwrap();
    let mut before = generation();
    for answer in ["Repeat", "Repeat", "Failed"] {
        let given = console.call(&["resume", "lost", "--resolution", answer]);
        assert_eq!(given.code, 0, "{given:?}");
        assert_eq!(team.get("oprun/lost")["spec"]["resolution"], answer);
        assert!(generation() > before, "only an answer after the question counts");
        before = generation();
    }
    assert_eq!(console.call(&["resume", "lost", "--resolution", "Perhaps"]).code, 2);
}

#[test]
fn changes_are_printed_as_rows_while_they_come() {
    let team = Team::with_config("cli-watch");
    let _controller = team.controller();
    let console = Console::of(&team);
    let watching = console.start(&["get", "runs", "-w"]);
    console.call(&[run_query("one", BY_CITY), vec!["-q"]].concat());
    watching.until_out(|out| {
        out.lines().any(|line| line.starts_with("one ") && line.contains("Completed"))
    });
    let printed = watching.killed();
    let rows: Vec<&str> = printed.out.lines().collect();
    assert!(rows[0].starts_with("NAME ") && rows.len() > 2, "{printed:?}");
    assert!(rows[1].starts_with("one    table/query   lake"), "{printed:?}");
}

#[test]
fn validate_asks_the_api_server_and_keeps_nothing() {
    let team = Team::with_config("cli-validate");
    let console = Console::of(&team);
    let run =
        query("new", "select 1 as n", "").replace("metadata: {", "metadata: {labels: {a: 'b c'}, ");
    let file = console.write("run.yaml", &run);
    let refused = console.call(&["validate", "-f", &file]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("the API server: metadata.labels"), "{}", refused.err);
    let file = console.write("run.yaml", &query("new", "select 1 as n", ""));
    assert_eq!(console.call(&["validate", "-f", &file]).code, 0);
    assert_eq!(team.kubectl(&["get", "operatorruns"]), "");
    let relative = console.write("config.yaml", &config("lake", "data"));
    let refused = console.call(&["validate", "-f", &relative]);
    assert!(refused.code == 2 && refused.err.contains("a folder of the cluster"), "{refused:?}");
}

#[test]
fn a_plugin_of_kubectl_works_on_the_cluster_by_itself() {
    let team = Team::with_config("cli-plugin");
    let console = Console::of(&team);
    let folder = team.allowed().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let mason = env!("CARGO_BIN_EXE_mason");
    std::os::unix::fs::symlink(mason, folder.join("kubectl-mason")).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let kubectl = team.cluster.programs().join("kubectl");
    let call = |args: &[&str]| {
        let mut command = std::process::Command::new(&kubectl);
        command.env("PATH", &path).env("KUBECONFIG", console.kubeconfig());
        let output = command.arg("mason").args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let configs = (Some(0), "masonconfig.mason.dev/lake\n".to_owned());
    assert_eq!(call(&["get", "configs", "-o", "name"]), configs);
    let (code, help) = call(&["run", "--help"]);
    assert!(code == Some(0) && help.contains("Usage: kubectl mason run"), "{help}");
    let folder = team.allowed().join("store");
    let (code, out) = call(&["get", "configs", "-o", "name", "--store", folder.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "a folder that is asked for is one");
}
