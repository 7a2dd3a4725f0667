//! Nothing that is secret is told: not in logs, events, statuses, metrics, traces or panics.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mason::faults::PANIC_VARIABLE;
use serde_json::Value;

use crate::operation::Collector;
use crate::team::{Account, Team, query};

/// What a Secret of the namespace holds.
const IN_SECRET: &str = "planted-in-a-secret-7Hq2vX9sLm";
/// What stands in the environment, as AWS names it.
const IN_ENVIRONMENT: &str = "planted/AWS+secret+key/wJalrXUtnFEMI0K7MDENGbPxRfi";
const KEY_ID: &str = "AKIAPLANTEDPLANTED00";

/// Makes an account that may do everything.
fn account(team: &Team) -> Account {
    team.kubectl(&["create", "serviceaccount", "mason"]);
    let (role, account) = ("--clusterrole=cluster-admin", "--serviceaccount=secretive:mason");
    team.cluster.done(&["create", "clusterrolebinding", "secretive", role, account]);
    team.account("mason")
}

#[test]
fn nothing_that_is_secret_is_told() {
    let team = Team::new("secretive");
    let literal = format!("--from-literal=AWS_SECRET_ACCESS_KEY={IN_SECRET}");
    team.kubectl(&["create", "secret", "generic", "aws", &literal]);
    let root = team.root();
    team.apply(&format!(
        "apiVersion: mason.dev/v1alpha1
kind: MasonConfig
metadata: {{name: lake}}
spec:
  engines: {{metastore: [here], storage: [here], execution: [here]}}
  clients:
    - name: here
      local: {{root: {}, parallelism: 1, credentials: {{secretRef: {{name: aws}}}}}}
",
        root.display()
    ));
    let collector = Collector::new();
    let Account { token, kubeconfig } = account(&team);
    let variables = [
        ("MASON_LOG", "trace"),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", IN_ENVIRONMENT),
        (PANIC_VARIABLE, "collect.before-act:1"),
        ("RUST_BACKTRACE", "full"),
    ];
    let arguments = ["--log-format", "json", "--otlp-endpoint", &collector.endpoint];
    let controller = team.controller_in(&kubeconfig, &arguments, &variables);
    team.apply(&query("good", "select count(*) as n from orders", ""));
    team.apply(&query("wrong", "select nothing from orders", ""));
    team.apply(&query("lost", "select 1 as n", "").replace("lake", "nowhere"));
    assert_eq!(team.finished("good")["phase"], "Succeeded");
    assert_eq!(team.finished("wrong")["phase"], "Failed");
    let metrics = controller.ask("/metrics").unwrap();
    let health = controller.ask("/healthz").unwrap() + &controller.ask("/readyz").unwrap();
    let objects = team.kubectl(&["get", "mason,events,pods,leases", "-o", "yaml"]);
    let log = controller.follow_to_the_end();
    let traces = String::from_utf8_lossy(&collector.received.lock().unwrap()).into_owned();
    // A token is told as soon as its last part is, which is its signature.
    let signature = token.rsplit('.').next().unwrap();
    let secrets = [IN_SECRET, IN_ENVIRONMENT, KEY_ID, signature];
    let places = [
        ("log", log),
        ("objects", objects),
        ("metrics", metrics),
        ("health", health),
        ("traces", traces),
    ];
    // The search finds what is there.
    for (place, sign) in [
        ("log", "TRACE"),
        ("log", "a test lets collect.before-act panic"),
        ("objects", "Succeeded"),
        ("traces", "execution.create"),
    ] {
        let text = &places.iter().find(|(name, _)| *name == place).unwrap().1;
        assert!(text.contains(sign), "{place} has no {sign}");
    }
    for (place, text) in &places {
        for form in secrets.iter().flat_map(|&secret| [secret.to_owned(), STANDARD.encode(secret)])
        {
            let found = text.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "{place} tells {form}:\n{}", found.unwrap_or_default());
        }
    }
    let secret: Value = team.get("secret/aws");
    assert_eq!(secret["data"]["AWS_SECRET_ACCESS_KEY"], STANDARD.encode(IN_SECRET));
}
