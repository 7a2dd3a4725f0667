//! What a running kube-state-metrics tells of Mason's objects with the configuration that is shipped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::team::{PATIENCE, Team, query};

/// The configuration, as `make generate` writes it.
const CONFIG: &str = "deploy/monitoring/kube-state-metrics.yaml";

/// A kube-state-metrics that watches one namespace; it ends with this value.
struct StateMetrics {
    child: Child,
    log: std::path::PathBuf,
    address: String,
}

impl StateMetrics {
    /// Starts one that has the rights of a kubeconfig.
    fn start(team: &Team, kubeconfig: &Path) -> Self {
        let log = team.allowed().join("state-metrics.log");
        let (port, telemetry) = (free_port(), free_port());
        let child = Command::new(team.cluster.program("kube-state-metrics"))
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["--custom-resource-state-only", "--custom-resource-state-config-file"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(CONFIG))
            .args(["--namespaces", team.name, "--host", "127.0.0.1", "--telemetry-host"])
            .args(["127.0.0.1", "--port", &port.to_string()])
            .args(["--telemetry-port", &telemetry.to_string()])
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .expect("kube-state-metrics should be beside kubectl, or on PATH");
        Self { child, log, address: format!("127.0.0.1:{port}") }
    }

    /// Returns its series, each with its value; nothing while it does not answer.
    fn series(&self) -> Vec<(String, f64)> {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return Vec::new() };
        let asked = write!(stream, "GET /metrics HTTP/1.0\r\nHost: it\r\n\r\n");
        let mut answer = String::new();
        if asked.is_err() || stream.read_to_string(&mut answer).is_err() {
            return Vec::new();
        }
        let lines = answer.lines().filter(|line| line.starts_with("mason_"));
        let read = lines.map(|line| line.rsplit_once(' ').unwrap());
        read.map(|(series, value)| (series.to_owned(), value.parse().expect(value))).collect()
    }

    /// Waits until it tells everything that was asked for, each with its value.
    fn until_it_tells(&self, wanted: &[(&str, &[&str], f64)]) -> Vec<(String, f64)> {
        let began = Instant::now();
        loop {
            let all = self.series();
            let is_told = |(metric, labels, value): &&(&str, &[&str], f64)| {
                all.iter().any(|(series, told)| {
                    series.starts_with(&format!("{metric}{{"))
                        && labels.iter().all(|label| series.contains(label))
                        && told.total_cmp(value).is_eq()
                })
            };
            let Some(missing) = wanted.iter().find(|one| !is_told(one)) else { return all };
            let log = || std::fs::read_to_string(&self.log).unwrap();
            assert!(began.elapsed() < PATIENCE, "{missing:?} is not in {all:#?}\n{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for StateMetrics {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns a port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes an account with the rights that docs/monitoring.md names, and returns its kubeconfig.
fn account(team: &Team) -> std::path::PathBuf {
    team.cluster.apply(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: state-metrics}
rules:
  - {apiGroups: [mason.dev], resources: [\"*\"], verbs: [list, watch]}
  - {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [list, watch]}
",
    );
    team.kubectl(&["create", "serviceaccount", "state-metrics"]);
    let account = format!("--serviceaccount={}:state-metrics", team.name);
    let role = "--clusterrole=state-metrics";
    team.cluster.done(&["create", "clusterrolebinding", "state-metrics", role, &account]);
    team.account("state-metrics").kubeconfig
}

#[test]
fn every_metric_of_the_shipped_configuration_is_told_of_real_objects() {
    let team = Team::with_config("state-metrics");
    let _controller = team.controller();
    team.apply(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {name: mine}
spec: {operator: my/query, description: mine, action: {builtin: {name: table.query}}}
",
    );
    team.apply(&query("good", "select count(*) as n from orders", ""));
    team.apply(&query("wrong", "select nothing from orders", ""));
    team.apply(&query("waits", "select 1", "").replace("spec:", "spec:\n  suspend: true"));
    team.finished("good");
    team.finished("wrong");
    team.until("oprun/waits", |run| run["status"]["phase"] == "Suspended");

    let metrics = StateMetrics::start(&team, &account(&team));
    let (good, wrong) = ("name=\"good\"", "name=\"wrong\"");
    let lake = "name=\"lake\"";
    let succeeded = "type=\"Succeeded\"";
    let all = metrics.until_it_tells(&[
        (
            "mason_operatorrun_info",
            &[good, "operator=\"table/query\"", "config=\"lake\"", "reason=\"Completed\""],
            1.0,
        ),
        ("mason_operatorrun_phase", &[good, "phase=\"Succeeded\""], 1.0),
        ("mason_operatorrun_phase", &[good, "phase=\"Failed\""], 0.0),
        ("mason_operatorrun_phase", &[wrong, "phase=\"Failed\""], 1.0),
        ("mason_operatorrun_phase", &["name=\"waits\"", "phase=\"Suspended\""], 1.0),
        ("mason_operatorrun_condition", &[good, succeeded, "reason=\"Completed\""], 1.0),
        ("mason_operatorrun_condition", &[wrong, succeeded], 0.0),
        ("mason_masonconfig_info", &[lake, "metastore=\"here\"", "execution=\"here\""], 1.0),
        ("mason_masonconfig_condition", &[lake, "type=\"Ready\""], 1.0),
        ("mason_operatordefinition_info", &["operator=\"my/query\"", "digest=\"sha256:"], 1.0),
        ("mason_operatordefinition_condition", &["name=\"mine\"", "type=\"Ready\""], 1.0),
    ]);
    for metric in configured() {
        let of_metric = |series: &str| series.starts_with(&format!("{metric}{{"));
        let told: Vec<_> = all.iter().filter(|(series, _)| of_metric(series)).collect();
        assert!(!told.is_empty(), "{metric} is told of nothing: {all:#?}");
        let namespace = format!("exported_namespace=\"{}\"", team.name);
        for (series, value) in told {
            assert!(series.contains(&namespace) && series.contains("uid=\""), "{series}");
            let is_time =
                ["_created", "_started", "_finished"].iter().any(|of| metric.ends_with(of));
            assert!(!is_time || *value > 1.7e9, "{series} is {value}");
        }
    }
    let log = std::fs::read_to_string(&metrics.log).unwrap();
    let bad = log.lines().find(|line| line.starts_with('E') || line.contains("orbidden"));
    assert_eq!(bad, None, "{log}");
}

/// Returns the names of the metrics in the shipped configuration.
fn configured() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(CONFIG);
    let config: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let resources = config["spec"]["resources"].as_array().unwrap();
    let metrics = resources.iter().flat_map(|of_kind| of_kind["metrics"].as_array().unwrap());
    metrics.map(|metric| format!("mason_{}", metric["name"].as_str().unwrap())).collect()
}
