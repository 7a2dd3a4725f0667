//! Every right that the chart gives to the controller is used: a controller does each kind of work with that account,
//! and the API server's own log says what was asked for. It has a control plane of its own, for that log and for CRDs
//! that let unreadable objects pass.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chart::objects;
use crate::cluster::Cluster;
use crate::rights::install_roles;
use crate::team::{PATIENCE, Team, condition, config, query};
use crate::workflows::{self, FLOW};

/// A verb on a resource of a group, with its subresource: `patch mason.dev operatorruns/status`.
type Rights = BTreeSet<String>;

/// Rights that are checked by the API server for another request, and so never asked for by themselves: a child that names
/// its owner needs it where the admission plugin `OwnerReferencesPermissionEnforcement` works.
const CHECKED_ONLY: [&str; 1] = ["update mason.dev operatorruns/finalizers"];

/// Returns the rights of the controller's roles.
fn given(manifest: &str, account: &str) -> Rights {
    let own = format!("{account}-own");
    let is_of_controller = |role: &Value| {
        role["kind"].as_str().unwrap().ends_with("Role")
            && [account, &own].iter().any(|name| role["metadata"]["name"] == **name)
    };
    let of_controller = objects(manifest).into_iter().filter(is_of_controller);
    let rules = of_controller.flat_map(|role| role["rules"].as_array().unwrap().clone());
    rules.flat_map(|rule| rights_of(&rule)).collect()
}

fn rights_of(rule: &Value) -> Vec<String> {
    let words = |field: &str| -> Vec<String> {
        let words = rule[field].as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = Vec::new();
    for (group, resource) in pairs(&words("apiGroups"), &words("resources")) {
        rights.extend(words("verbs").iter().map(|verb| format!("{verb} {group} {resource}")));
    }
    rights
}

fn pairs<'a>(left: &'a [String], right: &'a [String]) -> Vec<(&'a String, &'a String)> {
    left.iter().flat_map(|one| right.iter().map(move |other| (one, other))).collect()
}

/// Returns the rights that an account has made use of, and those that it was refused.
fn asked(log: &str, account: &str) -> (Rights, Rights) {
    let (mut used, mut refused) = (Rights::new(), Rights::new());
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for event in events.filter(|event| event["user"]["username"] == account) {
        let object = &event["objectRef"];
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let resource = match text("subresource") {
            "" => text("resource").to_owned(),
            part => format!("{}/{part}", text("resource")),
        };
        let verb = event["verb"].as_str().unwrap_or_default();
        let right = format!("{verb} {} {resource}", text("apiGroup"));
        let is_refused = event["responseStatus"]["code"] == 403;
        let rights = if is_refused { &mut refused } else { &mut used };
        if !resource.is_empty() {
            rights.insert(right);
        }
    }
    (used, refused)
}

/// Returns the CRDs as an older version might have had them: any spec passes. An operator is a text, because runs and
/// definitions are selected by it.
fn lenient_crds() -> String {
    let crds = objects(&mason::api::crds::crds_yaml()).into_iter().map(|mut crd| {
        for version in crd["spec"]["versions"].as_array_mut().unwrap() {
            let schema = version["schema"]["openAPIV3Schema"].as_object_mut().unwrap();
            schema.remove("x-kubernetes-validations");
            schema["properties"]["spec"] = json!({
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"operator": {"type": "string"}, "workflow": {"type": "string"}},
            });
        }
        crd.to_string()
    });
    crds.collect::<Vec<_>>().join("\n---\n")
}

/// Runs that have ended are pruned and deleted, with their large results.
fn end_and_clear_away(team: &Team) {
    let many = "select value, 'a text that takes some room' as words from generate_series(1, 5000)";
    let ttl = |policy: &str| format!("  ttl: {{afterSuccess: 1s, policy: {policy}}}\n");
    team.apply(&(query("large", many, ", limit: 100000") + &ttl("Prune")));
    team.until("oprun/large", |run| !run["status"]["prunedAt"].is_null());
    team.apply(&(query("brief", "select 1 as n", "") + &ttl("Delete")));
    team.until("oprun/brief", Value::is_null);
}

/// A config with a Secret, and one of a namespace that opens it to others by their labels.
fn use_other_configs(team: &Team, other: &Team) {
    let root = team.root().to_string_lossy().into_owned();
    team.kubectl(&["create", "secret", "generic", "key", "--from-literal=token=one"]);
    let credentials = "parallelism: 1, credentials: {secretRef: {name: key}}";
    team.apply(&config("locked", &root).replace("parallelism: 1", credentials));
    team.until("mcfg/locked", |config| {
        condition(config, "Ready").is_some_and(|ready| ready["status"] == "True")
    });
    let guest = query("guest", "select 1 as n", "");
    other.apply(
        &guest.replace("{name: lake}", &format!("{{name: lake, namespace: {}}}", team.name)),
    );
    assert_eq!(other.finished("guest")["phase"], "Succeeded");
}

/// A pod whose node warns of it, and which then does its work.
fn work_in_a_pod(team: &Team) {
    team.greeter("");
    team.greet("hello", "");
    let pod = team.released_pod();
    team.bind(&pod);
    let metadata = &pod["metadata"];
    let warning = json!({
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "FailedMount",
        "metadata": {"name": "late", "namespace": team.name}, "message": "no such volume",
        "involvedObject": {"kind": "Pod", "namespace": team.name, "name": metadata["name"], "uid": metadata["uid"]},
    });
    team.cluster.apply(&warning.to_string());
    team.until("oprun/hello", |run| run["status"]["columns"]["reason"] == "PodHeldUp");
    team.succeeds(&pod, &json!({"greeting": "Hello"}));
    assert_eq!(team.finished("hello")["phase"], "Succeeded");
}

/// A workflow whose steps are created as runs, and one whose runs are made by its schedule.
fn run_a_workflow(team: &Team) {
    let kept = "  history: {succeeded: 0, failed: 0}\n";
    team.apply(&(workflows::scheduled("ticks", "every: 10s") + kept));
    let old = ", plannedAt: '2026-01-01T00:00:00Z'";
    let old = workflows::run("old", old).replace("{name: flow}", "{name: ticks}");
    team.apply(&old.replace("{name: old}", "{name: old, labels: {mason.dev/workflow: ticks}}"));
    workflows::finished(team, "old");
    team.apply(FLOW);
    team.apply(&workflows::run("flow-now", ""));
    assert_eq!(workflows::finished(team, "flow-now")["status"]["phase"], "Succeeded");
    team.until("mwf/ticks", |workflow| !workflow["status"]["schedule"]["lastRun"].is_null());
    team.until("mwfr/old", Value::is_null);
}

/// Objects of each kind that cannot be read say so themselves.
fn report_what_cannot_be_read(team: &Team) {
    for (kind, short) in [
        ("MasonConfig", "mcfg"),
        ("OperatorDefinition", "opdef"),
        ("OperatorRun", "oprun"),
        ("Workflow", "mwf"),
        ("WorkflowRun", "mwfr"),
    ] {
        team.apply(&format!(
            "apiVersion: mason.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: bad}}\nspec: {{unknown: 1}}\n"
        ));
        team.until(&format!("{short}/bad"), |object| {
            condition(object, "Ready").is_some_and(|ready| ready["reason"] == "Unreadable")
        });
    }
}

#[test]
fn every_right_of_the_chart_is_used_and_no_other_is_asked_for() {
    let cluster: &'static Cluster =
        Box::leak(Box::new(Cluster::audited("tests/k8s/audit-policy.yaml")));
    cluster.install(&lenient_crds());
    let (team, other) = (Team::on(cluster, "used-rights"), Team::on(cluster, "used-rights-guest"));
    cluster.done(&["label", "namespace", other.name, "lake=open"]);
    let manifest = install_roles(&team, &[]);
    let open = "  allowedActions: [builtin, container]\n  allowedNamespaces: {from: Selector, selector: {matchLabels: {lake: open}}}\n";
    team.apply(&(config("lake", &team.root().to_string_lossy()) + open));
    let settings =
        team.pod_settings("defaultPlacement: Controller\nallowedPlacements: [Pod, Controller]\n");
    let lease = ["--leader-elect", "--lease-name", team.name, "--lease-namespace", team.name];
    let arguments = [&lease[..], &["--identity", "one", "--pod-settings", &settings]].concat();
    let kubeconfig = team.account(team.name).kubeconfig;
    let controller = team.controller_of_all(&kubeconfig, &arguments, &[]);

    end_and_clear_away(&team);
    use_other_configs(&team, &other);
    work_in_a_pod(&team);
    run_a_workflow(&team);
    report_what_cannot_be_read(&team);

    let account = format!("system:serviceaccount:{0}:{0}", team.name);
    let mut unused = given(&manifest, team.name);
    assert!(unused.len() > 30, "{unused:?}");
    unused.retain(|right| !CHECKED_ONLY.contains(&right.as_str()));
    // What is done with the last pod and the last events comes a little later.
    let began = std::time::Instant::now();
    loop {
        let (used, refused) = asked(&cluster.audit_log(), &account);
        assert_eq!(refused, Rights::new(), "{}", controller.log());
        unused.retain(|right| !used.contains(right));
        if unused.is_empty() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "nothing uses {unused:#?}; it uses {used:#?}");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}
