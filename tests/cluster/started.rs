//! What a script of this folder has started: a control plane or a node.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// It works until this value is dropped, or this process ends.
pub(crate) struct Started {
    /// Takes orders on its standard input, and stops when that is closed.
    pub(crate) script: Child,
    pub(crate) kubeconfig: PathBuf,
}

impl Started {
    /// Runs a script until what it starts is ready.
    ///
    /// # Errors
    /// The code with which the script ended, and its log.
    #[expect(clippy::unwrap_in_result, reason = "only what the script itself says is an error")]
    pub(crate) fn by(
        script: &str,
        arguments: &[&Path],
        log: &Path,
    ) -> Result<Self, (Option<i32>, String)> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster").join(script);
        let mut script = Command::new(file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if let Some(kubeconfig) = line.trim().strip_prefix("ready ") {
            return Ok(Self { kubeconfig: kubeconfig.into(), script });
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        Err((script.wait().unwrap().code(), log))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        drop(self.script.wait());
    }
}
