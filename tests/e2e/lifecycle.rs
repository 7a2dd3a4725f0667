//! What becomes of runs when their controller is told to stop, and when Mason is uninstalled.

use std::process::Command;
use std::time::Instant;

use crate::node::{PATIENCE, node};
use crate::team::Team;

#[test]
fn told_to_stop_a_controller_ends_in_time_and_the_next_one_ends_its_runs() {
    let Some(node) = node("the end of a controller") else { return };
    let team = Team::new(node, "drained");
    let _crds = node.with_crds();
    team.install("drained", &["--set", "crds.install=false,watchNamespaces={drained}"]);
    team.config();
    // Long enough to be at work when its controller goes.
    team.run("fake", "table/fake", "{schema: {id: bigint, first_name: varchar}, rows: 300000, output_database: sales, output_table: made}");
    team.until("fake", |run| !run["status"]["attempts"][0].is_null());
    let began = Instant::now();
    let gone = team.kubectl(&["delete", "pod", "--selector=app.kubernetes.io/instance=drained"]);
    assert!(began.elapsed().as_secs() < 30, "killed after its grace period: {gone}");
    let status = team.finished("fake");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    let generations = std::fs::read_dir(team.root().join("sales/made/_mason")).unwrap().flatten();
    let manifests =
        generations.filter(|entry| entry.path().extension().is_some_and(|end| end == "json"));
    assert_eq!(manifests.count(), 1, "the run had its effect once");
    // Held as a run is while something of it is outside.
    let held = r#"{"metadata": {"finalizers": ["mason.dev/external-work", "example.com/other"]}}"#;
    team.run("held", "table/list", "{database_name: sales}");
    team.finished("held");
    node.done(&["scale", "deployment/drained-mason", "--namespace=drained", "--replicas=0"]);
    team.kubectl(&["patch", "operatorrun/held", "--type=merge", "--patch", held]);
    node.helm(&["uninstall", "drained", "--namespace", "drained", "--wait", "--timeout=90s"]);
    let left = team.kubectl(&["get", "operatorrun/held", "-o", "jsonpath={.metadata.finalizers}"]);
    assert_eq!(left, r#"["example.com/other"]"#);
    team.kubectl(&[
        "patch",
        "operatorrun/held",
        "--type=merge",
        "--patch",
        r#"{"metadata": {"finalizers": []}}"#,
    ]);
    let roles = node.done(&["get", "clusterroles,clusterrolebindings", "-o", "name"]);
    assert!(!roles.contains("drained-mason"), "{roles}");

    let kept = team.kubectl(&["get", "operatorrun,masonconfig", "-o", "name"]);
    assert_eq!(kept.lines().count(), 3, "{kept}");
    assert!(team.root().join("sales/orders.csv").exists());
    // No controller is needed to be rid of the rest.
    team.run("waiting", "table/list", "{database_name: sales}");
    node.done(&["delete", "namespace", "drained", "--timeout=60s"]);
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn the_bridge_of_a_node_has_an_address_of_its_own() {
    let Some(_node) = node("the address of the bridge") else { return };
    let shown = Command::new("ip").args(["-oneline", "link", "show", "type", "bridge"]).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    // Without one, the bridge takes that of a pod's port, and pods send to one that is gone once the pod is.
    assert!(shown.contains("link/ether 02:4d:"), "{shown}");
}
