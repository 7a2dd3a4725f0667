//! The control plane that all tests share, and `kubectl` on it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A cluster with Mason's CRDs.
pub(crate) struct Cluster {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    /// Works until its standard input is closed, which happens when this process ends.
    _control_plane: Option<Child>,
}

/// What a call of `kubectl` printed.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) is_success: bool,
    pub(crate) out: String,
    pub(crate) err: String,
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

    /// Puts CRDs there and waits until they are served.
    pub(crate) fn install(&self, crds: &str) {
        self.apply(crds);
        let crds = ["masonconfigs", "operatordefinitions", "operatorruns"];
        let names = crds.map(|plural| format!("crd/{plural}.mason.dev"));
        let mut wait = vec!["wait", "--for=condition=Established", "--timeout=30s"];
        wait.extend(names.iter().map(String::as_str));
        self.done(&wait);
    }

    fn started() -> Self {
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
        sweep(folder);
        let state = folder.join(format!(
            "control-plane-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/control-plane");
        let log = std::fs::File::create(state.with_extension("log")).unwrap();
        let mut control_plane = Command::new(script)
            .args([&programs, &state])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(control_plane.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let kubeconfig = line.trim().strip_prefix("ready ").map(PathBuf::from);
        let kubeconfig = kubeconfig.unwrap_or_else(|| {
            let log = std::fs::read_to_string(state.with_extension("log")).unwrap_or_default();
            panic!("the control plane did not start:\n{log}")
        });
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

    /// Calls `kubectl`.
    pub(crate) fn kubectl(&self, args: &[&str], input: &str) -> Called {
        let mut child = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Called {
            is_success: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
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
        drop(rustls::crypto::ring::default_provider().install_default());
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        kube::Client::try_from(config).unwrap()
    }
}

/// Removes what control planes of processes that are gone have left.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Some(number) = name.strip_prefix("control-plane-") else { continue };
        let process = number.split(['-', '.']).next().unwrap_or_default();
        let process = Path::new("/proc").join(process);
        if !process.exists() {
            // Another process may sweep at the same time.
            drop(std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)));
        }
    }
}
