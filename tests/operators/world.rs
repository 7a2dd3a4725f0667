//! A folder and a bucket in which runs are tried one by one, also with processes that die.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::s3::Bucket;

/// A folder with a store of resources and a folder for jobs, and a bucket with two orders.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) bucket: Bucket,
    /// Whether the tables are those of a catalogue, and only the files are the bucket's.
    is_catalogued: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[("sales/orders.csv", "id,amount\n1,2.5\n2,4\n")])
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("should make a folder");
        let lake = folder.path().join("lake");
        for (path, content) in files {
            let path = lake.join(path);
            fs::create_dir_all(path.parent().expect("has one")).expect("should make");
            fs::write(path, content).expect("should write");
        }
        fs::create_dir(folder.path().join("work")).expect("should make");
        let world = Self { bucket: Bucket::new(&lake), folder, is_catalogued: false };
        world.apply(&world.config());
        world
    }

    /// Makes one whose tables are those of a catalogue.
    pub(crate) fn catalogued(files: &[(&str, &str)]) -> Self {
        let world = Self { is_catalogued: true, ..Self::with(files) };
        world.apply(&world.config());
        world
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn config(&self) -> Value {
        let mut config = self.bucket.config(&self.path("work"));
        if self.is_catalogued {
            let glue = json!({"region": "us-east-1", "endpoint": Bucket::server()});
            let clients = config["spec"]["clients"].as_array_mut().expect("has clients");
            clients.push(json!({"name": "catalogue", "glue": glue}));
            config["spec"]["engines"]["metastore"] = json!(["catalogue"]);
        }
        config
    }

    pub(crate) fn apply(&self, config: &Value) {
        let file = self.path("config.json");
        fs::write(&file, config.to_string()).expect("should write");
        let applied = self.call(&["apply", "-f", &text(&file)], &[]);
        assert!(applied.status.success(), "{applied:?}");
    }

    /// Applies the config with other settings of its bucket.
    pub(crate) fn apply_with(&self, settings: &Value) {
        let mut config = self.config();
        for (field, value) in settings.as_object().expect("should be an object") {
            config["spec"]["clients"][0]["s3"][field] = value.clone();
        }
        self.apply(&config);
    }

    pub(crate) fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mason"));
        command.arg("--store").arg(self.path("store")).args(arguments);
        Bucket::lend_to(&mut command);
        command.envs(environment.iter().copied()).current_dir(self.folder.path());
        command
    }

    pub(crate) fn call(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        self.command(arguments, environment).output().expect("should start mason")
    }

    /// Writes the document of a run, and returns its file.
    pub(crate) fn run_of(&self, name: &str, operator: &str, parameters: &Value) -> String {
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
    pub(crate) fn run(&self, name: &str, operator: &str, parameters: &Value) -> Value {
        let file = self.run_of(name, operator, parameters);
        ended(&self.call(&["run", "-q", "-o", "json", "-f", &file], &[]))
    }

    /// Plans what an operator would do, and returns the plan.
    pub(crate) fn plan(&self, name: &str, operator: &str, parameters: &Value) -> Value {
        let file = self.run_of(name, operator, parameters);
        let run = ended(&self.call(&["run", "-q", "--dry-run", "-o", "json", "-f", &file], &[]));
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
        run["status"]["result"]["data"].clone()
    }

    pub(crate) fn query(&self, name: &str, sql: &str) -> Value {
        self.run(name, "table/query", &json!({"database_name": "sales", "query_string": sql}))
    }

    /// Runs a document whose process dies at a point the first time, and returns the run as it ends the second time.
    pub(crate) fn run_that_dies_at(&self, point: &str, name: &str, file: &str) -> Value {
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
    pub(crate) fn manifests(&self, table: &str) -> Vec<Value> {
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

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(crate) fn ended(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Returns the phase, the reason and what is told of a run that has failed.
pub(crate) fn failure(run: &Value) -> (String, String, String) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = run["status"]["messages"]["errors"].to_string();
    let conditions = run["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let succeeded = conditions.iter().find(|condition| condition["type"] == "Succeeded");
    let reason = succeeded.map(|condition| word(&condition["reason"])).unwrap_or_default();
    (word(&run["status"]["phase"]), reason, told)
}

pub(crate) fn assert_failed(run: &Value, parts: &[&str]) {
    let (phase, _, told) = failure(run);
    assert_eq!(phase, "Failed", "{run:#}");
    for part in parts {
        assert!(told.contains(part), "{part:?} is no part of {told}");
    }
}
