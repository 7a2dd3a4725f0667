//! Another engine in a Python process, asked one thing at a time: one line of JSON each way.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// Returns the Python that has the other engines: that of `MASON_TEST_PYTHON`.
pub(crate) fn python() -> String {
    std::env::var("MASON_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// A running Python script that answers each line of its standard input with one line.
pub(crate) struct Peer {
    _process: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a script of this repository.
    pub(crate) fn start(script: &str) -> Self {
        let python = python();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let mut process = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {python}: {error}"));
        let requests = process.stdin.take().expect("should be piped");
        let replies = BufReader::new(process.stdout.take().expect("should be piped"));
        Self { _process: process, requests, replies }
    }

    /// Returns the answer to a request, or the process's word for why there is none.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value, String> {
        writeln!(self.requests, "{request}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(|error| error.to_string())?;
        let reply: Value = serde_json::from_str(&line).map_err(|_| {
            "the other engine does not answer: is duckdb installed for MASON_TEST_PYTHON?"
                .to_owned()
        })?;
        match reply["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(reply),
        }
    }
}
