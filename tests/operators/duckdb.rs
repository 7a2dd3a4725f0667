//! The other engine: one Python process for all cases, asked one thing at a time.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

struct Server {
    _process: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

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
    static SERVER: OnceLock<Mutex<Server>> = OnceLock::new();
    let mut server = SERVER
        .get_or_init(|| Mutex::new(start()))
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    writeln!(server.requests, "{request}").map_err(|error| error.to_string())?;
    let mut line = String::new();
    server.replies.read_line(&mut line).map_err(|error| error.to_string())?;
    let reply: Value = serde_json::from_str(&line).map_err(|_| {
        "the other engine does not answer: is duckdb installed for MASON_TEST_PYTHON?".to_owned()
    })?;
    match reply["error"].as_str() {
        Some(error) => Err(format!("the other engine says {error} to {request}")),
        None => Ok(reply),
    }
}

fn start() -> Server {
    let python = std::env::var("MASON_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators/duckdb_expected.py");
    let mut process = Command::new(&python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("failed to start {python}: {error}"));
    let requests = process.stdin.take().expect("should be piped");
    let replies = BufReader::new(process.stdout.take().expect("should be piped"));
    Server { _process: process, requests, replies }
}
