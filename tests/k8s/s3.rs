//! Configs with a bucket: which servers and credentials they may use, and that a Secret counts when it is there, and is
//! nowhere but in the requests.

use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::server::Server;
use crate::team::{Team, condition, query};

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let python = std::env::var("MASON_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        Server::start(&python, &["--signed", "company-lake"])
    })
}

/// Returns a config of the server's bucket whose jobs have their folders below a root.
fn config(team: &Team, endpoint: &str, credentials: &str) -> String {
    let root = team.root();
    format!(
        "apiVersion: mason.dev/v1alpha1\nkind: MasonConfig\nmetadata: {{name: lake}}\nspec:\n  engines: {{metastore: \
         [bucket], storage: [bucket], execution: [here]}}\n  clients:\n    - name: bucket\n      s3: {{root: \
         \"s3://company-lake/lake/\", endpoint: \"{endpoint}\"{credentials}}}\n    - {{name: here, local: {{root: {}, \
         memoryLimit: 256Mi, parallelism: 1}}}}\n",
        root.display()
    )
}

const WITH_SECRET: &str = ", credentials: {secretRef: {name: aws}}";

fn ready(config: &Value) -> Option<(Value, Value)> {
    let ready = condition(config, "Ready")?;
    Some((ready["reason"].clone(), ready["message"].clone()))
}

fn until_ready_is(team: &Team, reason: &str, part: &str) {
    team.until("mcfg/lake", |config| {
        ready(config).is_some_and(|(found, message)| {
            found == reason && message.as_str().is_some_and(|message| message.contains(part))
        })
    });
}

/// Makes the Secret anew.
fn set_secret(team: &Team, id: &str, key: &str) {
    let keys = format!("AWS_ACCESS_KEY_ID: \"{id}\", AWS_SECRET_ACCESS_KEY: \"{key}\"");
    let secret =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: aws}}\nstringData: {{{keys}}}\n");
    team.apply(&secret);
}

#[test]
fn a_config_names_an_allowed_server_and_a_secret() {
    let team = Team::new("bucket-rules");
    let address = server().address();
    let _controller = team.controller();
    team.apply(&config(&team, address, WITH_SECRET));
    until_ready_is(&team, "EndpointNotAllowed", "does not allow the server `http://127.0.0.1:");
    team.apply(&query("refused", "select * from orders", ""));
    let status = team.finished("refused");
    assert_eq!(status["columns"]["reason"], "EndpointNotAllowed", "{status:#}");
}

#[test]
fn a_secret_counts_when_it_is_there_and_is_nowhere_else() {
    let team = Team::new("bucket-secret");
    let [address, id, key] = &server().told[..] else { panic!("{:?}", server().told) };
    let controller = team.controller_with(&["--allowed-endpoint", address]);
    team.apply(&config(&team, address, ""));
    until_ready_is(&team, "CredentialsMissing", "it names no Secret");
    team.apply(&config(&team, address, WITH_SECRET));
    until_ready_is(&team, "CredentialsMissing", "there is no Secret `aws`");
    set_secret(&team, id, "");
    until_ready_is(&team, "CredentialsMissing", "has no key `AWS_SECRET_ACCESS_KEY`");
    set_secret(&team, id, "PLANTED-wrong-key");
    until_ready_is(&team, "ClientNotReady", "credentials are wrong for bucket `company-lake`");
    set_secret(&team, id, key);
    until_ready_is(&team, "Checked", "");
    team.apply(&query("asks", "select sum(amount) as amount from orders", ""));
    let status = team.finished("asks");
    assert_eq!(status["result"]["data"], json!([{"amount": 6.5}]), "{status:#}");
    let more = ", output_table: totals";
    team.apply(&query("writes", "select sum(amount) as amount from orders", more));
    let status = team.finished("writes");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    assert_eq!(status["result"]["data"]["table"]["name"], "totals", "{status:#}");
    // Neither what is recorded nor what is written beside the jobs has the keys.
    let found = Command::new("grep").args(["-rl", key]).arg(team.allowed()).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
    for resource in ["oprun/asks", "oprun/writes", "mcfg/lake"] {
        assert!(!team.get(resource).to_string().contains(key.as_str()), "{resource}");
    }
    assert!(!controller.log().contains(key.as_str()) && !controller.log().contains("PLANTED"));
}

#[test]
fn the_secret_of_a_bucket_is_lent_to_no_pod_of_another_namespace() {
    let (owner, team) = (Team::new("bucket-lender"), Team::new("bucket-borrower"));
    let [address, id, key] = &server().told[..] else { panic!("{:?}", server().told) };
    let open = "  allowedNamespaces: {from: All}\n";
    set_secret(&owner, id, key);
    owner.apply(&(config(&owner, address, WITH_SECRET) + open));
    let settings = owner.pod_settings("");
    let places = ["--watch-namespace", team.name, "--pod-settings", &settings];
    let _controller =
        owner.controller_with(&[&places[..], &["--allowed-endpoint", address]].concat());
    until_ready_is(&owner, "Checked", "");
    let foreign = query("foreign", "select * from orders", "")
        .replace("{name: lake}", "{name: lake, namespace: bucket-lender}");
    team.apply(&foreign);
    let status = team.finished("foreign");
    assert_eq!(status["columns"]["reason"], "CredentialsNotShareable", "{status:#}");
    let pods: Value = serde_json::from_str(&team.kubectl(&["get", "pods", "-o", "json"])).unwrap();
    assert_eq!(pods["items"], json!([]));
}
