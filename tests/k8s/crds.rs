//! What the API server itself accepts and refuses.

use crate::cluster::cluster;
use crate::team::{Team, config, query};

#[test]
fn crds_are_established_and_listed_together() {
    let cluster = cluster();
    for plural in
        ["masonconfigs", "operatordefinitions", "operatorruns", "workflows", "workflowruns"]
    {
        let crd = cluster.done(&["get", "crd", &format!("{plural}.mason.dev"), "-o", "json"]);
        let crd: serde_json::Value = serde_json::from_str(&crd).unwrap();
        let conditions = crd["status"]["conditions"].as_array().unwrap();
        for wanted in ["Established", "NamesAccepted"] {
            let found = conditions.iter().find(|condition| condition["type"] == wanted).unwrap();
            assert_eq!(found["status"], "True", "{plural}: {found}");
        }
        let violated = conditions.iter().find(|found| found["type"] == "NonStructuralSchema");
        assert_eq!(violated, None, "{plural}");
    }
    let listed = cluster.done(&[
        "api-resources",
        "--api-group=mason.dev",
        "--categories=mason",
        "-o",
        "name",
    ]);
    assert_eq!(
        listed.lines().collect::<Vec<_>>(),
        [
            "masonconfigs.mason.dev",
            "operatordefinitions.mason.dev",
            "operatorruns.mason.dev",
            "workflowruns.mason.dev",
            "workflows.mason.dev"
        ]
    );
}

#[test]
fn a_run_is_frozen_once_created() {
    let team = Team::new("frozen");
    team.apply(&query("x", "select 1", ""));
    let refused = team.refused(&query("x", "select 2", ""));
    assert!(refused.contains("a run is frozen once created"), "{refused}");
    team.kubectl(&[
        "patch",
        "oprun/x",
        "--type=merge",
        "-p",
        r#"{"spec":{"suspend":true,"ttl":{"afterSuccess":"1d"}}}"#,
    ]);
    team.kubectl(&["patch", "oprun/x", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    let back = patch_refused(&team, "oprun/x", r#"{"spec":{"cancel":false}}"#, &[]);
    assert!(back.contains("cancel cannot be taken back"), "{back}");
    let late = patch_refused(&team, "oprun/x", r#"{"spec":{"timeout":"1m"}}"#, &[]);
    assert!(late.contains("a run is frozen once created"), "{late}");
}

#[test]
fn what_a_status_once_said_stays_true() {
    let team = Team::new("final-status");
    team.apply(&query("x", "select 1", ""));
    let status = ["--subresource=status"];
    let attempt = r#"{"status":{"phase":"Running","attempts":[{"number":1,"token":"t","state":"Intended","startedAt":"2026-01-01T00:00:00.000000Z"}]}}"#;
    team.kubectl(&["patch", "oprun/x", "--subresource=status", "--type=merge", "-p", attempt]);
    let lost = patch_refused(&team, "oprun/x", r#"{"status":{"attempts":[]}}"#, &status);
    assert!(lost.contains("attempts are append-only"), "{lost}");
    let forged = patch_refused(&team, "oprun/x", &attempt.replace(r#""t""#, r#""u""#), &status);
    assert!(forged.contains("a token never changes"), "{forged}");
    let end = r#"{"status":{"phase":"Failed"}}"#;
    team.kubectl(&["patch", "oprun/x", "--subresource=status", "--type=merge", "-p", end]);
    let again = patch_refused(&team, "oprun/x", r#"{"status":{"phase":"Running"}}"#, &status);
    assert!(again.contains("a terminal phase is final"), "{again}");
}

/// Writes a status under which everything that must not change is there.
fn write_status(team: &Team, patch: &str) {
    team.kubectl(&["patch", "oprun/x", "--subresource=status", "--type=merge", "-p", patch]);
}

#[test]
fn a_recorded_job_is_neither_replaced_nor_forgotten() {
    let team = Team::new("recorded-job");
    team.apply(&query("x", "select 1", ""));
    let attempt = |job: &str| {
        format!(
            r#"{{"status":{{"phase":"Running","resolved":{{"a":1}},"parameters":[{{"name":"limit","value":1,"origin":"run"}}],"attempts":[{{"number":1,"token":"t","state":"Launched","startedAt":"2026-01-01T00:00:00.000000Z"{job}}}]}}}}"#
        )
    };
    write_status(&team, &attempt(""));
    write_status(&team, &attempt(r#","job":{"kind":"LocalJob","id":"one"}"#));
    let status = ["--subresource=status"];
    for (job, what) in
        [(r#","job":{"kind":"LocalJob","id":"two"}"#, "another id"), (r#","job":null"#, "no job")]
    {
        let refused = patch_refused(&team, "oprun/x", &attempt(job), &status);
        assert!(refused.contains("never replaced or forgotten"), "{what}: {refused}");
    }
    let other = r#"[{"name":"limit","value":2,"origin":"run"}]"#;
    for change in [r#"{"resolved":{"a":2}}"#.to_owned(), format!(r#"{{"parameters":{other}}}"#)] {
        let thawed = patch_refused(&team, "oprun/x", &format!(r#"{{"status":{change}}}"#), &status);
        assert!(thawed.contains("what was resolved before the first launch"), "{thawed}");
    }
    let url = r#","job":{"kind":"LocalJob","id":"one","url":"http://127.0.0.1/one"}"#;
    write_status(&team, &attempt(url));
}

#[test]
fn the_result_of_an_end_may_be_pruned_and_nothing_else() {
    let team = Team::new("pruned-result");
    team.apply(&query("x", "select 1", ""));
    let stored = r#""ref":{"uri":"files:a","sha256":"sha256:0","bytes":9}"#;
    let result =
        |fields: &str| format!(r#"{{"status":{{"phase":"Succeeded","result":{fields}}}}}"#);
    write_status(&team, &result(&format!(r#"{{"kind":"Rows","rows":1,"data":[1],{stored}}}"#)));
    let status = ["--subresource=status"];
    for (fields, what) in [
        (r#"{"kind":"Object"}"#, "another kind"),
        (r#"{"rows":2}"#, "another count"),
        (r#"{"bytes":1}"#, "a size that was not there"),
        (r#"{"ref":{"uri":"files:b"}}"#, "another place"),
    ] {
        let refused = patch_refused(&team, "oprun/x", &result(fields), &status);
        assert!(refused.contains("may only be pruned"), "{what}: {refused}");
    }
    write_status(&team, &result(r#"{"data":null,"truncated":true}"#));
    write_status(&team, &result("null"));
    let back = patch_refused(&team, "oprun/x", &result(r#"{"kind":"Rows"}"#), &status);
    assert!(back.contains("may only be pruned"), "{back}");
}

/// Tools that compare what was applied with what is there would else find a difference for ever.
#[test]
fn what_is_applied_again_by_a_client_is_unchanged() {
    let team = Team::new("unchanged");
    let definition = "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {name: mine}
spec:
  operator: my/query
  description: mine
  parameters: [{name: query_string, type: sql}, {name: count, type: integer}]
  action: {builtin: {name: table.query}}
";
    let config = config("c", "/data");
    for applied in [definition, config.as_str(), query("x", "select 1", "").as_str()] {
        let first = team.applied(applied);
        assert!(first.trim_end().ends_with("created"), "{first}");
        let again = team.applied(applied);
        assert!(again.trim_end().ends_with("unchanged"), "{again}");
    }
}

#[test]
fn wrong_configs_and_definitions_are_refused_by_the_schema() {
    let team = Team::new("wrong-specs");
    let unknown = config("c", "/data").replace("metastore: [here]", "metastore: [there]");
    let refused = team.refused(&unknown);
    assert!(refused.contains("must be the name of a client in `clients`"), "{refused}");
    let no_type = config("c", "/data").replace("local: ", "lokal: ");
    let refused = team.refused(&no_type);
    assert!(refused.contains("lokal"), "{refused}");
    let crossed = "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {name: d}
spec:
  operator: table/query
  description: d
  parameters: [{name: a, type: integer, minimum: 2, maximum: 1}]
  action: {builtin: {name: table.query}}
";
    let refused = team.refused(crossed);
    assert!(refused.contains("minimum must not be above maximum"), "{refused}");
}

fn patch_refused(team: &Team, resource: &str, patch: &str, more: &[&str]) -> String {
    let args = ["--namespace", team.name, "patch", resource, "--type=merge", "-p", patch];
    let called = team.cluster.kubectl(&[&args, more].concat(), "");
    assert!(!called.is_success, "{patch} should be refused: {}", called.out);
    called.err
}
