//! Runs on a bucket: what is wrong with it or its keys, several writers at once, and processes that die.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer;
use crate::server::Server;
use crate::world::{World, assert_failed, ended, failure, text};

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let world = World::new();
    world.apply_with(&json!({"root": "s3://no-such-bucket/a/"}));
    let run = world.query("a", "select * from orders");
    assert_failed(&run, &["there is no bucket `no-such-bucket`", "NoSuchBucket", "`root`"]);
}

#[test]
fn a_server_that_does_not_answer_is_unavailable_within_a_minute() {
    let world = World::new();
    world.apply_with(&json!({"endpoint": "http://127.0.0.1:1"}));
    let began = Instant::now();
    let run = world.run(
        "a",
        "table/query",
        &json!({"database_name": "sales", "query_string": "select * from orders"}),
    );
    let (phase, _, told) = failure(&run);
    assert_eq!(phase, "Failed", "{run:#}");
    for part in
        ["bucket: ", "the server does not answer", "127.0.0.1:1", "`endpoint` of the client"]
    {
        assert!(told.contains(part), "{part:?} is no part of {told}");
    }
    assert!(began.elapsed() < Duration::from_mins(1), "it took {:?}", began.elapsed());
}

/// Runs a query of a bucket whose server looks at signatures, with credentials that stand in files of `~/.aws`.
fn query_with_profile(profiles: impl FnOnce(&World, &str, &str) -> String) -> Value {
    let world = World::new();
    let server = Server::start(&peer::python(), &["--signed", "company-lake"]);
    let [address, id, key] = &server.told[..] else { panic!("{:?}", server.told) };
    world.apply_with(&json!({"root": "s3://company-lake/lake/", "endpoint": address}));
    let file = world.path("credentials");
    fs::write(&file, profiles(&world, id, key)).expect("should write");
    let run = world.run_of(
        "a",
        "table/query",
        &json!({"database_name": "sales", "query_string": "select sum(amount) as amount from orders"}),
    );
    let mut command = world.command(&["run", "-q", "-o", "json", "-f", &run], &[]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("AWS_SHARED_CREDENTIALS_FILE", &file).env("AWS_PROFILE", "lake");
    command.env("AWS_CONFIG_FILE", &file).env("AWS_EC2_METADATA_DISABLED", "true");
    ended(&command.output().expect("should start mason"))
}

#[test]
fn the_credentials_of_a_profile_are_used() {
    let run = query_with_profile(|_, id, key| {
        format!("[lake]\naws_access_key_id = {id}\naws_secret_access_key = {key}\n")
    });
    assert_eq!(run["status"]["result"]["data"], json!([{"amount": 6.5}]), "{run:#}");
}

#[test]
fn the_credentials_that_another_program_says_are_used() {
    let run = query_with_profile(|world, id, key| {
        let expires = "2100-01-01T00:00:00Z";
        let said = json!({
            "Version": 1, "AccessKeyId": id, "SecretAccessKey": key, "Expiration": expires,
        });
        let file = world.path("said.json");
        fs::write(&file, said.to_string()).expect("should write");
        format!("[lake]\ncredential_process = cat {}\n", file.display())
    });
    assert_eq!(run["status"]["result"]["data"], json!([{"amount": 6.5}]), "{run:#}");
}

#[test]
fn wrong_credentials_are_told_from_missing_ones() {
    let run = query_with_profile(|_, id, _| {
        format!("[lake]\naws_access_key_id = {id}\naws_secret_access_key = wrong\n")
    });
    assert_failed(&run, &["credentials are wrong for bucket `company-lake`"]);
    let run = query_with_profile(|_, _, _| String::new());
    assert_failed(&run, &["there are no credentials of AWS", "AWS_PROFILE"]);
}

#[test]
fn settings_of_a_bucket_are_checked_with_every_problem() {
    let world = World::new();
    let mut config = world.config();
    config["spec"]["clients"][0]["s3"] =
        json!({"root": "s3://Bad/", "region": "EU", "endpoint": "ftp://x/y"});
    config["spec"]["clients"][1]["s3"] = json!({"root": "s3://good-one/"});
    let file = world.path("wrong.json");
    fs::write(&file, config.to_string()).expect("should write");
    let refused = world.call(&["validate", "-f", &text(&file)], &[]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let told = String::from_utf8_lossy(&refused.stderr) + String::from_utf8_lossy(&refused.stdout);
    for part in
        ["clients[0].s3.root", "clients[0].s3.region", "clients[0].s3.endpoint", "clients[1]"]
    {
        assert!(told.contains(part), "{part:?} is no part of {told}");
    }
}

#[test]
fn keys_are_read_as_other_programs_write_them() {
    let world = World::with(&[
        ("sales/day=2024-01-01%3A00/a+b c=ü%41.csv", "id\n1\n"),
        ("my sales+/x y.csv", "id\n2\n"),
    ]);
    world.bucket.put_marker("sales/");
    world.bucket.put_marker("made by hand/");
    world.bucket.put_marker("sales/empty folder/");
    let run = world.run("dbs", "database/list", &json!({}));
    let shown = run["status"]["result"]["data"].to_string();
    for name in ["sales", "my sales+", "made by hand"] {
        assert!(shown.contains(&format!("\"{name}\"")), "{name} is no part of {shown}");
    }
    let sql =
        r#"select id from "my sales+"."x y" union all select id from sales."day=2024-01-01%3A00""#;
    let run = world.query("a", sql);
    let rows = run["status"]["result"]["data"].to_string();
    assert!(rows.contains("\"id\":1") && rows.contains("\"id\":2"), "{run:#}");
}

#[test]
fn an_address_below_the_root_is_a_path() {
    let world = World::new();
    let infer = |name: &str, address: &str| {
        let parameters = json!({
            "database_name": "sales", "storage_path": address, "table_name": name,
        });
        world.run(name, "table/infer", &parameters)
    };
    let run = infer("here", &world.bucket.address_of("sales/orders.csv"));
    assert_eq!(
        run["status"]["result"]["data"]["locations"],
        json!(["sales/orders.csv"]),
        "{run:#}"
    );
    let parameters = json!({"database_name": "sales", "storage_path": "s3://another-bucket/a.csv"});
    let file = world.run_of("there", "table/infer", &parameters);
    let refused = world.call(&["run", "-q", "-f", &file], &[]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("`s3://another-bucket/a.csv` is not below `s3://case-"), "{told}");
}

#[test]
fn what_only_objects_can_be_is_said_and_never_guessed() {
    let world = World::with(&[("sales/orders.csv", "id\n1\n")]);
    world.bucket.put_content("sales/t.csv", "id\n1\n2\n");
    world.bucket.put_content("sales/t.csv/inner.csv", "id\n3\n");
    let run = world.query("both", "select * from t");
    assert_failed(
        &run,
        &["bucket: ", "`sales/t.csv` is an object, and other objects are below it"],
    );
    world.bucket.put_marker("by hand/");
    let parameters = json!({"database_name": "by hand"});
    let run = world.run("delete", "database/delete", &parameters);
    let told = run["status"]["result"].to_string();
    assert!(
        told.contains("emptied database by hand") && told.contains("remove it there"),
        "{run:#}"
    );
    world.bucket.put_content("odd/a//b.csv", "id\n1\n");
    let run = world.run("odd", "table/list", &json!({"database_name": "odd"}));
    assert_failed(&run, &["bucket: ", "a//b.csv", "rename or remove the object"]);
}

#[test]
fn of_eight_processes_that_append_at_once_none_is_lost() {
    let world = World::new();
    let made = world.run(
        "make",
        "table/query",
        &json!({
            "database_name": "sales", "query_string": "select id from orders", "output_table": "all_of_them",
        }),
    );
    assert_eq!(made["status"]["phase"], "Succeeded", "{made:#}");
    let children: Vec<_> = (0..8)
        .map(|number| {
            let file = world.run_of(
                &format!("append-{number}"),
                "table/query",
                &json!({
                    "database_name": "sales",
                    "query_string": format!("select cast({number} + 10 as bigint) as id"),
                    "output_table": "all_of_them",
                    "mode": "append",
                }),
            );
            let mut command = world.command(&["run", "-q", "-o", "json", "-f", &file], &[]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("should start")
        })
        .collect();
    for child in children {
        let run = ended(&child.wait_with_output().expect("should end"));
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    }
    let run =
        world.query("count", "select count(*) as n, count(distinct id) as d from all_of_them");
    assert_eq!(run["status"]["result"]["data"], json!([{"n": 10, "d": 10}]), "{run:#}");
    assert_eq!(world.manifests("all_of_them").len(), 9);
}

/// Where a process dies that writes a table.
const POINTS_OF_A_WRITE: [&str; 10] = [
    "intend.after-write",
    "launch.before-write",
    "release.marked",
    "worker.begun",
    "worker.planned",
    "worker.executed",
    "worker.prepared",
    "worker.committed",
    "worker.proven",
    "collect.before-write",
];

#[test]
fn a_write_whose_process_dies_at_any_point_commits_once() {
    let world = World::new();
    for (index, point) in POINTS_OF_A_WRITE.into_iter().enumerate() {
        let name = format!("totals{index}");
        let file = world.run_of(
            &name,
            "table/query",
            &json!({
                "database_name": "sales",
                "query_string": "select sum(amount) as amount from orders",
                "output_table": name,
            }),
        );
        let run = world.run_that_dies_at(point, &name, &file);
        let manifests = world.manifests(&name);
        assert_eq!(manifests.len(), 1, "{point}: {manifests:#?}");
        assert_eq!(manifests[0]["runUid"], run["metadata"]["uid"], "{point}");
        assert_eq!(manifests[0]["added"]["rows"], 1, "{point}");
    }
}

#[test]
fn a_change_whose_process_dies_at_any_point_is_made_once() {
    let world = World::new();
    for (index, point) in
        ["change.recorded", "change.made", "apply.before-write", "apply.after-write"]
            .into_iter()
            .enumerate()
    {
        let name = format!("declared{index}");
        let file = world.run_of(
            &name,
            "table/infer",
            &json!({
                "database_name": "sales", "storage_path": "sales/orders.csv", "table_name": name,
            }),
        );
        world.run_that_dies_at(point, &name, &file);
        assert_eq!(world.manifests(&name).len(), 1, "{point}");
    }
}
