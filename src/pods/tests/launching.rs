//! What is done with pods: created once, released if they are still the same, stopped, cleared away.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt as _, PutPayload};
use serde_json::{Value, json};

use super::server::{Fault, Shared};
use super::{execution, execution_with, owner, recorded, request, spec, token};
use crate::engines::execution::{Execution as _, Fence};
use crate::engines::job::{JobId, JobOwner, JobRequest, JobState};
use crate::engines::{ErrorKind, Lookup, Retry};
use crate::pods::{pod_name, upload};
use crate::testing::conformance::execution as conformance;

fn name() -> String {
    pod_name("words", &token())
}

fn change(server: &Shared, change: impl FnOnce(&mut Value)) {
    server.lock().unwrap().change(&name(), change);
}

fn fault(server: &Shared, method: &str, fault: Fault) {
    server.lock().unwrap().faults.insert(method.to_owned(), fault);
}

fn pod(server: &Shared) -> Option<Value> {
    server.lock().unwrap().pods.get(&name()).cloned()
}

fn calls(server: &Shared, method: &str) -> usize {
    server.lock().unwrap().calls.iter().filter(|call| *call == method).count()
}

#[tokio::test]
async fn pods_keep_the_rules_of_every_execution() {
    let server = Shared::default();
    server.lock().unwrap().has_node = true;
    let why = "a pod leaves nothing behind that would refuse another: nobody releases what is not \
               recorded, and it is swept";
    let fixture = conformance::Fixture {
        quick: spec("quick"),
        failing: Some(spec("failing")),
        endless: Some(spec("endless")),
        leaves_out: Box::leak(Box::new([
            ("a fenced token is never used again", why),
            ("a token is fenced before it is created", why),
            ("jobs are listed, the newest first", "pods are not listed: it would take more rights"),
        ])),
        patience: Duration::from_secs(10),
    };
    let report = conformance::run(&execution(&server), &fixture).await;
    assert!(report.is_passed() && report.skipped.len() == 3, "{report}");
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_and_adopted() {
    let (server, runs) = (Shared::default(), spec("quick"));
    let pods = execution(&server);
    for code in [500, 503, 504] {
        fault(&server, "POST", Fault::After(code));
        let lost = pods.create(&runs, &request()).await.unwrap_err();
        assert_eq!(lost.retry, Retry::EffectUnknown, "{code}");
        let found = pods.find(&recorded(None)).await.unwrap().found().unwrap();
        assert_eq!((found.state, &found.owner), (JobState::Inert, &owner()));
        let adopted = pods.create(&runs, &request()).await.unwrap();
        assert_eq!(adopted, found.id, "{code}");
        server.lock().unwrap().pods.clear();
    }
    fault(&server, "POST", Fault::Before(500));
    assert!(pods.create(&runs, &request()).await.is_err());
    assert_eq!(pods.find(&recorded(None)).await.unwrap(), Lookup::Nothing);
}

#[tokio::test]
async fn a_pod_is_adopted_only_if_owner_and_token_are_the_same() {
    let (server, runs) = (Shared::default(), spec("quick"));
    let pods = execution(&server);
    let id = pods.create(&runs, &request()).await.unwrap();
    let other = JobOwner { run_uid: "uid-2".to_owned(), ..owner() };
    let refused = pods.create(&runs, &JobRequest { owner: other, ..request() }).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    change(&server, |pod| pod["metadata"]["annotations"]["mason.dev/token"] = json!("another"));
    let refused = pods.create(&runs, &request()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let found = pods.find(&recorded(None)).await.unwrap().found().unwrap();
    assert_eq!((found.owner.attempt, found.error.unwrap().kind), (0, ErrorKind::Conflict));
    // What is not the attempt's is neither stopped nor cleared away.
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::Down);
    pods.sweep(&[request(), recorded(Some(id))]).await.unwrap();
    assert_eq!((calls(&server, "DELETE"), calls(&server, "PATCH")), (0, 0));
}

#[tokio::test]
async fn a_pod_of_the_same_token_that_runs_something_else_is_never_adopted() {
    let (server, runs) = (Shared::default(), spec("quick"));
    let pods = execution(&server);
    let forge = |pod: &mut Value| pod["spec"]["containers"][0]["image"] = json!("forged:1");
    let forged = pods.create(&runs, &request()).await.unwrap();
    change(&server, forge);
    let replaced = pods.create(&runs, &request()).await.unwrap_err();
    assert!(replaced.message.contains("`spec.containers.main.image`"), "{replaced}");
    assert_eq!((calls(&server, "DELETE"), pod(&server)), (1, None));
    assert_ne!(pods.create(&runs, &request()).await.unwrap(), forged);
    assert_eq!(pods.find(&request()).await.unwrap(), pods.find(&recorded(None)).await.unwrap());
    change(&server, forge);
    assert_eq!(pods.find(&request()).await.unwrap(), Lookup::Nothing, "it is made anew");
    // One that runs already was never Mason's: it is recorded before it may run.
    change(&server, |pod| {
        forge(pod);
        pod["spec"]["schedulingGates"] = json!([]);
    });
    let refused = pods.create(&runs, &request()).await.unwrap_err();
    assert_eq!((refused.kind, calls(&server, "DELETE")), (ErrorKind::Conflict, 1), "{refused}");
    let found = pods.find(&request()).await.unwrap().found().unwrap();
    let error = found.error.unwrap();
    assert_eq!((found.owner.attempt, error.kind), (0, ErrorKind::Conflict));
    assert!(error.message.contains("`spec.containers.main.image`"), "{}", error.message);
}

#[tokio::test]
async fn only_the_recorded_pod_is_released_and_only_once() {
    let server = Shared::default();
    let pods = execution(&server);
    let id = pods.create(&spec("quick"), &request()).await.unwrap();
    pods.release(&id).await.unwrap();
    assert_eq!(pod(&server).unwrap()["spec"]["schedulingGates"], json!([]));
    pods.release(&id).await.unwrap();
    assert_eq!(calls(&server, "PATCH"), 1);
    let other = JobId(format!("{}/another-uid", name()));
    assert_eq!(pods.release(&other).await.unwrap_err().kind, ErrorKind::Conflict);
    server.lock().unwrap().pods.clear();
    assert_eq!(pods.release(&id).await.unwrap_err().kind, ErrorKind::Conflict);
    // Between the look and the release somebody else was first.
    let id = pods.create(&spec("quick"), &request()).await.unwrap();
    fault(&server, "PATCH", Fault::Released);
    pods.release(&id).await.unwrap();
    // The release took place, its answer was lost.
    server.lock().unwrap().pods.clear();
    let id = pods.create(&spec("quick"), &request()).await.unwrap();
    fault(&server, "PATCH", Fault::After(504));
    assert_eq!(pods.release(&id).await.unwrap_err().retry, Retry::EffectUnknown);
    pods.release(&id).await.unwrap();
}

#[tokio::test]
async fn a_pod_that_gets_its_node_while_it_is_fenced_is_stopped_and_not_forgotten() {
    let server = Shared::default();
    let pods = execution(&server);
    pods.create(&spec("endless"), &request()).await.unwrap();
    fault(&server, "DELETE", Fault::Released);
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::NotYet);
    assert!(pod(&server).unwrap()["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::NotYet);
    let stopped = pod(&server).unwrap();
    assert_eq!(stopped["spec"]["activeDeadlineSeconds"], 1);
    // A node that says nothing: deleted after a while, and down only once it is gone.
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::NotYet);
    assert_eq!(calls(&server, "DELETE"), 1, "it still has time");
    let long_ago = json!("2020-01-01T00:00:00Z");
    change(&server, |pod| pod["metadata"]["annotations"]["mason.dev/stop-requested-at"] = long_ago);
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::NotYet);
    assert!(pod(&server).unwrap()["metadata"]["deletionTimestamp"].is_string());
    server.lock().unwrap().pods.clear();
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::Down);
}

#[tokio::test]
async fn a_pod_without_a_node_is_gone_when_it_is_fenced() {
    let server = Shared::default();
    let pods = execution(&server);
    let id = pods.create(&spec("quick"), &request()).await.unwrap();
    assert_eq!(pods.fence(&request()).await.unwrap(), Fence::Down);
    assert_eq!(pod(&server), None);
    assert_eq!(pods.release(&id).await.unwrap_err().kind, ErrorKind::Conflict);
    let gone = pods.vanished(&id, &owner()).unwrap();
    assert_eq!((gone.state, gone.owner), (JobState::Lost, owner()));
    // A creation that was delayed makes one that nobody releases; it is swept.
    pods.create(&spec("quick"), &request()).await.unwrap();
    pods.sweep(&[recorded(Some(id))]).await.unwrap();
    assert_eq!(pod(&server), None);
}

#[tokio::test]
async fn what_failed_stays_and_what_is_done_is_cleared_away() {
    let server = Shared::default();
    server.lock().unwrap().has_node = true;
    let pods = execution(&server);
    for (image, stays) in [("failing", true), ("quick", false)] {
        server.lock().unwrap().pods.clear();
        let id = pods.create(&spec(image), &request()).await.unwrap();
        pods.release(&id).await.unwrap();
        pods.sweep(&[recorded(Some(id))]).await.unwrap();
        assert_eq!(pod(&server).is_some(), stays, "{image}");
    }
}

#[tokio::test]
async fn what_is_proven_is_cleared_away_though_its_phase_says_that_it_runs() {
    let server = Shared::default();
    server.lock().unwrap().has_node = true;
    let pods = execution(&server);
    let id = pods.create(&spec("quick"), &request()).await.unwrap();
    pods.release(&id).await.unwrap();
    change(&server, |pod| pod["status"]["phase"] = json!("Running"));
    pods.sweep(&[recorded(Some(id))]).await.unwrap();
    assert!(pod(&server).unwrap()["metadata"]["deletionTimestamp"].is_string());
}

#[tokio::test]
async fn progress_the_last_lines_and_a_large_result_come_from_the_log() {
    let server = Shared::default();
    server.lock().unwrap().has_node = true;
    let pods = execution(&server);
    let id = pods.create(&spec("endless"), &request()).await.unwrap();
    pods.release(&id).await.unwrap();
    let said = "hello\nMASON_PROGRESS {\"phase\": \"counting\", \"done\": 3, \"total\": 9, \"unit\": \"files\"}\n";
    change(&server, |pod| pod["metadata"]["annotations"]["log"] = json!(said));
    let told = pods.find(&recorded(None)).await.unwrap().found().unwrap();
    let progress = told.progress.unwrap();
    assert_eq!((progress.phase.as_str(), progress.done, progress.total), ("counting", 3, Some(9)));
    let result = json!({"text": "x".repeat(10_000)});
    let (logged, lines) = crate::pods::proof::as_lines(&token().0, result.to_string().as_bytes());
    let message = json!({"token": token().0, "exitCode": 0, "logged": logged}).to_string();
    change(&server, |pod| {
        pod["metadata"]["annotations"]["log"] = json!(format!("{said}bye\n{}\n", lines.join("\n")));
        pod["status"]["phase"] = json!("Succeeded");
        pod["status"]["containerStatuses"][0]["state"] =
            json!({"terminated": {"exitCode": 0, "message": message}});
    });
    let told = pods.find(&recorded(None)).await.unwrap().found().unwrap();
    assert_eq!((told.state, told.log_tail.as_deref()), (JobState::Succeeded, Some("hello\nbye")));
    assert_eq!(pods.collect(&id).await.unwrap().answer, result);
    change(&server, |pod| pod["metadata"]["annotations"]["log"] = json!("rotated away"));
    let lost = pods.collect(&id).await.unwrap_err();
    assert_eq!(lost.retry, Retry::Later, "{lost}");
}

#[tokio::test]
async fn a_large_result_comes_from_the_storage_that_the_pod_may_write() {
    let server = Shared::default();
    server.lock().unwrap().has_node = true;
    let storage = Arc::new(InMemory::new());
    let pods = execution_with(&server, Some(Arc::<InMemory>::clone(&storage)));
    let id = pods.create(&spec("endless"), &request()).await.unwrap();
    pods.release(&id).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let result = json!({"text": "x".repeat(10_000)}).to_string();
    let left = upload::leave(folder.path(), &token().0, result.as_bytes()).unwrap();
    let message = json!({"token": token().0, "exitCode": 0, "uploaded": left}).to_string();
    change(&server, |pod| {
        pod["status"]["phase"] = json!("Succeeded");
        pod["status"]["containerStatuses"][0]["state"] =
            json!({"terminated": {"exitCode": 0, "message": message}});
    });
    let place = object_store::path::Path::from(".mason/uploads/0a1b2c.json");
    let put = async |text: &str| {
        storage.put(&place, PutPayload::from(text.to_owned())).await.unwrap();
    };
    assert_eq!(pods.collect(&id).await.unwrap_err().kind, ErrorKind::Unavailable, "not there");
    put(&result.replace("xx", "yx")).await;
    let another = pods.collect(&id).await.unwrap_err();
    assert!(another.message.contains("not the one"), "{another}");
    put(&std::fs::read_to_string(folder.path().join("0a1b2c.json")).unwrap()).await;
    assert_eq!(pods.collect(&id).await.unwrap().answer.to_string(), result);
    pods.sweep(&[recorded(Some(id))]).await.unwrap();
    assert!(storage.head(&place).await.is_err(), "it is removed once the run has ended");
    pods.sweep(&[request()]).await.unwrap();
}
