//! What the chart's service account and its roles for people may do, and what nobody gains by a run.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::called::Called;
use crate::chart::rendered;
use crate::cluster::cluster;
use crate::team::{Team, condition, config, query};

/// Installs the chart's roles for a team, with its service account in the team's namespace, and returns the manifest.
pub(crate) fn install_roles(team: &Team, more: &[&str]) -> String {
    let mut args = vec!["--namespace", team.name, "--set"];
    let name = format!("fullnameOverride={}", team.name);
    args.push(&name);
    for template in ["serviceaccount", "rbac", "user-roles"] {
        args.extend([
            "--show-only",
            Box::leak(format!("templates/{template}.yaml").into_boxed_str()),
        ]);
    }
    args.extend(more);
    let manifest = rendered(&args);
    team.cluster.apply(&manifest);
    manifest
}

fn run_with_rights_of(team: &Team) {
    let controller = team.controller_as(&team.account(team.name).kubeconfig, &[]);
    team.apply(&config("lake", &team.root().to_string_lossy()));
    team.apply(&query("x", "select city from orders", ""));
    assert_eq!(team.finished("x")["phase"], "Succeeded", "{}", controller.log());
    let log = controller.log();
    assert!(!log.contains("orbidden"), "{log}");
    let said = format!("all there for system:serviceaccount:{0}:{0}", team.name);
    let doctor = doctor(team);
    assert!(doctor.contains(&said), "the doctor asks for what the chart gives: {doctor}");
}

/// Returns what `mason doctor` says of the chart's service account.
fn doctor(team: &Team) -> String {
    let account = format!("{0}/{0}", team.name);
    let mut mason = Command::new(env!("CARGO_BIN_EXE_mason"));
    mason.args(["--cluster", "--namespace", team.name, "doctor", "--service-account", &account]);
    let called = Called::of(mason.env("KUBECONFIG", team.cluster.kubeconfig()), "");
    called.out + &called.err
}

#[test]
fn the_controller_works_with_the_rights_of_the_chart() {
    let team = Team::new("rights-cluster");
    install_roles(&team, &[]);
    run_with_rights_of(&team);
}

#[test]
fn the_controller_of_one_namespace_works_without_any_cluster_role() {
    let team = Team::new("rights-namespace");
    install_roles(&team, &["--set", "rbac.scope=namespace"]);
    run_with_rights_of(&team);
    let account = format!("system:serviceaccount:{0}:{0}", team.name);
    for asked in [["get", "secrets"], ["list", "operatorruns.mason.dev"], ["create", "pods"]] {
        let whole = cluster().kubectl(
            &[&["auth", "can-i", "--as", &account, "--namespace", "default"], &asked[..]].concat(),
            "",
        );
        assert_eq!(whole.out.trim(), "no", "{asked:?}");
    }
}

#[test]
fn without_the_right_to_secrets_only_a_config_that_names_one_is_not_ready() {
    let team = Team::new("rights-secrets");
    install_roles(&team, &["--set", "rbac.secrets=false"]);
    let controller = team.controller_as(&team.account(team.name).kubeconfig, &[]);
    let root = team.root().to_string_lossy().into_owned();
    team.apply(&config("lake", &root));
    team.apply(&query("x", "select city from orders", ""));
    assert_eq!(team.finished("x")["phase"], "Succeeded", "{}", controller.log());
    team.kubectl(&["create", "secret", "generic", "key", "--from-literal=token=one"]);
    let credentials = "parallelism: 1, credentials: {secretRef: {name: key}}";
    team.apply(&config("locked", &root).replace("parallelism: 1", credentials));
    let locked = team.until("mcfg/locked", |config| {
        condition(config, "Ready").is_some_and(|ready| ready["reason"] == "CredentialsMissing")
    });
    let ready = condition(&locked, "Ready").unwrap();
    let said = "here: the controller may not read the Secret `key` of `rights-secrets`";
    assert_eq!((&ready["status"], &ready["message"]), (&json!("False"), &json!(said)));
    let doctor = doctor(&team);
    let account = format!("system:serviceaccount:{0}:{0}", team.name);
    let may_not = format!("warning  rights of the controller: {account} may not: get secrets\n");
    let hint = "configs that name a Secret are not ready; the chart's `rbac.secrets` gives it";
    assert!(doctor.contains(&may_not) && doctor.contains(hint), "{doctor}");
}

/// Whether somebody with these groups and roles may do something in the team's namespace.
fn may(team: &Team, who: &str, verb: &str, what: &str) -> bool {
    let args = ["--namespace", team.name, "auth", "can-i", "--as", who, verb, what];
    team.cluster.kubectl(&args, "").out.trim() == "yes"
}

#[test]
fn people_see_edit_and_administer_by_the_roles_of_the_cluster() {
    let team = Team::new("rights-people");
    install_roles(&team, &[]);
    for role in ["view", "edit", "admin"] {
        let (clusterrole, user) =
            (format!("--clusterrole={role}"), format!("--user={role}-person"));
        team.kubectl(&["create", "rolebinding", role, &clusterrole, &user]);
    }
    let resources = [
        "operatorruns.mason.dev",
        "workflows.mason.dev",
        "workflowruns.mason.dev",
        "masonconfigs.mason.dev",
        "operatordefinitions.mason.dev",
    ];
    // The controller manager puts the roles together a moment later.
    let began = std::time::Instant::now();
    while !may(&team, "admin-person", "create", resources[4]) {
        assert!(began.elapsed() < crate::team::PATIENCE, "roles are not added up");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for (who, sees, edits, administers) in [
        ("view-person", true, false, false),
        ("edit-person", true, true, false),
        ("admin-person", true, true, true),
        ("nobody", false, false, false),
    ] {
        for (resource, writes) in
            resources.into_iter().zip([edits, edits, edits, administers, administers])
        {
            assert_eq!(may(&team, who, "list", resource), sees, "{who} list {resource}");
            for verb in ["create", "patch", "delete"] {
                assert_eq!(may(&team, who, verb, resource), writes, "{who} {verb} {resource}");
            }
            let status = resource.replacen('.', "/status.", 1);
            let (plural, rest) = status.split_once("/status").unwrap();
            let args = ["auth", "can-i", "--as", who, "patch", &format!("{plural}{rest}")];
            let args = [&["--namespace", team.name], &args[..], &["--subresource=status"]].concat();
            assert_eq!(team.cluster.kubectl(&args, "").out.trim(), "no", "{who} {status}");
        }
    }
}

/// A person who may do everything with runs of one namespace, and nothing else; and somebody else's
/// namespace, with a config, a secret and data that hold the text `PLANTED`.
struct Intruder {
    team: Team,
    victim: String,
}

const PLANTED: &str = "planted-f3a9";

impl Intruder {
    fn new(name: &'static str) -> Self {
        let team = Team::with_config(name);
        let victim = format!("{name}-victim");
        let root = team.allowed().join(&victim);
        std::fs::create_dir_all(root.join("sales")).unwrap();
        std::fs::write(root.join("sales/orders.csv"), format!("city\n{PLANTED}\n")).unwrap();
        std::fs::write(team.allowed().join("outside.csv"), format!("city\n{PLANTED}\n")).unwrap();
        std::os::unix::fs::symlink(&root, team.root().join("linked")).unwrap();
        let cluster = team.cluster;
        cluster.done(&["create", "namespace", &victim]);
        let other = config("lake", &root.to_string_lossy());
        let secret = format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: aws}}\nstringData: {{key: {PLANTED}}}\n"
        );
        for namespace in [&victim, name] {
            let placed =
                secret.replace("metadata: {", &format!("metadata: {{namespace: {namespace}, "));
            cluster.apply(&placed);
        }
        cluster.apply(&other.replace("metadata: {", &format!("metadata: {{namespace: {victim}, ")));
        team.kubectl(&["create", "role", "runs", "--verb=*", "--resource=operatorruns.mason.dev"]);
        team.kubectl(&["create", "rolebinding", "runs", "--role=runs", "--user=eve"]);
        Self { team, victim }
    }

    fn root(&self) -> String {
        self.team.root().to_string_lossy().into_owned()
    }

    /// Creates a run as the intruder does; false when it is refused.
    fn creates(&self, run: &Value) -> bool {
        let args = ["--as=eve", "create", "--validate=ignore", "-f", "-"];
        self.team.cluster.kubectl(&args, &run.to_string()).is_success
    }

    fn run(&self, name: &str, operator: &str, parameters: &Value) -> Value {
        json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": name, "namespace": self.team.name},
            "spec": {"operator": operator, "configRef": {"name": "lake"}, "parameters": parameters},
        })
    }

    /// Everything that a run could have changed elsewhere.
    fn elsewhere(&self) -> String {
        let mut seen = String::new();
        for namespace in [self.team.name, &self.victim] {
            let kinds = "pods,configmaps,secrets,serviceaccounts,roles,rolebindings,masonconfigs,operatordefinitions";
            let args = ["--namespace", namespace, "get", kinds, "-o"];
            let columns = "custom-columns=KIND:.kind,NAME:.metadata.name,OWNERS:.metadata.ownerReferences,SPEC:.spec,DATA:.data";
            seen += &self.team.cluster.done(&[&args[..], &[columns]].concat());
        }
        let victim = self.team.allowed().join(&self.victim);
        let listed = std::process::Command::new("find").arg(victim).arg("-type").arg("f").output();
        seen + &String::from_utf8(listed.unwrap().stdout).unwrap()
    }
}

#[test]
fn who_may_only_write_runs_reads_and_changes_nothing_beyond_the_config() {
    let eve = Intruder::new("intruder");
    let _controller = eve.team.controller();
    let before = eve.elsewhere();
    let (victim, root) = (eve.victim.as_str(), eve.root());
    let outside = eve.team.allowed().join("outside.csv").to_string_lossy().into_owned();
    let paths = [
        "../outside.csv".to_owned(),
        format!("../{victim}/sales/orders.csv"),
        format!("sales/../../{victim}/sales/orders.csv"),
        format!("{root}/../{victim}/sales/orders.csv"),
        outside.clone(),
        format!("file://{outside}"),
        "linked/sales/orders.csv".to_owned(),
        "/proc/self/environ".to_owned(),
        "/var/run/secrets/kubernetes.io/serviceaccount/token".to_owned(),
        "files:../outside.csv".to_owned(),
        "http://127.0.0.1:1/x.csv".to_owned(),
    ];
    let mut names = Vec::new();
    let mut attempt = |run: Value| {
        if eve.creates(&run) {
            names.push(run["metadata"]["name"].as_str().unwrap().to_owned());
        }
    };
    for (index, path) in paths.iter().enumerate() {
        let of = |what: &str| format!("{what}-{index}");
        attempt(eve.run(&of("infer"), "table/infer", &json!({"path": path})));
        let sql = format!("select * from '{path}'");
        attempt(eve.run(
            &of("file"),
            "table/query",
            &json!({"database_name": "sales", "query_string": sql}),
        ));
        let output =
            json!({"database_name": "sales", "query_string": "select 1 as a", "output_path": path});
        attempt(eve.run(&of("into"), "table/query", &output));
    }
    for (index, sql) in [
        format!("create external table x stored as csv location '{outside}'"),
        format!("copy (select 1) to '{outside}'"),
        format!("select * from read_csv('{outside}')"),
        format!("select * from \"../{victim}/sales\".orders"),
        format!("select * from \"../{victim}\".\"sales/orders\""),
        "select * from linked.\"sales/orders.csv\"".to_owned(),
        "select * from information_schema.df_settings".to_owned(),
        "set datafusion.catalog.location = '/'".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let parameters = json!({"database_name": "sales", "query_string": sql});
        attempt(eve.run(&format!("sql-{index}"), "table/query", &parameters));
    }
    for (index, database) in
        [format!("../{victim}/sales"), "..".to_owned(), "linked".to_owned()].iter().enumerate()
    {
        attempt(eve.run(
            &format!("list-{index}"),
            "table/list",
            &json!({"database_name": database}),
        ));
        let delete = json!({"database_name": database});
        attempt(eve.run(&format!("delete-{index}"), "database/delete", &delete));
    }
    assert!(names.len() > 30, "most are created, and fail: {names:?}");
    for name in &names {
        eve.team.finished(name);
        let run = eve.team.get(&format!("oprun/{name}"));
        let status = run["status"].to_string();
        assert!(!status.contains(PLANTED), "{name} shows what is not its own: {run:#}");
        assert!(!status.contains("HOSTNAME=") && !status.contains("eyJ"), "{name}: {run:#}");
    }
    assert_eq!(eve.elsewhere(), before);
    assert_eq!(std::fs::read_to_string(outside).unwrap(), format!("city\n{PLANTED}\n"));
}

#[test]
fn no_field_or_metadata_of_a_run_gives_rights_to_who_wrote_it() {
    let eve = Intruder::new("intruder-fields");
    // A config that is not shared looks as one that is not there, and is waited for.
    let _controller = eve.team.controller_with(&["--patience", "2s"]);
    let before = eve.elsewhere();
    let good = json!({"database_name": "sales", "query_string": "select city from orders"});
    let run = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut run = eve.run(name, "table/query", &good);
        change(&mut run);
        run
    };
    // Each field of a spec, with the worst that its type takes. A new field has to be thought about here.
    let worst = json!({
        "operator": "container/mine",
        "configRef": {"name": "lake", "namespace": eve.victim},
        "parameters": {"database_name": "sales", "query_string": "select city from orders", "image": "x", "MASON_STORAGE": "/"},
        "dryRun": true, "suspend": true, "cancel": true,
        "timeout": "365d", "retry": {"limit": 10}, "ttl": {"afterSuccess": "1s"},
        "operatorDigest": format!("sha256:{}", "0".repeat(64)),
        "resolution": "Succeeded",
    });
    let crd = eve.team.cluster.done(&["get", "crd", "operatorruns.mason.dev", "-o", "json"]);
    let crd: Value = serde_json::from_str(&crd).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let fields =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(fields(&worst), fields(&spec["properties"]), "think about every field of a run");
    for (field, value) in worst.as_object().unwrap() {
        let name = format!("field-{}", field.to_lowercase());
        assert!(eve.creates(&run(&name, &|run| run["spec"][field] = value.clone())), "{field}");
    }
    for (name, change) in [
        (
            "pod",
            json!({"podTemplate": {"spec": {"hostNetwork": true}}, "serviceAccountName": "default", "image": "x"}),
        ),
        (
            "env",
            json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "key"}}}]}),
        ),
    ] {
        let more = |run: &mut Value| {
            run["spec"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        };
        assert!(eve.creates(&run(name, &more)));
        let kept = eve.team.get(&format!("oprun/{name}"));
        assert!(fields(&kept["spec"]).is_subset(&fields(&worst)), "{kept:#}");
    }
    let metadata = json!({
        "labels": {"mason.dev/operator": "table.delete", "mason.dev/config": "other", "mason.dev/attempt": "9",
            "mason.dev/workflow-run": "x", "app.kubernetes.io/managed-by": "mason"},
        "annotations": {"mason.dev/token": "t", "mason.dev/requested-at": "now", "mason.dev/placement": "Controller"},
        "finalizers": ["mason.dev/external-work", "example.com/stay"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": eve.victim,
            "uid": "11111111-1111-4111-8111-111111111111", "controller": true, "blockOwnerDeletion": false}],
    });
    for (field, value) in metadata.as_object().unwrap() {
        let name = format!("metadata-{}", field.to_lowercase());
        assert!(eve.creates(&run(&name, &|run| run["metadata"][field] = value.clone())), "{field}");
    }
    let forged = json!({"phase": "Succeeded", "result": {"kind": "Rows", "data": [{"a": 1}]}, "attempts":
        [{"number": 1, "token": "t", "state": "Launched", "startedAt": "2026-01-01T00:00:00.000000Z"}]});
    assert!(eve.creates(&run("status", &|run| run["status"] = forged.clone())));
    let status = eve.team.finished("status");
    assert_eq!(status["result"]["data"][0], json!({"city": "Wien"}), "{status:#}");
    let patch =
        ["--as=eve", "--namespace", eve.team.name, "patch", "oprun/status", "--subresource=status"];
    let patch = [&patch[..], &["--type=merge", "-p", r#"{"status":{"phase":"Failed"}}"#]].concat();
    let called = eve.team.cluster.kubectl(&patch, "");
    assert!(called.err.contains("Forbidden") || called.err.contains("forbidden"), "{called:?}");

    let foreign = eve.team.finished("field-configref");
    assert_eq!(foreign["phase"], "Failed", "{foreign:#}");
    assert!(!foreign.to_string().contains(PLANTED), "{foreign:#}");
    let unknown = eve.team.finished("field-operator");
    assert_eq!(unknown["phase"], "Failed", "{unknown:#}");
    assert_eq!(eve.elsewhere(), before);
    for (verb, what) in [("get", "secrets"), ("create", "pods"), ("get", "masonconfigs.mason.dev")]
    {
        assert!(!may(&eve.team, "eve", verb, what), "{verb} {what}");
    }
}
