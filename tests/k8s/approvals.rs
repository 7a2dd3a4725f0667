//! Steps that wait for a person, on a real API server with the chart's policy.

use serde_json::json;

use crate::chart::{objects, rendered};
use crate::team::Team;
use crate::workflows::{finished, run};

const ASKS: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: flow}
spec:
  workflow: sales/flow
  description: Ask before the cities are listed
  configRef: {name: lake}
  steps:
    - {id: ask, approval: {message: "List the cities?"}}
    - id: cities
      operator: table/query
      dependencies: [ask]
      parameters: {database_name: sales, query_string: "select distinct city from orders"}
  outputs: {by: "${steps.ask.result.by}"}
"#;

/// Installs the chart's policy, and lets `ann` approve and `eve` change runs.
fn install(team: &Team) {
    let policy = rendered(&[]);
    for object in objects(&policy) {
        if object["kind"].as_str().unwrap().starts_with("ValidatingAdmissionPolicy") {
            team.cluster.apply(&object.to_string());
        }
    }
    for (role, verbs) in [("edits", "get,list,create,update,patch"), ("approves", "approve")] {
        let verbs = format!("--verb={verbs}");
        team.kubectl(&["create", "role", role, &verbs, "--resource=workflowruns.mason.dev"]);
    }
    team.kubectl(&["create", "rolebinding", "edits", "--role=edits", "--user=ann", "--user=eve"]);
    team.kubectl(&["create", "rolebinding", "approves", "--role=approves", "--user=ann"]);
}

/// Answers as a user; returns what is refused.
fn answer(team: &Team, user: &str, decision: &serde_json::Value) -> String {
    let patch = json!({"spec": {"approvals": {"ask": decision}}}).to_string();
    let who = format!("--as={user}");
    let args = ["--namespace", team.name, &who, "patch", "mwfr/now", "--type=merge", "-p", &patch];
    team.cluster.kubectl(&args, "").err
}

#[test]
fn a_step_waits_for_a_person_who_may_approve_and_says_who_it_is() {
    let team = Team::with_config("workflow-approval");
    install(&team);
    let controller = team.controller();
    team.apply(ASKS);
    team.apply(&run("now", ""));
    let waits =
        team.until("mwfr/now", |run| run["status"]["columns"]["reason"] == "WaitsForApproval");
    let message = &waits["status"]["columns"]["message"];
    assert_eq!(message, "step `ask` waits for approval: List the cities?");
    // The policy takes effect some time after it is there.
    let eve = json!({"decision": "Approved", "by": "ann"});
    let began = std::time::Instant::now();
    loop {
        let dry = json!({"spec": {"approvals": {"ask": eve}}}).to_string();
        let args = [
            "--namespace",
            team.name,
            "--as=eve",
            "patch",
            "mwfr/now",
            "--type=merge",
            "-p",
            &dry,
            "--dry-run=server",
        ];
        if !team.cluster.kubectl(&args, "").is_success {
            break;
        }
        assert!(began.elapsed() < crate::team::PATIENCE, "the policy never takes effect");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let told = answer(&team, "eve", &eve);
    assert!(told.contains("`by` has to be eve"), "{told}");
    let told = answer(&team, "eve", &json!({"decision": "Approved", "by": "eve"}));
    assert!(told.contains("needs the right to `approve`"), "{told}");
    let told =
        answer(&team, "ann", &json!({"decision": "Approved", "by": "ann", "comment": "fine"}));
    assert_eq!(told, "");
    let told = answer(&team, "ann", &json!({"decision": "Rejected", "by": "ann"}));
    assert!(told.contains("a decision is final"), "{told}");
    let done = finished(&team, "now");
    assert_eq!(done["status"]["phase"], "Succeeded", "{done:#}\n{}", controller.log());
    assert_eq!(done["status"]["outputs"], json!({"by": "ann"}));
    assert_eq!(done["status"]["steps"][0]["message"], "approved by ann: fine");
    let given = ", approvals: {ask: {decision: Approved, by: ann}}";
    let forged = run("forged", given);
    let args = ["--namespace", team.name, "--as=eve", "create", "-f", "-"];
    let created = team.cluster.kubectl(&args, &forged);
    assert!(created.err.contains("`by` has to be eve"), "{created:?}");
}
