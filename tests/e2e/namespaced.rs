//! An installation for one namespace, by an account that administers that namespace and nothing else.

use crate::node::node;
use crate::team::Team;

/// What an administrator of the cluster installs for teams: roles of the cluster, without a controller.
const OF_THE_CLUSTER: &str = "controller.enabled=false,rbac.delegate=true,crds.install=false,library.install=false,uninstall.release=false,fullnameOverride=mason-teams";

#[test]
fn an_administrator_of_a_namespace_installs_mason_for_it() {
    let Some(node) = node("a team's own installation") else { return };
    let _crds = node.with_crds();
    node.helm(&[
        "install",
        "mason-teams",
        "charts/mason",
        "--namespace",
        "default",
        "--set",
        OF_THE_CLUSTER,
    ]);
    let team = Team::new(node, "own");
    team.kubectl(&["create", "rolebinding", "admin", "--clusterrole=admin", "--user=own-admin"]);
    let may = |verb: &str, what: &str| {
        let asked = ["auth", "can-i", verb, what, "--as=own-admin", "--namespace=own"];
        node.kubectl(&asked).is_success
    };
    assert!(!may("create", "customresourcedefinitions") && !may("create", "clusterroles"));
    let status = ["auth", "can-i", "patch", "operatorruns.mason.dev", "--subresource=status"];
    let as_admin = ["--as=own-admin", "--namespace=own"];
    let may_write_status = node.kubectl(&[&status[..], &as_admin].concat()).is_success;
    assert!(!may_write_status, "a status is the controller's");
    assert!(may("bind", "clusterroles.rbac.authorization.k8s.io/mason-teams"));
    assert!(!may("bind", "clusterroles.rbac.authorization.k8s.io/cluster-admin"));
    let values = "rbac.scope=namespace,rbac.controllerRole=mason-teams,crds.install=false,fullnameOverride=own";
    team.install_as("own", &["--kube-as-user", "own-admin", "--set", values]);
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
    let as_admin = ["--namespace", "own", "--wait", "--kube-as-user", "own-admin"];
    node.helm(&[&["uninstall", "own"][..], &as_admin].concat());
    let leases = team.kubectl(&["get", "leases", "-o", "name"]);
    assert!(!leases.contains("/own"), "the next installation would wait for this Lease: {leases}");
    node.helm(&["uninstall", "mason-teams", "--namespace", "default", "--wait"]);
}
