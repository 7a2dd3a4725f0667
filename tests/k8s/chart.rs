//! The Helm chart: rendered for several files of values, and accepted by the API server.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::cluster::{Cluster, cluster};

/// Calls `helm`, which stands beside `kubectl`.
fn helm(args: &[&str]) -> Output {
    let project = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(cluster().program("helm")).args(args).current_dir(project).output();
    output.expect("helm should be beside kubectl, or on PATH")
}

/// Returns the chart rendered with more arguments.
pub(crate) fn rendered(args: &[&str]) -> String {
    let command = ["template", "mason", "charts/mason", "--namespace", "mason"];
    let output = helm(&[&command, args].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str]) -> String {
    let output = helm(&[&["template", "mason", "charts/mason"], args].concat());
    assert!(!output.status.success(), "{args:?} should be refused");
    String::from_utf8(output.stderr).unwrap()
}

/// Returns the objects of a manifest.
pub(crate) fn objects(manifest: &str) -> Vec<Value> {
    let documents = manifest.split("\n---\n").filter(|text| text.contains("kind:"));
    documents.map(|text| serde_saphyr::from_str(text).expect(text)).collect()
}

/// The files of values, with which kinds of other people's CRDs they need.
const VALUES: [&str; 2] = ["tests/chart/namespaced.yaml", "tests/chart/everything.yaml"];

#[test]
fn the_chart_has_no_lint() {
    for values in VALUES {
        let output = helm(&["lint", "charts/mason", "--strict", "--values", values]);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}");
    }
}

#[test]
fn the_chart_renders_what_is_shown() {
    // What other programs generate is compared with what they generated.
    let generated =
        "crds.install=false,metrics.dashboard.enabled=false,metrics.prometheusRule.enabled=false";
    let without = ["--set", generated];
    insta::assert_snapshot!("default", rendered(&without));
    for values in VALUES {
        let name = Path::new(values).file_stem().unwrap().to_string_lossy().into_owned();
        let more = ["--values", values];
        insta::assert_snapshot!(name, rendered(&[&without[..], &more].concat()));
    }
}

#[test]
fn wrong_values_are_refused_by_the_schema() {
    for (value, problem) in [
        ("replica=2", "additional properties 'replica' not allowed"),
        ("image.tga=1", "additional properties 'tga' not allowed"),
        ("image.pullPolicy=Sometimes", "one of 'Always', 'IfNotPresent', 'Never'"),
        ("replicas=many", "got string, want integer"),
        ("rbac.scope=Cluster", "one of 'cluster', 'namespace'"),
        ("watchNamespaces={Team}", "does not match pattern"),
        ("controller.probeInterval=soon", "does not match pattern"),
        ("image.digest=sha256:1", "does not match pattern"),
        ("localRoots[0].path=data", "does not match pattern"),
        ("localRoots[0].volumes.emptyDir.x=1", "additional properties 'volumes' not allowed"),
        ("allowedEndpoints={minio:9000}", "does not match pattern"),
        ("terminationGracePeriodSeconds=20", "minimum: got 20, want 21"),
        ("pods.allowedPlacements={Laptop}", "one of 'Pod', 'Controller'"),
    ] {
        let found = refused(&["--set", value]);
        assert!(found.contains(problem), "{value}: {found}");
    }
}

#[test]
fn every_value_has_a_comment_and_a_place_in_the_schema() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(project.join("charts/mason/values.yaml")).unwrap();
    // Kubernetes' own settings are told as a whole.
    let kubernetes = ["strategy:", "resources:", "podSecurityContext:", "securityContext:"];
    let (mut part, mut above) = ("", "");
    for line in text.lines().filter(|line| !line.is_empty()) {
        let inner = line.trim_start();
        if inner == line && !line.starts_with('#') {
            part = line;
        }
        let is_whole = kubernetes.contains(&part) && part != line;
        let holds_values = line.ends_with(':');
        if !inner.starts_with('#') && !is_whole && !holds_values {
            assert!(above.trim_start().starts_with("# "), "values.yaml: `{line}` has no comment");
        }
        above = line;
    }
    let values: Value = serde_saphyr::from_str(&text).unwrap();
    let schema = std::fs::read_to_string(project.join("charts/mason/values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.retain(|name| name != "global");
        names.sort();
        names
    };
    assert_eq!(names(&values), names(&schema["properties"]));
}

#[test]
fn the_crds_of_the_chart_are_those_of_the_project_and_stay() {
    let found = objects(&rendered(&["--show-only", "templates/crds.yaml"]));
    let project = objects(&mason::api::crds::crds_yaml());
    assert_eq!((found.len(), project.len()), (5, 5));
    for crd in &found {
        let name = &crd["metadata"]["name"];
        let same = project.iter().find(|known| known["metadata"]["name"] == *name).unwrap();
        assert_eq!(crd["spec"], same["spec"], "{name}");
        assert_eq!(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep", "{name}");
    }
    let unkept = rendered(&["--show-only", "templates/crds.yaml", "--set", "crds.keep=false"]);
    assert!(!unkept.contains("resource-policy"), "{unkept}");
}

#[test]
fn the_alerts_and_the_dashboard_of_the_chart_are_those_of_the_project() {
    let found =
        objects(&rendered(&["--values", VALUES[1], "--show-only", "templates/monitoring.yaml"]));
    let of = |kind: &str| found.iter().find(|object| object["kind"] == kind).unwrap();
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let rule: Value = serde_saphyr::from_str(&read("prometheus-rule.yaml")).unwrap();
    let mut spec = of("PrometheusRule")["spec"].clone();
    for alert in spec["groups"][0]["rules"].as_array_mut().unwrap() {
        let page = "https://wiki.example.com/mason/monitoring#";
        let name = alert["alert"].as_str().unwrap().to_lowercase();
        let annotations = alert["annotations"].as_object_mut().unwrap();
        assert_eq!(annotations.remove("runbook_url").unwrap(), format!("{page}{name}"));
    }
    assert_eq!(spec, rule["spec"]);
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let text = of("ConfigMap")["data"]["mason.json"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), dashboard);
}

#[test]
fn the_namespaced_installation_has_nothing_of_the_whole_cluster() {
    for args in [["--set", "rbac.scope=namespace,crds.install=false"], ["--values", VALUES[0]]] {
        for object in objects(&rendered(&args)) {
            let kind = object["kind"].as_str().unwrap();
            assert!(!kind.starts_with("Cluster"), "{object:#}");
            assert!(object["metadata"]["namespace"].is_string(), "{object:#}");
        }
    }
}

#[test]
fn without_a_controller_there_is_only_what_belongs_to_the_cluster() {
    for scope in ["cluster", "namespace"] {
        let values = format!("controller.enabled=false,rbac.scope={scope}");
        for object in objects(&rendered(&["--set", &values])) {
            let kind = object["kind"].as_str().unwrap();
            let of_cluster = ["CustomResourceDefinition", "ClusterRole"].contains(&kind);
            assert!(of_cluster || kind.starts_with("ValidatingAdmissionPolicy"), "{object:#}");
        }
    }
}

#[test]
fn nothing_but_get_is_asked_for_on_secrets_and_no_right_is_a_wildcard() {
    for args in [["--set", "rbac.scope=cluster"], ["--set", "rbac.scope=namespace"]] {
        let found = objects(&rendered(&args));
        let roles =
            found.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("Role"));
        for role in roles {
            for rule in role["rules"].as_array().unwrap() {
                let text = rule.to_string();
                assert!(!text.contains('*'), "{text}");
                for never in ["impersonate", "escalate", "bind", "/exec", "roles", "webhook"] {
                    assert!(!text.contains(never), "{text}");
                }
                if text.contains("secrets") {
                    assert_eq!(rule["verbs"], serde_json::json!(["get"]), "{text}");
                }
            }
        }
    }
}

/// Returns the arguments and the environment of the controller's container, rendered with these values.
fn container_of(values: &str) -> (Value, Value) {
    let args = ["--show-only", "templates/deployment.yaml", "--set", values];
    let container =
        objects(&rendered(&args))[0]["spec"]["template"]["spec"]["containers"][0].take();
    (container["args"].clone(), container["env"].clone())
}

#[test]
fn work_in_the_controller_is_bounded_by_its_container_unless_the_values_say_otherwise() {
    let placed = "pods.allowedPlacements={Controller},pods.defaultPlacement=Controller";
    let memory = serde_json::json!({
        "name": "MASON_MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}},
    });
    for (values, is_bounded, is_said) in [
        ("replicas=1".to_owned(), false, false),
        (placed.to_owned(), true, false),
        (format!("{placed},resources.limits.memory=null"), false, false),
        (format!("{placed},limits.workerMemory=8Gi"), true, true),
    ] {
        let (args, env) = container_of(&values);
        assert_eq!(env.as_array().unwrap().contains(&memory), is_bounded, "{values}: {env:#}");
        assert_eq!(args.to_string().contains("--worker-memory=8Gi"), is_said, "{values}: {args:#}");
        assert_eq!(args.to_string().contains("--worker-memory"), is_said, "{values}: {args:#}");
    }
}

/// Returns the rules of the roles that the controller works with.
fn rules_of(values: &str) -> Vec<Value> {
    let found = objects(&rendered(&["--show-only", "templates/rbac.yaml", "--set", values]));
    let roles = found.into_iter().filter(|one| one["kind"].as_str().unwrap().ends_with("Role"));
    roles.flat_map(|mut role| role["rules"].as_array_mut().map(std::mem::take).unwrap()).collect()
}

#[test]
fn without_secrets_that_right_is_left_out_and_no_other() {
    for scope in ["cluster", "namespace"] {
        let mut all = rules_of(&format!("rbac.scope={scope}"));
        let without = rules_of(&format!("rbac.scope={scope},rbac.secrets=false"));
        let secrets =
            serde_json::json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]});
        let before = all.len();
        all.retain(|rule| *rule != secrets);
        assert_eq!((all.len(), &all), (before - 1, &without), "{scope}");
        assert!(!serde_json::to_string(&without).unwrap().contains("secrets"), "{scope}");
    }
}

#[test]
fn every_object_is_accepted_by_the_api_server() {
    let cluster = cluster();
    for name in ["mason", "team-a", "team-b"] {
        cluster.done(&["create", "namespace", name]);
    }
    prometheus_operator(cluster);
    let everything = VALUES.map(|values| rendered(&["--values", values]));
    let deploy = ["deploy/mason.yaml", "deploy/mason-namespaced.yaml"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::read_to_string(path).unwrap()
    });
    for manifest in [rendered(&[])].into_iter().chain(everything).chain(deploy) {
        let args = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
        let called = cluster.kubectl(&args, &manifest);
        assert!(called.is_success, "{}", called.err);
        let accepted = called.out.lines().filter(|line| line.contains("(server dry run)")).count();
        assert_eq!(accepted, objects(&manifest).len(), "{}{}", called.out, called.err);
    }
}

#[test]
fn no_plain_manifest_is_stale() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let program = cluster().program("helm");
    let script =
        Command::new(project.join("deploy/generate")).arg(program).arg(folder.path()).status();
    assert!(script.unwrap().success());
    for name in ["mason.yaml", "mason-namespaced.yaml"] {
        let [kept, made] = [project.join("deploy").join(name), folder.path().join(name)]
            .map(|path| std::fs::read_to_string(path).unwrap_or_default());
        assert!(kept == made, "deploy/{name} is stale: run `make generate`");
    }
}

/// Installs CRDs of the names that the Prometheus operator has; what they hold does not matter here.
fn prometheus_operator(cluster: &Cluster) {
    for (plural, kind) in
        [("servicemonitors", "ServiceMonitor"), ("prometheusrules", "PrometheusRule")]
    {
        let singular = kind.to_lowercase();
        cluster.apply(&format!(
            "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.monitoring.coreos.com}}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {{plural: {plural}, singular: {singular}, kind: {kind}, listKind: {kind}List}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
        ));
        let crd = format!("crd/{plural}.monitoring.coreos.com");
        cluster.done(&["wait", "--for=condition=Established", "--timeout=30s", &crd]);
    }
}
