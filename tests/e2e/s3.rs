//! A bucket whose jobs work in pods: the pods have the Secret, and reach the server.

use serde_json::json;

use crate::node::node;
use crate::server::Server;
use crate::team::Team;

#[test]
fn jobs_in_pods_read_and_write_a_bucket() {
    let Some(node) = node("jobs in pods on a bucket") else { return };
    let python = std::env::var("MASON_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    // The API server is at 10.N.0.1 of the node's bridge, pods are at 10.N.128.0/24.
    let api = node.done(&["get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"]);
    let network = api.trim().strip_suffix(".0.1").expect("should be the first of its services");
    let host = format!("{network}.128.1");
    let server = Server::start(&python, &["--signed", "company-lake", "--host", &host]);
    let [_, id, key] = &server.told[..] else { panic!("{:?}", server.told) };
    let address = server.address();
    let open = Server::start(&python, &["--open", "open-lake", "--host", &host]);
    let _crds = node.with_crds();
    let team = Team::new(node, "bucket");
    let values = format!(
        "crds.install=false,watchNamespaces={{bucket}},allowedEndpoints={{{address},{}}}",
        open.address()
    );
    team.install("bucket", &["--set", &values]);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws", "namespace": "bucket"},
        "stringData": {"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": key},
    });
    node.apply(&secret.to_string());
    team.apply(&format!(
        "apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {{name: lake}}
spec:
  engines: {{metastore: [files], storage: [files], execution: [here]}}
  clients:
    - name: files
      s3: {{root: \"s3://company-lake/lake/\", endpoint: \"{address}\", credentials: {{secretRef: {{name: aws}}}}}}
    - {{name: here, local: {{root: /data/bucket, parallelism: 1, memoryLimit: 256Mi}}}}
"
    ));
    team.run(
        "totals",
        "table/query",
        "{database_name: sales, query_string: select sum(amount) as amount from orders, output_table: totals}",
    );
    let status = team.finished("totals");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    team.run("reads", "table/query", "{database_name: sales, query_string: select * from totals}");
    let status = team.finished("reads");
    assert_eq!(status["result"]["data"], json!([{"amount": 6.5}]), "{status:#}");
    assert!(!team.root().join("sales/totals").exists(), "the table is in the bucket alone");
    let found = std::process::Command::new("grep").args(["-rl", key]).arg(team.folder()).output();
    assert!(found.unwrap().stdout.is_empty(), "the key is in no file of a job");
    use_a_catalogue(&team, open.address());
    node.helm(&["uninstall", "bucket", "--namespace", "bucket", "--wait"]);
}

/// Writes and reads a table of an emulated Glue, each by a job in a pod.
fn use_a_catalogue(team: &Team, address: &str) {
    team.apply(&format!(
        "apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {{name: lake}}
spec:
  engines: {{metastore: [catalogue], storage: [files], execution: [here]}}
  clients:
    - name: catalogue
      glue: {{region: us-east-1, endpoint: \"{address}\", credentials: {{secretRef: {{name: aws}}}}}}
    - name: files
      s3: {{root: \"s3://open-lake/lake/\", endpoint: \"{address}\", credentials: {{secretRef: {{name: aws}}}}}}
    - {{name: here, local: {{root: /data/bucket, parallelism: 1, memoryLimit: 256Mi}}}}
"
    ));
    let done = |name: &str, operator: &str, parameters: &str| {
        team.run(name, operator, parameters);
        let status = team.finished(name);
        assert_eq!(status["phase"], "Succeeded", "{name}: {status:#}");
        status["result"]["data"].clone()
    };
    done("make", "database/create", "{database_name: shop}");
    done(
        "write",
        "table/query",
        "{database_name: shop, query_string: select 6.5 as amount, output_table: totals}",
    );
    let rows = done(
        "look",
        "table/query",
        "{database_name: shop, query_string: select amount from totals}",
    );
    assert_eq!(rows, json!([{"amount": 6.5}]));
}
