//! The command line as a person meets it: the built binary, in folders of its own.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test hands `PATH` on, and one that cannot set up its folder has nothing to say"
)]

mod apply;
mod approvals;
mod change;
mod controller;
mod disks;
mod exec;
mod get;
mod help;
mod kills;
mod memory;
mod nested;
mod parameters;
mod run;
mod schedules;
mod terminal;
mod two_processes;
mod undeclared;
mod workflows;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder with a store, and the binary.
pub(crate) struct Mason {
    folder: tempfile::TempDir,
}

/// What a call of the binary did.
#[derive(Debug)]
pub(crate) struct Called {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output, with the folder's path replaced by `<folder>`.
    pub(crate) out: String,
    /// Standard error, likewise.
    pub(crate) err: String,
}

impl Mason {
    /// Makes an empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Makes a folder with two small tables in database `sales`, and a config `local` for it.
    pub(crate) fn with_data() -> Self {
        let mason = Self::new();
        mason.write("data/sales/cities.csv", "city,country\nWien,AT\nGraz,AT\nBrno,CZ\n");
        mason.write(
            "data/sales/orders.csv",
            "id,city,amount\n1,Wien,10.50\n2,Graz,7.25\n3,Wien,1.00\n",
        );
        let called = mason.call(["init", "--root", "data"]);
        assert_eq!(called.code, 0, "{called:?}");
        mason
    }

    /// Returns a path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder, and the folders it needs.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the binary, ready to be called in the folder with an environment of its own.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mason"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("MASON_STORE", "store");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    /// Calls the binary and waits for its end.
    pub(crate) fn call<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Called {
        let mut command = self.command(args);
        self.finish(&mut command, "")
    }

    /// Calls the binary with standard input.
    pub(crate) fn call_with_input<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Called {
        let mut command = self.command(args);
        self.finish(&mut command, input)
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, command: &mut Command, input: &str) -> Called {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A child that does not read its input closes it, which is no failure here.
        drop(child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())));
        self.called(&child.wait_with_output().unwrap())
    }

    /// Returns what a call did, from its output.
    pub(crate) fn called(&self, output: &std::process::Output) -> Called {
        Called {
            code: output.status.code().unwrap_or(-1),
            out: self.readable(&output.stdout),
            err: self.readable(&output.stderr),
        }
    }

    fn readable(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let real = self.folder.path().canonicalize().unwrap();
        let hide = |text: String, path: &Path| text.replace(path.to_str().unwrap(), "<folder>");
        hide(hide(text, &real), self.folder.path())
    }
}

/// A config for the folder `data`, as a file has it.
pub(crate) const CONFIG: &str = "\
apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {name: lake}
spec:
  engines: {metastore: [here], storage: [here], execution: [here]}
  clients:
    - name: here
      local: {root: data}
";
