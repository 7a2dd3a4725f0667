//! The session that the docs show.

use std::path::Path;

use crate::shown::run_shown;
use crate::team::Team;

#[test]
fn the_documented_session_prints_what_is_shown() {
    let team = Team::new("team");
    let _controller = team.controller();
    let kubeconfig = team.allowed().join("kubeconfig");
    std::fs::copy(team.cluster.kubeconfig(), &kubeconfig).unwrap();
    let kubeconfig = kubeconfig.to_str().unwrap();
    let context =
        ["config", "set-context", "--current", "--namespace=team", "--kubeconfig", kubeconfig];
    team.cluster.done(&context);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/kubernetes.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let text = text.replace("/data/team", team.root().to_str().unwrap());
    let programs = team.cluster.programs();
    let variables = [("KUBECONFIG", kubeconfig), ("MORE_PATH", programs.to_str().unwrap())];
    let (commands, findings) = run_shown(&text, "```console cluster", &variables);
    assert!(commands > 5, "docs/kubernetes.md should show commands, found {commands}");
    assert!(findings.is_empty(), "\n{}", findings.join("\n\n"));
}
