//! The store of resources, against the real API server.

use mason::api::resource::{Key, Kind, Resource};
use mason::store::kubernetes::KubernetesStore;
use mason::store::{Applied, Store, StoreError};
use serde_json::{Value, json};

use crate::team::Team;

async fn store_of(team: &Team) -> KubernetesStore {
    KubernetesStore::new(team.cluster.connect().await, "mason-test")
}

fn run(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
    })
}

fn read(document: Value) -> Resource {
    Resource::from_document(Kind::OperatorRun, document).unwrap()
}

fn key(team: &Team, name: &str) -> Key {
    let (namespace, name) = (team.name.to_owned(), name.to_owned());
    Key { kind: Kind::OperatorRun, namespace, name }
}

fn with_phase(resource: &Resource, phase: &str) -> Resource {
    let mut document = resource.to_document();
    document["status"] = json!({"phase": phase});
    read(document)
}

#[tokio::test]
async fn an_apply_says_what_it_did_and_a_second_create_conflicts() {
    let team = Team::new("store-apply");
    let store = store_of(&team).await;
    let (_, applied) = store.apply(&read(run(team.name, "x"))).await.unwrap();
    assert_eq!(applied, Applied::Created);
    let (_, applied) = store.apply(&read(run(team.name, "x"))).await.unwrap();
    assert_eq!(applied, Applied::Unchanged);
    let mut changed = run(team.name, "x");
    changed["spec"]["suspend"] = json!(true);
    let (stored, applied) = store.apply(&read(changed)).await.unwrap();
    assert_eq!(applied, Applied::Configured);
    assert_eq!(stored.metadata().generation, Some(2));
    let again = store.create(&read(run(team.name, "x"))).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let mut drawn = run(team.name, "");
    drawn["metadata"] = json!({"generateName": "drawn-", "namespace": team.name});
    let drawn = store.create(&read(drawn)).await.unwrap();
    assert!(drawn.key().name.starts_with("drawn-"), "{}", drawn.key());
}

#[tokio::test]
async fn a_status_is_stored_only_by_who_saw_the_newest() {
    let team = Team::new("store-status");
    let store = store_of(&team).await;
    let created = store.create(&read(run(team.name, "x"))).await.unwrap();
    let stored = store.replace_status(&with_phase(&created, "Running")).await.unwrap();
    assert_eq!(stored.to_document()["status"]["phase"], "Running");
    let late = store.replace_status(&with_phase(&created, "Failed")).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let done = store.replace_status(&with_phase(&stored, "Succeeded")).await.unwrap();
    let refused = store.replace_status(&with_phase(&done, "Running")).await;
    let Err(StoreError::Refused { problems, .. }) = refused else { panic!("{refused:?}") };
    assert!(problems.iter().any(|one| one.contains("a terminal phase is final")), "{problems:?}");
    assert!(store.delete(&key(&team, "x")).await.unwrap());
    assert!(!store.delete(&key(&team, "x")).await.unwrap());
    // Another run of the same name is not the one that the status was decided for.
    store.create(&read(run(team.name, "x"))).await.unwrap();
    let stale = store.replace_status(&with_phase(&done, "Succeeded")).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
    let mut unversioned = with_phase(&done, "Succeeded");
    unversioned.metadata_mut().resource_version = None;
    let unversioned = store.replace_status(&unversioned).await;
    assert!(matches!(unversioned, Err(StoreError::Conflict { .. })), "{unversioned:?}");
}

#[tokio::test]
async fn a_refusal_names_every_cause() {
    let team = Team::new("store-refusal");
    let store = store_of(&team).await;
    store.create(&read(run(team.name, "x"))).await.unwrap();
    let mut changed = run(team.name, "x");
    changed["spec"]["dryRun"] = json!(true);
    changed["spec"]["retry"] = json!({"limit": 11});
    let refused = store.apply(&read(changed)).await;
    let Err(StoreError::Refused { problems, .. }) = refused else { panic!("{refused:?}") };
    let all = problems.join("\n");
    assert!(all.contains("spec.retry.limit"), "{all}");
}

#[tokio::test]
async fn lists_go_on_over_pages() {
    let team = Team::new("store-list");
    let store = store_of(&team).await;
    let names: Vec<String> = (0..1_050).map(|number| format!("r{number:04}")).collect();
    let manifest: Vec<String> = names.iter().map(|name| run(team.name, name).to_string()).collect();
    let created = team.cluster.kubectl(&["create", "-f", "-"], &manifest.join("\n---\n"));
    assert!(created.is_success, "{}", created.err);
    let listed = store.list(Kind::OperatorRun, Some(team.name)).await.unwrap();
    let found: Vec<String> = listed.into_iter().map(|entry| entry.unwrap().key().name).collect();
    assert_eq!(found, names);
    assert!(store.get(&key(&team, "r0000")).await.unwrap().is_some());
    assert!(store.get(&key(&team, "r9999")).await.unwrap().is_none());
    let everywhere = store.list(Kind::OperatorRun, None).await.unwrap();
    assert!(everywhere.len() >= names.len());
}

#[tokio::test]
async fn a_failure_of_the_api_server_is_told_in_its_words() {
    let team = Team::new("store-failure");
    let store = store_of(&team).await;
    let failed = store.create(&read(run("no-such-namespace", "x"))).await.unwrap_err();
    assert!(matches!(failed, StoreError::ApiServer { .. }), "{failed:?}");
    let text = format!("{:#}", anyhow::Error::from(failed));
    assert!(text.contains("create OperatorRun no-such-namespace/x"), "{text}");
    assert!(text.contains("namespaces \"no-such-namespace\" not found"), "{text}");
}
