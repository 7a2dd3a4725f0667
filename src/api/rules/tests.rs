use rstest::rstest;
use serde_json::{Value, json};

use super::evaluate::broken_rules;
use crate::api::resource::Kind;

fn run(spec: &Value, status: &Value) -> Value {
    let mut document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun", "metadata": {"name": "r"},
        "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
    });
    merge(&mut document["spec"], spec);
    if !status.is_null() {
        document["status"] = status.clone();
    }
    document
}

fn merge(target: &mut Value, source: &Value) {
    for (key, value) in source.as_object().expect("should be an object") {
        target[key] = value.clone();
    }
}

fn messages(kind: Kind, document: &Value, before: Option<&Value>) -> Vec<String> {
    broken_rules(kind, document, before).into_iter().map(|rule| rule.message).collect()
}

const FROZEN: &str = "a run is frozen once created";

#[rstest]
#[case::operator(json!({}), json!({"operator": "table/get"}))]
#[case::config(json!({}), json!({"configRef": {"name": "other"}}))]
#[case::config_namespace(json!({}), json!({"configRef": {"name": "lake", "namespace": "x"}}))]
#[case::parameter_changed(json!({"parameters": {"a": 1}}), json!({"parameters": {"a": 2}}))]
#[case::parameter_nested(json!({"parameters": {"a": {"b": [1]}}}), json!({"parameters": {"a": {"b": [2]}}}))]
#[case::parameters_added(json!({}), json!({"parameters": {"a": 1}}))]
#[case::parameters_removed(json!({"parameters": {"a": 1}}), json!({}))]
#[case::digest_added(json!({}), json!({"operatorDigest": format!("sha256:{}", "0".repeat(64))}))]
#[case::dry_run(json!({}), json!({"dryRun": true}))]
#[case::timeout_added(json!({}), json!({"timeout": "5m"}))]
#[case::timeout_removed(json!({"timeout": "5m"}), json!({}))]
#[case::retry(json!({"retry": {"limit": 1}}), json!({"retry": {"limit": 2}}))]
fn a_run_is_frozen_once_created(#[case] before: Value, #[case] after: Value) {
    let (before, after) = (run(&before, &Value::Null), run(&after, &Value::Null));
    let broken = messages(Kind::OperatorRun, &after, Some(&before));
    assert!(broken.iter().any(|message| message.starts_with(FROZEN)), "{broken:?}");
    assert_eq!(messages(Kind::OperatorRun, &after, None), Vec::<String>::new(), "alone it is fine");
}

#[rstest]
#[case::nothing(json!({}), json!({}))]
#[case::defaults_written_out(json!({}), json!({"dryRun": false, "parameters": {}}))]
#[case::suspend(json!({}), json!({"suspend": true}))]
#[case::resume(json!({"suspend": true}), json!({"suspend": false}))]
#[case::cancel(json!({}), json!({"cancel": true}))]
#[case::ttl(json!({"ttl": {"afterSuccess": "1d"}}), json!({"ttl": {"afterSuccess": "2d"}}))]
#[case::resolution(json!({}), json!({"resolution": "Repeat"}))]
#[case::same_retry(json!({"retry": {"limit": 1}}), json!({"retry": {"limit": 1}}))]
fn what_steers_a_run_may_change(#[case] before: Value, #[case] after: Value) {
    let (before, after) = (run(&before, &Value::Null), run(&after, &Value::Null));
    assert_eq!(messages(Kind::OperatorRun, &after, Some(&before)), Vec::<String>::new());
}

#[rstest]
#[case(json!({"cancel": true}), json!({"cancel": false}), true)]
#[case(json!({"cancel": true}), json!({}), true)]
#[case(json!({"cancel": true}), json!({"cancel": true}), false)]
fn cancel_cannot_be_taken_back(#[case] before: Value, #[case] after: Value, #[case] refused: bool) {
    let (before, after) = (run(&before, &Value::Null), run(&after, &Value::Null));
    let broken = messages(Kind::OperatorRun, &after, Some(&before));
    assert_eq!(broken.iter().any(|message| message.starts_with("cancel cannot")), refused);
}

fn attempt(number: u32, token: &str, state: &str) -> Value {
    json!({"number": number, "token": token, "state": state, "startedAt": "2026-01-01T00:00:00Z"})
}

fn launched(job: &str) -> Value {
    let mut attempt = attempt(1, "t", "Launched");
    attempt["job"] = json!({"kind": "LocalJob", "id": job});
    attempt
}

#[rstest]
#[case::succeeded_to_failed(json!({"phase": "Succeeded"}), json!({"phase": "Failed"}), "a terminal phase is final")]
#[case::failed_to_running(json!({"phase": "Failed"}), json!({"phase": "Running"}), "a terminal phase is final")]
#[case::cancelled_to_nothing(json!({"phase": "Cancelled"}), json!({}), "a terminal phase is final")]
#[case::attempt_removed(
    json!({"phase": "Running", "attempts": [attempt(1, "t", "Intended")]}),
    json!({"phase": "Running", "attempts": []}), "attempts are append-only")]
#[case::attempts_dropped(
    json!({"phase": "Running", "attempts": [attempt(1, "t", "Intended")]}),
    json!({"phase": "Running"}), "attempts are append-only")]
#[case::token_changed(
    json!({"phase": "Running", "attempts": [attempt(1, "t", "Intended")]}),
    json!({"phase": "Running", "attempts": [attempt(1, "u", "Intended")]}), "attempts are append-only")]
#[case::resolved_changed(
    json!({"resolved": {"a": 1}}), json!({"resolved": {"a": 2}}), "what was resolved")]
#[case::job_replaced(
    json!({"attempts": [launched("one")]}), json!({"attempts": [launched("two")]}), "a job that was recorded")]
#[case::job_forgotten(
    json!({"attempts": [launched("one")]}),
    json!({"attempts": [attempt(1, "t", "Launched")]}), "a job that was recorded")]
#[case::result_after_the_end(
    json!({"phase": "Succeeded"}),
    json!({"phase": "Succeeded", "result": {"kind": "Rows"}}), "the result of a run that has ended")]
#[case::result_moved(
    json!({"phase": "Succeeded", "result": {"kind": "Rows", "ref": {"uri": "a:b", "sha256": "x", "bytes": 1}}}),
    json!({"phase": "Succeeded", "result": {"kind": "Rows", "ref": {"uri": "a:c", "sha256": "x", "bytes": 1}}}),
    "the result of a run that has ended")]
#[case::resolved_removed(json!({"resolved": {"a": 1}}), json!({}), "what was resolved")]
fn the_past_of_a_run_cannot_be_rewritten(
    #[case] before: Value,
    #[case] after: Value,
    #[case] message: &str,
) {
    let (before, after) = (run(&json!({}), &before), run(&json!({}), &after));
    let broken = messages(Kind::OperatorRun, &after, Some(&before));
    assert!(broken.iter().any(|text| text.starts_with(message)), "{broken:?}");
}

#[rstest]
#[case::first(json!({}), json!({"phase": "Pending"}))]
#[case::progress(json!({"phase": "Pending"}), json!({"phase": "Running"}))]
#[case::end(json!({"phase": "Running"}), json!({"phase": "Succeeded"}))]
#[case::pruned(json!({"phase": "Succeeded", "result": {"kind": "Object", "data": 1}}), json!({"phase": "Succeeded"}))]
#[case::appended(
    json!({"attempts": [attempt(1, "t", "Finished")]}),
    json!({"attempts": [attempt(1, "t", "Finished"), attempt(2, "u", "Intended")]}))]
#[case::moved_on(
    json!({"attempts": [attempt(1, "t", "Intended")]}),
    json!({"attempts": [attempt(1, "t", "Launched")], "resolved": {"a": 1}}))]
fn the_status_of_a_run_moves_on(#[case] before: Value, #[case] after: Value) {
    let (before, after) = (run(&json!({}), &before), run(&json!({}), &after));
    assert_eq!(messages(Kind::OperatorRun, &after, Some(&before)), Vec::<String>::new());
}

fn definition(parameter: &Value, action: &Value) -> Value {
    json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition", "metadata": {"name": "d"},
        "spec": {
            "operator": "table/query", "description": "Query tables",
            "parameters": [parameter], "action": action,
        },
    })
}

#[rstest]
#[case::required(json!({"name": "a", "type": "string", "required": true}), None)]
#[case::default(json!({"name": "a", "type": "string", "default": "x"}), None)]
#[case::bounds_crossed(json!({"name": "a", "type": "integer", "minimum": 2, "maximum": 1}), Some("minimum must not"))]
#[case::bounds(json!({"name": "a", "type": "integer", "minimum": 1, "maximum": 1.5}), None)]
#[case::one_bound(json!({"name": "a", "type": "integer", "minimum": 1}), None)]
fn parameters_of_definitions_obey_their_rules(
    #[case] parameter: Value,
    #[case] refused: Option<&str>,
) {
    let document = definition(&parameter, &json!({"builtin": {"name": "table.query"}}));
    let broken = messages(Kind::OperatorDefinition, &document, None);
    assert_eq!(broken.len(), usize::from(refused.is_some()), "{broken:?}");
    assert!(refused.is_none_or(|message| broken[0].starts_with(message)), "{broken:?}");
}

#[test]
fn a_definition_has_exactly_one_action() {
    let parameter = json!({"name": "a", "type": "string"});
    let builtin = json!({"name": "table.query"});
    let sql = json!({"statement": "select $a as a from sales.orders"});
    let container = json!({"image": "busybox", "command": ["true"]});
    for wrong in [
        json!({}),
        json!({"builtin": builtin, "sql": sql}),
        json!({"sql": sql, "container": container}),
    ] {
        let broken = messages(Kind::OperatorDefinition, &definition(&parameter, &wrong), None);
        assert_eq!(broken, ["exactly one kind of action is needed: builtin, sql or container"]);
    }
    for right in [json!({"builtin": builtin}), json!({"sql": sql}), json!({"container": container})]
    {
        let broken = messages(Kind::OperatorDefinition, &definition(&parameter, &right), None);
        assert_eq!(broken, Vec::<String>::new());
    }
}

fn config(storage: &str, client: &Value) -> Value {
    json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig", "metadata": {"name": "c"},
        "spec": {"engines": {"storage": [storage]}, "clients": [client]},
    })
}

#[test]
fn engines_name_clients_of_the_config() {
    let client = json!({"name": "here", "local": {"root": "/x"}});
    assert_eq!(messages(Kind::MasonConfig, &config("here", &client), None), Vec::<String>::new());
    let broken = messages(Kind::MasonConfig, &config("there", &client), None);
    assert_eq!(broken, ["every name in `engines` must be the name of a client in `clients`"]);
}

#[test]
fn a_client_has_exactly_one_type() {
    let broken = messages(Kind::MasonConfig, &config("here", &json!({"name": "here"})), None);
    assert_eq!(broken, ["exactly one client type is needed: local, s3, glue or athena"]);
    let both = json!({"name": "here", "local": {"root": "/a"}, "s3": {"root": "s3://lake/"}});
    let broken = messages(Kind::MasonConfig, &config("here", &both), None);
    assert_eq!(broken, ["exactly one client type is needed: local, s3, glue or athena"]);
    let bucket = json!({"name": "here", "s3": {"root": "s3://lake/"}});
    let right = messages(Kind::MasonConfig, &config("here", &bucket), None);
    assert!(right.is_empty(), "{right:?}");
}
