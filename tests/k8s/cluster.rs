//! The control plane that all tests share, and `kubectl` on it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use crate::called::Called;
use crate::connect::connect;
use crate::leftovers::sweep;
use crate::started::Started;

/// A cluster with Mason's CRDs.
pub(crate) struct Cluster {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    _control_plane: Option<Started>,
}

/// Returns the cluster, started and with Mason's CRDs established.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
        let cluster = Cluster::existing().unwrap_or_else(Cluster::started);
        cluster.install(&mason::api::crds::crds_yaml());
        cluster
    });
    &CLUSTER
}

impl Cluster {
    /// Returns the cluster that a person lends to the tests.
    fn existing() -> Option<Self> {
        if std::env::var("USE_EXISTING_CLUSTER").ok()? != "true" {
            return None;
        }
        let kubeconfig = std::env::var_os("KUBECONFIG").expect("KUBECONFIG should be set too");
        let (kubectl, kubeconfig) = ("kubectl".into(), kubeconfig.into());
        Some(Self { kubectl, kubeconfig, _control_plane: None })
    }

    /// Starts a control plane of its own, with these CRDs instead of today's.
    pub(crate) fn with_crds(crds: &str) -> Self {
        let cluster = Self::started();
        cluster.install(crds);
        cluster
    }

    /// Starts one whose API server logs what it is asked for, as a policy of this project says.
    pub(crate) fn audited(policy: &str) -> Self {
        Self::started_with(&[&Path::new(env!("CARGO_MANIFEST_DIR")).join(policy)])
    }

    /// Returns what the API server has logged, an event on each line.
    pub(crate) fn audit_log(&self) -> String {
        std::fs::read_to_string(self.kubeconfig.with_file_name("audit.log")).unwrap()
    }

    /// Puts CRDs there and waits until they are served; an older version has fewer.
    pub(crate) fn install(&self, crds: &str) {
        self.apply(crds);
        let plurals =
            ["masonconfigs", "operatordefinitions", "operatorruns", "workflows", "workflowruns"];
        let names = plurals.map(|plural| format!("{plural}.mason.dev"));
        let names = names.into_iter().filter(|name| crds.contains(name));
        let names: Vec<String> = names.map(|name| format!("crd/{name}")).collect();
        let mut wait = vec!["wait", "--for=condition=Established", "--timeout=30s"];
        wait.extend(names.iter().map(String::as_str));
        self.done(&wait);
    }

    fn started() -> Self {
        Self::started_with(&[])
    }

    fn started_with(more: &[&Path]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let how = "run `make test`, or: .ci/setup cluster && source .ci/environment";
        let programs = std::env::var_os("MASON_TEST_CLUSTER").map(PathBuf::from);
        let programs = programs.unwrap_or_else(|| panic!("MASON_TEST_CLUSTER is not set: {how}"));
        assert!(
            programs.join("kube-apiserver").exists(),
            "{} has no programs: {how}",
            programs.display()
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        sweep(folder, "control-plane-");
        let state = folder.join(format!(
            "control-plane-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        let log = state.with_extension("log");
        let arguments = [&[programs.as_path(), state.as_path()][..], more].concat();
        let control_plane = Started::by("control-plane", &arguments, &log)
            .unwrap_or_else(|(_, log)| panic!("the control plane did not start:\n{log}"));
        let kubeconfig = control_plane.kubeconfig.clone();
        let kubectl = programs.join("kubectl");
        Self { kubectl, kubeconfig, _control_plane: Some(control_plane) }
    }

    /// Returns the path of the kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Returns the folder that has `kubectl`; empty when it is on `PATH`.
    pub(crate) fn programs(&self) -> &Path {
        self.kubectl.parent().unwrap_or(Path::new(""))
    }

    /// Returns a program of the cluster's; programs that somebody else lends may lack it, and then it has to be
    /// on `PATH`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let program = self.programs().join(name);
        if program.exists() { program } else { PathBuf::from(name) }
    }

    /// Calls `kubectl`.
    pub(crate) fn kubectl(&self, args: &[&str], input: &str) -> Called {
        let mut command = Command::new(&self.kubectl);
        Called::of(command.arg("--kubeconfig").arg(&self.kubeconfig).args(args), input)
    }

    /// Calls `kubectl`, which has to succeed, and returns what it printed.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let called = self.kubectl(args, "");
        assert!(called.is_success, "kubectl {args:?}: {}", called.err);
        called.out
    }

    /// Applies a manifest, which has to be accepted.
    pub(crate) fn apply(&self, manifest: &str) {
        let called = self.kubectl(&["apply", "--server-side", "-f", "-"], manifest);
        assert!(called.is_success, "{}\n{manifest}", called.err);
    }

    /// Applies a manifest, which has to be refused, and returns why.
    pub(crate) fn refused(&self, manifest: &str) -> String {
        let called = self.kubectl(&["apply", "--server-side", "-f", "-"], manifest);
        assert!(!called.is_success, "should have been refused:\n{manifest}");
        called.err
    }

    /// Connects to the cluster.
    pub(crate) async fn connect(&self) -> kube::Client {
        connect(&self.kubeconfig).await
    }
}
