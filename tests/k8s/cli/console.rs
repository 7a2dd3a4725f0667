//! Calls of the command line with a kubeconfig of their own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::team::Team;

/// A folder with a kubeconfig, and the binary.
pub(super) struct Console {
    folder: tempfile::TempDir,
    kubeconfig: Option<PathBuf>,
}

/// What a call did.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

/// A call that goes on.
pub(super) struct Calling {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Console {
    /// Makes a console whose context is the team's namespace.
    pub(super) fn of(team: &Team) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::copy(team.cluster.kubeconfig(), &kubeconfig).unwrap();
        let console = Self { folder, kubeconfig: Some(kubeconfig) };
        console.configure(team, &["set-context", "--current", "--namespace", team.name]);
        console
    }

    /// Makes a console for a folder of resources.
    pub(super) fn for_folder(_: &Team) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), kubeconfig: None }
    }

    /// Makes a console for a server that speaks without encryption.
    pub(super) fn for_server(address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: other\n\
             clusters: [{{name: other, cluster: {{server: 'http://{address}'}}}}]\n\
             users: [{{name: other, user: {{}}}}]\n\
             contexts: [{{name: other, context: {{cluster: other, user: other}}}}]\n"
        );
        std::fs::write(&kubeconfig, text).unwrap();
        Self { folder, kubeconfig: Some(kubeconfig) }
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        self.kubeconfig.as_deref().unwrap()
    }

    /// Changes the kubeconfig by `kubectl config`.
    pub(super) fn configure(&self, team: &Team, args: &[&str]) -> String {
        let path = self.kubeconfig().to_str().unwrap();
        team.cluster.done(&[&["config"], args, &["--kubeconfig", path]].concat())
    }

    /// Writes a file and returns its path.
    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mason"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap());
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
            if !args.contains(&"--context") {
                command.arg("--cluster");
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// Calls the binary and waits for its end.
    pub(super) fn call(&self, args: &[&str]) -> Called {
        self.start(args).ended()
    }

    /// Calls the binary.
    pub(super) fn start(&self, args: &[&str]) -> Calling {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let path = |ending: &str| self.folder.path().join(format!("{name}.{ending}"));
        let (out, err) = (path("out"), path("err"));
        let child = self
            .command(args)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Calling { child, out, err }
    }
}

impl Calling {
    /// Waits for its end.
    pub(super) fn ended(mut self) -> Called {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Called {
                    code: status.code().unwrap_or(-1),
                    out: read(&self.out),
                    err: read(&self.err),
                };
            }
            assert!(began.elapsed() < PATIENCE, "it does not end: {}", read(&self.err));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it and returns what it printed.
    pub(super) fn killed(mut self) -> Called {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Called { code: -1, out: read(&self.out), err: read(&self.err) }
    }

    pub(super) fn until_out(&self, is_wanted: impl Fn(&str) -> bool) {
        until(&self.out, is_wanted);
    }

    pub(super) fn until_err(&self, is_wanted: impl Fn(&str) -> bool) {
        until(&self.err, is_wanted);
    }

    /// Whether it has not ended.
    pub(super) fn goes_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal to a call.
pub(super) fn signal(called: &Calling, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_child(&called.child);
    rustix::process::kill_process(process, signal).unwrap();
}

fn until(path: &Path, is_wanted: impl Fn(&str) -> bool) {
    let began = Instant::now();
    while !is_wanted(&read(path)) {
        assert!(began.elapsed() < PATIENCE, "it stays at: {}", read(path));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}
