//! Runs from the command line: results, exit codes, interrupts, resuming.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{CONFIG, Called, Mason};

const SALES: [&str; 4] = ["--config", "local", "-p", "database_name=sales"];

fn query(mason: &Mason, sql: &str, more: &[&str]) -> Called {
    let parameter = format!("query_string={sql}");
    let args = ["run", "table", "query"].iter().chain(&SALES).copied();
    let args = args.chain(["-p", &parameter]).chain(more.iter().copied());
    mason.call(args.collect::<Vec<_>>())
}

#[test]
fn init_says_what_it_made_and_what_to_type_next_and_never_overwrites() {
    let mason = Mason::new();
    mason.write("data/sales/cities.csv", "city\nWien\n");
    let called = mason.call(["init", "--root", "data"]);
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    insta::assert_snapshot!(called.out, @r"
    created config `local` for the files below <folder>/data
    kept in store

    next:
      mason run database/list --config local
      mason run table/list --config local -p database_name=sales
      mason get operators
      mason explain operator table/query
    ");
    let again = mason.call(["init", "--root", "data"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("exists already, nothing was changed"), "{}", again.out);
    let other = mason.call(["init"]);
    assert_eq!((other.code, other.out.as_str()), (2, ""));
    assert!(other.err.contains("exists already, with another root"), "{}", other.err);
    assert_eq!(mason.call(["init", "--root", "nowhere", "--name", "x"]).code, 2);
    let next = mason.call(["run", "table/list", "--config", "local", "-p", "database_name=sales"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert!(next.out.contains("cities"), "{}", next.out);
}

#[test]
fn a_query_prints_its_rows_and_only_them_on_standard_output() {
    let mason = Mason::with_data();
    let called = query(
        &mason,
        "select city, sum(amount) as total from orders group by city order by city",
        &["--name", "totals"],
    );
    assert_eq!(called.code, 0, "{called:?}");
    insta::assert_snapshot!(called.out, @r"
    ┌──────┬───────┐
    │ city ┆ total │
    ╞══════╪═══════╡
    │ Graz ┆ 7.25  │
    │ Wien ┆ 11.50 │
    └──────┴───────┘
    ");
    assert!(called.err.contains("totals: Succeeded"), "{}", called.err);
    assert!(called.err.contains("2 rows"), "{}", called.err);
    assert!(!called.out.contains('\u{1b}') && !called.err.contains('\u{1b}'));
}

#[test]
fn json_and_yaml_hold_the_whole_run_and_nothing_else_is_on_standard_output() {
    let mason = Mason::with_data();
    let json = query(&mason, "select 1 as one", &["-o", "json", "--name", "a"]);
    assert_eq!(json.code, 0, "{json:?}");
    let run: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(run["status"]["phase"], "Succeeded");
    assert_eq!(run["status"]["result"]["data"][0]["one"], 1);
    let yaml = query(&mason, "select 1 as one", &["-o", "yaml", "--name", "b", "-q"]);
    let run: Value = serde_saphyr::from_str(&yaml.out).unwrap();
    assert_eq!((run["status"]["phase"].as_str(), yaml.code), (Some("Succeeded"), 0));
    let name = query(&mason, "select 1 as one", &["-o", "name"]);
    let made = name.out.trim().strip_prefix("operatorrun.mason.dev/table-query-").unwrap();
    assert_eq!(made.len(), 5, "{made}");
}

#[test]
fn a_run_that_fails_exits_1_and_tells_why_once() {
    let mason = Mason::with_data();
    mason.write("data/sales/broken.parquet", "this is no parquet file");
    let called = mason.call([
        "run",
        "table/get",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "-p",
        "table_name=broken",
        "--name",
        "x",
    ]);
    assert_eq!(called.code, 1, "{called:?}");
    assert!(called.err.contains("error: run `x` failed"), "{}", called.err);
    assert_eq!(called.err.matches("broken.parquet").count(), 1, "{}", called.err);
    assert!(called.err.contains("hint: "), "{}", called.err);
    let described = mason.call(["describe", "run", "x"]);
    assert_eq!(described.code, 0);
    assert!(described.out.contains("phase: Failed"), "{}", described.out);
    assert!(described.out.contains("broken.parquet"), "{}", described.out);
}

#[test]
fn a_dry_run_changes_nothing_and_prints_its_plan() {
    let mason = Mason::with_data();
    let called = mason.call([
        "run",
        "database/create",
        "--config",
        "local",
        "-p",
        "database_name=new",
        "--dry-run",
    ]);
    assert_eq!(called.code, 0, "{called:?}");
    assert!(called.out.contains("new"), "{}", called.out);
    assert!(!mason.path("data/new").exists());
    let called =
        mason.call(["run", "database/create", "--config", "local", "-p", "database_name=new"]);
    assert_eq!(called.code, 0, "{called:?}");
    assert!(mason.path("data/new").exists());
}

const RUN: &str = "\
apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: cities}
spec:
  operator: table/query
  configRef: {name: local}
  parameters:
    database_name: sales
    query_string: select city from cities order by city
";

#[test]
fn a_run_from_a_file_takes_place_once() {
    let mason = Mason::with_data();
    mason.write("run.yaml", RUN);
    let first = mason.call(["run", "-f", "run.yaml"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("Brno"), "{}", first.out);
    let again = mason.call(["run", "-f", "run.yaml"]);
    assert_eq!((again.code, again.out), (0, first.out));
    assert!(
        again.err.contains("ended before (Succeeded); nothing was done again"),
        "{}",
        again.err
    );
    let changed =
        mason.call_with_input(["run", "-f", "-"], &RUN.replace("order by city", "limit 1"));
    assert_eq!((changed.code, changed.out.as_str()), (2, ""));
    assert!(changed.err.contains("a different run `cities` exists already"), "{}", changed.err);
    let dry = mason.call(["run", "-f", "run.yaml", "--dry-run", "-o", "name"]);
    assert!(dry.out.starts_with("operatorrun.mason.dev/cities-dry-run-"), "{dry:?}");
    let two = mason.call_with_input(
        ["run", "-f", "-"],
        &format!("{RUN}---\n{}", RUN.replace("cities}", "b}")),
    );
    assert_eq!((two.code, two.out.as_str()), (2, ""));
}

#[test]
fn what_is_applied_is_driven_by_resume() {
    let mason = Mason::with_data();
    mason.write("run.yaml", RUN);
    assert_eq!(mason.call(["apply", "-f", "run.yaml"]).code, 0);
    let resumed = mason.call(["resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(resumed.out.contains("Brno"), "{}", resumed.out);
    let nothing = mason.call(["resume"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""));
    assert_eq!(nothing.err, "no unfinished run in namespace `default`\n");
}

#[test]
fn validate_checks_a_run_with_its_definition_and_config() {
    let mason = Mason::with_data();
    mason.write("run.yaml", RUN);
    let called = mason.call(["validate", "-f", "run.yaml"]);
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    assert_eq!(called.out, "run.yaml: OperatorRun cities is valid\n");
    mason.write(
        "bad.yaml",
        &RUN.replace("name: local", "name: lake").replace("query_string", "query"),
    );
    let called = mason.call(["validate", "-f", "bad.yaml"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    for text in ["bad.yaml:6: spec.configRef", "bad.yaml:9: spec.parameters.query", "query_string"]
    {
        assert!(called.err.contains(text), "{text}: {}", called.err);
    }
    assert_eq!(mason.call(["get", "runs", "-o", "name"]).out, "");
}

#[test]
fn shown_commands_repeat_the_options_that_chose_the_place() {
    let mason = Mason::new();
    mason.write("data/sales/orders.csv", "id\n1\n");
    let options = ["--store", "other store", "--namespace", "team"];
    let called = mason.call(["init", "--root", "data"].iter().chain(&options));
    assert_eq!(called.code, 0, "{called:?}");
    let mason_so = "mason --store 'other store' --namespace team";
    let list = format!("  {mason_so} run table/list --config local -p database_name=sales\n");
    assert!(called.out.contains(&list), "{}", called.out);
    let none = mason.call(["delete", "run", "none"].iter().chain(&options));
    assert!(none.err.contains(&format!("`{mason_so} get`")), "{}", none.err);
}

#[test]
fn validate_lists_the_problems_of_every_document_at_once() {
    let mason = Mason::with_data();
    let definition = "\
apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {name: mine}
spec:
  operator: my/query
  description: mine
  parameters: [{name: a, type: string}]
  action: {sql: {statement: 'select $b'}}
";
    let run = RUN.replace("query_string", "query");
    let selec = RUN.replace("name: cities", "name: selec").replace("select", "selec");
    mason.write("all.yaml", &format!("{definition}---\n{run}---\n{selec}"));
    let called = mason.call(["validate", "-f", "all.yaml"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    for text in ["`$b` is no parameter of the definition", "spec.parameters.query:", "selec"] {
        assert!(called.err.contains(text), "{text}: {}", called.err);
    }
}

/// A query that works for hours in little memory, unless it is stopped.
const LONG: &str = "select count(*) from generate_series(1, 10000000000000) where value % 7 = 9";

fn start_long(mason: &Mason, name: &str) -> std::process::Child {
    start(mason, name, LONG)
}

/// Starts a query and waits until its work is under way.
fn start(mason: &Mason, name: &str, sql: &str) -> std::process::Child {
    let parameter = format!("query_string={sql}");
    let args = ["run", "table/query"].iter().chain(&SALES).copied();
    let mut command: Command = mason.command(args.chain(["-p", &parameter, "--name", name]));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until(|| phase(mason, name).as_deref() == Some("Running") && launched(mason, name));
    child
}

fn document(mason: &Mason, name: &str) -> Option<Value> {
    serde_json::from_str(&mason.call(["get", "run", name, "-o", "json"]).out).ok()
}

fn phase(mason: &Mason, name: &str) -> Option<String> {
    document(mason, name)?["status"]["phase"].as_str().map(str::to_owned)
}

fn launched(mason: &Mason, name: &str) -> bool {
    document(mason, name).is_some_and(|run| run["status"]["attempts"][0]["state"] == "Launched")
}

fn wait_until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_mins(1), "it should have come to pass");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signal(child: &std::process::Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn the_log_of_a_run_that_succeeded_is_shown() {
    let mason = Mason::with_data();
    assert_eq!(query(&mason, "select * from orders", &["--name", "counts", "-q"]).code, 0);
    let logged = mason.call(["logs", "counts"]);
    assert_eq!(logged.code, 0, "{logged:?}");
    for part in ["begins run=\"counts\" attempt=1", "planned operation=", "the job is done rows=3"]
    {
        assert!(logged.out.contains(part), "{part} is not in {logged:?}");
    }
    let run = document(&mason, "counts").unwrap();
    let job = run["status"]["attempts"][0]["job"]["id"].as_str().unwrap();
    let id = format!("job_id={job}");
    let asked = ["run", "job/logs", "--config", "local", "-p", &id, "-p", "lines=1", "-o", "json"];
    let asked: Value = serde_json::from_str(&mason.call(asked).out).unwrap();
    let lines = asked["status"]["result"]["data"]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{asked:#}");
    assert_eq!(lines[0].as_str(), logged.out.lines().last(), "{asked:#}");
}

#[test]
fn verbose_calls_say_what_mason_does() {
    let mason = Mason::with_data();
    let steps = |called: &Called| called.err.matches("takes a step").count();
    let quiet = query(&mason, "select 1", &[]);
    assert_eq!((quiet.code, steps(&quiet)), (0, 0), "{quiet:?}");
    let verbose = query(&mason, "select 1", &["-v"]);
    for step in ["intend", "launch", "release", "collect"] {
        let said = format!("step=\"{step}\"");
        assert!(verbose.err.contains(&said), "{said} is not in {}", verbose.err);
    }
    let most = query(&mason, "select 1", &["-vv"]);
    assert!(most.err.lines().count() >= verbose.err.lines().count(), "{most:?}");
    assert!(steps(&most) > 0, "{most:?}");
    let mut command = mason.command(["run", "table/query", "--config", "local"]);
    command.args(["-p", "database_name=sales", "-p", "query_string=select 1"]);
    let filtered = mason.finish(command.env("MASON_LOG", "mason::runs=debug"), "");
    assert_eq!(steps(&filtered), steps(&verbose), "{filtered:?}");
}

#[test]
fn an_inference_that_registers_nothing_exits_1_and_says_so() {
    let mason = Mason::with_data();
    mason.write("data/sales/mixed/a.csv", "id\n1\n2\n");
    mason.write("data/sales/mixed/b.csv", "id\nx\ny\n");
    let infer = ["run", "table/infer", "-p", "storage_path=sales/mixed", "-p", "table_name=both"];
    let called = mason.call([&infer[..], &SALES].concat());
    assert_eq!(called.code, 1, "{called:?}");
    assert!(called.err.contains("but registered nothing: the files disagree"), "{called:?}");
}

#[test]
fn an_interrupt_cancels_the_run_and_says_so() {
    let mason = Mason::with_data();
    let child = start_long(&mason, "long");
    signal(&child, "-INT");
    let called = mason.called(&child.wait_with_output().unwrap());
    assert_eq!((called.code, called.out.as_str()), (1, ""), "{called:?}");
    assert!(called.err.contains("cancelling run `long`"), "{}", called.err);
    assert!(called.err.contains("run `long` cancelled"), "{}", called.err);
    assert_eq!(phase(&mason, "long").as_deref(), Some("Cancelled"));
}

#[test]
fn a_second_interrupt_leaves_at_once_and_resume_finds_the_work() {
    let mason = Mason::with_data();
    let mut child = start_long(&mason, "long");
    let worker = worker_of(&mason);
    // A worker that does not answer: waiting for it would take long.
    send("-STOP", &worker);
    signal(&child, "-INT");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("cancelling run `long`; interrupt once more")));
    wait_until(|| document(&mason, "long").is_some_and(|run| run["spec"]["cancel"] == true));
    signal(&child, "-INT");
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(3), "it took {:?}", began.elapsed());
    let left: Vec<String> = lines.collect();
    assert!(left.iter().any(|line| line.contains("left run `long` before it stopped")), "{left:?}");
    assert!(left.iter().any(|line| line.contains("`mason resume long`")), "{left:?}");
    // The system may have ended it: a stopped process whose starter has left.
    send("-CONT", &worker);
    let resumed = mason.call(["resume", "long"]);
    assert_eq!((resumed.code, phase(&mason, "long").as_deref()), (1, Some("Cancelled")));
}

/// Returns the number of the process that works on the only job.
fn worker_of(mason: &Mason) -> String {
    let jobs = mason.path("data/.mason/jobs");
    let job = std::fs::read_dir(jobs).unwrap().next().unwrap().unwrap().path();
    wait_until(|| job.join("started.json").exists());
    let started = std::fs::read(job.join("started.json")).unwrap();
    serde_json::from_slice::<Value>(&started).unwrap()["process"]["pid"].to_string()
}

fn send(name: &str, process: &str) {
    Command::new("kill").args([name, process]).status().unwrap();
}

#[test]
fn a_killed_process_leaves_a_run_that_resume_takes_up() {
    let mason = Mason::with_data();
    let mut child = start_long(&mason, "long");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(phase(&mason, "long").as_deref(), Some("Running"));
    assert_eq!(mason.call(["cancel", "long"]).code, 0);
    let resumed = mason.call(["resume", "long"]);
    assert_eq!(resumed.code, 1, "{resumed:?}");
    let run = document(&mason, "long").unwrap();
    assert_eq!(run["status"]["phase"], "Cancelled");
    assert_eq!(run["status"]["attempts"].as_array().map(Vec::len), Some(1), "{run:#}");
}

#[test]
fn the_work_of_a_killed_process_is_finished_by_resume_and_done_once() {
    let mason = Mason::with_data();
    let mut child = start(&mason, "counts", LONG.replace("10000000000000", "20000000").as_str());
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = mason.call(["resume", "counts", "-q"]);
    assert_eq!((resumed.code, resumed.err.as_str()), (0, ""), "{resumed:?}");
    let run = document(&mason, "counts").unwrap();
    assert_eq!(run["status"]["phase"], "Succeeded");
    assert_eq!(run["status"]["result"]["data"][0]["count(*)"], 0, "{run:#}");
    assert_eq!(run["status"]["attempts"].as_array().map(Vec::len), Some(1), "{run:#}");
}

#[test]
fn a_run_that_works_is_not_deleted_without_force() {
    let mason = Mason::with_data();
    let child = start_long(&mason, "long");
    let called = mason.call(["delete", "run", "long"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.contains("has not ended (Running)"), "{}", called.err);
    signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    assert_eq!(mason.call(["delete", "run", "long"]).code, 0);
}

#[test]
fn a_run_with_a_timeout_ends_with_it() {
    let mason = Mason::with_data();
    let called = query(&mason, LONG, &["--timeout", "1s", "--name", "slow"]);
    assert_eq!(called.code, 1, "{called:?}");
    assert!(called.err.contains("DeadlineExceeded"), "{}", called.err);
    assert!(!called.err.contains("Infrastructure"), "it should be one story: {}", called.err);
}

#[test]
fn runs_are_listed_with_the_columns_of_the_crd() {
    let mason = Mason::with_data();
    assert_eq!(query(&mason, "select 1 as one", &["--name", "one"]).code, 0);
    let called = mason.call(["get", "runs"]);
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    let headings = "NAME OPERATOR CONFIG PHASE REASON PROGRESS DURATION AGE";
    let mut lines = called.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap().join(" "), headings);
    assert_eq!(
        lines.next().unwrap()[..5],
        ["one", "table/query", "local", "Succeeded", "Completed"]
    );
}

/// Telling where memory ran out took memory, and a lock that std held already: the worker hung.
#[test]
fn a_worker_without_enough_memory_ends_also_where_backtraces_are_asked_for() {
    let mason = Mason::with_data();
    mason.write("config.yaml", &CONFIG.replace("root: data", "root: data, memoryLimit: 64Mi"));
    assert_eq!(mason.call(["apply", "-f", "config.yaml"]).code, 0);
    let sql = "query_string=select count(*), array_agg(value) from generate_series(1, 50000000)";
    let mut command = mason.command(["run", "table/query", "--config", "lake", "--timeout", "40s"]);
    command.args(["-p", "database_name=sales", "-p", sql]).env("RUST_BACKTRACE", "1");
    let called = mason.finish(&mut command, "");
    assert_eq!(called.code, 1, "{called:?}");
    assert!(!called.err.contains("DeadlineExceeded"), "{}", called.err);
}
