//! The other engine: one Python process for all cases, asked one thing at a time.

use std::path::Path;
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use crate::peer::Peer;

/// Rows with tagged values.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// The rows, each a list of values.
    pub(crate) rows: Vec<Vec<Value>>,
}

/// Returns the rows of a statement about the files below a root.
pub(crate) fn rows(root: &Path, sql: &str) -> Result<Rows, String> {
    let reply = ask(&json!({"root": root, "sql": sql}))?;
    let columns = serde_json::from_value(reply["columns"].clone()).expect("should be names");
    let rows = serde_json::from_value(reply["rows"].clone()).expect("should be rows");
    Ok(Rows { columns, rows })
}

/// Writes the rows of a statement to a file.
pub(crate) fn write(root: &Path, sql: &str, path: &str, format: &str) -> Result<(), String> {
    ask(&json!({"root": root, "sql": sql, "write": path, "format": format})).map(|_| ())
}

fn ask(request: &Value) -> Result<Value, String> {
    static PEER: OnceLock<Mutex<Peer>> = OnceLock::new();
    PEER.get_or_init(|| Mutex::new(Peer::start("tests/operators/duckdb_expected.py")))
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .ask(request)
        .map_err(|error| format!("the other engine says {error} to {request}"))
}
