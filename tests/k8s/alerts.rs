//! The alerts, evaluated by Prometheus' own tool over series of Mason and of other programs.

use std::process::Command;

use crate::cluster::cluster;

/// Calls `promtool` in `tests/k8s`, where the paths in its files begin.
fn promtool(arguments: &[&str]) -> String {
    let output = Command::new(cluster().program("promtool"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/k8s"))
        .output()
        .expect("promtool should be beside kubectl, or on PATH (Debian: prometheus)");
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{arguments:?}: {}", printed.join("\n"));
    printed.join("\n")
}

#[test]
fn alerts_are_rules_that_prometheus_reads() {
    let printed = promtool(&["check", "rules", "../../charts/mason/files/monitoring/alerts.yaml"]);
    assert!(printed.contains("17 rules found"), "{printed}");
}

#[test]
fn alerts_speak_of_mason_alone() {
    promtool(&["test", "rules", "alerts_test.yaml"]);
}
