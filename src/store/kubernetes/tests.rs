use kube::core::{DynamicObject, Status};
use serde_json::{Value, json};

use super::answer::{failed, readable};
use super::objects::{api_resource, wanted};
use crate::api::resource::{Kind, Resource};
use crate::store::StoreError;

fn run() -> Value {
    json!({
        "apiVersion": "mason.dev/v1alpha1",
        "kind": "OperatorRun",
        "metadata": {
            "name": "x", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"team": "a"},
            "managedFields": [{"manager": "kubectl", "operation": "Update"}],
        },
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
        "status": {"phase": "Running"},
    })
}

fn status(value: Value) -> kube::Error {
    let status: Status = serde_json::from_value(value).expect("should be a status");
    kube::Error::Api(Box::new(status))
}

#[test]
fn what_is_wanted_has_neither_status_nor_what_the_api_server_sets() {
    let resource = Resource::from_document(Kind::OperatorRun, run()).expect("should be a run");
    let wanted = wanted(&resource);
    assert_eq!(wanted["metadata"], json!({"labels": {"team": "a"}, "name": "x", "namespace": "n"}));
    assert_eq!(wanted.get("status"), None);
    assert_eq!(wanted["spec"]["operator"], "table/query");
}

#[test]
fn a_kind_is_addressed_by_its_plural() {
    let resource = api_resource(Kind::OperatorRun);
    assert_eq!((resource.group.as_str(), resource.version.as_str()), ("mason.dev", "v1alpha1"));
    assert_eq!(resource.plural, "operatorruns");
}

#[test]
fn an_object_is_read_without_who_owns_its_fields() {
    let object: DynamicObject = serde_json::from_value(run()).expect("should be an object");
    let resource = readable(Kind::OperatorRun, object).expect("should be a run");
    assert_eq!(resource.metadata().managed_fields, None);
    assert_eq!(resource.metadata().uid.as_deref(), Some("u"));
}

#[test]
fn an_object_that_cannot_be_read_says_which_it_is() {
    let mut document = run();
    document["spec"]["timeout"] = json!("soon");
    let object: DynamicObject = serde_json::from_value(document).expect("should be an object");
    let error = readable(Kind::OperatorRun, object).expect_err("should be unreadable");
    let text = error.to_string();
    assert!(text.starts_with("OperatorRun n/x is not readable: "), "{text}");
    assert!(text.contains("soon"), "{text}");
}

#[test]
fn a_refusal_names_every_cause() {
    let error = status(json!({
        "code": 422, "message": "is invalid",
        "details": {"causes": [
            {"reason": "FieldValueInvalid", "message": "is frozen", "field": "spec"},
            {"reason": "FieldValueInvalid", "message": "must be text", "field": "spec.timeout"},
        ]},
    }));
    let StoreError::Refused { what, problems } = failed("apply", "OperatorRun n/x", error) else {
        panic!("should be refused");
    };
    assert_eq!(what, "OperatorRun n/x");
    assert_eq!(problems, ["spec: is frozen", "spec.timeout: must be text"]);
}

#[test]
fn a_refusal_without_causes_keeps_its_message() {
    let error = status(json!({"code": 422, "message": "name is required"}));
    let refused = failed("create", "OperatorRun n/", error);
    assert!(
        matches!(refused, StoreError::Refused { problems, .. } if problems == ["name is required"])
    );
}

#[test]
fn only_409_is_a_conflict_and_every_other_failure_is_the_servers() {
    let conflict = failed("x", "y", status(json!({"code": 409, "message": "changed"})));
    assert!(matches!(conflict, StoreError::Conflict { .. }));
    for code in [400, 401, 403, 404, 410, 429, 500, 503] {
        let failure = failed("read", "y", status(json!({"code": code, "message": "no"})));
        assert!(matches!(failure, StoreError::ApiServer { .. }), "{code}");
    }
}
