//! An emulated server of S3, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// The server, which ends with the process that holds it: it reads its input until nothing holds that open.
pub(crate) struct Server {
    _process: Child,
    /// What it said of itself: its address, and the keys of its user if it has one.
    pub(crate) told: Vec<String>,
}

impl Server {
    /// Starts a server with these arguments.
    pub(crate) fn start(python: &str, arguments: &[&str]) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/aws_server.py");
        let mut command = Command::new(python);
        command.arg(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("should start the server");
        let output = process.stdout.take().expect("should be piped");
        let mut told = String::new();
        BufReader::new(output).read_line(&mut told).expect("should say its address");
        let told: Vec<String> = told.split_whitespace().map(str::to_owned).collect();
        assert!(!told.is_empty(), "the server did not start: is moto installed for {python}?");
        Self { _process: process, told }
    }

    /// Returns where it is.
    pub(crate) fn address(&self) -> &str {
        &self.told[0]
    }
}
