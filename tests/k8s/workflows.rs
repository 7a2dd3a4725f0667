//! Workflows on a real API server: each step a run of its own, recorded before it begins.

use std::time::Duration;

use serde_json::{Value, json};

use crate::team::{LONG, Team, condition};

/// Two steps of which the second looks up what the first answered, one that is not wanted, and one at the end.
pub(crate) const FLOW: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: flow}
spec:
  workflow: sales/flow
  description: Count the orders of a city
  configRef: {name: lake}
  parameters: [{name: city, type: string, default: Wien}]
  steps:
    - id: cities
      operator: table/query
      parameters: {database_name: sales, query_string: "select distinct city from orders order by city"}
    - id: table
      operator: table/get
      dependencies: [cities]
      when: steps.cities.rows == 2
      parameters: {database_name: "sales", table_name: orders}
    - {id: never, operator: table/list, dependencies: [cities], when: steps.cities.rows > 2, parameters: {database_name: sales}}
    - {id: last, operator: database/list, finally: true}
  outputs: {rows: "${steps.cities.rows}", first: "${steps.cities.result[0].city} of ${parameters.city}"}
"#;

/// The same workflow under another name, with a schedule.
pub(crate) fn scheduled(name: &str, schedule: &str) -> String {
    let named = FLOW.replace("{name: flow}", &format!("{{name: {name}}}"));
    let named = named.replace("sales/flow", &format!("sales/{name}"));
    format!("{named}  schedule: {{{schedule}}}\n")
}

pub(crate) fn run(name: &str, more: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1\nkind: WorkflowRun\nmetadata: {{name: {name}}}\n\
         spec: {{workflowRef: {{name: flow}}{more}}}\n"
    )
}

pub(crate) fn finished(team: &Team, name: &str) -> Value {
    team.until(&format!("mwfr/{name}"), |run| {
        condition(run, "Finished").is_some_and(|condition| condition["status"] == "True")
    })
}

fn phases(run: &Value) -> Vec<String> {
    let steps = run["status"]["steps"].as_array().cloned().unwrap_or_default();
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    steps.iter().map(|step| format!("{} {}", text(&step["id"]), text(&step["phase"]))).collect()
}

#[test]
fn a_workflow_runs_its_steps_as_runs_and_answers_its_outputs() {
    let team = Team::with_config("workflow");
    let controller = team.controller();
    team.apply(FLOW);
    team.until("mwf/flow", |flow| {
        condition(flow, "Ready").is_some_and(|ready| ready["status"] == "True")
    });
    team.apply(&run("now", ""));
    let done = finished(&team, "now");
    assert_eq!(done["status"]["phase"], "Succeeded", "{done:#}\n{}", controller.log());
    assert_eq!(
        phases(&done),
        ["cities Succeeded", "table Succeeded", "never Skipped", "last Succeeded"]
    );
    assert_eq!(done["status"]["outputs"], json!({"rows": 2, "first": "Graz of Wien"}));
    let printed = team.kubectl(&["get", "workflowruns"]);
    let cells: Vec<Vec<&str>> =
        printed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[0], ["NAME", "WORKFLOW", "PHASE", "STEPS", "DURATION", "AGE"]);
    assert_eq!(cells[1][..4], ["now", "flow", "Succeeded", "4/4"]);

    let child = done["status"]["steps"][0]["run"]["name"].as_str().unwrap();
    let child = team.get(&format!("oprun/{child}"));
    assert_eq!(child["metadata"]["ownerReferences"][0]["uid"], done["metadata"]["uid"]);
    assert_eq!(child["metadata"]["uid"], done["status"]["steps"][0]["run"]["uid"]);
    assert_eq!(child["metadata"]["labels"]["mason.dev/step"], "cities");

    let settled = r#"{"status":{"steps":[{"id":"cities","phase":"Failed"},{"id":"table","phase":"Failed"},{"id":"never","phase":"Skipped"},{"id":"last","phase":"Failed"}]}}"#;
    let namespace = ["--namespace", team.name];
    let patch = ["patch", "mwfr/now", "--subresource=status", "--type=merge", "-p", settled];
    let refused = team.cluster.kubectl(&[&namespace[..], &patch].concat(), "");
    assert!(refused.err.contains("a settled step stays as it is"), "{}", refused.err);
    assert!(refused.err.contains("the run of a step never changes"), "{}", refused.err);
}

#[test]
fn a_wrong_workflow_says_so_in_its_status_and_its_run_is_refused_with_every_problem() {
    let team = Team::with_config("workflow-wrong");
    let _controller = team.controller();
    let wrong = FLOW.replace("operator: table/get", "operator: table/gett").replace(
        "dependencies: [cities]\n      when: steps.cities.rows == 2",
        "dependencies: [never]\n      when: steps.citis.rows == 2",
    );
    team.apply(&wrong);
    let flow = team.until("mwf/flow", |flow| {
        condition(flow, "Ready").is_some_and(|ready| ready["status"] == "False")
    });
    let message = condition(&flow, "Ready").unwrap()["message"].to_string();
    for part in ["there is no operator `table/gett`", "there is no step `citis`"] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    team.apply(&run("now", ", parameters: {cty: x}"));
    let done = finished(&team, "now");
    let status = &done["status"];
    assert_eq!(
        (&status["phase"], &status["columns"]["reason"]),
        (&json!("Failed"), &json!("Invalid"))
    );
    let told = status["messages"]["errors"].to_string();
    for part in ["has no such parameter", "`table/gett`", "`citis`"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert_eq!(phases(&done), Vec::<String>::new());
    assert_eq!(team.kubectl(&["get", "oprun", "-o", "name"]), "");
}

#[test]
fn a_cancelled_run_ends_its_steps_and_still_does_the_last_ones() {
    let team = Team::with_config("workflow-cancel");
    team.apply(FLOW);
    team.apply(&run("now", ", cancel: false"));
    // Suspended, so that it is cancelled before its first step has ended.
    let _controller = team.controller();
    team.apply(&run("later", ", suspend: true"));
    team.until("mwfr/later", |run| run["status"]["phase"] == "Suspended");
    team.kubectl(&["patch", "mwfr/later", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    let done = finished(&team, "later");
    assert_eq!(done["status"]["phase"], "Cancelled", "{done:#}");
    assert_eq!(finished(&team, "now")["status"]["phase"], "Succeeded");
    let frozen = r#"{"spec":{"parameters":{"city":"Graz"}}}"#;
    let namespace = ["--namespace", team.name];
    let patch = ["patch", "mwfr/now", "--type=merge", "-p", frozen];
    let refused = team.cluster.kubectl(&[&namespace[..], &patch].concat(), "");
    assert!(refused.err.contains("a run is frozen once created"), "{}", refused.err);
}

#[test]
fn a_controller_that_is_killed_again_and_again_runs_no_step_twice() {
    let team = Team::with_config("workflow-kills");
    team.apply(FLOW);
    let names = ["now-0", "now-1", "now-2"];
    for name in names {
        team.apply(&run(name, ""));
    }
    for pause in [0, 300, 600, 900, 1_200] {
        let controller = team.controller();
        std::thread::sleep(Duration::from_millis(pause));
        controller.kill();
    }
    let _controller = team.controller();
    for name in names {
        let done = finished(&team, name);
        assert_eq!(done["status"]["phase"], "Succeeded", "{name}: {done:#}");
        let listed = team.get("oprun");
        let own =
            listed["items"].as_array().unwrap().iter().filter(|run| {
                run["metadata"]["ownerReferences"][0]["uid"] == done["metadata"]["uid"]
            });
        let phases: Vec<_> = own.map(|run| run["status"]["phase"].clone()).collect();
        assert_eq!(phases, ["Succeeded", "Succeeded", "Succeeded"], "{name}: a run for each step");
    }
}

/// Twelve items, of which each appends to a table of its own, and a step at the end that appends as well.
const FAN_OUT: &str = r"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: flow}
spec:
  workflow: sales/flow
  description: Append the orders to twelve tables
  configRef: {name: lake}
  steps:
    - id: each
      operator: table/query
      forEach: {items: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], parallelism: 3}
      parameters: &append
        database_name: sales
        query_string: select city from orders
        output_table: copy_${item}
        mode: append
    - id: last
      operator: table/query
      finally: true
      parameters: {database_name: sales, query_string: select city from orders, output_table: copy_12, mode: append}
";

#[test]
fn a_fan_out_whose_controller_is_killed_fifty_times_has_each_effect_once() {
    let team = Team::with_config("workflow-fan-out");
    team.apply(&FAN_OUT.replace("&append", ""));
    team.apply(&run("now", ""));
    for kill in 0..50_u64 {
        let controller = team.controller();
        std::thread::sleep(Duration::from_millis(kill * 37 % 400));
        controller.kill();
    }
    let controller = team.controller();
    let done = finished(&team, "now");
    assert_eq!(done["status"]["phase"], "Succeeded", "{done:#}\n{}", controller.log());
    let items = &done["status"]["steps"][0]["items"];
    assert_eq!(*items, json!({"total": 12, "launched": 12, "outcomes": "S12"}), "{done:#}");
    let listed = team.get("oprun");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(13), "a run for each item and step");
    for table in 0..13 {
        assert_eq!(team.generations(&format!("copy_{table}")), 1, "copy_{table}");
    }
}

#[test]
fn an_item_whose_run_is_deleted_fails_and_is_not_made_anew() {
    let team = Team::with_config("workflow-item-gone");
    let _controller = team.controller();
    let slow = FAN_OUT.replace("&append", "").replace(
        "        query_string: select city from orders\n        output_table: copy_${item}\n        mode: append",
        &format!("        query_string: {LONG:?}"),
    );
    team.apply(&slow.replace("0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11", "0"));
    team.apply(&run("now", ""));
    let begun = team.until("mwfr/now", |run| run["status"]["steps"][0]["items"]["open"].is_array());
    let open = &begun["status"]["steps"][0]["items"]["open"][0];
    team.kubectl(&["delete", &format!("oprun/{}", open["name"].as_str().unwrap())]);
    let done = finished(&team, "now");
    let line = &done["status"]["steps"][0];
    assert_eq!(
        (&line["phase"], &line["reason"]),
        (&json!("Failed"), &json!("ChildGone")),
        "{done:#}"
    );
    assert_eq!(line["items"]["outcomes"], "F");
}

/// A workflow whose only step takes long, in a group of which one run may work.
fn of_group(name: &str, sql: &str, policy: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n  \
         workflow: sales/{name}\n  description: One of a group\n  configRef: {{name: lake}}\n  \
         concurrency: {{group: orders, policy: {policy}}}\n  steps:\n    - id: work\n      \
         operator: table/query\n      parameters: {{database_name: sales, query_string: {sql:?}}}\n"
    )
}

fn run_of(workflow: &str, name: &str) -> String {
    run(name, "").replace("{name: flow}", &format!("{{name: {workflow}}}"))
}

#[test]
fn of_a_group_one_run_works_and_the_others_wait_replace_it_or_are_cancelled() {
    let team = Team::with_config("workflow-group");
    let controller = team.controller();
    team.apply(&of_group("slow", LONG, "Replace"));
    team.apply(&of_group("quick", "select 1 as n", "Queue"));
    team.apply(&of_group("never", "select 1 as n", "Forbid"));
    team.apply(&run_of("slow", "first"));
    team.until("mwfr/first", |run| run["status"]["phase"] == "Running");
    team.apply(&run_of("never", "refused"));
    let refused = finished(&team, "refused");
    let columns = &refused["status"]["columns"];
    assert_eq!(
        (&refused["status"]["phase"], &columns["reason"]),
        (&json!("Cancelled"), &json!("ConcurrencyLimit"))
    );
    assert!(team.get("mwfr/first")["status"]["stopping"].is_null(), "only its like replaces it");
    team.apply(&run_of("slow", "second"));
    let first = finished(&team, "first");
    assert_eq!(first["status"]["phase"], "Cancelled", "{first:#}");
    assert_eq!(first["status"]["columns"]["reason"], "Superseded");
    team.until("mwfr/second", |run| run["status"]["phase"] == "Running");
    team.apply(&run_of("quick", "third"));
    let third =
        team.until("mwfr/third", |run| run["status"]["columns"]["reason"] == "ConcurrencyLimit");
    let message = &third["status"]["columns"]["message"];
    assert_eq!(message, "waits for `second` of group `orders`");
    team.kubectl(&["patch", "mwfr/second", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    let third = finished(&team, "third");
    assert_eq!(third["status"]["phase"], "Succeeded", "{third:#}\n{}", controller.log());
}

/// Workflows of which one runs the other for each of three tables.
const NESTED: &str = r"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: inner}
spec:
  workflow: sales/inner
  description: Append the orders to a table
  parameters: [{name: table, type: string, required: true}]
  steps:
    - id: append
      operator: table/query
      parameters:
        database_name: sales
        query_string: select city from orders
        output_table: ${parameters.table}
        mode: append
  outputs: {table: '${parameters.table}'}
---
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: flow}
spec:
  workflow: sales/flow
  description: Append the orders to three tables
  configRef: {name: lake}
  steps:
    - id: each
      workflow: sales/inner
      forEach: {items: [part_0, part_1, part_2], parallelism: 2}
      parameters: {table: '${item}'}
    - {id: last, workflow: sales/inner, finally: true, parameters: {table: part_3}}
  outputs: {tables: '${steps.each.result}'}
";

#[test]
fn nested_workflows_whose_controller_is_killed_have_each_effect_once_and_end_with_their_parent() {
    let team = Team::with_config("workflow-nested");
    team.apply(NESTED);
    team.apply(&run("now", ""));
    for kill in 0..8_u64 {
        let controller = team.controller();
        std::thread::sleep(Duration::from_millis(100 + kill * 61 % 500));
        controller.kill();
    }
    let controller = team.controller();
    let done = finished(&team, "now");
    assert_eq!(done["status"]["phase"], "Succeeded", "{done:#}\n{}", controller.log());
    let tables = [0, 1, 2].map(|table| json!({"table": format!("part_{table}")}));
    assert_eq!(done["status"]["outputs"]["tables"], json!(tables));
    for table in 0..4 {
        assert_eq!(team.generations(&format!("part_{table}")), 1, "part_{table}");
    }
    let runs = team.get("mwfr");
    assert_eq!(
        runs["items"].as_array().map(Vec::len),
        Some(5),
        "the run, three items and the last"
    );

    let slow =
        NESTED.replace("query_string: select city from orders", &format!("query_string: {LONG:?}"));
    team.apply(&slow.replace("mode: append", "").replace("output_table: ${parameters.table}", ""));
    team.apply(&run("cancelled", ""));
    team.until("mwfr/cancelled", |run| run["status"]["steps"][0]["items"]["open"].is_array());
    let cancel = r#"{"spec":{"cancel":true}}"#;
    team.kubectl(&["patch", "mwfr/cancelled", "--type=merge", "-p", cancel]);
    team.until("mwfr", |runs| {
        let of_items = runs["items"].as_array().into_iter().flatten().filter(|run| {
            let name = run["metadata"]["name"].as_str().unwrap_or_default();
            name.starts_with("cancelled-each")
        });
        let phases: Vec<_> = of_items.map(|run| run["status"]["phase"].clone()).collect();
        phases.len() == 2 && phases.iter().all(|phase| phase == "Cancelled")
    });
    team.kubectl(&["delete", "mwfr/cancelled", "--wait=false"]);
}

#[test]
fn a_run_of_a_workflow_is_deleted_with_its_steps_when_its_time_has_passed() {
    let team = Team::with_config("workflow-ttl");
    let _controller = team.controller();
    team.apply(FLOW);
    team.apply(&run("kept", ", ttl: {afterFailure: 1s}"));
    team.apply(&run("brief", ", ttl: {afterSuccess: 1s}"));
    assert_eq!(finished(&team, "kept")["status"]["phase"], "Succeeded");
    team.until("mwfr/brief", Value::is_null);
    let listed =
        team.until("oprun", |runs| runs["items"].as_array().is_some_and(|runs| runs.len() == 3));
    let names =
        listed["items"].as_array().unwrap().iter().map(|run| run["metadata"]["name"].to_string());
    assert!(names.into_iter().all(|name| name.contains("kept")), "{listed:#}");
    let later = r#"{"spec":{"ttl":{"afterSuccess":"1s"}}}"#;
    team.kubectl(&["patch", "mwfr/kept", "--type=merge", "-p", later]);
    team.until("mwfr/kept", Value::is_null);
}
