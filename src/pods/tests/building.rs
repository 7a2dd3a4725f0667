//! What pods are made of.

use std::path::Path;

use serde_json::{Value, json};

use super::{container, owner, place, settings, token};
use crate::api::conditions::Reason;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::ContainerAction;
use crate::engines::ErrorKind;
use crate::pods::build::{Child, WorkerNeeds, container_pod, worker_pod};
use crate::pods::settings::read_settings;

fn parameters(value: serde_json::Value) -> Parameters {
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_pod_of_a_container_is_restricted_inert_and_sees_its_storage_only() {
    let action: ContainerAction = serde_json::from_value(json!({
        "image": "python:3.13-slim",
        "command": ["python3", "-c", "print('$(HOME)')"],
        "args": ["--fast"],
        "env": {"LANG": "C"},
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "256Mi"}},
        "serviceAccountName": "robot",
        "runAsUser": 1000,
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "batch", "operator": "Exists"}],
        "storage": "ReadOnly",
    }))
    .unwrap();
    let (owner, token, place) = (owner(), token(), place());
    let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
    let given = parameters(json!({"path": "a.txt", "n": 1}));
    let pod = container_pod(child, &action, &given, &settings()).unwrap();
    insta::assert_yaml_snapshot!(pod);
}

#[test]
fn only_the_user_of_the_local_engine_leaves_results_in_a_storage_that_it_may_write() {
    let (owner, token, place) = (owner(), token(), place());
    let command = |storage: &str, user: Option<i64>| {
        let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
        let mut action = container("x");
        action.storage = serde_json::from_value(json!(storage)).unwrap();
        action.run_as_user = user;
        let pod = container_pod(child, &action, &parameters(json!({})), &settings()).unwrap();
        pod.spec.unwrap().containers.remove(0).command.unwrap_or_default().join(" ")
    };
    let uploads = "--upload /data/team/lake/.mason/uploads";
    assert!(command("ReadWrite", None).contains(uploads));
    assert!(command("ReadWrite", Some(65_532)).contains(uploads));
    assert!(!command("ReadWrite", Some(1_000)).contains("--upload"));
    assert!(!command("ReadOnly", None).contains("--upload"));
    assert!(!command("None", None).contains("--upload"));
}

fn needs() -> WorkerNeeds<'static> {
    WorkerNeeds {
        root: Path::new("/data/team/lake"),
        folder: Path::new("/data/team/lake/.mason/jobs/0a1b2c"),
        memory_bytes: 1 << 30,
        parallelism: 2,
        credentials: None,
    }
}

#[test]
fn the_pod_of_a_worker_has_what_its_job_may_use() {
    let (owner, token, place) = (owner(), token(), place());
    let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
    insta::assert_yaml_snapshot!(worker_pod(child, needs(), &settings()).unwrap());
}

#[test]
fn the_pod_of_a_worker_on_other_files_has_their_secret_as_a_folder() {
    let (owner, token, place) = (owner(), token(), place());
    let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
    let needs = WorkerNeeds { credentials: Some("aws"), ..needs() };
    let pod = serde_json::to_value(worker_pod(child, needs, &settings()).unwrap()).unwrap();
    let main = &pod["spec"]["containers"][0];
    let arguments = main["args"].as_array().unwrap();
    assert_eq!(arguments[4..], [json!("--credentials"), json!("/mason/credentials")]);
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    assert!(volumes.contains(&json!({"name": "credentials", "secret": {"secretName": "aws"}})));
    let mounts = main["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["name"] == "credentials").unwrap();
    assert_eq!(
        (&mount["mountPath"], &mount["readOnly"]),
        (&json!("/mason/credentials"), &json!(true))
    );
}

#[test]
fn what_a_run_says_is_never_image_command_or_environment() {
    let (owner, token, place) = (owner(), token(), place());
    let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
    let given = parameters(json!({"path": "IMAGE-OR-COMMAND", "list": ["IMAGE-OR-COMMAND"]}));
    let pod = container_pod(child, &container("x"), &given, &settings()).unwrap();
    let spec = serde_json::to_string(&pod.spec).unwrap();
    assert!(!spec.contains("IMAGE-OR-COMMAND"), "{spec}");
}

#[test]
fn what_cannot_be_a_pod_is_refused_before_anything_is_created() {
    let (owner, token, mut place) = (owner(), token(), place());
    let refused = |action: serde_json::Value, given: serde_json::Value, place: &_| {
        let child = Child { owner: &owner, token: &token, name: "words-1", place };
        let action = serde_json::from_value(action).unwrap();
        container_pod(child, &action, &parameters(given), &settings()).unwrap_err()
    };
    let plain = json!({"image": "x", "command": ["work"]});
    let large = refused(plain, json!({"text": "x".repeat(300_000)}), &place);
    assert!(large.message.starts_with("the parameters have 300011 bytes"), "{large}");
    let own = json!({"image": "x", "command": ["work"], "env": {"MASON_RESULT": "/etc"}});
    assert_eq!(refused(own, json!({}), &place).kind, ErrorKind::InvalidInput);
    let wants = json!({"image": "x", "command": ["work"], "storage": "ReadWrite"});
    if let Some(storage) = &mut place.storage {
        storage.root = "/elsewhere".into();
    }
    let outside = refused(wants.clone(), json!({}), &place);
    assert_eq!(outside.reason, Some(Reason::RootNotAllowed), "{outside}");
    place.storage = None;
    let none = refused(wants, json!({}), &place);
    assert!(none.message.contains("the config has none"), "{none}");
}

/// What an administrator may give to pods beside their image and roots.
const EVERY_SETTING: &str = r#"image: mason:1
roots: [{path: /data, volume: {persistentVolumeClaim: {claimName: lake}}}]
labels: {sidecar.istio.io/inject: "false"}
annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: "false"}
priorityClassName: batch
runtimeClassName: gvisor
nodeSelector: {disk: fast}
tolerations: [{key: data, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: Exists}]}]}}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
ephemeralStorage: 20Gi
"#;

/// Returns the pod of a container, and that of a worker, as an administrator says.
fn pods_as_an_administrator_says(text: &str) -> [Value; 2] {
    let (owner, token, place, settings) = (owner(), token(), place(), read_settings(text).unwrap());
    let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
    let needs = WorkerNeeds { parallelism: 1, ..needs() };
    let container = container_pod(child, &container("x"), &parameters(json!({})), &settings);
    let worker = worker_pod(child, needs, &settings);
    [container, worker].map(|pod| serde_json::to_value(pod.unwrap()).unwrap())
}

#[test]
fn every_pod_has_what_the_administrator_gives_to_every_pod() {
    for pod in pods_as_an_administrator_says(EVERY_SETTING) {
        let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
        assert_eq!(metadata["labels"]["sidecar.istio.io/inject"], "false");
        assert_eq!(metadata["labels"]["app.kubernetes.io/managed-by"], "mason");
        let annotations = &metadata["annotations"];
        assert_eq!(annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"], "false");
        assert_eq!(annotations["mason.dev/token"], token().0);
        assert_eq!(spec["priorityClassName"], "batch");
        assert_eq!(spec["runtimeClassName"], "gvisor");
    }
}

#[test]
fn only_the_pods_of_the_local_engine_go_where_the_administrator_says() {
    let [container, worker] =
        pods_as_an_administrator_says(EVERY_SETTING).map(|mut pod| pod["spec"].take());
    assert_eq!(worker["nodeSelector"], json!({"disk": "fast"}));
    assert_eq!(worker["tolerations"], json!([{"key": "data", "operator": "Exists"}]));
    let affinity =
        "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0";
    let term = worker["affinity"].pointer(affinity);
    let expression = json!({"matchExpressions": [{"key": "arch", "operator": "Exists"}]});
    assert_eq!(term, Some(&expression));
    let constraint =
        json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"});
    assert_eq!(worker["topologySpreadConstraints"], json!([constraint]));
    let resources = &worker["containers"][0]["resources"];
    for part in ["requests", "limits"] {
        assert_eq!(resources[part]["ephemeral-storage"], "20Gi", "{part}");
        assert_eq!(resources[part]["memory"], "1216Mi", "{part}");
    }
    // A container's own definition says where it goes and what it takes.
    for field in ["nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"] {
        assert_eq!(container[field], json!(null), "{field}");
    }
    assert!(!container.to_string().contains("ephemeral-storage"), "{container:#}");
}
