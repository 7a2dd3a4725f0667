//! A namespace with data on a volume that the controller has as well.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::node::{IMAGE, Node};

/// The user that Mason's containers run as.
const USER: u32 = 65_532;

/// A namespace, and the folder that stands at `/data` of the controller.
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) node: &'static Node,
    folder: tempfile::TempDir,
}

impl Team {
    /// Makes a namespace with one small table `sales.orders`. The name is used once.
    pub(crate) fn new(node: &'static Node, name: &'static str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let team = Self { name, node, folder };
        node.done(&["create", "namespace", name]);
        let sales = team.folder().join(name).join("sales");
        std::fs::create_dir_all(&sales).unwrap();
        std::fs::write(sales.join("orders.csv"), "city,amount\nWien,1.50\nGraz,2.25\nWien,3.00\n")
            .unwrap();
        give(team.folder());
        team
    }

    /// Returns the folder that stands at `/data`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the namespace's part of it.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder().join(self.name)
    }

    /// Installs the chart as a release of this name, in a namespace of that name.
    pub(crate) fn install(&self, release: &str, more: &[&str]) {
        self.install_as(release, &[&["--create-namespace"], more].concat());
    }

    /// Installs the chart as a release of this name, in the namespace of that name, which is there.
    pub(crate) fn install_as(&self, release: &str, more: &[&str]) {
        let values = self.values().join(",");
        let args = ["upgrade", "--install", release, "charts/mason", "--namespace", release];
        let wait = ["--wait", "--timeout", "90s", "--set", &values];
        self.node.helm(&[&args[..], &wait, more].concat());
    }

    /// Returns the values of the image that the node has, and of the folder at `/data`.
    pub(crate) fn values(&self) -> [String; 5] {
        let (repository, tag) = IMAGE.rsplit_once(':').unwrap();
        [
            format!("image.repository={repository}"),
            format!("image.tag={tag}"),
            "image.pullPolicy=Never".to_owned(),
            "localRoots[0].path=/data".to_owned(),
            format!("localRoots[0].volume.hostPath.path={}", self.folder().display()),
        ]
    }

    /// Applies resources to the namespace.
    pub(crate) fn apply(&self, manifest: &str) {
        let placed = format!("metadata: {{namespace: {}, ", self.name);
        self.node.apply(&manifest.replace("metadata: {", &placed));
    }

    /// Applies the config `lake` for the namespace's folder.
    pub(crate) fn config(&self) {
        self.apply(&format!(
            "apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {{name: lake}}
spec:
  engines: {{metastore: [here], storage: [here], execution: [here]}}
  clients: [{{name: here, local: {{root: /data/{}, parallelism: 1, memoryLimit: 256Mi}}}}]
  allowedActions: [builtin, container]
  results: {{location: 'here:results'}}
",
            self.name
        ));
    }

    /// Applies a run on it.
    pub(crate) fn run(&self, name: &str, operator: &str, parameters: &str) {
        self.apply(&format!(
            "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {{name: {name}}}
spec: {{operator: {operator}, configRef: {{name: lake}}, parameters: {parameters}}}
"
        ));
    }

    /// Calls `kubectl` in the namespace, which has to succeed.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.node.done(&[&["--namespace", self.name], args].concat())
    }

    /// Waits until a run is as wanted.
    pub(crate) fn until(&self, run: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        self.node.until(&["--namespace", self.name, "operatorrun", run], is_wanted)
    }

    /// Waits until a run has ended and returns its status.
    pub(crate) fn finished(&self, run: &str) -> Value {
        let has_ended = |run: &Value| {
            let conditions = run["status"]["conditions"].as_array();
            conditions.is_some_and(|conditions| {
                conditions.iter().any(|one| one["type"] == "Finished" && one["status"] == "True")
            })
        };
        self.until(run, has_ended)["status"].clone()
    }
}

/// Gives a folder and all in it to the user of Mason's containers.
pub(crate) fn give(path: &Path) {
    chown(path, Some(USER), Some(USER)).unwrap();
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        give(&entry.path());
    }
}
