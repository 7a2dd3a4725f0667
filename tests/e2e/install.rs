//! The installation that the docs show.

use std::path::Path;

use crate::node::{IMAGE, node};
use crate::shown::run_shown;
use crate::team::{Team, give};

#[test]
fn the_documented_installation_prints_what_is_shown() {
    let Some(node) = node("the documented installation") else { return };
    let _crds = node.without_crds();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let team = Team::new(node, "team");
    volume(&team);
    let kubeconfig = team.folder().join("kubeconfig");
    std::fs::copy(node.kubeconfig(), &kubeconfig).unwrap();
    give(team.folder());
    let kubeconfig = kubeconfig.to_str().unwrap();
    // The node has the image under this name and no registry to ask.
    let text = text.replace("registry.example.com/mason:0.1.0", IMAGE);
    let text = text.replace(
        "registry: registry.example.com",
        "registry: localhost, tag: test, pullPolicy: Never",
    );
    let programs = node.programs().to_str().unwrap();
    let variables = [("KUBECONFIG", kubeconfig), ("MORE_PATH", programs)];
    let (commands, findings) = run_shown(&text, "```console node", &variables);
    assert!(commands > 5, "docs/install.md should show commands, found {commands}");
    assert!(findings.is_empty(), "\n{}", findings.join("\n\n"));
}

/// Makes the volume that the docs take for granted, and its claim in each of the two namespaces.
fn volume(team: &Team) {
    team.node.done(&["create", "namespace", "mason"]);
    let path = team.folder().display();
    for namespace in ["mason", team.name] {
        team.node.apply(&format!(
            "apiVersion: v1
kind: PersistentVolume
metadata: {{name: data-{namespace}}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteMany]
  storageClassName: ''
  persistentVolumeReclaimPolicy: Retain
  hostPath: {{path: {path}}}
  claimRef: {{namespace: {namespace}, name: data}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {namespace}}}
spec:
  accessModes: [ReadWriteMany]
  storageClassName: ''
  volumeName: data-{namespace}
  resources: {{requests: {{storage: 1Gi}}}}
"
        ));
    }
}
