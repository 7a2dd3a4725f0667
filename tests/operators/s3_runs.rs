//! Runs on a bucket: what is wrong with it or its keys, several writers at once, and processes that die.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer;
use crate::s3::Bucket;
use crate::server::Server;

/// A folder with a store of resources and a folder for jobs, and a bucket with two orders.
struct World {
    folder: TempDir,
    bucket: Bucket,
}

impl World {
    fn new() -> Self {
        Self::with(&[("sales/orders.csv", "id,amount\n1,2.5\n2,4\n")])
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("should make a folder");
        let lake = folder.path().join("lake");
        for (path, content) in files {
            let path = lake.join(path);
            fs::create_dir_all(path.parent().expect("has one")).expect("should make");
            fs::write(path, content).expect("should write");
        }
        fs::create_dir(folder.path().join("work")).expect("should make");
        let world = Self { bucket: Bucket::new(&lake), folder };
        world.apply(&world.config());
        world
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn config(&self) -> Value {
        self.bucket.config(&self.path("work"))
    }

    fn apply(&self, config: &Value) {
        let file = self.path("config.json");
        fs::write(&file, config.to_string()).expect("should write");
        let applied = self.call(&["apply", "-f", &text(&file)], &[]);
        assert!(applied.status.success(), "{applied:?}");
    }

    /// Applies the config with other settings of its bucket.
    fn apply_with(&self, settings: &Value) {
        let mut config = self.config();
        for (field, value) in settings.as_object().expect("should be an object") {
            config["spec"]["clients"][0]["s3"][field] = value.clone();
        }
        self.apply(&config);
    }

    fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mason"));
        command.arg("--store").arg(self.path("store")).args(arguments);
        Bucket::lend_to(&mut command);
        command.envs(environment.iter().copied()).current_dir(self.folder.path());
        command
    }

    fn call(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        self.command(arguments, environment).output().expect("should start mason")
    }

    /// Writes the document of a run, and returns its file.
    fn run_of(&self, name: &str, operator: &str, parameters: &Value) -> String {
        let run = json!({
            "apiVersion": "mason.dev/v1alpha1",
            "kind": "OperatorRun",
            "metadata": {"name": name},
            "spec": {"operator": operator, "configRef": {"name": "lake"}, "parameters": parameters},
        });
        let file = self.path(&format!("{name}.json"));
        fs::write(&file, run.to_string()).expect("should write");
        text(&file)
    }

    /// Runs an operator to its end and returns the run.
    fn run(&self, name: &str, operator: &str, parameters: &Value) -> Value {
        let file = self.run_of(name, operator, parameters);
        ended(&self.call(&["run", "-q", "-o", "json", "-f", &file], &[]))
    }

    fn query(&self, name: &str, sql: &str) -> Value {
        self.run(name, "table/query", &json!({"database_name": "sales", "query_string": sql}))
    }

    /// Runs a document whose process dies at a point the first time, and returns the run as it ends the second time.
    fn run_that_dies_at(&self, point: &str, name: &str, file: &str) -> Value {
        let (fault, mark) = (format!("{point}:1"), text(&self.path(&format!("{name}.mark"))));
        let armed = [("MASON_FAULT_POINT", fault.as_str()), ("MASON_FAULT_MARK", mark.as_str())];
        let arguments = ["run", "-q", "-o", "json", "-f", file];
        self.call(&arguments, &armed);
        assert!(Path::new(&mark).exists(), "{point} was not reached");
        let run = ended(&self.call(&arguments, &[]));
        assert_eq!(run["status"]["phase"], "Succeeded", "{point}: {run:#}");
        run
    }

    /// Returns the manifests of a table.
    fn manifests(&self, table: &str) -> Vec<Value> {
        let shown = self.path("shown");
        fs::create_dir_all(&shown).expect("should make");
        self.bucket.show(&shown);
        let folder = shown.join("sales").join(table).join("_mason");
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let files = entries.map(|entry| entry.expect("should list").path());
        let documents = files.filter(|path| path.is_file());
        documents
            .map(|path| fs::read(path).expect("should read"))
            .map(|bytes| serde_json::from_slice(&bytes).expect("should be a manifest"))
            .collect()
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn ended(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Returns the phase, the reason and what is told of a run that has failed.
fn failure(run: &Value) -> (String, String, String) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = run["status"]["messages"]["errors"].to_string();
    let conditions = run["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let succeeded = conditions.iter().find(|condition| condition["type"] == "Succeeded");
    let reason = succeeded.map(|condition| word(&condition["reason"])).unwrap_or_default();
    (word(&run["status"]["phase"]), reason, told)
}

fn assert_failed(run: &Value, parts: &[&str]) {
    let (phase, _, told) = failure(run);
    assert_eq!(phase, "Failed", "{run:#}");
    for part in parts {
        assert!(told.contains(part), "{part:?} is no part of {told}");
    }
}

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
