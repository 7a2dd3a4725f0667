//! Definitions: digest, problems, and which of two counts.

use serde_json::{Value, json};

use crate::team::{Team, condition, query};

fn definition(name: &str, action: &str, parameters: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {{name: {name}}}
spec:
  operator: my/query
  description: mine
  parameters: [{parameters}]
  action: {{builtin: {{name: {action}}}}}
"
    )
}

fn ready(definition: &Value) -> (&str, &str) {
    let Some(ready) = condition(definition, "Ready") else { return ("", "") };
    (ready["status"].as_str().unwrap(), ready["reason"].as_str().unwrap())
}

#[test]
fn the_younger_of_two_definitions_waits_until_the_older_is_gone() {
    let team = Team::with_config("two-definitions");
    let _controller = team.controller();
    let sql =
        "{name: query_string, type: sql, required: true}, {name: database_name, type: identifier}";
    team.apply(&definition("older", "table.query", sql));
    let older = team.until("opdef/older", |definition| ready(definition) == ("True", "Checked"));
    let digest = older["status"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    // Ages are whole seconds; names decide between two of the same.
    team.apply(&definition("younger", "table.query", sql));
    let younger = team.until("opdef/younger", |definition| !ready(definition).0.is_empty());
    assert_eq!(ready(&younger), ("False", "DuplicateOperator"));
    assert_eq!(condition(&younger, "Stalled").unwrap()["status"], "True");
    team.apply(&query("mine", "select 1 as n", "").replace("table/query", "my/query"));
    let status = team.finished("mine");
    assert_eq!(status["operator"], json!({"name": "older", "digest": digest}));
    team.kubectl(&["delete", "opdef/older"]);
    team.until("opdef/younger", |definition| ready(definition) == ("True", "Checked"));
}

#[test]
fn a_wrong_definition_says_everything_that_is_wrong() {
    let team = Team::new("wrong-definition");
    let _controller = team.controller();
    let both =
        "{name: a, type: string, required: true, default: x}, {name: b, type: json, minimum: 1}";
    team.apply(&definition("wrong", "table.qury", both));
    let wrong = team.until("opdef/wrong", |definition| !ready(definition).0.is_empty());
    assert_eq!(ready(&wrong), ("False", "Invalid"));
    let message = condition(&wrong, "Ready").unwrap()["message"].as_str().unwrap();
    for expect in [
        "spec.parameters[0].default: a required parameter has no default",
        "spec.parameters[1].minimum: is for integers and numbers only",
        "did you mean `table.query`?",
    ] {
        assert!(message.contains(expect), "{message}");
    }
}
