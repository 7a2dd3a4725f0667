//! An installation for one namespace, by somebody who may do nothing to the whole cluster.

use crate::node::node;
use crate::team::Team;

#[test]
fn a_team_installs_mason_for_itself_without_any_cluster_role() {
    let Some(node) = node("a team's own installation") else { return };
    let _crds = node.with_crds();
    let team = Team::new(node, "own");
    team.install("own", &["--set", "rbac.scope=namespace,crds.install=false,fullnameOverride=own"]);
    team.config();
    team.run(
        "count",
        "table/query",
        "{database_name: sales, query_string: select count(*) as n from orders}",
    );
    let status = team.finished("count");
    assert_eq!(status["result"]["data"][0]["n"], 3, "{status:#}");
    let roles = node.done(&["get", "clusterroles,clusterrolebindings", "-o", "name"]);
    assert!(!roles.contains("/own"), "{roles}");
    let log = team.kubectl(&["logs", "deployment/own"]);
    assert!(!log.contains("orbidden"), "{log}");
    node.helm(&["uninstall", "own", "--namespace", "own", "--wait"]);
}
