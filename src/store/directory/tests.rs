use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::api::v1alpha1::Phase;

fn store(folder: &TempDir) -> DirectoryStore {
    let ticks = AtomicI64::new(1_000);
    let clock = move || {
        let second = ticks.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_second(second).expect("should be a time")
    };
    DirectoryStore::with_clock(folder.path().join("store"), clock)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("should make a folder")
}

fn run(name: &str, parameters: &serde_json::Value) -> Resource {
    let document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
        "metadata": {"name": name},
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}, "parameters": parameters},
    });
    Resource::from_document(Kind::OperatorRun, document).expect("should be a run")
}

fn config(name: &str, root: &str) -> Resource {
    let document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
        "metadata": {"name": name, "labels": {"team": "a"}},
        "spec": {
            "engines": {"storage": ["here"]},
            "clients": [{"name": "here", "local": {"root": root}}],
        },
    });
    Resource::from_document(Kind::MasonConfig, document).expect("should be a config")
}

fn with_phase(resource: &Resource, phase: Phase) -> Resource {
    let mut resource = resource.clone();
    if let Resource::OperatorRun(run) = &mut resource {
        run.status.get_or_insert_default().phase = phase;
    }
    resource
}

#[tokio::test]
async fn what_is_applied_can_be_read_by_another_process() {
    let folder = folder();
    let (created, what) = store(&folder).apply(&config("lake", "/a")).await.expect("should apply");
    assert_eq!(what, Applied::Created);
    let metadata = created.metadata();
    assert_eq!(metadata.generation, Some(1));
    assert_eq!(metadata.namespace.as_deref(), Some("default"));
    assert!(metadata.uid.is_some() && metadata.creation_timestamp.is_some());
    let other = store(&folder);
    assert_eq!(other.get(&created.key()).await.expect("should read"), Some(created.clone()));
    let listed = other.list(Kind::MasonConfig, None).await.expect("should list");
    assert_eq!(listed.len(), 1);
    assert!(other.list(Kind::OperatorRun, None).await.expect("should list").is_empty());
    let text = std::fs::read_to_string(other.root().join("default/masonconfigs/lake.json"));
    assert!(text.expect("should read").contains("\n  \"kind\": \"MasonConfig\""));
}

#[tokio::test]
async fn an_apply_changes_spec_and_labels_and_counts_generations() {
    let folder = folder();
    let store = store(&folder);
    let (first, _) = store.apply(&config("lake", "/a")).await.expect("should apply");
    let (same, what) = store.apply(&config("lake", "/a")).await.expect("should apply");
    assert_eq!((&same, what), (&first, Applied::Unchanged));
    let mut labelled = config("lake", "/a");
    labelled.metadata_mut().labels = None;
    let (second, what) = store.apply(&labelled).await.expect("should apply");
    assert_eq!((second.metadata().labels.clone(), what), (None, Applied::Configured));
    assert_eq!(second.metadata().generation, Some(1), "labels are no spec");
    let (third, _) = store.apply(&config("lake", "/b")).await.expect("should apply");
    assert_eq!(third.metadata().generation, Some(2));
    assert_eq!(third.metadata().uid, first.metadata().uid);
    let version = |resource: &Resource| -> u64 {
        let version = resource.metadata().resource_version.as_deref().unwrap_or_default();
        version.parse().expect("should be a number")
    };
    assert!(version(&first) < version(&second) && version(&second) < version(&third));
}

#[tokio::test]
async fn a_run_is_frozen_once_stored() {
    let folder = folder();
    let store = store(&folder);
    store.apply(&run("r", &json!({"a": 1}))).await.expect("should apply");
    let refused = store.apply(&run("r", &json!({"a": 2}))).await;
    let Err(StoreError::Refused { what, problems }) = refused else { panic!("{refused:?}") };
    assert_eq!(what, "OperatorRun default/r");
    assert!(problems[0].starts_with("spec: a run is frozen once created"), "{problems:?}");
    let mut cancelled = run("r", &json!({"a": 1}));
    if let Resource::OperatorRun(run) = &mut cancelled {
        run.spec.cancel = true;
    }
    assert_eq!(store.apply(&cancelled).await.expect("should apply").1, Applied::Configured);
    assert!(store.apply(&run("r", &json!({"a": 1}))).await.is_err(), "cancel stays");
}

#[tokio::test]
async fn a_status_is_replaced_only_by_who_saw_the_newest() {
    let folder = folder();
    let store = store(&folder);
    let created = store.create(&run("r", &json!({}))).await.expect("should create");
    let running = store.replace_status(&with_phase(&created, Phase::Running)).await;
    let running = running.expect("should replace");
    let stale = store.replace_status(&with_phase(&created, Phase::Failed)).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
    let blind = store.replace_status(&with_phase(&run("r", &json!({})), Phase::Failed)).await;
    assert!(matches!(blind, Err(StoreError::Conflict { .. })), "{blind:?}");
    let done = store.replace_status(&with_phase(&running, Phase::Succeeded)).await;
    let done = done.expect("should replace");
    let undone = store.replace_status(&with_phase(&done, Phase::Running)).await;
    let Err(StoreError::Refused { problems, .. }) = undone else { panic!("{undone:?}") };
    assert_eq!(problems, ["status: a terminal phase is final"]);
    assert_eq!(done.metadata().generation, Some(1));
    assert_eq!(store.get(&done.key()).await.expect("should read"), Some(done));
}

#[tokio::test]
async fn an_apply_leaves_the_status_alone_and_a_status_the_spec() {
    let folder = folder();
    let store = store(&folder);
    let given = with_phase(&run("r", &json!({})), Phase::Succeeded);
    let (created, _) = store.apply(&given).await.expect("should apply");
    let Resource::OperatorRun(inner) = &created else { panic!("should be a run") };
    assert_eq!(inner.status, None, "a given status is ignored");
    let running = store.replace_status(&with_phase(&created, Phase::Running)).await;
    running.expect("should replace");
    let (applied, what) = store.apply(&run("r", &json!({}))).await.expect("should apply");
    assert_eq!(what, Applied::Unchanged);
    let Resource::OperatorRun(inner) = &applied else { panic!("should be a run") };
    assert_eq!(inner.status.as_ref().map(|status| status.phase), Some(Phase::Running));
}

#[tokio::test]
async fn a_name_is_created_once_and_drawn_where_only_its_beginning_is_given() {
    let folder = folder();
    let store = store(&folder);
    store.create(&run("r", &json!({}))).await.expect("should create");
    let again = store.create(&run("r", &json!({}))).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let mut nameless = run("r", &json!({}));
    nameless.metadata_mut().name = None;
    assert!(matches!(store.create(&nameless).await, Err(StoreError::Refused { .. })));
    nameless.metadata_mut().generate_name = Some("query-".to_owned());
    let first = store.create(&nameless).await.expect("should create").key().name;
    let second = store.create(&nameless).await.expect("should create").key().name;
    assert!(first.starts_with("query-") && second.starts_with("query-") && first != second);
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    let folder = folder();
    let store = store(&folder);
    let long = "a".repeat(251);
    for name in ["..", "../x", "a/b", "/etc/passwd", "A", "a\0b", "", ".hidden", "a..b", &long] {
        let key = Key { kind: Kind::OperatorRun, namespace: "default".into(), name: name.into() };
        assert!(matches!(store.get(&key).await, Err(StoreError::Refused { .. })), "{name:?}");
        assert!(matches!(store.delete(&key).await, Err(StoreError::Refused { .. })), "{name:?}");
        let refused = store.apply(&run(name, &json!({}))).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{name:?}: {refused:?}");
    }
    for namespace in ["..", "a/b", "A", ".new"] {
        let mut run = run("r", &json!({}));
        run.metadata_mut().namespace = Some(namespace.to_owned());
        assert!(
            matches!(store.apply(&run).await, Err(StoreError::Refused { .. })),
            "{namespace:?}"
        );
        let listed = store.list(Kind::OperatorRun, Some(namespace)).await;
        assert!(matches!(listed, Err(StoreError::Refused { .. })), "{namespace:?}");
    }
    store.apply(&run(&long[..250], &json!({}))).await.expect("should apply the longest name");
    let outside: Vec<_> = std::fs::read_dir(folder.path()).expect("should list").collect();
    assert_eq!(outside.len(), 1, "nothing outside the store");
}

#[tokio::test]
async fn one_that_cannot_be_read_does_not_hide_the_others() {
    let folder = folder();
    let store = store(&folder);
    for name in ["a", "b", "c", "d"] {
        store.create(&run(name, &json!({}))).await.expect("should create");
    }
    let runs = store.root().join("default/operatorruns");
    std::fs::write(runs.join("b.json"), "{\"apiVersion\": ").expect("should write");
    std::fs::copy(runs.join("a.json"), runs.join("c.json")).expect("should copy");
    std::fs::write(runs.join("notes.txt"), "mine").expect("should write");
    let listed = store.list(Kind::OperatorRun, None).await.expect("should list");
    let shown: Vec<String> = listed
        .iter()
        .map(|read| match read {
            Ok(resource) => resource.key().name,
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert_eq!((shown[0].as_str(), shown[3].as_str()), ("a", "d"));
    assert!(shown[1].contains("b.json is not readable"), "{shown:?}");
    assert!(
        shown[2].contains("c.json is not readable: it holds OperatorRun default/a"),
        "{shown:?}"
    );
    let key = Key { kind: Kind::OperatorRun, namespace: "default".into(), name: "b".into() };
    assert!(matches!(store.get(&key).await, Err(StoreError::Unreadable { .. })));
    assert!(matches!(store.apply(&run("b", &json!({}))).await, Err(StoreError::Unreadable { .. })));
    assert!(store.delete(&key).await.expect("should delete"), "a broken file can be removed");
    assert!(!store.delete(&key).await.expect("should look"), "it is gone");
}

#[tokio::test]
async fn a_file_left_over_from_a_killed_process_is_ignored_and_swept() {
    let folder = folder();
    let store = store(&folder);
    store.create(&run("a", &json!({}))).await.expect("should create");
    let leftover = store.root().join(".new/half-written");
    std::fs::write(&leftover, "{\"apiVersion\": \"mason").expect("should write");
    assert_eq!(store.list(Kind::OperatorRun, None).await.expect("should list").len(), 1);
    assert!(leftover.exists(), "reading changes nothing");
    store.create(&run("b", &json!({}))).await.expect("should create");
    assert!(!leftover.exists(), "writing sweeps");
    let new = std::fs::read_dir(store.root().join(".new")).expect("should list").count();
    assert_eq!(new, 0, "and leaves nothing over itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_write_at_once_each_version_has_one_winner() {
    let folder = folder();
    let created = store(&folder).create(&run("r", &json!({}))).await.expect("should create");
    let root = store(&folder).root().to_owned();
    let writers = (0..8).map(|_| {
        // Each writer opens the store anew, as another process would.
        let (store, created) = (DirectoryStore::new(&root), created.clone());
        tokio::spawn(async move {
            store.replace_status(&with_phase(&created, Phase::Running)).await.is_ok()
        })
    });
    let won = futures::future::join_all(writers).await;
    let won = won.into_iter().filter(|won| *won.as_ref().expect("should end")).count();
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_create_at_once_one_succeeds_and_nothing_is_torn() {
    let folder = folder();
    let root = folder.path().join("store");
    let writers = (0..16).map(|number| {
        let store = DirectoryStore::new(&root);
        tokio::spawn(async move {
            let mine = run(&format!("r{}", number % 4), &json!({"text": "x".repeat(10_000)}));
            let created = store.create(&mine).await.is_ok();
            let listed = store.list(Kind::OperatorRun, None).await.expect("should list");
            (created, listed.iter().all(Result::is_ok))
        })
    });
    let done: Vec<(bool, bool)> = futures::future::join_all(writers)
        .await
        .into_iter()
        .map(|done| done.expect("should end"))
        .collect();
    assert_eq!(done.iter().filter(|(created, _)| *created).count(), 4);
    assert!(done.iter().all(|(_, readable)| *readable));
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_so() {
    let folder = folder();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "not a folder").expect("should write");
    let store = DirectoryStore::new(&blocked);
    assert!(store.list(Kind::OperatorRun, None).await.expect("should list").is_empty());
    let refused = store.create(&run("r", &json!({}))).await;
    let Err(StoreError::Io { path, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(path, blocked.display().to_string());
}
