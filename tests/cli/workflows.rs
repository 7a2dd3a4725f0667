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

fn phases(run: &Value) -> Vec<String> {
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

/// A workflow that asks before it goes on.
const ASKS: &str = r#"
apiVersion: mason.dev/v1alpha1
kind: Workflow
metadata: {name: asks}
spec:
  workflow: sales/asks
  description: Ask before the orders are counted
  configRef: {name: local}
  steps:
    - {id: ask, approval: {message: Count the orders?, timeout: 1h}}
    - id: count
      operator: table/query
      dependencies: [ask]
      when: steps.ask.result.decision == 'Approved'
      parameters: {database_name: sales, query_string: select count(*) as n from orders}
  outputs: {by: "${steps.ask.result.by ?? 'nobody'}"}
"#;

#[expect(clippy::zombie_processes, reason = "the caller waits for it")]
fn waiting(mason: &Mason, name: &str) -> std::process::Child {
    let mut command =
        mason.command(["run", "workflow", "sales/asks", "--name", name, "-o", "json"]);
    let child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let child = child.spawn().unwrap();
    let began = std::time::Instant::now();
    loop {
        let shown = mason.call(["get", "workflowrun", name, "-o", "json"]).out;
        if shown.contains("WaitsForApproval") {
            return child;
        }
        assert!(began.elapsed().as_secs() < 60, "{shown}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn ended(mason: &Mason, name: &str, child: &mut std::process::Child) -> (bool, Value) {
    let succeeded = child.wait().unwrap().success();
    let shown = mason.call(["get", "workflowrun", name, "-o", "json"]).out;
    (succeeded, serde_json::from_str(&shown).unwrap())
}

#[test]
fn a_step_waits_for_a_person_whose_answer_is_final() {
    let mason = Mason::with_data();
    let file = mason.write("asks.yaml", ASKS);
    let called = mason.call(["apply", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 0, "{called:?}");
    let mut child = waiting(&mason, "yes");
    let called = mason.call(["approve", "yes", "--by", "ann", "--comment", "fine"]);
    assert_eq!((called.code, called.out.trim()), (0, "step `ask` of run `yes` is approved"));
    let (succeeded, run) = ended(&mason, "yes", &mut child);
    assert!(succeeded, "{run:#}");
    assert_eq!(run["status"]["outputs"], json!({"by": "ann"}));
    assert_eq!(phases(&run), ["ask Succeeded", "count Succeeded"]);

    let again = mason.command(["retry", "yes", "-q"]).stderr(std::process::Stdio::null()).spawn();
    let mut again = again.unwrap();
    let began = std::time::Instant::now();
    while !mason.call(["get", "workflowruns", "-o", "json"]).out.contains("WaitsForApproval") {
        assert!(began.elapsed().as_secs() < 60, "a run that is retried asks again");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    again.kill().unwrap();
    again.wait().unwrap();

    let mut child = waiting(&mason, "no");
    for (step, told) in [("aks", "did you mean `ask`?"), ("count", "known: ask")] {
        let called = mason.call(["approve", "no", step]);
        assert_eq!(called.code, 2, "{called:?}");
        assert!(called.err.contains(told), "{}", called.err);
    }
    let called = mason.call(["approve", "no", "ask", "--reject", "--by", "eve"]);
    assert_eq!(called.code, 0, "{called:?}");
    let (succeeded, run) = ended(&mason, "no", &mut child);
    assert!(!succeeded);
    assert_eq!(run["status"]["columns"]["message"], "step `ask` failed: rejected by eve");
    let called = mason.call(["approve", "no"]);
    assert!(called.err.contains("has ended already: Failed"), "{called:?}");

    let mut child = waiting(&mason, "late");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut later = mason.command(["resume", "late", "-q"]);
    later.env("MASON_FAULT_CLOCK", "3700");
    let called = mason.finish(&mut later, "");
    assert_ne!(called.code, 0, "{called:?}");
    assert!(called.err.contains("no answer came in time"), "{called:?}");
}

#[test]
fn what_is_wrong_with_a_step_that_asks_is_said() {
    let mason = Mason::with_data();
    let wrong = ASKS.replace("{id: ask, ", "{id: ask, timeout: 1h, finally: true, ");
    let wrong =
        wrong.replace("timeout: 1h}}", "timeout: 0s}}").replace(".result.by", ".result.who");
    let wrong = wrong.replace("    - id: count", "    - {id: none}\n    - id: count");
    let file = mason.write("wrong.yaml", &wrong);
    let called = mason.call(["validate", "-f", &file.to_string_lossy()]);
    assert_eq!(called.code, 2, "{called:?}");
    assert!(
        called.err.contains("exactly one of operator, workflow and approval"),
        "{}",
        called.err
    );
    let file = mason.write("wrong.yaml", &wrong.replace("    - {id: none}\n", ""));
    let called = mason.call(["validate", "-f", &file.to_string_lossy()]);
    for part in [
        "spec.steps[0].timeout: means nothing",
        "spec.steps[0].finally: means nothing",
        "spec.steps[0].approval.timeout: must be longer than nothing",
    ] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
}

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
