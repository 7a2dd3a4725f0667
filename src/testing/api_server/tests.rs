use futures::StreamExt;
use kube::api::{Api, DeleteParams, PostParams, WatchParams};
use kube::core::WatchEvent;
use serde_json::{Value, json};

use super::{ApiFault, ApiServer, Disorder};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;
use crate::store::kubernetes::{KubernetesStore, REPEATS};
use crate::store::{Applied, Store, StoreError};

fn run(name: &str) -> Resource {
    let document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
        "metadata": {"name": name, "namespace": "n"},
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
    });
    Resource::from_document(Kind::OperatorRun, document).expect("should be a run")
}

fn with_status(resource: &Resource, status: &Value) -> Resource {
    let mut document = resource.to_document();
    document["status"] = status.clone();
    Resource::from_document(Kind::OperatorRun, document).expect("should be a run")
}

fn store(server: &ApiServer) -> KubernetesStore {
    KubernetesStore::new(server.client(), "test")
}

fn key(name: &str) -> Key {
    Key { kind: Kind::OperatorRun, namespace: "n".to_owned(), name: name.to_owned() }
}

#[tokio::test]
async fn resources_are_kept_as_by_the_real_one() {
    let server = ApiServer::default();
    let store = store(&server);
    assert_eq!(store.get(&key("a")).await.expect("should read"), None);
    let (created, how) = store.apply(&run("a")).await.expect("should apply");
    assert_eq!(how, Applied::Created);
    let (again, how) = store.apply(&run("a")).await.expect("should apply");
    assert_eq!((how, &again), (Applied::Unchanged, &created));
    let twice = store.create(&run("a")).await.expect_err("should exist");
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
    let listed = store.list(Kind::OperatorRun, None).await.expect("should list");
    assert_eq!(listed.len(), 1);
    assert!(store.delete(&key("a")).await.expect("should delete"));
    assert!(!store.delete(&key("a")).await.expect("should delete"));
}

#[tokio::test]
async fn a_status_is_swapped_only_by_who_has_seen_the_newest_and_obeys_the_rules() {
    let server = ApiServer::default();
    let store = store(&server);
    let created = store.create(&run("a")).await.expect("should create");
    let ended = with_status(&created, &json!({"phase": "Succeeded"}));
    let stored = store.replace_status(&ended).await.expect("should store");
    let late = with_status(&created, &json!({"phase": "Running"}));
    let error = store.replace_status(&late).await.expect_err("should be late");
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    let undone = with_status(&stored, &json!({"phase": "Running"}));
    let error = store.replace_status(&undone).await.expect_err("should be final");
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn faults_strike_before_or_after_the_effect() {
    for (fault, fails, exists) in [
        (ApiFault::Refused(500), true, false),
        (ApiFault::Denied(500), true, true),
        (ApiFault::Lost, true, false),
        (ApiFault::Unanswered, true, true),
        (ApiFault::Refused(503), false, true),
    ] {
        let server = ApiServer::default();
        server.script(fault);
        let created = store(&server).create(&run("a")).await;
        assert_eq!(created.is_err(), fails, "{fault:?}");
        assert_eq!(server.document(&key("a")).is_some(), exists, "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_that_took_place_and_is_sent_again_by_the_client_is_a_conflict() {
    for code in [429, 503, 504] {
        let server = ApiServer::default();
        let store = store(&server);
        let created = store.create(&run("a")).await.expect("should create");
        server.script(ApiFault::Denied(code));
        let ended = with_status(&created, &json!({"phase": "Succeeded"}));
        let error = store.replace_status(&ended).await.expect_err("should be its own rival");
        assert!(matches!(error, StoreError::Conflict { .. }), "{code}: {error}");
        let codes: Vec<_> = server.requests().iter().map(|(_, code)| *code).collect();
        assert_eq!(codes, [201, code, 409], "the client should have sent it twice");
        let document = server.document(&key("a")).expect("should be there");
        assert_eq!(document["status"]["phase"], "Succeeded");
    }
}

#[tokio::test]
async fn an_api_server_that_stays_busy_is_not_asked_for_ever() {
    let server = ApiServer::default();
    for _ in 0..=REPEATS {
        server.script(ApiFault::Refused(503));
    }
    let error = store(&server).get(&key("a")).await.expect_err("should give up");
    assert!(matches!(error, StoreError::ApiServer { .. }), "{error}");
    assert_eq!(server.requests().len(), REPEATS as usize + 1);
}

#[tokio::test]
async fn a_stale_read_shows_what_was() {
    let server = ApiServer::default();
    let store = store(&server);
    let created = store.create(&run("a")).await.expect("should create");
    let ended = with_status(&created, &json!({"phase": "Succeeded"}));
    store.replace_status(&ended).await.expect("should store");
    server.script(ApiFault::Stale(1));
    assert_eq!(store.get(&key("a")).await.expect("should read"), Some(created));
}

#[tokio::test]
async fn a_delete_obeys_its_preconditions() {
    let server = ApiServer::default();
    store(&server).create(&run("a")).await.expect("should create");
    let api: Api<OperatorRun> = Api::namespaced(server.client(), "n");
    let other = kube::api::Preconditions { uid: Some("other".into()), resource_version: None };
    let wanted = DeleteParams { preconditions: Some(other), ..DeleteParams::default() };
    api.delete("a", &wanted).await.expect_err("should be another's");
    api.delete("a", &DeleteParams::default()).await.expect("should delete");
}

#[tokio::test]
async fn other_kinds_are_kept_too() {
    let server = ApiServer::default();
    let api: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(server.client(), "n");
    let map = serde_json::from_value(json!({"metadata": {"generateName": "x-"}})).unwrap();
    let made = api.create(&PostParams::default(), &map).await.expect("should create");
    assert!(made.metadata.name.is_some_and(|name| name.starts_with("x-")));
}

async fn told(disorder: Disorder) -> Vec<String> {
    let server = ApiServer::default();
    server.disorder(disorder);
    for name in ["a", "b", "c", "d"] {
        server.insert(&run(name));
    }
    let api: Api<OperatorRun> = Api::namespaced(server.client(), "n");
    let events = api.watch(&WatchParams::default(), "0").await.expect("should watch");
    let names = events.map(|event| match event {
        Ok(WatchEvent::Added(run)) => run.metadata.name.unwrap_or_default(),
        Ok(WatchEvent::Error(status)) => status.code.to_string(),
        other => panic!("should be another event: {other:?}"),
    });
    let soon = tokio::time::sleep(std::time::Duration::from_millis(100));
    names.take_until(soon).collect().await
}

#[tokio::test]
async fn a_watch_tells_in_order_or_in_the_scripted_disorder() {
    assert_eq!(told(Disorder::default()).await, ["a", "b", "c", "d"]);
    let repeated = Disorder { repeat_every: 2, ..Disorder::default() };
    assert_eq!(told(repeated).await, ["a", "b", "b", "c", "d", "d"]);
    let swapped = Disorder { swap_every: 2, ..Disorder::default() };
    assert_eq!(told(swapped).await, ["a", "c", "b", "d"]);
    let expired = Disorder { expire_every: 3, ..Disorder::default() };
    assert_eq!(told(expired).await, ["a", "b", "410"]);
}
