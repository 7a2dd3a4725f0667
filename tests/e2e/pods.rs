//! Work in pods: the local engine's, and a container of the user's own.

use std::time::{Duration, Instant};

use serde_json::Value;

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
    team.run("greet", "people/greet", "{name: World}");
    let pod = pod_of(&team, "greet");
    let status = team.finished("greet");
    let answer = status["result"].to_string();
    assert!(answer.contains("World") && answer.contains('4'), "{status:#}");
    assert_eq!(pod["spec"]["securityContext"]["runAsNonRoot"], true, "{pod:#}");
    node.helm(&["uninstall", "contained", "--namespace", "contained", "--wait"]);
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
