//! What pods tell.

use k8s_openapi::api::core::v1::{Event, Pod};
use serde_json::{Value, json};

use super::{owner, token};
use crate::api::conditions::Reason;
use crate::engines::job::JobState;
use crate::engines::{ErrorKind, Retry};
use crate::pods::state::{run_of, said_owner, state_of, status_of};
use crate::pods::waiting::{held_up_by, is_held_up, waiting_for};

#[test]
fn a_pod_is_cancelled_only_if_somebody_cancelled_it() {
    let mut pod = pod(&json!({"activeDeadlineSeconds": 1}), &json!({"phase": "Failed"}));
    assert_eq!(state_of(&pod).0, JobState::Lost);
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.insert("mason.dev/cancelled".to_owned(), "true".to_owned());
    assert_eq!(state_of(&pod).0, JobState::Cancelled);
}

fn pod(spec: &Value, status: &Value) -> Pod {
    let mut pod = json!({
        "metadata": {
            "name": "words-1", "uid": "u", "annotations": {"mason.dev/token": token().0},
        },
        "spec": {"containers": [{"name": "main", "image": "words:1", "resources": {"requests": {"memory": "64Gi"}}}]},
        "status": status,
    });
    for (field, value) in spec.as_object().unwrap() {
        pod["spec"][field] = value.clone();
    }
    serde_json::from_value(pod).unwrap()
}

fn main(state: &Value) -> Value {
    json!([{"name": "main", "image": "words:1", "imageID": "words@sha256:1", "ready": false,
        "restartCount": 0, "state": state}])
}

fn ended(code: i32, reason: &str, message: &str) -> Value {
    main(&json!({"terminated": {"exitCode": code, "reason": reason, "message": message}}))
}

fn proof(code: i32) -> String {
    json!({"token": token().0, "exitCode": code, "result": 1}).to_string()
}

#[test]
fn a_pods_state_follows_from_its_phase_and_its_proof() {
    let gated = json!({"schedulingGates": [{"name": "mason.dev/unrecorded"}]});
    let stopped = json!({"activeDeadlineSeconds": 1});
    let other = json!({"token": "other", "exitCode": 0}).to_string();
    let disrupted = json!([{"type": "DisruptionTarget", "status": "True"}]);
    for (what, spec, status, expect) in [
        ("gated", gated, json!({"phase": "Pending"}), JobState::Inert),
        ("released", json!({}), json!({"phase": "Pending"}), JobState::Queued),
        ("no status yet", json!({}), json!({}), JobState::Queued),
        ("working", json!({}), json!({"phase": "Running"}), JobState::Running),
        (
            "proven",
            json!({}),
            json!({"phase": "Succeeded", "containerStatuses": ended(0, "Completed", &proof(0))}),
            JobState::Succeeded,
        ),
        (
            "proven, then the node was lost",
            json!({}),
            json!({"phase": "Failed", "reason": "NodeLost", "containerStatuses": ended(0, "Completed", &proof(0))}),
            JobState::Succeeded,
        ),
        (
            "proven, then stopped",
            stopped.clone(),
            json!({"phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": ended(0, "Completed", &proof(0))}),
            JobState::Succeeded,
        ),
        (
            "without proof",
            json!({}),
            json!({"phase": "Succeeded", "containerStatuses": ended(0, "Completed", "")}),
            JobState::Failed,
        ),
        (
            "proof of another",
            json!({}),
            json!({"phase": "Succeeded", "containerStatuses": ended(0, "Completed", &other)}),
            JobState::Failed,
        ),
        (
            "said zero, ended with one",
            json!({}),
            json!({"phase": "Failed", "containerStatuses": ended(1, "Error", &proof(0))}),
            JobState::Failed,
        ),
        (
            "failed",
            json!({}),
            json!({"phase": "Failed", "containerStatuses": ended(3, "Error", &proof(3))}),
            JobState::Failed,
        ),
        (
            "given up",
            stopped,
            json!({"phase": "Failed", "reason": "DeadlineExceeded"}),
            JobState::Lost,
        ),
        ("evicted", json!({}), json!({"phase": "Failed", "reason": "Evicted"}), JobState::Lost),
        ("node lost", json!({}), json!({"phase": "Failed", "reason": "NodeLost"}), JobState::Lost),
        (
            "disrupted",
            json!({}),
            json!({"phase": "Failed", "conditions": disrupted}),
            JobState::Lost,
        ),
        (
            "killed",
            json!({}),
            json!({"phase": "Failed", "containerStatuses": ended(137, "Error", "")}),
            JobState::Lost,
        ),
        ("never ran", json!({}), json!({"phase": "Failed"}), JobState::Lost),
        ("unknown", json!({}), json!({"phase": "Unknown"}), JobState::Lost),
    ] {
        let (state, error) = state_of(&pod(&spec, &status));
        assert_eq!(state, expect, "{what}");
        assert_eq!(error.is_some(), matches!(state, JobState::Failed | JobState::Lost), "{what}");
    }
}

#[test]
fn a_failure_says_whether_another_attempt_may_help() {
    let failure = |containers: Value| {
        let (_, error) = state_of(&pod(
            &json!({}),
            &json!({"phase": "Failed", "containerStatuses": containers}),
        ));
        error.unwrap()
    };
    let plain = failure(ended(3, "Error", &proof(3)));
    assert_eq!((plain.kind, plain.retry), (ErrorKind::InvalidInput, Retry::Never));
    assert_eq!(plain.message, "the command ended with exit code 3");
    let passing = failure(ended(75, "Error", &proof(75)));
    assert_eq!(passing.retry, Retry::Later, "{passing:?}");
    let memory = failure(ended(137, "OOMKilled", ""));
    assert_eq!((memory.kind, memory.retry), (ErrorKind::OutOfMemory, Retry::Never));
    let problem = json!({"reason": "ResultTooLarge", "message": "too large"});
    let large = json!({"token": token().0, "exitCode": 0, "problem": problem}).to_string();
    assert_eq!(failure(ended(1, "Error", &large)).reason, Some(Reason::ResultTooLarge));
}

#[test]
fn a_node_that_goes_takes_its_pod_with_it() {
    let conditions = json!([{"type": "DisruptionTarget", "status": "True"}]);
    let mut pod = pod(&json!({}), &json!({"phase": "Running", "conditions": conditions}));
    assert_eq!(state_of(&pod).0, JobState::Running, "it may still end well");
    pod.metadata.deletion_timestamp =
        serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(state_of(&pod).0, JobState::Lost);
}

#[test]
fn a_pod_that_does_not_begin_says_why_in_one_sentence() {
    let unschedulable = |message: &str| json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]});
    let waits = |reason: &str, message: &str| json!({"containerStatuses": main(&json!({"waiting": {"reason": reason, "message": message}}))});
    let bound = json!({"nodeName": "n"});
    for (spec, status, reason, sentence) in [
        (json!({}), json!({}), Reason::Starting, "pod `words-1` waits for a node"),
        (bound.clone(), json!({}), Reason::Starting, "pod `words-1` waits for its containers"),
        (
            json!({}),
            unschedulable(
                "0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory. preemption: no.",
            ),
            Reason::Unschedulable,
            "no node has enough cpu and memory (it wants 64Gi) for pod `words-1`: 0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory",
        ),
        (
            json!({}),
            unschedulable("0/1 nodes are available: 1 node(s) had untolerated taint(s)."),
            Reason::Unschedulable,
            "no node takes pod `words-1`: 0/1 nodes are available: 1 node(s) had untolerated taint(s)",
        ),
        (
            json!({"schedulingGates": [{"name": "queue.example/wait"}]}),
            json!({}),
            Reason::PodHeldUp,
            "pod `words-1` is held back by `queue.example/wait`",
        ),
        (
            bound.clone(),
            waits("ErrImagePull", "not found:\n  no such tag"),
            Reason::ImagePullFailed,
            "the image `words:1` of pod `words-1` cannot be pulled: not found: no such tag",
        ),
        (
            bound.clone(),
            waits("ContainerCreating", ""),
            Reason::Starting,
            "pod `words-1` waits for its image and its containers",
        ),
        (
            bound.clone(),
            waits("ContainerCreating", "the sandbox is made"),
            Reason::Starting,
            "pod `words-1` waits for its image and its containers: the sandbox is made",
        ),
        (
            bound.clone(),
            waits("CreateContainerError", ""),
            Reason::PodHeldUp,
            "pod `words-1` cannot start its container: CreateContainerError",
        ),
        (
            bound,
            waits("CreateContainerConfigError", "secret \"keys\" not found"),
            Reason::PodHeldUp,
            "pod `words-1` cannot start its container: CreateContainerConfigError: secret \"keys\" not found",
        ),
    ] {
        let waiting = waiting_for(&pod(&spec, &status));
        assert_eq!((waiting.reason, waiting.message.as_str()), (reason, sentence));
    }
}

#[test]
fn a_look_at_a_pod_has_its_image_and_its_times() {
    let state = json!({"terminated": {"exitCode": 0, "message": proof(0),
        "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:05Z"}});
    let status = status_of(
        &pod(&json!({}), &json!({"phase": "Succeeded", "containerStatuses": main(&state)})),
        owner(),
    );
    assert_eq!(
        (status.id.0.as_str(), status.image_id.as_deref()),
        ("words-1/u", Some("words@sha256:1"))
    );
    assert_eq!(status.started_at.map(|at| at.to_string()).as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(
        status.finished_at.map(|at| at.to_string()).as_deref(),
        Some("2026-01-01T00:00:05Z")
    );
    assert_eq!(status.waiting, None);
}

#[test]
fn a_pod_that_is_held_up_on_its_node_says_what_the_node_warns_of() {
    let since = "2026-01-01T00:00:00Z";
    let scheduled = |status: &str| {
        json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": status, "lastTransitionTime": since}]})
    };
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let is_held_up = |pod: &Pod, now: &str| is_held_up(pod, &waiting_for(pod), at(now));
    let bound = pod(&json!({"nodeName": "n"}), &scheduled("True"));
    assert!(!is_held_up(&bound, "2026-01-01T00:00:05Z"), "it still has time");
    assert!(is_held_up(&bound, "2026-01-01T00:00:06Z"));
    let late = "2026-01-01T01:00:00Z";
    assert!(!is_held_up(&pod(&json!({}), &scheduled("True")), late), "it has no node");
    assert!(!is_held_up(&pod(&json!({"nodeName": "n"}), &json!({"phase": "Pending"})), late));

    let warning = |reason: &str, message: &str, time: Value| -> Event {
        let mut event = json!({"metadata": {}, "involvedObject": {}, "reason": reason});
        event["message"] = json!(message);
        event["lastTimestamp"] = time;
        serde_json::from_value(event).unwrap()
    };
    let warnings = [
        warning("FailedMount", "late\n one", json!(late)),
        warning("FailedMount", "early", json!(since)),
        warning("FailedMount", "never", json!(null)),
        warning("FailedScheduling", "before it had its node", json!("2026-01-01T02:00:00Z")),
    ];
    let told = held_up_by(&bound, &warnings).unwrap();
    let said = "pod `words-1` cannot start: FailedMount: late one";
    assert_eq!((told.reason, told.message.as_str()), (Reason::PodHeldUp, said));
    assert!(held_up_by(&bound, &[]).is_none());
    assert!(held_up_by(&bound, &warnings[3..]).is_none(), "it has its node now");
}

#[test]
fn a_pod_belongs_to_the_run_that_controls_it() {
    let owned_by = |owners: Value| -> Pod {
        let pod = json!({"metadata": {"name": "p", "ownerReferences": owners}});
        serde_json::from_value(pod).unwrap()
    };
    let owner = |group: &str, kind: &str| {
        json!([{"apiVersion": format!("{group}/v1alpha1"), "kind": kind, "name": "r", "uid": "u-1",
                "controller": true}])
    };
    for (owners, run, said) in [
        (owner("mason.dev", "OperatorRun"), Some("u-1"), "it belongs to run `r`"),
        (owner("mason.dev.example", "OperatorRun"), None, "it belongs to OperatorRun `r`"),
        (owner("batch", "Job"), None, "it belongs to Job `r`"),
        (json!([]), None, "it belongs to nobody"),
    ] {
        let pod = owned_by(owners);
        assert_eq!((run_of(&pod.metadata), said_owner(&pod).as_str()), (run, said));
    }
}
