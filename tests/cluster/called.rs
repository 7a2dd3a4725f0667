//! Calls of `kubectl` and its like, with what they printed.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a program printed.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) is_success: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Called {
    /// Runs a command to its end with this on its standard input.
    pub(crate) fn of(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Self {
            is_success: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
