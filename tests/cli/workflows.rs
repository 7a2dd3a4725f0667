//! Workflows from the command line: the shipped ones, wrong ones, and a process that dies between two effects.

use mason::faults::WORKFLOW_POINTS;
use serde_json::{Value, json};

use crate::{Called, Mason};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/workflows");

/// A workflow that appends rows twice, one after the other.
const APPENDS: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: appends}
spec:
  workflow: sales/appends
  description: Append the orders to a table, and then again
  configRef: {name: local}
  steps:
    - id: first
      operator: table/query
      parameters: &append
        database_name: sales
        query_string: select city, amount from orders
        output_table: twice
        mode: append
    - {id: second, operator: table/query, dependencies: [first], parameters: *append}
    - id: count
      operator: table/query
      dependencies: [second]
      parameters: {database_name: sales, query_string: select count(*) as n from twice}
  outputs: {n: "${steps.count.result[0].n}"}
"#;

fn with_workflows() -> Mason {
    let mason = Mason::with_data();
    let applied = mason.call(["apply", "-f", SHIPPED]);
    assert_eq!(applied.code, 0, "{applied:?}");
    mason
}

fn validated_infer(mason: &Mason, check: &str) -> (Called, Value) {
    let called = mason.call([
        "run",
        "workflow",
        "table/validated_infer",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "-p",
        "storage_path=sales/orders.csv",
        "-p",
        "table_name=checked",
        "-p",
        &format!("check={check}"),
        "-o",
        "json",
    ]);
    let run = serde_json::from_str(&called.out).unwrap_or_default();
    (called, run)
}

pub(crate) fn phases(run: &Value) -> Vec<String> {
    let steps = run["status"]["steps"].as_array().cloned().unwrap_or_default();
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    steps.iter().map(|step| format!("{} {}", text(&step["id"]), text(&step["phase"]))).collect()
}

fn tables(mason: &Mason) -> String {
    mason.call(["run", "table/list", "--config", "local", "-p", "database_name=sales", "-q"]).out
}

#[test]
fn a_validated_table_stays_and_a_wrong_one_is_cleaned_away() {
    let mason = with_workflows();
    let (called, run) = validated_infer(&mason, "select city from checked");
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(phases(&run), ["infer Succeeded", "check Succeeded", "clean Skipped"]);
    assert!(tables(&mason).contains("checked"));
    let deleted = mason.call([
        "run",
        "table/delete",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "-p",
        "table_name=checked",
        "-q",
    ]);
    assert_eq!(deleted.code, 0, "{deleted:?}");

    let (called, run) = validated_infer(&mason, "select city from checked where amount < 0");
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(phases(&run), ["infer Succeeded", "check Succeeded", "clean Succeeded"]);
    assert_eq!(run["status"]["outputs"], json!({"check": "Succeeded", "clean": "Succeeded"}));
    assert!(!tables(&mason).contains("checked"), "the clean-up was reached");

    let many = "select value from generate_series(1, 5000)";
    let (called, run) = validated_infer(&mason, many);
    assert_eq!((called.code, phases(&run)[2].as_str()), (0, "clean Skipped"), "{called:?}");
    let deleted = mason.call([
        "run",
        "table/delete",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "-p",
        "table_name=checked",
        "-q",
    ]);
    assert_eq!(deleted.code, 0, "{deleted:?}");

    let (called, run) = validated_infer(&mason, "select nothing from checked");
    assert_eq!(called.code, 1, "{called:?}");
    assert_eq!(run["status"]["columns"]["reason"], "StepFailed");
    assert_eq!(phases(&run), ["infer Succeeded", "check Failed", "clean Succeeded"]);
    assert!(!tables(&mason).contains("checked"), "the clean-up was reached");
}

#[test]
fn a_step_that_registers_nothing_fails_and_a_run_without_a_config_is_refused() {
    let mason = with_workflows();
    mason.write("data/sales/parts/a.csv", "n\n1\n");
    mason.write("data/sales/parts/b.csv", "n\ntext\n");
    let infer = [
        "run",
        "workflow",
        "table/infer",
        "-p",
        "database_name=sales",
        "-p",
        "storage_path=sales/parts",
        "-p",
        "table_name=both",
    ];
    let called = mason.call(infer);
    assert_eq!(called.code, 2, "{called:?}");
    assert!(called.err.contains("spec.configRef: is needed"), "{}", called.err);
    let called = mason.call(infer.into_iter().chain(["--config", "local"]));
    assert_eq!(called.code, 1, "{called:?}");
    assert!(called.err.contains("it registered nothing: the files disagree"), "{}", called.err);
}

#[test]
fn the_rows_of_a_query_are_exported_by_the_workflow_for_it() {
    let mason = with_workflows();
    let called = mason.call([
        "run",
        "workflow",
        "table/export",
        "--config",
        "local",
        "-p",
        "database_name=sales",
        "-p",
        "query_string=select city, sum(amount) as amount from orders group by city",
        "-p",
        "output_table=by_city",
        "-p",
        "output_path=exports/by_city",
    ]);
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(called.out.trim(), "path: exports/by_city");
    assert!(called.err.contains("2 of 2 steps succeeded"), "{}", called.err);
    let folders = std::fs::read_dir(mason.path("data/exports/by_city")).unwrap();
    let csv = folders.map(|entry| entry.unwrap().path().join("part-00000.csv"));
    let csv = csv.into_iter().find(|path| path.exists()).unwrap();
    let text = std::fs::read_to_string(csv).unwrap();
    assert!(text.starts_with("city,amount\n") && text.contains("Graz"), "{text}");
}

#[test]
fn every_problem_of_a_workflow_and_of_its_run_comes_at_once_and_nothing_is_run() {
    let mason = with_workflows();
    let wrong = APPENDS
        .replace("mode: append", "mode: apend")
        .replace("dependencies: [second]", "dependencies: [secnd]")
        .replace("table/query, dependencies: [first]", "table/qery, dependencies: [first]");
    let file = mason.write("wrong.yaml", &wrong);
    let called = mason.call(["validate", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 2, "{called:?}");
    for part in [
        "spec.steps[0].parameters.mode: \"apend\" is none of",
        "spec.steps[1].operator: there is no operator `table/qery`",
        "spec.steps[2].dependencies[0]: ",
        "did you mean `second`?",
    ] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
    let called =
        mason.call(["run", "workflow", "table/infer", "--config", "nowhere", "-p", "tabel_name=x"]);
    assert_eq!(called.code, 2, "{called:?}");
    for part in [
        "spec.parameters.tabel_name: `table/infer` has no such parameter",
        "spec.parameters.database_name: is required",
        "spec.configRef.name: there is no config `nowhere`",
    ] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
    assert_eq!(called.err.matches("there is no config").count(), 1, "{}", called.err);
    let listed = mason.call(["get", "workflowruns", "-o", "name"]);
    assert_eq!(listed.out, "", "nothing was stored");
}

#[test]
fn steps_that_race_and_look_ups_that_lead_nowhere_are_told_before_a_run() {
    let mason = with_workflows();
    let wrong = APPENDS
        .replace("dependencies: [first], ", "")
        .replace("dependencies: [second]", "dependencies: [first]")
        .replace("result[0].n}", "result.n}");
    let file = mason.write("races.yaml", &wrong);
    let called = mason.call(["validate", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 2, "{called:?}");
    for part in [
        "spec.steps[1].dependencies: steps `first` and `second` can run at the same time, and both write table \
         `sales.twice`",
        "add `first` to the dependencies of `second`, or the other way round",
        "spec.steps[2].dependencies: steps `second` and `count` can run at the same time, and `second` writes \
         table `sales.twice`, which `count` reads",
        "spec.outputs.n: `steps.count.result` is a list and has no field `n`",
    ] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
}

#[test]
fn a_process_that_dies_between_two_effects_is_followed_by_one_that_repeats_none() {
    for (number, point) in WORKFLOW_POINTS.iter().enumerate() {
        for times in 1..=3 {
            let mason = Mason::with_data();
            let file = mason.write("appends.yaml", APPENDS);
            assert_eq!(mason.call(["apply", "-f", &file.to_string_lossy()]).code, 0);
            let mark = mason.path(&format!("mark-{number}-{times}"));
            let mut dies =
                mason.command(["run", "workflow", "sales/appends", "--name", "now", "-q"]);
            dies.env("MASON_FAULT_POINT", format!("{point}:{times}"));
            dies.env("MASON_FAULT_MARK", &mark);
            let ended = mason.finish(&mut dies, "");
            assert!(mark.exists(), "{point} was not reached for the {times}. time: {ended:?}");
            assert_ne!(ended.code, 0, "{point}:{times} {ended:?}");
            let called = mason.call(["resume", "now", "-q"]);
            assert_eq!((called.code, called.out.trim()), (0, "n: 6"), "{point}:{times} {called:?}");
            let runs = mason.call(["get", "runs", "-o", "name"]);
            assert_eq!(runs.out.lines().count(), 3, "{point}:{times} {}", runs.out);
        }
    }
}

#[test]
fn a_run_of_a_workflow_is_shown_cancelled_and_deleted_with_its_steps() {
    let mason = Mason::with_data();
    let file = mason.write("appends.yaml", APPENDS);
    assert_eq!(mason.call(["apply", "-f", &file.to_string_lossy()]).code, 0);
    let run = "apiVersion: mason.dev/v1alpha1\nkind: WorkflowRun\nmetadata: {name: later}\n\
               spec: {workflowRef: {name: appends}, suspend: true}\n";
    let file = mason.write("run.yaml", run);
    let called = mason.call(["run", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 1, "{called:?}");
    assert!(called.err.contains("workflow run `later` is suspended"), "{}", called.err);
    let called = mason.call(["resume", "later", "-q"]);
    assert_eq!((called.code, called.out.trim()), (0, "n: 6"), "{called:?}");
    let shown = mason.call(["describe", "workflowrun", "later"]);
    for part in ["phase: Succeeded (Completed)", "STEP", "second", "n: 6"] {
        assert!(shown.out.contains(part), "{part} is not in {}", shown.out);
    }
    let cancelled = mason.call(["cancel", "later"]);
    assert!(cancelled.out.contains("has ended already: Succeeded"), "{cancelled:?}");
    let again = mason.call(["retry", "later", "--from", "count"]);
    assert_eq!((again.code, again.out.trim()), (0, "n: 6"), "{again:?}");
    assert!(
        again.err.contains("second Succeeded") && again.err.contains("3 of 3"),
        "{}",
        again.err
    );
    let listed = mason.call(["get", "workflowruns", "-o", "name"]);
    let again = listed.out.lines().find(|name| !name.ends_with("/later")).unwrap().to_owned();
    assert_eq!(mason.call(["delete", &again]).code, 0);
    assert_eq!(mason.call(["delete", "workflowrun", "later"]).code, 0);
    assert_eq!(mason.call(["get", "runs", "-o", "name"]).out, "", "its steps went with it");
}

#[test]
fn a_workflow_is_drawn_as_text_and_in_languages_for_pictures() {
    let mason = with_workflows();
    let drawn = mason.call(["graph", "table/validated_infer"]);
    assert_eq!(drawn.code, 0, "{drawn:?}");
    insta::assert_snapshot!(drawn.out, @r"
            ┌─────────────────────┐
            │ infer (table/infer) │
            └──────────┬──────────┘
               ┌───────┴─────┐
               ▼             │
    ┌─────────────────────┐  │
    │ check (table/query) │  │
    └──────────┬──────────┘  │
               │             │
               ▼             ▼
         ┌────────────────────────┐
         │ clean ? (table/delete) │
         └────────────────────────┘

    ?  runs only when its condition holds
    ");
    for (form, part) in [("dot", "digraph"), ("mermaid", "flowchart"), ("svg", "<svg")] {
        let drawn = mason.call(["graph", "table/validated_infer", "-o", form]);
        assert!(drawn.code == 0 && drawn.out.contains(part), "{form}: {drawn:?}");
    }
    let none = mason.call(["graph", "table/nothing"]);
    assert!(none.code == 2 && none.err.contains("there are: table/export"), "{none:?}");
}

/// A workflow that looks at each city by itself.
const EACH: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: each}
spec:
  workflow: sales/each
  description: Count the orders of each city
  configRef: {name: local}
  steps:
    - id: cities
      operator: table/query
      parameters: {database_name: sales, query_string: select distinct city from orders order by city}
    - id: orders
      operator: table/query
      dependencies: [cities]
      forEach: {items: "${steps.cities.result}", parallelism: 2}
      parameters:
        database_name: sales
        query_string: select $city as city, count(*) as n from orders where city = $city
        bindings: {city: "${item.city}"}
    - id: wien
      operator: table/query
      dependencies: [cities]
      forEach: {items: "${steps.cities.result}"}
      when: item.city == 'Wien'
      parameters: {database_name: sales, query_string: select 1 as n}
  outputs: {orders: "${steps.orders.result}", wien: "${steps.wien.result}"}
"#;

#[test]
fn a_step_runs_for_each_item_of_a_result_with_its_values_bound() {
    let mason = Mason::with_data();
    let file = mason.write("each.yaml", EACH);
    assert_eq!(mason.call(["apply", "-f", &file.to_string_lossy()]).code, 0);
    let called = mason.call(["run", "workflow", "sales/each", "--name", "now", "-o", "json"]);
    assert_eq!(called.code, 0, "{called:?}");
    let run: Value = serde_json::from_str(&called.out).unwrap();
    let outputs = &run["status"]["outputs"];
    let expected = json!([[{"city": "Graz", "n": 1}], [{"city": "Wien", "n": 2}]]);
    assert_eq!(outputs["orders"], expected);
    assert_eq!(outputs["wien"], json!([null, [{"n": 1}]]));
    let items = &run["status"]["steps"][1]["items"];
    assert_eq!(*items, json!({"total": 2, "launched": 2, "outcomes": "S2"}));
    assert!(called.err.contains("orders Succeeded, 2 items, 2 rows"), "{}", called.err);
    let shown = mason.call(["describe", "workflowrun", "now"]).out;
    assert!(shown.contains("2/2"), "{shown}");
    for (point, times) in [("before-act", 3), ("before-write", 4), ("after-write", 4)] {
        let (name, mark) = (format!("dies-{point}"), mason.path(&format!("mark-{point}")));
        let mut dies = mason.command(["run", "workflow", "sales/each", "--name", &name, "-q"]);
        dies.env("MASON_FAULT_POINT", format!("workflow.{point}:{times}"));
        dies.env("MASON_FAULT_MARK", &mark);
        let ended = mason.finish(&mut dies, "");
        assert!(mark.exists() && ended.code != 0, "{point}: {ended:?}");
        let called = mason.call(["resume", &name, "-q"]);
        assert_eq!(called.code, 0, "{point}: {called:?}");
        let steps = mason.call(["get", "runs", "-o", "name"]).out;
        let own = steps.lines().filter(|line| line.contains(&name)).count();
        assert_eq!(own, 4, "{point}: {steps}");
    }
}

#[test]
fn what_is_wrong_with_bindings_is_said_before_anything_runs() {
    let mason = Mason::with_data();
    let query = |bindings: &str| {
        let statement = "query_string=select $city as city, count(*) as n from orders";
        let bindings = format!("bindings={bindings}");
        let parameters = ["-p", "database_name=sales", "-p", statement, "-p", &bindings];
        mason.call(["run", "table/query", "--config", "local"].iter().chain(&parameters).copied())
    };
    let called = query(r#"{"city": "it's; drop table orders"}"#);
    assert_eq!(called.code, 0, "{called:?}");
    assert!(called.out.contains("it's; drop table orders"), "{}", called.out);
    let called = query(r#"{"town": 1, "b-c": {}}"#);
    assert_eq!(called.code, 2, "{called:?}");
    assert!(called.err.contains("`b-c` in `bindings` cannot be"), "{}", called.err);
    let called = query(r#"{"town": 1}"#);
    assert_eq!(called.code, 2, "{called:?}");
    for part in ["the query has no `$town`", "`$city` has no value"] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
}
