//! From an older version: its objects stay, and a run that it left half done ends, once.
//!
//! `frozen/` has the CRDs and a status of the older version as they were; they are never changed.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::team::{Team, condition, config, query};

const OLD_CRDS: [&str; 3] = [
    include_str!("frozen/v0.1.0-masonconfigs.yaml"),
    include_str!("frozen/v0.1.0-operatordefinitions.yaml"),
    include_str!("frozen/v0.1.0-operatorruns.yaml"),
];
const HALF_DONE: &str = include_str!("frozen/v0.1.0-status.json");

#[test]
fn objects_and_a_half_done_run_of_an_older_version_are_taken_over() {
    let cluster: &'static Cluster =
        Box::leak(Box::new(Cluster::with_crds(&OLD_CRDS.join("---\n"))));
    let team = Team::on(cluster, "upgraded");
    team.apply(&config("lake", &team.root().to_string_lossy()));
    team.apply(&query(
        "half-done",
        "select count(*) as n from orders",
        ", output_table: half_done, mode: append",
    ));
    team.apply(&query("ended", "select 1 as n", ""));
    leave_half_done(&team, "half-done");
    let ended =
        r#"{"status": {"phase": "Succeeded", "result": {"kind": "Object", "data": {"n": 1}}}}"#;
    patch_status(&team, "ended", ended);

    cluster.install(&mason::api::crds::crds_yaml());
    let _controller = team.controller();
    let status = team.finished("half-done");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    assert_eq!(status["attempts"].as_array().unwrap().len(), 1, "{status:#}");
    assert_eq!(team.generations("half_done"), 1);
    team.until("mcfg/lake", |config| {
        condition(config, "Ready").is_some_and(|ready| ready["status"] == "True")
    });
    let ended = team.get("oprun/ended");
    assert_eq!(ended["status"]["result"]["data"], serde_json::json!({"n": 1}));
}

/// Writes what the older version recorded before it was stopped: an attempt that is decided on.
fn leave_half_done(team: &Team, name: &str) {
    let run = team.get(&format!("oprun/{name}"));
    let uid = run["metadata"]["uid"].as_str().unwrap();
    let root = team.root().canonicalize().unwrap();
    let status = HALF_DONE
        .replace("NAMESPACE", team.name)
        .replace("ROOT", &root.to_string_lossy())
        .replace("TOKEN", &mason::plan::attempt_token(uid, 1));
    let status: Value = serde_json::from_str(&status).unwrap();
    patch_status(team, name, &serde_json::json!({"status": status}).to_string());
}

fn patch_status(team: &Team, name: &str, patch: &str) {
    team.kubectl(&["patch", "oprun", name, "--subresource=status", "--type=merge", "-p", patch]);
}
