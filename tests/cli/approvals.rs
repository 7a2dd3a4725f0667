//! Steps of workflows that wait for a person.

use serde_json::{Value, json};

use crate::Mason;
use crate::workflows::phases;

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
