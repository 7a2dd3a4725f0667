//! A namespace with data, a config and controllers of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{Cluster, cluster};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A query that works for far longer than any test waits.
pub(crate) const LONG: &str = "select count(*) as n from generate_series(1, 1000000) a cross join generate_series(1, 10000000) b where a.value + b.value = 7";

/// A namespace, and the folder that its configs may use.
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) cluster: &'static Cluster,
    folder: tempfile::TempDir,
}

impl Team {
    /// Makes a namespace with one small table `sales.orders`. The name is used once.
    pub(crate) fn new(name: &'static str) -> Self {
        Self::on(cluster(), name)
    }

    /// Makes such a namespace on a cluster of its own.
    pub(crate) fn on(cluster: &'static Cluster, name: &'static str) -> Self {
        let team = Self { name, cluster, folder: tempfile::tempdir().unwrap() };
        team.cluster.done(&["create", "namespace", name]);
        std::fs::create_dir_all(team.root().join("sales")).unwrap();
        let orders = "city,amount\nWien,1.50\nGraz,2.25\nWien,3.00\n";
        std::fs::write(team.root().join("sales/orders.csv"), orders).unwrap();
        team
    }

    /// Makes a namespace with a table and the config `lake` for it.
    pub(crate) fn with_config(name: &'static str) -> Self {
        let team = Self::new(name);
        team.apply(&config("lake", &team.root().to_string_lossy()));
        team
    }

    /// Returns the folder that the administrator allows.
    pub(crate) fn allowed(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("data")
    }

    /// Returns the namespace's part of it.
    pub(crate) fn root(&self) -> PathBuf {
        // Before the folder exists it cannot be canonical.
        let folder = self.folder.path().canonicalize().unwrap();
        folder.join("data").join(self.name)
    }

    /// Starts a controller for the namespace and waits until it is ready.
    pub(crate) fn controller(&self) -> Controller {
        self.controller_with(&[])
    }

    /// Starts a controller with more arguments.
    pub(crate) fn controller_with(&self, arguments: &[&str]) -> Controller {
        self.controller_in(self.cluster.kubeconfig(), arguments, &[])
    }

    /// Starts a controller that has the rights of a kubeconfig.
    pub(crate) fn controller_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Controller {
        self.controller_in(kubeconfig, arguments, &[])
    }

    /// Starts a controller with the rights of a kubeconfig, more arguments, and variables of its
    /// environment.
    pub(crate) fn controller_in(
        &self,
        kubeconfig: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Controller {
        let arguments = [&["--watch-namespace", self.name], arguments].concat();
        self.controller_of_all(kubeconfig, &arguments, variables)
    }

    /// Starts a controller for all namespaces, as the one before.
    pub(crate) fn controller_of_all(
        &self,
        kubeconfig: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Controller {
        let log =
            self.folder.path().join(format!("controller-{}.log", uuid::Uuid::new_v4().simple()));
        let child = Command::new(env!("CARGO_BIN_EXE_mason"))
            .args(["controller", "--probe-interval", "2s", "--health-address", "127.0.0.1:0"])
            .arg("--local-root")
            .arg(self.allowed())
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env_remove("MASON_LOG")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut controller = Controller { child, log };
        controller.wait_until_ready();
        controller
    }

    /// Returns what a service account of the namespace needs to be known by.
    pub(crate) fn account(&self, name: &str) -> Account {
        let token = self.kubectl(&["create", "token", name]).trim().to_owned();
        let view = ["config", "view", "--minify", "--flatten", "-o", "json"];
        let mut document: Value = serde_json::from_str(&self.cluster.done(&view)).unwrap();
        document["users"][0]["user"] = json!({"token": token});
        let kubeconfig = self.folder.path().join(format!("account-{name}"));
        std::fs::write(&kubeconfig, document.to_string()).unwrap();
        Account { token, kubeconfig }
    }

    /// Applies resources to the namespace.
    pub(crate) fn apply(&self, manifest: &str) {
        self.cluster.apply(&self.placed(manifest));
    }

    /// Applies resources as a client does without server-side apply, and returns what `kubectl` says.
    pub(crate) fn applied(&self, manifest: &str) -> String {
        let called = self.cluster.kubectl(&["apply", "-f", "-"], &self.placed(manifest));
        assert!(called.is_success, "{}\n{manifest}", called.err);
        called.out
    }

    /// Applies resources that have to be refused, and returns why.
    pub(crate) fn refused(&self, manifest: &str) -> String {
        self.cluster.refused(&self.placed(manifest))
    }

    fn placed(&self, manifest: &str) -> String {
        manifest.replace("metadata: {", &format!("metadata: {{namespace: {}, ", self.name))
    }

    /// Calls `kubectl` in the namespace, which has to succeed.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.cluster.done(&[&["--namespace", self.name], args].concat())
    }

    /// Returns a resource.
    pub(crate) fn get(&self, resource: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", resource, "-o", "json"])).unwrap()
    }

    /// Returns whether a resource is there.
    pub(crate) fn exists(&self, resource: &str) -> bool {
        self.cluster.kubectl(&["--namespace", self.name, "get", resource], "").is_success
    }

    /// Waits until a resource is there and as wanted.
    pub(crate) fn until(&self, resource: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let found = self.kubectl(&["get", resource, "-o", "json", "--ignore-not-found"]);
            let found: Value = serde_json::from_str(&found).unwrap_or_default();
            if is_wanted(&found) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{resource} stays as it is:\n{found:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until a run has ended and returns its status.
    pub(crate) fn finished(&self, run: &str) -> Value {
        let run = self.until(&format!("oprun/{run}"), |run| {
            condition(run, "Finished").is_some_and(|condition| condition["status"] == "True")
        });
        run["status"].clone()
    }

    /// Returns how many generations a table of database `sales` has.
    pub(crate) fn generations(&self, table: &str) -> usize {
        let folder = self.root().join("sales").join(table).join("_mason");
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|ext| ext == "json")).count()
    }
}

/// A service account: a token, and a kubeconfig with that and nothing else.
pub(crate) struct Account {
    pub(crate) token: String,
    pub(crate) kubeconfig: PathBuf,
}

/// A controller as a process of its own; killed when it is dropped.
pub(crate) struct Controller {
    child: Child,
    log: PathBuf,
}

impl Controller {
    /// Returns what it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Returns the id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns what the system tells of the process.
    ///
    /// # Source
    /// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
    pub(crate) fn system_status(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap()
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and returns what it has logged to its end.
    pub(crate) fn follow_to_the_end(self) -> String {
        let log = self.log.clone();
        let ended = self.terminate();
        let text = std::fs::read_to_string(log).unwrap();
        assert!(ended, "{text}");
        text
    }

    /// Asks it to stop, and returns whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        self.signal(rustix::process::Signal::TERM);
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Returns the value of a metric with its labels, as `/metrics` tells it.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let text = self.ask("/metrics")?;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value?.parse().ok()
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        while !self.ask("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200 ")) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the controller ended: {}", self.log());
            assert!(began.elapsed() < PATIENCE, "the controller is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks for health; nothing while it is not served.
    pub(crate) fn ask(&self, path: &str) -> Option<String> {
        let log = self.log();
        let address = match log.split_once("\"health\":\"") {
            Some((_, json)) => json.split('"').next()?.to_owned(),
            None => log.split_once("health=")?.1.split_whitespace().next()?.to_owned(),
        };
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns a condition of a resource.
pub(crate) fn condition<'a>(resource: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = resource["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Returns a config with one `local` client.
pub(crate) fn config(name: &str, root: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {{name: {name}}}
spec:
  engines: {{metastore: [here], storage: [here], execution: [here]}}
  clients: [{{name: here, local: {{root: {root}, parallelism: 1}}}}]
"
    )
}

/// Returns a run of `table/query` on config `lake`.
pub(crate) fn query(name: &str, sql: &str, more: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {{name: {name}}}
spec:
  operator: table/query
  configRef: {{name: lake}}
  parameters: {{database_name: sales, query_string: \"{sql}\"{more}}}
"
    )
}
