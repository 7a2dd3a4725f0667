//! Processes killed while a job of some seconds works: its effect is counted on the disk, not asked for.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::Mason;

/// Groups a table by a key that its files are not ordered by: rows move between threads.
const SQL: &str = "select k, count(*) as n, max(repeat(cast(v as varchar), 3)) as t from numbers \
                   group by k order by k";
/// The distinct keys of the table `numbers`.
const KEYS: u64 = 50_021;

fn run_of(name: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1\nkind: OperatorRun\nmetadata: {{name: {name}}}\nspec:\n  \
         operator: table/query\n  configRef: {{name: local}}\n  parameters: {{database_name: sales, \
         query_string: \"{SQL}\", output_table: {name}}}\n"
    )
}

fn with_numbers() -> Mason {
    let mason = Mason::with_data();
    let sql = format!(
        "query_string=select value as v, value * 7919 % {KEYS} as k from generate_series(1, 3000000)"
    );
    let called = mason.call([
        "run",
        "table/query",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "-p",
        &sql,
        "-p",
        "output_table=numbers",
        "-q",
    ]);
    assert_eq!(called.code, 0, "{called:?}");
    mason
}

fn start(mason: &Mason, args: &[&str]) -> Child {
    let mut command = mason.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn kill_after(mut child: Child, milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kills the processes that work on jobs, as the jobs' folders name them.
fn kill_workers(mason: &Mason) -> usize {
    let mut killed = 0;
    for job in std::fs::read_dir(mason.path("data/.mason/jobs")).unwrap() {
        let job = job.unwrap().path();
        let Ok(started) = std::fs::read(job.join("started.json")) else { continue };
        let has_ended = ["outcome.json", "error.json"].iter().any(|name| job.join(name).exists());
        let started: Value = serde_json::from_slice(&started).unwrap();
        let pid = started["process"]["pid"].to_string();
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if !has_ended && line.contains(job.to_str().unwrap()) {
            let sent = Command::new("kill").args(["-9", &pid]).status().unwrap();
            killed += usize::from(sent.success());
        }
    }
    killed
}

/// Checks that a run committed once: one manifest of its uid, whose files are there and all there is.
fn assert_one_commit(mason: &Mason, name: &str) {
    let table = mason.path(&format!("data/sales/{name}"));
    let manifests: Vec<_> = std::fs::read_dir(table.join("_mason"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    assert_eq!(manifests.len(), 1, "{manifests:?}");
    let manifest: Value = serde_json::from_slice(&std::fs::read(&manifests[0]).unwrap()).unwrap();
    let run =
        std::fs::read(mason.path(&format!("store/default/operatorruns/{name}.json"))).unwrap();
    let run: Value = serde_json::from_slice(&run).unwrap();
    assert_eq!(manifest["runUid"], run["metadata"]["uid"], "{name}");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(manifest["added"]["rows"], KEYS, "{name}");
    for file in manifest["files"].as_array().unwrap() {
        let path = mason.path("data").join(file["path"].as_str().unwrap());
        assert_eq!(std::fs::metadata(path).unwrap().len(), file["sizeBytes"].as_u64().unwrap());
    }
}

#[test]
fn a_run_whose_processes_are_killed_at_any_moment_commits_once() {
    let mason = with_numbers();
    let mut workers_killed = 0;
    for (index, moments) in
        [[30, 150], [250, 400], [700, 100], [1200, 900], [2000, 50]].into_iter().enumerate()
    {
        let name = format!("counts{index}");
        let file = format!("{name}.yaml");
        mason.write(&file, &run_of(&name));
        kill_after(start(&mason, &["run", "-f", &file, "-q"]), moments[0]);
        if index % 2 == 1 {
            workers_killed += kill_workers(&mason);
        }
        // Killed before the run was stored, there is nothing to resume: the same call is the same run.
        kill_after(start(&mason, &["run", "-f", &file, "-q"]), moments[1]);
        let ended = mason.call(["run", "-f", &file, "-q"]);
        assert_eq!(ended.code, 0, "{moments:?}: {ended:?}");
        assert_eq!(mason.call(["resume", &name, "-q"]).code, 0);
        assert_one_commit(&mason, &name);
    }
    assert!(workers_killed > 0, "no worker was hit at work: the moments should be others");
}

#[test]
fn two_processes_of_one_run_commit_once_also_when_one_is_killed() {
    let mason = with_numbers();
    for (name, moment) in [("counts", None), ("counts-killed", Some(600))] {
        let file = format!("{name}.yaml");
        mason.write(&file, &run_of(name));
        let first = start(&mason, &["run", "-f", &file, "-q"]);
        let second = start(&mason, &["run", "-f", &file, "-q"]);
        match moment {
            Some(moment) => kill_after(first, moment),
            None => assert_eq!(first.wait_with_output().unwrap().status.code(), Some(0)),
        }
        let ended = mason.called(&second.wait_with_output().unwrap());
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_one_commit(&mason, name);
    }
}
