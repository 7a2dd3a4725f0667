//! A control plane of its own with an audit log, whose programs can be killed and started again.

use std::io::Write;
use std::path::{Path, PathBuf};

use kube::Client;

use crate::connect::connect;
use crate::started::Started;

/// A control plane that stops with this value.
pub(crate) struct Plane {
    started: Started,
    pub(crate) state: PathBuf,
}

impl Plane {
    /// Starts one below a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let how = "run `make chaos`, or: .ci/setup cluster && source .ci/environment";
        let programs = std::env::var("MASON_TEST_CLUSTER");
        let programs = programs.unwrap_or_else(|_| panic!("MASON_TEST_CLUSTER is not set: {how}"));
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chaos/audit-policy.yaml");
        let (state, log) = (folder.join("plane"), folder.join("plane.log"));
        let arguments = [Path::new(&programs), &state, &policy];
        let started = Started::by("control-plane", &arguments, &log)
            .unwrap_or_else(|(_, log)| panic!("the control plane did not start: {log}"));
        Self { started, state }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.started.kubeconfig.clone()
    }

    /// Kills `etcd` or `kube-apiserver` and starts it again.
    pub(crate) fn restart(&mut self, program: &str) {
        writeln!(self.started.script.stdin.as_mut().unwrap(), "restart {program}").unwrap();
    }

    pub(crate) async fn connect(&self) -> Client {
        connect(&self.started.kubeconfig).await
    }
}
