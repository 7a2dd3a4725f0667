//! The README's session on Kubernetes, on a real node with Mason as a pod.

use std::path::Path;

use crate::node::node;
use crate::shown::run_shown;
use crate::team::Team;

#[test]
fn the_session_of_the_readme_prints_what_is_shown() {
    let Some(node) = node("the README's session") else { return };
    let _crds = node.with_crds();
    let team = Team::new(node, "readme");
    team.install("readme", &["--set", "crds.install=false,watchNamespaces={readme}"]);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::copy(node.kubeconfig(), &kubeconfig).unwrap();
    let kubeconfig = kubeconfig.to_str().unwrap();
    node.done(&[
        "config",
        "set-context",
        "--current",
        "--namespace=readme",
        "--kubeconfig",
        kubeconfig,
    ]);
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(readme).unwrap().replace("/data/team", "/data/readme");
    let programs = node.programs().to_str().unwrap();
    let variables = [("KUBECONFIG", kubeconfig), ("MORE_PATH", programs)];
    let (commands, findings) = run_shown(&text, "```console cluster", &variables);
    assert!(commands > 3, "the README should show commands, found {commands}");
    assert!(findings.is_empty(), "\n{}", findings.join("\n\n"));
    node.helm(&["uninstall", "readme", "--namespace", "readme", "--wait"]);
}
