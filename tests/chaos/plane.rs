//! A control plane of its own with an audit log, whose programs can be killed and started again.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use kube::Client;

/// A control plane that stops with its standard input.
pub(crate) struct Plane {
    script: Child,
    commands: Option<ChildStdin>,
    pub(crate) state: PathBuf,
}

impl Plane {
    /// Starts one below a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let how = "run `make chaos`, or: .ci/setup cluster && source .ci/environment";
        let programs = std::env::var("MASON_TEST_CLUSTER");
        let programs = programs.unwrap_or_else(|_| panic!("MASON_TEST_CLUSTER is not set: {how}"));
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let state = folder.join("plane");
        let log = std::fs::File::create(folder.join("plane.log")).unwrap();
        let mut script = Command::new(tests.join("cluster/control-plane"))
            .args([Path::new(&programs), &state, &tests.join("chaos/audit-policy.yaml")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = || std::fs::read_to_string(folder.join("plane.log")).unwrap_or_default();
        assert!(line.starts_with("ready "), "the control plane did not start: {}", log());
        let commands = script.stdin.take();
        Self { script, commands, state }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// Kills `etcd` or `kube-apiserver` and starts it again.
    pub(crate) fn restart(&mut self, program: &str) {
        writeln!(self.commands.as_mut().unwrap(), "restart {program}").unwrap();
    }

    pub(crate) async fn connect(&self) -> Client {
        drop(rustls::crypto::ring::default_provider().install_default());
        let kubeconfig = kube::config::Kubeconfig::read_from(self.kubeconfig()).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        Client::try_from(config).unwrap()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.commands.take());
        drop(self.script.wait());
    }
}
