//! What pods are made of.

use std::path::Path;

use serde_json::json;

use super::{container, owner, place, settings, token};
use crate::api::conditions::Reason;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::ContainerAction;
use crate::engines::ErrorKind;
use crate::pods::build::{Child, WorkerNeeds, container_pod, worker_pod};

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

#[test]
fn the_pod_of_a_worker_has_what_its_job_may_use() {
    let (owner, token, place) = (owner(), token(), place());
    let child = Child { owner: &owner, token: &token, name: "words-1", place: &place };
    let needs = WorkerNeeds {
        root: Path::new("/data/team/lake"),
        folder: Path::new("/data/team/lake/.mason/jobs/0a1b2c"),
        memory_bytes: 1 << 30,
        parallelism: 2,
    };
    insta::assert_yaml_snapshot!(worker_pod(child, needs, &settings()).unwrap());
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
