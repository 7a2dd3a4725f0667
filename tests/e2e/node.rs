//! The node that all tests share, with Mason's image, and `kubectl` and `helm` on it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use crate::called::Called;
use crate::leftovers::sweep;
use crate::started::Started;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// The name of Mason's image on the node.
pub(crate) const IMAGE: &str = "localhost/mason:test";
/// The name of an image with a shell, as a user's own.
pub(crate) const SHELL_IMAGE: &str = "localhost/shell:test";
/// How a node says that this machine cannot have one.
const UNABLE: i32 = 3;

/// A node with Mason's image.
pub(crate) struct Node {
    programs: PathBuf,
    state: PathBuf,
    started: Started,
}

/// Returns the node; nothing where this machine cannot have one, which is then said.
#[expect(clippy::explicit_write, reason = "the harness would keep what `eprintln` says to itself")]
pub(crate) fn node(test: &str) -> Option<&'static Node> {
    static NODE: OnceLock<Result<Node, String>> = OnceLock::new();
    match NODE.get_or_init(Node::start) {
        Ok(node) => Some(node),
        Err(reason) => {
            // Past the test harness, which shows nothing of a test that does not fail.
            writeln!(std::io::stderr(), "skipped: {test}: {reason}").unwrap();
            None
        }
    }
}

/// Whose the CRDs are: of the one release that installs and deletes them, or of all other tests.
static CRDS: RwLock<()> = RwLock::new(());

impl Node {
    /// Applies the CRDs, which stay as long as the guard is kept.
    pub(crate) fn with_crds(&self) -> RwLockReadGuard<'static, ()> {
        let guard = CRDS.read().unwrap_or_else(PoisonError::into_inner);
        self.apply(&mason::api::crds::crds_yaml());
        guard
    }

    /// Removes the CRDs; nobody else applies them as long as the guard is kept.
    pub(crate) fn without_crds(&self) -> RwLockWriteGuard<'static, ()> {
        let guard = CRDS.write().unwrap_or_else(PoisonError::into_inner);
        self.remove_crds();
        guard
    }

    /// Removes the CRDs, with all that is of their kinds.
    pub(crate) fn remove_crds(&self) {
        let crds =
            ["masonconfigs", "operatordefinitions", "operatorruns", "workflows", "workflowruns"];
        let names = crds.map(|plural| format!("crd/{plural}.mason.dev"));
        let mut delete = vec!["delete", "--ignore-not-found", "--timeout=60s"];
        delete.extend(names.iter().map(String::as_str));
        self.done(&delete);
    }

    fn start() -> Result<Self, String> {
        let root = rustix::process::geteuid().is_root();
        let programs = std::env::var_os("MASON_TEST_NODE").map(PathBuf::from);
        let programs = match programs {
            _ if !root => return Err("a node needs root".to_owned()),
            Some(programs) if programs.join("node/ready").exists() => programs,
            _ => panic!(
                "MASON_TEST_NODE has no programs of a node: run `make test`, or: .ci/setup node && source .ci/environment"
            ),
        };
        let image = std::thread::spawn(image);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        sweep(folder, "node-");
        let state = folder.join(format!("node-{}", std::process::id()));
        let log = state.with_extension("log");
        let started = Started::by("node", &[&programs, &state], &log).map_err(|(code, log)| {
            assert_eq!(code, Some(UNABLE), "the node did not start:\n{log}");
            log.trim().trim_start_matches("node: ").to_owned()
        })?;
        let node = Self { programs, state, started };
        let archive = image.join().expect("the image should be made");
        node.load(&archive);
        node.load(&shell_image(&node.programs));
        Ok(node)
    }

    /// Puts an image's archive into the node.
    pub(crate) fn load(&self, archive: &Path) {
        let imported = Command::new(self.programs.join("node/usr/bin/ctr"))
            .arg("--address")
            .arg(self.state.join("containerd.sock"))
            .args(["--namespace", "k8s.io", "images", "import"])
            .arg(archive)
            .output()
            .unwrap();
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    }

    /// Returns the path of the kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.started.kubeconfig.clone()
    }

    /// Returns the folder with `kubectl` and `helm`.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    fn call(&self, program: &str, args: &[&str], input: &str) -> Called {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", &self.state);
        Called::of(&mut command, input)
    }

    /// Calls `kubectl`.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Called {
        self.call("kubectl", args, "")
    }

    /// Calls `kubectl`, which has to succeed, and returns what it printed.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let called = self.kubectl(args);
        assert!(called.is_success, "kubectl {args:?}: {}", called.err);
        called.out
    }

    /// Calls `helm`, which has to succeed, and returns what it printed.
    pub(crate) fn helm(&self, args: &[&str]) -> String {
        let called = self.call("helm", args, "");
        let pods = || self.kubectl(&["get", "pods,events", "--all-namespaces"]).out;
        assert!(called.is_success, "helm {args:?}: {}{}", called.err, pods());
        called.out
    }

    /// Runs a command as a page shows it, which has to succeed, with more variables.
    pub(crate) fn shell(&self, script: &str, variables: &[(&str, &str)]) {
        let path = format!("{}:/usr/bin:/bin", self.programs.display());
        let mut command = Command::new("bash");
        command.args(["-euc", script]).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear();
        command.envs(variables.iter().copied()).env("PATH", path).env("HOME", &self.state);
        let called = command.env("KUBECONFIG", self.kubeconfig()).output().unwrap();
        let said = String::from_utf8_lossy(&called.stderr);
        assert!(called.status.success(), "{script}: {said}");
    }

    /// Applies a manifest, which has to be accepted.
    pub(crate) fn apply(&self, manifest: &str) {
        let called = self.call("kubectl", &["apply", "--server-side", "-f", "-"], manifest);
        assert!(called.is_success, "{}\n{manifest}", called.err);
    }

    /// Waits until what `kubectl get … -o json` finds is as wanted.
    pub(crate) fn until(&self, args: &[&str], is_wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let found = self.kubectl(&[&["get"], args, &["-o", "json"]].concat());
            let value = serde_json::from_str(&found.out).unwrap_or_default();
            if found.is_success && is_wanted(&value) {
                return value;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{args:?} stays as it is:\n{value:#}\n{}",
                found.err
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Makes Mason's image from this very source, and returns its archive.
fn image() -> PathBuf {
    let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mason-image.tar");
    let made = Command::new(project("deploy/image"))
        .args([IMAGE, archive.to_str().unwrap(), "--features", "test-support"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    archive
}

/// Makes an image with a shell and nothing else, and returns its archive.
fn shell_image(programs: &Path) -> PathBuf {
    let folder = tempfile::tempdir().unwrap();
    let (bin, archive) =
        (folder.path().join("bin"), Path::new(env!("CARGO_TARGET_TMPDIR")).join("shell-image.tar"));
    std::fs::create_dir(&bin).unwrap();
    std::fs::copy(programs.join("node/bin/busybox"), bin.join("busybox")).unwrap();
    for name in ["sh", "cat", "head", "sleep", "tr", "wc"] {
        std::os::unix::fs::symlink("busybox", bin.join(name)).unwrap();
    }
    let made = Command::new(project("deploy/oci-archive"))
        .arg(folder.path())
        .args([SHELL_IMAGE, r#"{"Env":["PATH=/bin"]}"#])
        .arg(&archive)
        .status();
    assert!(made.unwrap().success());
    archive
}

fn project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
