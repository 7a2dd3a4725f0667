//! Runs a case with the built `mason`, in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::case::{Case, Source, Step};
use crate::example::Door;
use crate::s3::Bucket;
use crate::{compare, duckdb};

struct World {
    _folder: TempDir,
    root: PathBuf,
    store: PathBuf,
    saved: BTreeMap<String, Value>,
    /// What runs the operators instead of the built `mason`.
    door: Option<Door>,
    /// What the operators work on instead of the root, which shows it.
    bucket: Option<Bucket>,
}

impl World {
    /// Has the root show what the operators work on.
    fn show_files(&self) {
        if let Some(bucket) = &self.bucket {
            bucket.show(&self.root);
        }
    }
}

/// Whose files and jobs a case is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// A folder of this machine, with the built `mason`.
    Disk,
    /// Objects in memory, with the client of `example/`.
    Objects,
    /// A bucket of a server of S3, with the built `mason`.
    Server,
}

/// What a run came to.
struct Ended {
    succeeded: bool,
    printed: String,
    resource: Value,
}

/// Runs every step and returns what is not as it should be; stops at the first step with problems.
pub(crate) fn run(case: &Case, on: On) -> Vec<String> {
    let mut world = match make_world(case, on) {
        Ok(world) => world,
        Err(problem) => return vec![problem],
    };
    for (index, step) in case.steps.iter().enumerate() {
        let problems = match &step.look {
            Some(sql) => {
                world.show_files();
                look(&world, step, sql)
            }
            None => run_step(&mut world, step, index),
        };
        if !problems.is_empty() {
            let what = step.run.as_deref().unwrap_or("look");
            return problems.iter().map(|text| format!("step {index} ({what}): {text}")).collect();
        }
    }
    Vec::new()
}

fn make_world(case: &Case, on: On) -> Result<World, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (root, store) = (folder.path().join("lake"), folder.path().join("store"));
    fs::create_dir(&root).map_err(|error| error.to_string())?;
    for database in &case.databases {
        fs::create_dir_all(root.join(database)).map_err(|error| error.to_string())?;
    }
    for (path, source) in &case.files {
        let target = root.join(path);
        let parent = target.parent().expect("should be in a folder");
        fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        match source {
            Source::Text(text) => fs::write(&target, text).map_err(|error| error.to_string())?,
            Source::Rows { sql } => {
                let format = path.rsplit('.').next().unwrap_or_default();
                duckdb::write(&root, sql, path, format)?;
            }
            Source::Copy { copy } => {
                let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(copy);
                fs::copy(&input, &target)
                    .map_err(|error| format!("{}: {error}", input.display()))?;
            }
        }
    }
    let (saved, work) = (BTreeMap::new(), folder.path().join("work"));
    let mut world = World { _folder: folder, root, store, saved, door: None, bucket: None };
    let made = if on == On::Server {
        let bucket = Bucket::new(&world.root);
        fs::create_dir(&work).map_err(|error| error.to_string())?;
        let config = work.with_file_name("config.json");
        let text = bucket.config(&work).to_string();
        fs::write(&config, text).map_err(|error| error.to_string())?;
        world.bucket = Some(bucket);
        mason(&world, &["apply", "-f", &config.to_string_lossy()])
    } else {
        let root = world.root.to_string_lossy().into_owned();
        mason(&world, &["init", "--root", &root, "--name", "lake"])
    };
    if !made.succeeded {
        return Err(format!("no config: {}", made.printed));
    }
    world.door = (on == On::Objects).then(|| Door::new(&world.store, &world.root));
    Ok(world)
}

fn mason(world: &World, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mason"));
    command.arg("--store").arg(&world.store).args(arguments).current_dir(&world.root);
    Bucket::lend_to(&mut command);
    let output = command.output().expect("should start mason");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let resource: Value = serde_json::from_str(&shown).unwrap_or(Value::Null);
    ended(
        output.status.code() == Some(expected_code(&resource)),
        resource,
        format!("{shown}{errors}"),
    )
}

/// Returns the exit code of a run that did what its operator is for. One that has declined, because files disagree,
/// tells scripts so by 1.
fn expected_code(resource: &Value) -> i32 {
    let status = &resource["status"];
    let has_declined = status["result"]["data"]["registered"] == false;
    i32::from(has_declined && status["phase"] == "Succeeded")
}

fn ended(succeeded: bool, resource: Value, printed: String) -> Ended {
    Ended { succeeded, printed, resource }
}

fn run_step(world: &mut World, step: &Step, index: usize) -> Vec<String> {
    let operator = step.run.as_deref().expect("a step should run an operator or look");
    let mut parameters = step.parameters.clone();
    for value in parameters.values_mut() {
        let name = value.as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}'));
        if let Some(saved) = name.and_then(|name| world.saved.get(name)) {
            *value = saved.clone();
        }
    }
    let run = json!({
        "apiVersion": "mason.dev/v1alpha1",
        "kind": "OperatorRun",
        "metadata": {"name": format!("step-{index}")},
        "spec": {
            "operator": operator,
            "configRef": {"name": "lake"},
            "parameters": parameters,
            "dryRun": step.dry_run,
        },
    });
    let ended = run_it(world, &run, index);
    for (name, pointer) in &step.save {
        let value = ended.resource.pointer(pointer).cloned().unwrap_or(Value::Null);
        world.saved.insert(name.clone(), value);
    }
    if looks_at_files(step) {
        world.show_files();
    }
    let mut problems = judge(world, step, &ended);
    problems.extend(judge_paths(world, step));
    problems
}

/// Whether a step is judged by files: those that are there, or those that the other engine reads.
fn looks_at_files(step: &Step) -> bool {
    let has_paths = !step.present.is_empty() || !step.absent.is_empty();
    has_paths || step.duckdb.is_some() || !step.values.is_empty()
}

fn run_it(world: &World, run: &Value, index: usize) -> Ended {
    if let Some(door) = &world.door {
        let resource = door.run(run.clone(), &world.root);
        let printed = resource["status"].to_string().replace("\\\"", "\"");
        return ended(resource["status"]["phase"] == "Succeeded", resource, printed);
    }
    let file = world.store.with_file_name(format!("step-{index}.json"));
    fs::write(&file, run.to_string()).expect("should write the run");
    let file = file.to_string_lossy().into_owned();
    mason(world, &["run", "-q", "-o", "json", "-f", &file])
}

fn judge(world: &World, step: &Step, ended: &Ended) -> Vec<String> {
    if !step.fails.is_empty() {
        if ended.succeeded {
            return vec![format!("it should fail, and printed {}", ended.printed)];
        }
        let missing = step.fails.iter().filter(|part| !ended.printed.contains(part.as_str()));
        return missing.map(|part| format!("{part:?} is no part of {}", ended.printed)).collect();
    }
    if !ended.succeeded {
        return vec![format!("it failed: {}", ended.printed)];
    }
    let status = &ended.resource["status"];
    let result = &status["result"];
    let mut problems = Vec::new();
    problems.extend(judge_rows(world, step, &result["data"]));
    if let Some(wanted) = &step.result {
        problems.extend(compare::holds(wanted, &result["data"], ""));
    }
    for (pointer, sql) in &step.values {
        let value = result["data"].pointer(pointer).unwrap_or(&Value::Null);
        problems.extend(judge_value(world, pointer, sql, value));
    }
    if let Some(truncated) = step.truncated.filter(|truncated| result["truncated"] != *truncated) {
        problems.push(format!("truncated is not {truncated}: {result}"));
    }
    if let Some(part) = &step.says {
        let said = status["messages"].to_string();
        if !said.contains(part.as_str()) {
            problems.push(format!("{part:?} is not said in {said}"));
        }
    }
    problems
}

/// Whether a step says in which order its rows come: a query without `order by` does not.
fn has_order(step: &Step) -> bool {
    let operator = step.run.as_deref().unwrap_or_default();
    let sql = step.parameters.get("query_string").and_then(Value::as_str).unwrap_or_default();
    let is_free = match operator {
        "table/query" => !sql.to_lowercase().contains("order by"),
        "table/deduplicate" => true,
        _ => false,
    };
    step.ordered || !is_free
}

/// Returns the rows of an answer in the order in which they are wanted, where any order is right.
fn in_wanted_order(wanted: &[Value], data: &Value, has_order: bool) -> Value {
    let Some(mut left) = data.as_array().filter(|_| !has_order).cloned() else {
        return data.clone();
    };
    let mut found = Vec::with_capacity(left.len());
    for row in wanted {
        if let Some(at) = left.iter().position(|one| compare::holds(row, one, "").is_none()) {
            found.push(left.remove(at));
        }
    }
    found.extend(left);
    Value::from(found)
}

fn judge_rows(world: &World, step: &Step, data: &Value) -> Option<String> {
    if let Some(rows) = &step.rows {
        let in_order = in_wanted_order(rows, data, has_order(step));
        return compare::holds(&Value::from(rows.clone()), &in_order, "");
    }
    let sql = step.duckdb.as_ref()?;
    match duckdb::rows(&world.root, sql) {
        Ok(expected) => compare::rows(&expected, data, step.ordered),
        Err(problem) => Some(problem),
    }
}

fn judge_value(world: &World, pointer: &str, sql: &str, value: &Value) -> Option<String> {
    match duckdb::rows(&world.root, sql) {
        Ok(expected) => {
            let wanted = expected.rows.first().and_then(|row| row.first())?;
            (!compare::same(wanted, value)).then(|| format!("{pointer} is {value}, not {wanted}"))
        }
        Err(problem) => Some(problem),
    }
}

fn judge_paths(world: &World, step: &Step) -> Vec<String> {
    let missing = step.present.iter().filter(|path| !world.root.join(path).exists());
    let missing = missing.map(|path| format!("{path} is not there"));
    let left = step.absent.iter().filter(|path| world.root.join(path).exists());
    missing.chain(left.map(|path| format!("{path} is still there"))).collect()
}

/// Compares files that an operator wrote, as the other engine reads them.
fn look(world: &World, step: &Step, sql: &str) -> Vec<String> {
    let wanted = step.duckdb.as_deref().expect("a look should say what is expected");
    let rows = |sql: &str| duckdb::rows(&world.root, sql);
    let (actual, expected) = match (rows(sql), rows(wanted)) {
        (Ok(actual), Ok(expected)) => (actual, expected),
        (Err(problem), _) | (_, Err(problem)) => return vec![problem],
    };
    let sorted = |mut rows: Vec<Vec<Value>>| {
        rows.sort_by_key(|row| Value::from(row.clone()).to_string());
        rows
    };
    let mut problems = Vec::new();
    if actual.columns != expected.columns {
        problems.push(format!("the columns are {:?}, not {:?}", actual.columns, expected.columns));
    }
    let (actual, expected) = (sorted(actual.rows), sorted(expected.rows));
    if actual != expected {
        let text = |rows: Vec<Vec<Value>>| {
            Value::from(rows.into_iter().map(Value::from).collect::<Vec<_>>())
        };
        problems.push(format!("the rows are {}, not {}", text(actual), text(expected)));
    }
    problems
}
