//! What kustomize makes of Mason's resources with the configuration that comes with the project.

use std::path::Path;

use serde_json::{Value, json};

use crate::chart::objects;
use crate::cluster::cluster;

const KUSTOMIZATION: &str = "namePrefix: prod-
namespace: team
resources: [all.yaml]
configurations: [mason.yaml]
secretGenerator: [{name: key, literals: [token=one]}]
images: [{name: greeter, newTag: '2'}]
";

const RESOURCES: &str = "apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {name: lake}
spec:
  clients:
    - {name: here, local: {root: /data/team, credentials: {secretRef: {name: key}}}}
    - {name: there, local: {root: /data/team/more}}
---
apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: by-city}
spec: {operator: team/greet, configRef: {name: lake}}
---
apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: elsewhere}
spec: {operator: team/greet, configRef: {name: sea, namespace: shared}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
---
apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {name: greet}
spec:
  operator: team/greet
  action: {container: {image: 'greeter:1', serviceAccountName: robot, imagePullSecrets: [key, registry]}}
";

/// Returns what kustomize makes of the resources.
fn built() -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kustomize/mason.yaml");
    std::fs::copy(configuration, folder.path().join("mason.yaml")).unwrap();
    std::fs::write(folder.path().join("kustomization.yaml"), KUSTOMIZATION).unwrap();
    std::fs::write(folder.path().join("all.yaml"), RESOURCES).unwrap();
    objects(&cluster().done(&["kustomize", &folder.path().to_string_lossy()]))
}

#[test]
fn a_prefix_changes_the_names_that_resources_have_for_one_another() {
    let built = built();
    let spec = |kind: &str, name: &str| {
        let is_wanted = |one: &&Value| one["kind"] == kind && one["metadata"]["name"] == name;
        built.iter().find(is_wanted).unwrap_or_else(|| panic!("{name} is not in {built:#?}"))["spec"]
            .clone()
    };
    assert_eq!(spec("OperatorRun", "prod-by-city")["configRef"], json!({"name": "prod-lake"}));
    let elsewhere = json!({"name": "sea", "namespace": "shared"});
    assert_eq!(spec("OperatorRun", "prod-elsewhere")["configRef"], elsewhere);
    let clients = spec("MasonConfig", "prod-lake")["clients"].clone();
    let secret = clients[0]["local"]["credentials"]["secretRef"]["name"].as_str().unwrap();
    assert!(secret.starts_with("prod-key-"), "a generated Secret has a digest: {secret}");
    let definition = spec("OperatorDefinition", "prod-greet");
    assert_eq!(definition["operator"], "team/greet", "runs name the operator");
    let container = &definition["action"]["container"];
    assert_eq!(container["image"], "greeter:2");
    assert_eq!(container["serviceAccountName"], "prod-robot");
    assert_eq!(container["imagePullSecrets"], json!([secret, "registry"]));
}
