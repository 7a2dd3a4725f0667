//! The sessions that the docs show.

use std::path::Path;

use crate::shown::run_shown;
use crate::team::Team;

#[test]
fn the_documented_session_prints_what_is_shown() {
    assert_shown("team", "docs/kubernetes.md", 5);
}

#[test]
fn the_session_of_the_readme_prints_what_is_shown() {
    assert_shown("readme", "README.md", 3);
}

fn assert_shown(namespace: &'static str, document: &str, least: usize) {
    let team = Team::new(namespace);
    let _controller = team.controller();
    let kubeconfig = team.allowed().join("kubeconfig");
    std::fs::copy(team.cluster.kubeconfig(), &kubeconfig).unwrap();
    let kubeconfig = kubeconfig.to_str().unwrap();
    let current = format!("--namespace={namespace}");
    let context = ["config", "set-context", "--current", &current, "--kubeconfig", kubeconfig];
    team.cluster.done(&context);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("/data/team", team.root().to_str().unwrap());
    let programs = team.cluster.programs();
    let variables = [("KUBECONFIG", kubeconfig), ("MORE_PATH", programs.to_str().unwrap())];
    let (commands, findings) = run_shown(&text, "```console cluster", &variables);
    assert!(commands >= least, "{document} should show commands, found {commands}");
    assert!(findings.is_empty(), "\n{}", findings.join("\n\n"));
}
