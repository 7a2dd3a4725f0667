//! Undeclared files: a job reads them, and nothing else does.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Mason;

const ORDERS: [&str; 6] =
    ["--config", "local", "-p", "database_name=sales", "-p", "table_name=orders"];

/// Returns the operations of the jobs that there are, by the folder of each.
fn jobs(mason: &Mason) -> Vec<String> {
    let Ok(folders) = std::fs::read_dir(mason.path("data/.mason/jobs")) else { return Vec::new() };
    let owner = |folder: std::fs::DirEntry| {
        let text = std::fs::read_to_string(folder.path().join("owner.json")).unwrap();
        let owner: Value = serde_json::from_str(&text).unwrap();
        owner["operation"].as_str().unwrap().to_owned()
    };
    folders.map(|folder| owner(folder.unwrap())).collect()
}

/// Returns the status of a run, once there is one.
fn found(mason: &Mason, run: &str) -> Option<Value> {
    let called = mason.call(["get", "run", run, "-o", "json"]);
    (called.code == 0)
        .then(|| serde_json::from_str::<Value>(&called.out).unwrap()["status"].clone())
}

fn status(mason: &Mason, run: &str) -> Value {
    found(mason, run).unwrap()
}

#[test]
fn one_job_looks_at_an_undeclared_table() {
    let mason = Mason::with_data();
    let get = ["run", "table/get", "--name", "look", "-p", "preview_rows=2"];
    let called = mason.call(get.iter().chain(&ORDERS).copied().collect::<Vec<_>>());
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(jobs(&mason), ["get"], "it reads, shows and concludes");
    let status = status(&mason, "look");
    assert_eq!(status["result"]["data"]["rows"], 3);
    assert_eq!(status["result"]["data"]["preview"][1]["city"], "Graz");
}

#[test]
fn a_dry_run_over_undeclared_files_plans_in_its_job_and_writes_nothing() {
    let mason = Mason::with_data();
    let format = [
        "run",
        "table/format",
        "--dry-run",
        "--name",
        "dry",
        "-p",
        "output_table=copied",
        "-p",
        "format=parquet",
    ];
    let called = mason.call(format.iter().chain(&ORDERS).copied().collect::<Vec<_>>());
    assert_eq!(called.code, 0, "{called:?}");
    let status = status(&mason, "dry");
    assert_eq!((&status["phase"], &status["reason"]), (&"Succeeded".into(), &Value::Null));
    assert_eq!(status["result"]["kind"], "Plan");
    let plan = &status["result"]["data"];
    assert_eq!((&plan["rowsRead"], &plan["filesRead"]), (&3.into(), &1.into()), "{plan}");
    assert!(plan["what"].as_str().unwrap().contains("write sales.copied as parquet"), "{plan}");
    assert_eq!(jobs(&mason), ["format"]);
    assert!(!mason.path("data/sales/copied").exists(), "nothing is written");
}

#[test]
fn what_only_the_schema_shows_is_refused_before_a_row_is_written() {
    let mason = Mason::with_data();
    let wrong = [
        "run",
        "table/format",
        "--name",
        "wrong",
        "-p",
        "output_table=copied",
        "-p",
        "format=parquet",
        "-p",
        "filter_columns=[\"nothing\",\"cyti\"]",
    ];
    let called = mason.call(wrong.iter().chain(&ORDERS).copied().collect::<Vec<_>>());
    assert_eq!(called.code, 1, "{called:?}");
    for column in ["`nothing`", "`cyti`", "the columns are `id`, `city`, `amount`"] {
        assert!(called.err.contains(column), "{column}: {}", called.err);
    }
    assert!(!mason.path("data/sales/copied").exists(), "nothing is written");
}

#[test]
fn a_run_that_reads_a_large_undeclared_file_tells_its_progress_and_ends_soon_when_cancelled() {
    let mason = Mason::with_data();
    let mut text = String::from("id,city,amount\n");
    for id in 0..4_000_000_u32 {
        let _ = writeln!(text, "{id},Wien,{}.50", id % 1000);
    }
    mason.write("data/sales/large.csv", &text);
    drop(text);
    let query = [
        "run",
        "table/query",
        "--config",
        "local",
        "--name",
        "long",
        "-p",
        "query_string=select count(*) as n from sales.large",
    ];
    let mut running = mason.command(query).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    loop {
        let Some(status) = found(&mason, "long") else { continue };
        assert_ne!(status["phase"], "Succeeded", "it should take longer");
        if status["progress"]["phase"] == "scanning"
            && status["progress"]["done"].as_u64() > Some(0)
        {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{status}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let cancelled = Instant::now();
    assert_eq!(mason.call(["cancel", "long"]).code, 0);
    loop {
        let status = status(&mason, "long");
        if status["phase"] == "Cancelled" {
            break;
        }
        assert!(cancelled.elapsed() < Duration::from_secs(10), "{status}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(cancelled.elapsed() < Duration::from_secs(2), "{:?}", cancelled.elapsed());
    assert!(!running.wait().unwrap().success());
}
