use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::engines::job::JobError;
use crate::engines::{ErrorKind, Retry};
use crate::plan::{Observation, Sight, plan};

const END: &str = "2026-01-01T00:00:00Z";

/// A run that has ended, with these fields of metadata, spec and status too.
fn run(metadata: Value, spec: Value, status: Value) -> OperatorRun {
    let mut document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
        "metadata": {"name": "x", "namespace": "n", "uid": "u"},
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
        "status": {"phase": "Succeeded", "finishedAt": END},
    });
    for (part, fields) in [("metadata", metadata), ("spec", spec), ("status", status)] {
        for (field, value) in fields.as_object().expect("should be an object") {
            document[part][field] = value.clone();
        }
    }
    serde_json::from_value(document).expect("should be a run")
}

fn decide(run: &OperatorRun, keeping: Keeping, after_end: Duration) -> Decision {
    let now = after(END.parse().expect("should be a time"), after_end);
    plan(run, &Observation { keeping, ..Observation::default() }, now)
}

const IN_A_CLUSTER: Keeping =
    Keeping { holds: true, at_most: None, longest_ttl: None, is_surplus: false };
const HOUR: Duration = Duration::from_hours(1);

#[rstest]
#[case::kept(json!({}), HOUR, Decision::Rest)]
#[case::of_another_end(json!({"ttl": {"afterFailure": "1s"}}), HOUR, Decision::Rest)]
#[case::pruned(json!({"ttl": {"afterSuccess": "1h"}}), HOUR, Decision::Prune)]
#[case::deleted(json!({"ttl": {"afterSuccess": "1h", "policy": "Delete"}}), HOUR, Decision::Delete)]
fn when_its_time_has_passed_a_run_is_pruned_or_deleted(
    #[case] spec: Value,
    #[case] passed: Duration,
    #[case] expect: Decision,
) {
    let ended = run(json!({}), spec, json!({}));
    assert_eq!(decide(&ended, IN_A_CLUSTER, passed), expect);
    let early = decide(&ended, IN_A_CLUSTER, passed.saturating_sub(Duration::from_secs(1)));
    assert!(matches!(early, Decision::Rest | Decision::Wait { .. }), "{early:?}");
}

#[test]
fn a_run_that_nobody_would_apply_again_is_deleted_by_default() {
    let ttl = json!({"ttl": {"afterSuccess": "1h"}});
    let owner = |controller: bool| {
        json!({"ownerReferences": [{
            "apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "o", "controller": controller,
        }]})
    };
    for (metadata, expect) in [
        (json!({"generateName": "x-"}), Decision::Delete),
        (owner(true), Decision::Delete),
        (owner(false), Decision::Prune),
        (json!({}), Decision::Prune),
    ] {
        let ended = run(metadata.clone(), ttl.clone(), json!({}));
        assert_eq!(decide(&ended, IN_A_CLUSTER, HOUR), expect, "{metadata}");
    }
    let said = json!({"ttl": {"afterSuccess": "1h", "policy": "Prune"}});
    let ended = run(json!({"generateName": "x-"}), said, json!({}));
    assert_eq!(decide(&ended, IN_A_CLUSTER, HOUR), Decision::Prune);
}

#[test]
fn the_administrators_time_and_number_count_too_and_a_pruned_run_rests() {
    let ended = run(json!({}), json!({"ttl": {"afterSuccess": "1d"}}), json!({}));
    let at_most = Keeping { at_most: Some(HOUR), ..IN_A_CLUSTER };
    assert_eq!(decide(&ended, at_most, HOUR), Decision::Prune);
    let surplus = Keeping { is_surplus: true, ..IN_A_CLUSTER };
    assert_eq!(decide(&ended, surplus, Duration::ZERO), Decision::Prune);
    let pruned = run(json!({}), json!({}), json!({"prunedAt": END}));
    assert_eq!(decide(&pruned, surplus, HOUR), Decision::Rest);
}

#[test]
fn a_time_that_was_raised_above_the_longest_counts_as_that() {
    let ended = run(json!({}), json!({"ttl": {"afterSuccess": "30d"}}), json!({}));
    let bounded = Keeping { longest_ttl: Some(HOUR), ..IN_A_CLUSTER };
    assert_eq!(decide(&ended, bounded, HOUR), Decision::Prune);
    let without = run(json!({}), json!({}), json!({}));
    assert_eq!(decide(&without, bounded, HOUR), Decision::Rest, "a run without a ttl is kept");
}

fn stored(retain: &str) -> Value {
    json!({
        "resolved": {"results": {"location": "files:r/", "retain": retain}},
        "result": {"kind": "Rows", "ref": {"uri": "files:r/u-1.json", "sha256": "s", "bytes": 1}},
    })
}

fn leaving(held: bool) -> Value {
    let finalizers = if held { vec![FINALIZER] } else { vec!["another/one"] };
    json!({"deletionTimestamp": END, "finalizers": finalizers})
}

#[rstest]
#[case::nothing_stored(leaving(true), json!({}), Decision::LetGo)]
#[case::stored(leaving(true), stored("WithRun"), Decision::Discard)]
#[case::stored_for_ever(leaving(true), stored("Always"), Decision::LetGo)]
#[case::not_held(leaving(false), stored("WithRun"), Decision::Rest)]
#[case::stays_and_is_stored(json!({"finalizers": [FINALIZER]}), stored("WithRun"), Decision::Rest)]
#[case::stays_and_is_not(json!({"finalizers": [FINALIZER]}), json!({}), Decision::LetGo)]
#[case::stored_and_not_held(json!({}), stored("WithRun"), Decision::Hold)]
fn the_finalizer_stays_as_long_as_a_stored_result_is_to_go_with_the_run(
    #[case] metadata: Value,
    #[case] status: Value,
    #[case] expect: Decision,
) {
    let ended = run(metadata, json!({}), status);
    assert_eq!(decide(&ended, IN_A_CLUSTER, Duration::ZERO), expect);
}

fn working(phase: &str, state: &str) -> Value {
    let local = json!({"client": "here", "type": "local"});
    json!({
        "phase": phase, "finishedAt": null, "columns": {"message": "no answer"},
        "resolved": {"a": 1}, "engines": {"metastore": local, "execution": local},
        "attempts": [{
            "number": 1, "token": "t", "state": state, "startedAt": END,
            "job": {"kind": "LocalJob", "id": "j"},
        }],
    })
}

#[test]
fn nothing_is_launched_before_the_run_is_held_where_it_can_be() {
    let intended = run(json!({}), json!({}), working("Running", "Intended"));
    assert_eq!(decide(&intended, IN_A_CLUSTER, Duration::ZERO), Decision::Hold);
    assert_eq!(decide(&intended, Keeping::default(), Duration::ZERO), Decision::Launch);
    let held = run(json!({"finalizers": [FINALIZER]}), json!({}), working("Running", "Intended"));
    assert_eq!(decide(&held, IN_A_CLUSTER, Duration::ZERO), Decision::Launch);
}

#[test]
fn a_run_that_is_being_deleted_is_cancelled_and_let_go_within_bounds() {
    let deleted = run(leaving(true), json!({}), working("Running", "Intended"));
    let fenced = decide(&deleted, IN_A_CLUSTER, Duration::ZERO);
    assert!(matches!(fenced, Decision::Fence { .. }), "{fenced:?}");
    let late = decide(&deleted, IN_A_CLUSTER, DELETION_LIMIT);
    let job = Some("j".to_owned());
    assert!(matches!(&late, Decision::Abandon { job: left, .. } if *left == job), "{late:?}");
    let mut forced = deleted;
    forced.metadata.annotations = Some([(FORCE_DELETE.to_owned(), "true".to_owned())].into());
    let gone = decide(&forced, IN_A_CLUSTER, Duration::ZERO);
    assert!(matches!(gone, Decision::Abandon { .. }), "{gone:?}");
}

#[test]
fn a_run_that_waits_for_a_person_does_not_hold_up_its_own_deletion() {
    let asking = run(leaving(true), json!({}), working("Unknown", "Launched"));
    let (kind, retry) = (ErrorKind::Unavailable, Retry::Later);
    let error = JobError { kind, retry, message: "no answer".to_owned(), hint: None, reason: None };
    let seen = Observation { job: Sight::Failed(error), ..Observation::default() };
    let gone = plan(&asking, &seen, END.parse().expect("should be a time"));
    let said = matches!(&gone, Decision::Abandon { why, .. } if why == "no answer");
    assert!(said, "{gone:?}");
}
