//! What a case file may say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One case: files, then steps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows, in a sentence.
    #[serde(rename = "shows")]
    pub(crate) _shows: String,
    /// Databases made as folders, besides those that hold files.
    #[serde(default)]
    pub(crate) databases: Vec<String>,
    /// Files made before the first step, by their path below the root.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Source>,
    /// What is run, in order.
    pub(crate) steps: Vec<Step>,
}

/// What a file holds.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Source {
    /// This text.
    Text(String),
    /// The rows of this statement, written by the other engine in the format of the file's ending.
    Rows { sql: String },
    /// A copy of this file below `tests/inputs`: what no writer at hand would make.
    Copy { copy: String },
}

/// One run of an operator, or one look at the files, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// The operator; none for a look at files that an operator wrote.
    pub(crate) run: Option<String>,
    /// Its parameters. A text `${name}` is what an earlier step saved.
    #[serde(default)]
    pub(crate) parameters: Map<String, Value>,
    /// Whether it is only planned.
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// A statement about files, asked of the other engine instead of running an operator.
    pub(crate) look: Option<String>,
    /// The rows are those of this statement, asked of the other engine.
    pub(crate) duckdb: Option<String>,
    /// The rows are these.
    pub(crate) rows: Option<Vec<Value>>,
    /// Whether the order of rows counts.
    #[serde(default)]
    pub(crate) ordered: bool,
    /// The result holds this: objects may have more keys, everything else is equal.
    pub(crate) result: Option<Value>,
    /// Pointers into the result, each with a statement of one value.
    #[serde(default)]
    pub(crate) values: BTreeMap<String, String>,
    /// Whether the answer is said to be cut.
    pub(crate) truncated: Option<bool>,
    /// A part of a warning or note.
    pub(crate) says: Option<String>,
    /// The run fails, and every one of these is part of what is printed.
    #[serde(default)]
    pub(crate) fails: Vec<String>,
    /// Pointers into the run's resource, kept under a name for later steps.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
    /// Paths below the root that are there afterwards.
    #[serde(default)]
    pub(crate) present: Vec<String>,
    /// Paths below the root that are not there afterwards.
    #[serde(default)]
    pub(crate) absent: Vec<String>,
}

/// Reads a case.
pub(crate) fn read(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("should be readable");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
