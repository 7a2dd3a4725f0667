//! Workflows that run others as steps.

use mason::faults::WORKFLOW_POINTS;
use serde_json::{Value, json};

use crate::Mason;

/// Workflows of which one runs the other as a step.
const NESTED: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: inner}
spec:
  workflow: sales/inner
  description: Append the orders of a city
  parameters: [{name: city, type: string, required: true}]
  steps:
    - id: append
      operator: table/query
      parameters:
        database_name: sales
        query_string: select city, amount from orders where city = $city
        bindings: {city: "${parameters.city}"}
        output_table: copied_${parameters.city}
        mode: append
    - id: count
      operator: table/query
      dependencies: [append]
      parameters: {database_name: sales, query_string: select count(*) as n from orders}
  outputs: {city: "${parameters.city}", n: "${steps.count.result[0].n}"}
---
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: outer}
spec:
  workflow: sales/outer
  description: Append the orders of each city
  configRef: {name: local}
  steps:
    - id: each
      workflow: sales/inner
      forEach: {items: [Wien, Graz], parallelism: 1}
      parameters: {city: "${item}"}
    - id: one
      workflow: sales/inner
      dependencies: [each]
      parameters: {city: Brno}
  outputs: {cities: "${steps.each.result}", one: "${steps.one.result.n}"}
"#;

#[test]
fn a_workflow_runs_others_as_steps_and_looks_up_their_outputs() {
    let mason = Mason::with_data();
    let file = mason.write("nested.yaml", NESTED);
    let called = mason.call(["apply", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 0, "{called:?}");
    let called = mason.call(["run", "workflow", "sales/outer", "--name", "now", "-o", "json"]);
    assert_eq!(called.code, 0, "{called:?}");
    let run: Value = serde_json::from_str(&called.out).unwrap();
    let expected =
        json!({"cities": [{"city": "Wien", "n": 3}, {"city": "Graz", "n": 3}], "one": 3});
    assert_eq!(run["status"]["outputs"], expected);
    let names = mason.call(["get", "workflowruns", "-o", "name"]).out;
    assert_eq!(names.lines().count(), 4, "{names}");
    let deleted = mason.call(["delete", "workflowrun", "now"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    for kind in ["workflowruns", "runs"] {
        let left = mason.call(["get", kind, "-o", "name"]).out;
        assert_eq!(left, "", "what a run owns goes with it");
    }
    for (number, point) in WORKFLOW_POINTS.iter().enumerate() {
        let (name, mark) = (format!("dies-{number}"), mason.path(&format!("mark-{number}")));
        let mut dies = mason.command(["run", "workflow", "sales/outer", "--name", &name, "-q"]);
        dies.env("MASON_FAULT_POINT", format!("{point}:5")).env("MASON_FAULT_MARK", &mark);
        let ended = mason.finish(&mut dies, "");
        assert!(mark.exists() && ended.code != 0, "{point}: {ended:?}");
        let called = mason.call(["resume", "-q"]);
        assert_eq!(called.code, 0, "{point}: {called:?}");
        let steps = mason.call(["get", "runs", "-o", "name"]).out;
        assert_eq!(steps.lines().count(), 6 * (number + 1), "{point}: {steps}");
    }
}

#[test]
fn wrong_nested_workflows_are_refused_with_every_problem() {
    let mason = Mason::with_data();
    let file = mason.write("nested.yaml", NESTED);
    assert_eq!(mason.call(["apply", "-f", &file.to_string_lossy()]).code, 0);
    let wrong = "
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: wrong}
spec:
  workflow: sales/wrong
  description: Everything is wrong
  configRef: {name: local}
  steps:
    - {id: a, workflow: sales/iner, parameters: {city: x}}
    - {id: b, workflow: sales/inner, retry: {limit: 1}, parameters: {town: x}}
    - {id: c, workflow: sales/wrong}
    - id: d
      operator: table/list
      dependencies: [b]
      when: steps.b.result.m == 1
      parameters: {database_name: sales}
";
    let file = mason.write("wrong.yaml", wrong);
    assert_eq!(
        mason.call(["apply", "-f", &file.to_string_lossy()]).code,
        0,
        "names may come later"
    );
    let called = mason.call(["run", "workflow", "sales/wrong"]);
    assert_eq!(called.code, 2, "{called:?}");
    for part in [
        "there is no workflow `sales/iner`",
        "did you mean `sales/inner`?",
        "spec.steps[1].retry: means nothing",
        "spec.steps[1].parameters.city: is required",
        "town",
        "these workflows run each other: sales/wrong -> sales/wrong",
        "`steps.b.result` has no field `m`",
    ] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
}
