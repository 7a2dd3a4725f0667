//! Work in pods: the local engine's, and a container of the user's own.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::called::Called;
use crate::node::{PATIENCE, SHELL_IMAGE, node};
use crate::team::Team;

#[test]
fn the_local_engine_works_in_a_pod_of_the_team() {
    let Some(node) = node("work of the local engine in a pod") else { return };
    let _crds = node.with_crds();
    let team = Team::new(node, "placed");
    team.install("placed", &["--set", "crds.install=false,watchNamespaces={placed}"]);
    team.config();
    team.run(
        "count",
        "table/query",
        "{database_name: sales, query_string: select count(*) as n from orders}",
    );
    let pod = pod_of(&team, "count");
    let status = team.finished("count");
    assert_eq!(status["result"]["data"][0]["n"], 3, "{status:#}");
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false, "{pod:#}");
    assert_eq!(pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    node.helm(&["uninstall", "placed", "--namespace", "placed", "--wait"]);
}

#[test]
fn a_container_in_an_image_without_any_library_is_an_operator() {
    let Some(node) = node("an operator in a container") else { return };
    let _crds = node.with_crds();
    let team = Team::new(node, "contained");
    team.install("contained", &["--set", "crds.install=false,watchNamespaces={contained}"]);
    team.config();
    team.apply(&format!(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {{name: greet}}
spec:
  operator: people/greet
  description: Greet somebody.
  parameters: [{{name: name, type: string, required: true}}]
  action:
    container:
      image: {SHELL_IMAGE}
      imagePullPolicy: Never
      storage: ReadOnly
      command: [/bin/sh, -c]
      args: ['lines=$(wc -l < \"$MASON_STORAGE/sales/orders.csv\"); echo \"{{\\\"hello\\\": \\\"$MASON_PARAM_NAME\\\", \\\"lines\\\": $lines}}\" > \"$MASON_RESULT\"']
"
    ));
    let large =
        r#"{ printf '"'; head -c 2000000 /dev/zero | tr '\0' x; printf '"'; } > "$MASON_RESULT""#;
    team.apply(&shell("write", large));
    team.apply(&shell("fail", "echo said before the end; exit 3"));
    team.run("greet", "people/greet", "{name: World}");
    team.run("write", "shell/write", "{}");
    team.run("fail", "shell/fail", "{}");
    let pod = pod_of(&team, "greet");
    let status = team.finished("greet");
    let answer = status["result"].to_string();
    assert!(answer.contains("World") && answer.contains('4'), "{status:#}");
    assert_eq!(pod["spec"]["securityContext"]["runAsNonRoot"], true, "{pod:#}");

    let written = team.finished("write");
    assert_eq!(written["phase"], "Succeeded", "{written:#}");
    assert_eq!(
        written["result"]["ref"]["bytes"], 2_000_002,
        "through the storage: no log takes so much"
    );
    let uploads = team.root().join(".mason/uploads");
    let began = Instant::now();
    while std::fs::read_dir(&uploads).unwrap().count() > 0 {
        assert!(began.elapsed() < PATIENCE, "what was left in the storage is removed");
        std::thread::sleep(Duration::from_millis(100));
    }

    assert_eq!(team.finished("fail")["columns"]["reason"], "UserError");
    let mut mason = Command::new(env!("CARGO_BIN_EXE_mason"));
    mason.args(["--cluster", "--namespace", team.name, "logs", "fail"]);
    let logs = Called::of(mason.env("KUBECONFIG", node.kubeconfig()), "");
    assert!(logs.is_success && logs.out.contains("said before the end"), "{logs:?}");
    node.helm(&["uninstall", "contained", "--namespace", "contained", "--wait"]);
}

/// Returns an operator that is a script of a shell and may write the storage.
fn shell(name: &str, script: &str) -> String {
    format!(
        "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {{name: {name}}}
spec:
  operator: shell/{name}
  description: A script.
  action:
    container:
      image: {SHELL_IMAGE}
      imagePullPolicy: Never
      storage: ReadWrite
      command:
        - /bin/sh
        - -euc
        - |
          {script}
"
    )
}

/// Returns the pod that does the work of a run's first attempt, as soon as there is one: it is cleared away
/// once its run has succeeded.
fn pod_of(team: &Team, run: &str) -> Value {
    let run = team.until(run, |run| !run["metadata"]["uid"].is_null());
    let began = Instant::now();
    loop {
        let pods: Value =
            serde_json::from_str(&team.kubectl(&["get", "pods", "-o", "json"])).unwrap();
        let pods = pods["items"].as_array().unwrap();
        let is_of =
            |pod: &&Value| pod["metadata"]["ownerReferences"][0]["uid"] == run["metadata"]["uid"];
        if let Some(found) = pods.iter().find(is_of) {
            return found.clone();
        }
        assert!(began.elapsed() < PATIENCE, "{run:#}\nhas no pod of its own among {pods:#?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
