//! The control plane that is measured on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::connect::connect;
use crate::started::Started;

/// An API server with etcd; it ends with this value.
pub(crate) struct ApiServer {
    programs: PathBuf,
    started: Started,
}

impl ApiServer {
    /// Starts one that keeps its state in a folder, with Mason's CRDs.
    pub(crate) fn start(state: &Path) -> Self {
        let programs = std::env::var_os("MASON_TEST_CLUSTER").expect("run benches/cluster/run");
        let programs = PathBuf::from(programs);
        let log = state.with_extension("log");
        let started = Started::by("control-plane", &[&programs, state], &log);
        let server = Self { programs, started: started.expect("should start") };
        server.apply_crds();
        server
    }

    /// Returns the path of the kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.started.kubeconfig
    }

    /// Connects to it.
    pub(crate) async fn connect(&self) -> kube::Client {
        connect(self.kubeconfig()).await
    }

    /// Returns the CPU time of the API server and of etcd so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let stats = processes.filter_map(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, fields) = stat.rsplit_once(')')?;
            let fields: Vec<&str> = fields.split_whitespace().collect();
            // From the third field of proc(5): 4 ppid, 14 utime, 15 stime, in 1/100 s.
            let number = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
            let is_served = name.ends_with("(kube-apiserver") || name.ends_with("(etcd");
            let is_ours = is_served && number(4)? == self.started.script.id();
            let hundredths = number(14)? + number(15)?;
            is_ours.then_some(f64::from(hundredths) / 100.0)
        });
        stats.sum()
    }

    fn apply_crds(&self) {
        let file = self.kubeconfig().with_file_name("crds.yaml");
        std::fs::write(&file, mason::api::crds::crds_yaml()).unwrap();
        self.kubectl(&["apply", "--server-side", "-f", &file.to_string_lossy()]);
        let names =
            ["masonconfigs", "operatordefinitions", "operatorruns", "workflows", "workflowruns"];
        let names = names.map(|plural| format!("crd/{plural}.mason.dev"));
        let mut wait = vec!["wait", "--for=condition=Established", "--timeout=30s"];
        wait.extend(names.iter().map(String::as_str));
        self.kubectl(&wait);
    }

    fn kubectl(&self, arguments: &[&str]) {
        let kubectl = self.programs.join("kubectl");
        let mut command = Command::new(kubectl);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments).stdout(Stdio::null());
        assert!(command.status().unwrap().success(), "kubectl {arguments:?}");
    }
}
