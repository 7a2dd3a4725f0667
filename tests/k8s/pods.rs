//! Work in pods. There is no node here: the tests bind pods and say in their status what a kubelet would.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::team::{Controller, PATIENCE, Team, config, query};

/// Within this a run says why its pod does not start.
const SOON: Duration = Duration::from_secs(15);

/// What a kubelet says of a container.
fn container(name: &str, state: &Value) -> Value {
    json!({
        "name": name, "image": "greeter:1", "imageID": "registry.example/greeter@sha256:0123",
        "ready": false, "restartCount": 0, "state": state,
    })
}

impl Team {
    /// Makes a namespace with a table and a config that is open to containers.
    fn with_containers(name: &'static str) -> Self {
        let team = Self::new(name);
        let config = config("lake", &team.root().to_string_lossy());
        team.apply(&format!("{config}  allowedActions: [builtin, container]\n"));
        team
    }

    fn controller_with_pods(&self, more: &str) -> Controller {
        self.controller_with(&["--pod-settings", &self.pod_settings(more)])
    }

    pub(crate) fn pod_settings(&self, more: &str) -> String {
        let file = self.allowed().with_file_name("pods.yaml");
        let allowed = self.allowed();
        let text = format!(
            "image: mason:test\nroots: [{{path: {0}, volume: {{hostPath: {{path: {0}}}}}}}]\n{more}",
            allowed.display()
        );
        std::fs::write(&file, text).unwrap();
        file.to_string_lossy().into_owned()
    }

    pub(crate) fn greeter(&self, more: &str) {
        self.apply(&format!(
            "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {{name: greeter}}
spec:
  operator: team/greet
  description: Greet somebody
  parameters: [{{name: whom, type: string, required: true}}]
  action:
    container: {{image: 'greeter:1', command: [greet], resources: {{requests: {{memory: 64Gi}}}}{more}}}
"
        ));
    }

    pub(crate) fn greet(&self, name: &str, more: &str) {
        self.apply(&format!(
            "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {{name: {name}}}
spec:
  operator: team/greet
  configRef: {{name: lake}}
  parameters: {{whom: \"$(id) World\"}}
{more}"
        ));
    }

    fn pods(&self) -> Vec<Value> {
        self.get("pods")["items"].as_array().unwrap().clone()
    }

    /// Waits for the one pod that is there, released.
    pub(crate) fn released_pod(&self) -> Value {
        let began = Instant::now();
        loop {
            let pods = self.pods();
            if let [pod] = pods.as_slice()
                && pod["spec"]["schedulingGates"].as_array().is_none_or(Vec::is_empty)
            {
                return pod.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{pods:#?}\n{:#}", self.get("operatorruns"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn says(&self, pod: &Value, status: &Value) {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let patch = json!({"status": status}).to_string();
        self.kubectl(&["patch", "pod", name, "--subresource=status", "--type=merge", "-p", &patch]);
    }

    pub(crate) fn bind(&self, pod: &Value) {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "made-up"},
        });
        let path = format!("/api/v1/namespaces/{}/pods/{name}/binding", self.name);
        let done =
            self.cluster.kubectl(&["create", "--raw", &path, "-f", "-"], &binding.to_string());
        assert!(done.is_success, "{done:?}");
    }

    /// Says that the command of a pod ended well, with a result.
    pub(crate) fn succeeds(&self, pod: &Value, result: &Value) {
        let token = &pod["metadata"]["annotations"]["mason.dev/token"];
        let message = json!({"token": token, "exitCode": 0, "result": result}).to_string();
        let ended = json!({"terminated": {
            "exitCode": 0, "reason": "Completed", "message": message,
            "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z",
        }});
        let status =
            json!({"phase": "Succeeded", "containerStatuses": [container("main", &ended)]});
        self.says(pod, &status);
    }

    /// Waits until a run says this, soon.
    fn told(&self, run: &str, reason: &str, words: &[&str]) {
        let began = Instant::now();
        let name = format!("oprun/{run}");
        let run = self.until(&name, |run| run["status"]["columns"]["reason"] == reason);
        assert!(began.elapsed() < SOON, "{reason} took {:?}", began.elapsed());
        let message = run["status"]["columns"]["message"].as_str().unwrap();
        for word in words {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert_eq!(run["status"]["phase"], "Running");
        assert_eq!(run["status"]["unseenSince"], Value::Null);
    }

    fn remove_by_force(&self, pod: &Value) {
        let name = pod["metadata"]["name"].as_str().unwrap();
        self.kubectl(&["delete", "pod", name, "--force", "--grace-period=0"]);
    }
}

#[test]
fn a_container_runs_to_its_proof_and_says_why_it_does_not_begin() {
    let team = Team::with_containers("container");
    let controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "");
    let pod = team.released_pod();
    let run = team.until("oprun/hello", |run| run["status"]["attempts"][0]["state"] == "Launched");
    let (name, uid) = (&pod["metadata"]["name"], &pod["metadata"]["uid"]);
    let id = format!("{}/{}", name.as_str().unwrap(), uid.as_str().unwrap());
    assert_eq!(run["status"]["attempts"][0]["job"], json!({"kind": "Pod", "id": id}));
    let owner = &pod["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["uid"], &owner["controller"]), (&run["metadata"]["uid"], &json!(true)));
    let spec = pod["spec"].to_string();
    assert!(!spec.contains("World"), "a run's words stand in the pod's spec: {spec}");

    team.told("hello", "Starting", &["waits for a node"]);
    let scheduling = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/2 nodes are available: 2 Insufficient memory. preemption: not helpful"});
    team.says(&pod, &json!({"phase": "Pending", "conditions": [scheduling]}));
    team.told(
        "hello",
        "Unschedulable",
        &["no node has enough memory (it wants 64Gi)", "0/2 nodes"],
    );
    team.bind(&pod);
    let pull =
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}});
    let bound = json!({"type": "PodScheduled", "status": "True"});
    let statuses = json!([container("main", &pull)]);
    team.says(&pod, &json!({"conditions": [bound], "containerStatuses": statuses}));
    team.told("hello", "ImagePullFailed", &["the image `greeter:1`", "Back-off pulling image"]);
    let running =
        json!([container("main", &json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}))]);
    team.says(&pod, &json!({"phase": "Running", "containerStatuses": running}));
    team.told("hello", "Running", &[]);

    team.succeeds(&pod, &json!({"greeting": "Hello World"}));
    let status = team.finished("hello");
    assert_eq!(status["phase"], "Succeeded", "{status:#}\n{}", controller.log());
    assert_eq!(status["result"]["data"], json!({"greeting": "Hello World"}));
    assert_eq!(status["attempts"].as_array().unwrap().len(), 1);
    let image = &status["attempts"][0]["imageId"];
    assert_eq!(image, "registry.example/greeter@sha256:0123");
    let began = Instant::now();
    while team.pods().iter().any(|pod| pod["metadata"]["deletionTimestamp"].is_null()) {
        assert!(began.elapsed() < PATIENCE, "what is done is not cleared away");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_a_node_warns_of_stands_in_the_run() {
    let team = Team::with_containers("container-held-up");
    let _controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "");
    let pod = team.released_pod();
    team.bind(&pod);
    for (name, at, said) in [
        ("early", "2026-01-01T00:00:00Z", "something else"),
        ("late", "2026-01-01T00:00:01Z", "MountVolume.SetUp failed for volume \"data\""),
    ] {
        let metadata = json!({"name": name, "namespace": team.name});
        let regarding = json!({
            "kind": "Pod", "namespace": team.name, "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        });
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": regarding,
            "type": "Warning", "reason": "FailedMount", "message": said,
            "firstTimestamp": at, "lastTimestamp": at, "count": 1,
        });
        team.cluster.apply(&event.to_string());
    }
    let began = Instant::now();
    let said = |run: &Value| run["status"]["columns"]["message"].as_str().map(str::to_owned);
    let wanted = "cannot start: FailedMount: MountVolume.SetUp failed for volume";
    let run = team.until("oprun/hello", |run| said(run).is_some_and(|said| said.contains(wanted)));
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    assert_eq!(run["status"]["columns"]["reason"], "PodHeldUp", "it gives its place back");
    team.succeeds(&pod, &json!({"greeting": "Hello World"}));
    assert_eq!(team.finished("hello")["phase"], "Succeeded");
}

#[test]
fn a_command_that_fails_fails_its_run_and_its_pod_stays() {
    let team = Team::with_containers("container-fails");
    let _controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "");
    let pod = team.released_pod();
    team.bind(&pod);
    let token = &pod["metadata"]["annotations"]["mason.dev/token"];
    let message = json!({"token": token, "exitCode": 3}).to_string();
    let ended = json!({"terminated": {"exitCode": 3, "reason": "Error", "message": message}});
    team.says(&pod, &json!({"phase": "Failed", "containerStatuses": [container("main", &ended)]}));
    let status = team.finished("hello");
    let reason = (&status["phase"], &status["columns"]["reason"]);
    assert_eq!(reason, (&json!("Failed"), &json!("UserError")), "{status:#}");
    let message = status["columns"]["message"].as_str().unwrap();
    assert!(message.contains("the command ended with exit code 3"), "{message}");
    assert_eq!(team.pods().len(), 1);
}

#[test]
fn a_termination_message_of_another_attempt_is_no_proof() {
    let team = Team::with_containers("container-liar");
    let _controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "");
    let mut pod = team.released_pod();
    pod["metadata"]["annotations"]["mason.dev/token"] = json!("made-up");
    team.bind(&pod);
    team.succeeds(&pod, &json!({"greeting": "trust me"}));
    let status = team.finished("hello");
    assert_eq!(status["phase"], "Failed", "{status:#}");
    let message = status["columns"]["message"].as_str().unwrap();
    assert!(message.contains("without the proof"), "{message}");
}

#[test]
fn a_foreign_pod_of_the_same_name_is_neither_adopted_nor_touched() {
    let team = Team::with_containers("container-foreign");
    team.greeter("");
    team.greet("hello", "");
    let uid = team.get("oprun/hello")["metadata"]["uid"].as_str().unwrap().to_owned();
    let token = mason::plan::attempt_token(&uid, 1);
    let name = mason::pods::pod_name("hello", &mason::engines::job::JobToken(token));
    let foreign = format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {}}}
spec: {{containers: [{{name: main, image: other}}]}}
",
        team.name
    );
    team.cluster.apply(&foreign);
    let before = team.get(&format!("pod/{name}"));
    let _controller = team.controller_with_pods("");
    let status = team.finished("hello");
    assert_eq!(status["columns"]["reason"], "ChildConflict", "{status:#}");
    let message = status["columns"]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("pod `{name}` exists and is not this attempt's")),
        "{message}"
    );
    assert_eq!(team.get(&format!("pod/{name}")), before);
}

#[test]
fn a_pod_that_was_created_and_not_recorded_is_adopted() {
    let team = Team::with_containers("container-adopted");
    let controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "  suspend: true\n");
    team.until("oprun/hello", |run| run["status"]["phase"] == "Suspended");
    controller.kill();
    // As a controller leaves it that dies between the creation and the status write.
    let run = team.get("oprun/hello");
    let uid = run["metadata"]["uid"].as_str().unwrap();
    let token = mason::plan::attempt_token(uid, 1);
    let name = mason::pods::pod_name("hello", &mason::engines::job::JobToken(token.clone()));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": team.name, "labels": {"mason.dev/attempt": "1"},
            "annotations": {"mason.dev/token": token},
            "ownerReferences": [{"apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
                "name": "hello", "uid": uid, "controller": true}],
        },
        "spec": {
            "restartPolicy": "Never", "schedulingGates": [{"name": "mason.dev/unrecorded"}],
            "containers": [{"name": "main", "image": "greeter:1"}],
        },
    });
    team.cluster.apply(&pod.to_string());
    team.kubectl(&["patch", "oprun/hello", "--type=merge", "-p", r#"{"spec":{"suspend":false}}"#]);
    let _controller = team.controller_with_pods("");
    let released = team.released_pod();
    assert_eq!(released["metadata"]["name"], name);
    team.bind(&released);
    team.succeeds(&released, &json!(1));
    let status = team.finished("hello");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    let id = format!("{name}/{}", released["metadata"]["uid"].as_str().unwrap());
    assert_eq!(status["attempts"][0]["job"]["id"], id);
}

/// Where a controller dies, and what it leaves behind: whether the pod is there, and released.
const DEATHS: [(&str, bool, bool); 5] = [
    ("launch.before-act", false, false),
    ("launch.before-write", true, false),
    ("launch.after-write", true, false),
    ("release.before-act", true, false),
    ("release.before-write", true, true),
];

#[test]
fn a_controller_that_dies_between_any_two_effects_leaves_one_pod_and_one_attempt() {
    let team = Team::with_containers("container-killed");
    team.greeter("");
    let settings = team.pod_settings("");
    for (index, (point, is_there, is_released)) in DEATHS.into_iter().enumerate() {
        let run = format!("hello-{index}");
        let (mark, at) = (team.allowed().join(&run), format!("{point}:1"));
        let variables =
            [("MASON_FAULT_POINT", at.as_str()), ("MASON_FAULT_MARK", mark.to_str().unwrap())];
        let arguments = ["--pod-settings", settings.as_str()];
        let kubeconfig = team.cluster.kubeconfig();
        let controller = team.controller_in(kubeconfig, &arguments, &variables);
        team.greet(&run, "");
        let began = Instant::now();
        while !mark.exists() {
            assert!(began.elapsed() < PATIENCE, "{point} is not reached: {}", controller.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        controller.kill();
        let left = team.pods();
        assert_eq!(left.len(), usize::from(is_there), "{point}");
        let gates = left.iter().filter_map(|pod| pod["spec"]["schedulingGates"].as_array());
        assert_eq!(gates.flatten().count(), usize::from(is_there && !is_released), "{point}");
        let next = team.controller_in(kubeconfig, &arguments, &[]);
        let pod = team.released_pod();
        if let [before] = left.as_slice() {
            assert_eq!(before["metadata"]["uid"], pod["metadata"]["uid"], "{point}: another pod");
        }
        team.bind(&pod);
        team.succeeds(&pod, &json!(1));
        let status = team.finished(&run);
        assert_eq!(status["phase"], "Succeeded", "{point}: {status:#}");
        assert_eq!(status["attempts"].as_array().unwrap().len(), 1, "{point}");
        next.kill();
        team.kubectl(&["delete", "pods", "--all", "--force", "--grace-period=0"]);
    }
}

#[test]
fn a_pod_that_somebody_deletes_is_lost_and_the_next_attempt_has_another() {
    let team = Team::with_containers("container-deleted");
    let _controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "");
    let pod = team.released_pod();
    team.until("oprun/hello", |run| run["status"]["attempts"][0]["state"] == "Launched");
    team.remove_by_force(&pod);
    let run = team.until("oprun/hello", |run| run["status"]["attempts"][1]["state"] == "Launched");
    let first = &run["status"]["attempts"][0];
    assert_eq!(
        (&first["outcome"], &first["error"]["reason"]),
        (&json!("Lost"), &json!("Infrastructure"))
    );
    let other = team.released_pod();
    assert_ne!(other["metadata"]["name"], pod["metadata"]["name"]);
    // Cancelled while it waits for a node: gone at once.
    team.kubectl(&["patch", "oprun/hello", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    assert_eq!(team.finished("hello")["phase"], "Cancelled");
    assert_eq!(team.pods(), Vec::<Value>::new());
}

#[test]
fn a_pod_at_work_is_stopped_by_its_deadline_and_counts_as_down_when_it_is() {
    let team = Team::with_containers("container-stopped");
    let _controller = team.controller_with_pods("");
    team.greeter("");
    team.greet("hello", "");
    let pod = team.released_pod();
    team.bind(&pod);
    let running =
        json!([container("main", &json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}))]);
    team.says(&pod, &json!({"phase": "Running", "containerStatuses": running}));
    team.told("hello", "Running", &[]);
    team.kubectl(&["patch", "oprun/hello", "--type=merge", "-p", r#"{"spec":{"cancel":true}}"#]);
    let name = format!("pod/{}", pod["metadata"]["name"].as_str().unwrap());
    team.until(&name, |pod| pod["spec"]["activeDeadlineSeconds"] == 1);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(team.get("oprun/hello")["status"]["phase"], "Running", "it still works");
    let ended = json!({"terminated": {"exitCode": 143, "reason": "Error"}});
    let statuses = json!([container("main", &ended)]);
    let stopped =
        json!({"phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": statuses});
    team.says(&pod, &stopped);
    assert_eq!(team.finished("hello")["phase"], "Cancelled");
}

#[test]
fn what_the_cluster_refuses_is_tried_again_and_said() {
    let team = Team::with_containers("container-refused");
    let _controller = team.controller_with_pods("");
    team.greeter(", serviceAccountName: robot");
    team.greet("hello", "");
    team.told("hello", "ServiceAccountMissing", &["serviceaccount \"robot\" not found"]);
    team.kubectl(&["create", "quota", "none", "--hard=pods=0"]);
    team.until("quota/none", |quota| quota["status"]["hard"]["pods"] == "0");
    team.kubectl(&["create", "serviceaccount", "robot"]);
    team.told("hello", "QuotaExceeded", &["a quota of the namespace", "exceeded quota: none"]);
    assert_eq!(team.get("oprun/hello")["status"]["attempts"][0]["state"], "Intended");
    team.kubectl(&[
        "label",
        "namespace",
        team.name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    team.kubectl(&["delete", "quota", "none"]);
    let pod = team.released_pod();
    assert_eq!(pod["spec"]["serviceAccountName"], "robot", "restricted is what containers are");
    // What would need more than the namespace admits is refused, and said.
    team.greeter(", storage: ReadOnly");
    team.greet("outside", "");
    team.told("outside", "AdmissionDenied", &["violates PodSecurity", "hostPath"]);
}

#[test]
fn the_local_engine_works_in_a_pod() {
    let team = Team::with_config("worker-pod");
    let _controller = team.controller_with_pods("allowedPlacements: [Pod]\n");
    team.apply(&query(
        "by-city",
        "select city, sum(amount) as amount from orders group by city",
        "",
    ));
    let pod = team.released_pod();
    team.told("by-city", "Starting", &["waits for a node"]);
    let main = &pod["spec"]["containers"][0];
    let mount =
        main["volumeMounts"].as_array().unwrap().iter().find(|one| one["name"] == "storage");
    let mount = mount.unwrap();
    assert_eq!(mount["mountPath"], json!(team.root()));
    assert_eq!(mount["subPath"], team.name, "a pod sees no other namespace's folder");
    team.bind(&pod);
    let arguments = main["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let worked = Command::new(env!("CARGO_BIN_EXE_mason")).args(arguments).status().unwrap();
    assert!(worked.success());
    team.says(&pod, &json!({"phase": "Succeeded"}));
    let status = team.finished("by-city");
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    assert_eq!(status["result"]["rows"], 2);
    // One that goes away before it has begun is replaced.
    let began = Instant::now();
    while !team.pods().iter().all(|pod| pod["metadata"]["deletionTimestamp"].is_string()) {
        assert!(began.elapsed() < PATIENCE, "what is done is not cleared away");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_placement_that_is_not_allowed_is_refused_where_it_is_asked_for() {
    let team = Team::with_config("placement");
    let _controller = team.controller_with_pods("");
    let root = team.root().to_string_lossy().into_owned();
    let asking = config("inside", &root).replace("parallelism: 1", "placement: Controller");
    team.apply(&asking);
    let found = team.until("mcfg/inside", |config| !config["status"]["conditions"].is_null());
    let ready = crate::team::condition(&found, "Ready").unwrap();
    assert_eq!(
        (&ready["status"], &ready["reason"]),
        (&json!("False"), &json!("PlacementNotAllowed"))
    );
    team.apply(&query("refused", "select 1 as n", "").replace("{name: lake}", "{name: inside}"));
    let run = team.until("oprun/refused", |run| {
        run["status"]["columns"]["message"].as_str().is_some_and(|text| text.contains("placement"))
    });
    assert_eq!(run["status"]["attempts"], json!([]));
}

#[test]
fn the_secret_of_a_config_is_lent_to_no_pod_of_another_namespace() {
    let (owner, team) = (Team::new("lender"), Team::new("borrowing"));
    let root = owner.root().to_string_lossy().into_owned();
    let lake = config("lake", &root)
        .replace("parallelism: 1", "parallelism: 1, credentials: {secretRef: {name: key}}");
    let open = "  allowedActions: [builtin, container]\n  allowedNamespaces: {from: All}\n";
    owner.kubectl(&["create", "secret", "generic", "key", "--from-literal=token=one"]);
    owner.apply(&(lake + open));
    let settings = owner.pod_settings("");
    let arguments = ["--watch-namespace", team.name, "--pod-settings", &settings];
    let _controller = owner.controller_with(&arguments);
    team.greeter(", storage: ReadOnly");
    owner.until("mcfg/lake", |config| {
        crate::team::condition(config, "Ready").is_some_and(|ready| ready["status"] == "True")
    });
    let foreign = "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: foreign}
spec:
  operator: team/greet
  configRef: {name: lake, namespace: lender}
  parameters: {whom: World}
";
    team.apply(foreign);
    let status = team.finished("foreign");
    assert_eq!(status["columns"]["reason"], "CredentialsNotShareable", "{status:#}");
    assert_eq!(team.pods(), Vec::<Value>::new());
    assert!(!team.exists("secret/key"));
}
