//! The controllers as a whole on an API server in memory: watches out of order, requests that fail.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{AdmissionSettings, Settings, run};
use crate::api::resource::{Key, Kind, Resource};
use crate::metrics::Metrics;
use crate::testing::api_server::{ApiFault, ApiServer, Disorder};

const RUNS: usize = 8;
const PATIENCE: Duration = Duration::from_mins(1);

fn key(name: &str) -> Key {
    Key { kind: Kind::OperatorRun, namespace: "n".to_owned(), name: name.to_owned() }
}

fn insert(server: &ApiServer, kind: Kind, name: &str, spec: &Value) {
    let document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": kind.as_str(),
        "metadata": {"name": name, "namespace": "n"}, "spec": spec,
    });
    server.insert(&Resource::from_document(kind, document).expect("should be a resource"));
}

/// Lets controllers work on runs that each make a database, until all have ended; returns the phases.
async fn ended(disorder: Disorder, faults: &[ApiFault]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("should make a folder");
    let allowed = folder.path().canonicalize().expect("should be there");
    let root = allowed.join("n");
    std::fs::create_dir(&root).expect("should make a folder");
    let server = ApiServer::default();
    server.disorder(disorder);
    let engines = json!({"metastore": ["here"], "storage": ["here"], "execution": ["here"]});
    let clients = json!([{"name": "here", "local": {"root": root}}]);
    insert(&server, Kind::MasonConfig, "lake", &json!({"engines": engines, "clients": clients}));
    let settings = Settings {
        namespaces: Vec::new(),
        local_roots: vec![allowed],
        allowed_endpoints: Vec::new(),
        concurrency: 4,
        working_runs: 16,
        warm_workers: 0,
        pods: None,
        admission: AdmissionSettings { patience: Duration::from_mins(10), ..Default::default() },
        probe_interval: Duration::from_mins(1),
        health_address: ([127, 0, 0, 1], 0).into(),
        metrics_address: None,
        kept_runs: None,
        kept_for: None,
        progress_writes: 10,
        stuck_after: Duration::from_mins(10),
        lease: None,
    };
    let metrics = Metrics::new("test");
    let stop = CancellationToken::new();
    let start = |settings| run(settings, server.client(), &metrics, stop.clone());
    let mut controllers =
        std::pin::pin!(futures::future::join(start(settings.clone()), start(settings)));
    let phases = tokio::select! {
        ended = &mut controllers => panic!("the controllers ended: {ended:?}"),
        phases = create_and_wait(&server, faults) => phases,
    };
    stop.cancel();
    let stopped = tokio::time::timeout(PATIENCE, controllers).await;
    assert!(matches!(stopped, Ok((Ok(()), Ok(())))), "the controllers end when they are told to");
    let made = std::fs::read_dir(root.join(".mason/changes")).expect("should be there");
    let made = made.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "json"));
    assert_eq!(made.count(), RUNS, "each run makes its change, and makes it once");
    assert_ends_were_written_once(&server);
    phases
}

async fn create_and_wait(server: &ApiServer, faults: &[ApiFault]) -> Vec<String> {
    for number in 0..RUNS {
        let spec = json!({
            "operator": "database/create", "configRef": {"name": "lake"},
            "parameters": {"database_name": format!("d{number}")},
        });
        insert(server, Kind::OperatorRun, &format!("r{number}"), &spec);
        if let Some(fault) = faults.get(number) {
            server.script(*fault);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    until_all_ended(server).await
}

async fn until_all_ended(server: &ApiServer) -> Vec<String> {
    let began = Instant::now();
    loop {
        let phases = (0..RUNS).map(|number| {
            let run = server.document(&key(&format!("r{number}"))).expect("should be there");
            run["status"]["phase"].as_str().unwrap_or_default().to_owned()
        });
        let phases: Vec<String> = phases.collect();
        if phases.iter().all(|phase| ["Succeeded", "Failed", "Unknown"].contains(&phase.as_str())) {
            return phases;
        }
        assert!(began.elapsed() < PATIENCE, "{phases:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// No status follows the one that made an end; what is still written then is that nothing holds the run.
fn assert_ends_were_written_once(server: &ApiServer) {
    for number in 0..RUNS {
        let ended = server.history(&key(&format!("r{number}"))).into_iter();
        let mut ended: Vec<Value> = ended
            .filter(|document| document["status"]["phase"] == "Succeeded")
            .map(|document| document["status"].clone())
            .collect();
        ended.dedup();
        assert_eq!(ended.len(), 1, "r{number}");
    }
}

#[tokio::test]
async fn two_controllers_make_each_change_once_whatever_their_watches_tell() {
    for disorder in [
        Disorder::default(),
        Disorder { repeat_every: 2, swap_every: 3, expire_every: 0 },
        Disorder { repeat_every: 3, swap_every: 2, expire_every: 11 },
    ] {
        let phases = ended(disorder, &[]).await;
        assert!(phases.iter().all(|phase| phase == "Succeeded"), "{disorder:?}: {phases:?}");
    }
}

#[tokio::test]
async fn two_controllers_make_each_change_once_whatever_requests_are_answered() {
    let disorder = Disorder { repeat_every: 2, swap_every: 3, expire_every: 13 };
    let faults = [
        ApiFault::Denied(500),
        ApiFault::Unanswered,
        ApiFault::Refused(409),
        ApiFault::Denied(504),
        ApiFault::Stale(2),
        ApiFault::Denied(503),
        ApiFault::Lost,
        ApiFault::Refused(429),
    ];
    for turn in 0..faults.len() {
        let mut faults = faults;
        faults.rotate_left(turn);
        let phases = ended(disorder, &faults[..4]).await;
        assert!(phases.iter().all(|phase| phase == "Succeeded"), "{faults:?}: {phases:?}");
    }
}
