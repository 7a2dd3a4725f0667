//! One controller for all namespaces: a config is open to those whose labels say so. It has a control plane
//! of its own, because it works on whatever is there.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::team::{Team, config, query};

const SELECTOR: &str =
    "  allowedNamespaces: {from: Selector, selector: {matchLabels: {lake: open}}}\n";

#[test]
fn a_config_is_open_to_namespaces_by_their_labels_as_they_are_now() {
    let crds = mason::api::crds::crds_yaml();
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::with_crds(&crds)));
    let (owner, team) = (Team::on(cluster, "lakes"), Team::on(cluster, "guests"));
    owner.apply(&(config("lake", &owner.root().to_string_lossy()) + SELECTOR));
    let _controller = owner.controller_of_all(cluster.kubeconfig(), &[], &[]);
    let run = |name: &str| {
        let run = query(name, "select count(*) as n from orders", "");
        team.apply(&run.replace("{name: lake}", "{name: lake, namespace: lakes}"));
    };
    run("early");
    let waits = |run: &Value| run["status"]["columns"]["reason"] == "ConfigNotShared";
    assert_eq!(team.until("oprun/early", waits)["status"]["phase"], "Pending");
    cluster.done(&["label", "namespace", "guests", "lake=closed"]);
    run("wrong");
    team.until("oprun/wrong", waits);
    cluster.done(&["label", "namespace", "guests", "lake=open", "--overwrite"]);
    run("right");
    for name in ["early", "wrong", "right"] {
        let status = team.finished(name);
        assert_eq!(status["phase"], "Succeeded", "{name}: {status:#}");
        assert_eq!(status["result"]["data"], json!([{"n": 3}]), "it reads the owner's table");
    }
    cluster.done(&["label", "namespace", "guests", "lake-"]);
    run("late");
    team.until("oprun/late", waits);
}
