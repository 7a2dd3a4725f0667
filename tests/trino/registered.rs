//! What Mason registers of files, and of rows that it writes, is read by Trino: every value, in every format and type.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::compare::{Difference, differences};
use super::engine;
use crate::catalogue::Catalogue;
use crate::world::failure;

/// One table, and what comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    /// Its name, and that of the folder of `examples.py` that it is of.
    table: String,
    /// What `table/infer` is told of the files.
    #[serde(default)]
    reading: Map<String, Value>,
    /// The rows that `table/query` writes to it; the files of its folder count where there are none.
    rows: Option<String>,
    /// What the query is told of the files that it writes.
    #[serde(default)]
    writing: Map<String, Value>,
    /// The columns of Trino, with their types.
    #[serde(default)]
    columns: String,
    /// Parts of what Mason says where it does not register the table.
    #[serde(default)]
    refused: Vec<String>,
    /// The error of Trino where it does not read the table.
    unread: Option<String>,
    /// Why Trino has texts where Mason has the values that they name.
    as_text: Option<String>,
    /// Why Trino has empty texts where Mason has nulls.
    empty_is_null: Option<String>,
    /// All rows of Trino, where they are other rows for a reason.
    other_rows: Option<Others>,
    /// What rows are ordered by, `id` where it does not say.
    order: Option<String>,
    #[serde(default)]
    differences: Vec<Known>,
}

/// A column that differs in some rows, for a reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    column: String,
    /// What the two have of it in each row, Mason first.
    rows: BTreeMap<usize, (Value, Value)>,
    #[serde(rename = "because")]
    _because: String,
}

/// Rows of tagged values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Others {
    rows: Vec<Vec<Value>>,
    #[serde(rename = "because")]
    _because: String,
}

fn read(file: &str) -> Vec<Example> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trino").join(file);
    let text = fs::read_to_string(path).expect("should be readable");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Makes a catalogue whose bucket has the files of all examples below `raw`.
fn with_examples() -> Catalogue {
    let made = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    let folder = tempfile::tempdir().expect("should make a folder");
    engine::write_examples(&folder.path().join("raw"));
    made.world.bucket.put_folder(folder.path());
    made
}

#[test]
#[ignore = "needs Trino: make test-trino"]
fn trino_reads_the_values_of_every_format_and_type_as_mason_does() {
    let world = with_examples();
    let mut seen: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    // What is written is of tables that are registered.
    for file in ["files.yaml", "written.yaml"] {
        let examples = read(file);
        for (example, found) in
            examples.iter().zip(engine::at_once(&examples, |_, example| check(&world, example)))
        {
            problems.extend(found.err().map(|problem| format!("{}: {problem}", example.table)));
        }
        seen.extend(examples.into_iter().map(|example| example.table));
    }
    let folder = tempfile::tempdir().expect("should make a folder");
    engine::write_examples(folder.path());
    for entry in fs::read_dir(folder.path()).expect("should list") {
        let name = entry.expect("should list").file_name().to_string_lossy().into_owned();
        if !seen.contains(&name) {
            problems.push(format!("{name}: no example of files.yaml says what comes of it"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// Registers a table and compares what Trino and Mason read of it.
fn check(world: &Catalogue, example: &Example) -> Result<(), String> {
    if !register(world, example)? {
        return Ok(());
    }
    let name = &example.table;
    let order = example.order.as_deref().unwrap_or("id");
    let query = format!("select * from {name} order by {order}");
    let read = engine::exact(&world.database, &query);
    if let Some(error) = &example.unread {
        let told = read.err().ok_or("Trino reads it")?;
        return if told.contains(error) { Ok(()) } else { Err(format!("Trino says {told}")) };
    }
    let run = world.query(&format!("read-{}", name.replace('_', "-")), &query);
    let rows = run["status"]["result"]["data"].clone();
    let Ok(rows) = serde_json::from_value::<Vec<Map<String, Value>>>(rows) else {
        return Err(format!("Mason does not read it: {:?}", failure(&run)));
    };
    let trino = read?;
    let columns: Vec<String> =
        trino.columns.iter().map(|(name, word)| format!("{name} {word}")).collect();
    if columns.join(", ") != example.columns {
        return Err(format!("the columns of Trino are: {}", columns.join(", ")));
    }
    if let Some(others) = &example.other_rows {
        let is_so = trino.rows == others.rows && rows.len() != others.rows.len();
        return if is_so { Ok(()) } else { Err(format!("Trino: {}", json!(trino.rows))) };
    }
    let mut found = differences(&rows, &trino, example.as_text.is_some())?;
    if example.empty_is_null.is_some() {
        let all = found.len();
        found.retain(|one| !(one.mason.is_null() && one.trino == json!({"text": ""})));
        if found.len() == all {
            return Err("no empty text stands for a null".to_owned());
        }
    }
    judge(example, &found)
}

/// Registers a table, or says that it is refused as it should be.
fn register(world: &Catalogue, example: &Example) -> Result<bool, String> {
    let name = &example.table;
    let run_name = format!("make-{}", name.replace('_', "-"));
    let (operator, mut parameters) = match &example.rows {
        Some(rows) => ("table/query", json!({"query_string": rows, "output_table": name})),
        None => ("table/infer", json!({"storage_path": format!("raw/{name}"), "table_name": name})),
    };
    for (key, value) in example.reading.iter().chain(&example.writing) {
        parameters[key] = value.clone();
    }
    let run = world.run(&run_name, operator, parameters);
    let (phase, _, told) = failure(&run);
    match (phase.as_str(), example.refused.is_empty()) {
        ("Succeeded", true) if world.table(name).is_object() => Ok(true),
        ("Failed", false) => {
            let missing = example.refused.iter().find(|part| !told.contains(*part));
            missing.map_or(Ok(false), |part| Err(format!("{part:?} is no part of {told}")))
        }
        _ => Err(format!("it is {phase}: {:#}", run["status"])),
    }
}

/// Compares what differs with what is known to differ: both lists are the same.
fn judge(example: &Example, found: &[Difference]) -> Result<(), String> {
    let known = example.differences.iter().flat_map(|known| {
        known.rows.iter().map(|(row, (mason, trino))| Difference {
            row: *row,
            column: known.column.clone(),
            mason: mason.clone(),
            trino: trino.clone(),
        })
    });
    let known: Vec<Difference> = known.collect();
    let new = found.iter().filter(|one| !known.contains(one)).map(|one| format!("differs: {one}"));
    let gone = known.iter().filter(|one| !found.contains(one));
    let gone = gone.map(|one| format!("differs no more: {one}"));
    let told: Vec<String> = new.chain(gone).collect();
    if told.is_empty() { Ok(()) } else { Err(told.join("\n")) }
}
