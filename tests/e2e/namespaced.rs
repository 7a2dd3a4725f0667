//! An installation for one namespace, by an account that administers that namespace and nothing else.

use std::path::Path;

use crate::node::node;
use crate::team::Team;

/// Returns the two commands of the page: what an administrator of the cluster installs, and what one of the namespace
/// does, as release and namespace `own`. The page's names are those of another test's installation.
fn documented() -> [String; 2] {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let section = text.split("## Install for some namespaces only").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let commands: Vec<&str> =
        section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [cluster, team] = commands[..] else { panic!("should be two commands: {section}") };
    let named = |command: &str, (text, by): (&str, &str)| {
        assert!(command.contains(text), "{text} is not in {command}");
        command.replace(text, by)
    };
    let team = named(team, ("helm install mason charts/mason", "helm install own charts/mason"));
    [
        named(cluster, ("--namespace mason ", "--namespace for-teams ")),
        named(&team, ("--namespace team --values values.yaml", "--namespace own $MORE --wait")),
    ]
}

#[test]
fn an_administrator_of_a_namespace_installs_mason_for_it_as_the_docs_say() {
    let Some(node) = node("a team's own installation") else { return };
    let _crds = node.without_crds();
    let [of_the_cluster, of_the_team] = documented();
    node.shell(&of_the_cluster, &[]);
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
    let more = format!("--set {},fullnameOverride=own", team.values().join(","));
    node.shell(&of_the_team, &[("HELM_KUBEASUSER", "own-admin"), ("MORE", &more)]);
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
    node.helm(&["uninstall", "mason-teams", "--namespace", "for-teams", "--wait"]);
    node.remove_crds();
}
