//! What pods are made of: pure. A run's own words reach a pod as an annotation only, never as image,
//! command or environment.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Map, Value, json};

use super::error::error;
use super::settings::PodSettings;
use super::upload;
use crate::api::labels;
use crate::api::names::OperatorName;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::{ContainerAction, ContainerStorage, Toleration};
use crate::engines::job::{JobOwner, JobToken};
use crate::engines::{EngineError, ErrorKind};

/// The gate that keeps a pod from being scheduled until it is recorded.
pub(super) const GATE: &str = "mason.dev/unrecorded";
/// The annotation with the parameters of the run, which the pod sees as a file.
const PARAMETERS: &str = "mason.dev/parameters";
/// The container that does the work.
pub(super) const MAIN: &str = "main";
/// Most bytes of parameters: annotations together may have 256 KiB.
const PARAMETER_BYTES: usize = 200 * 1024;
/// How long a command may take to stop by itself once it was asked to.
pub(super) const GRACE_SECONDS: i64 = 30;

/// Where `exec` and the command find things in a pod.
mod path {
    pub(super) const BIN: &str = "/mason/bin";
    pub(super) const MASON: &str = "/mason/bin/mason";
    pub(super) const IN: &str = "/mason/in";
    pub(super) const PARAMETERS: &str = "/mason/in/parameters.json";
    pub(super) const WORK: &str = "/mason/work";
    pub(super) const RESULT: &str = "/mason/work/result.json";
    pub(super) const CREDENTIALS: &str = "/mason/credentials";
}

/// The attempt that a pod belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) owner: &'a JobOwner,
    pub(super) token: &'a JobToken,
    pub(super) name: &'a str,
    pub(super) place: &'a ContainerPlace,
}

/// What all pods of a run have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerPlace {
    /// The run's operator.
    pub operator: OperatorName,
    /// The config's name.
    pub config: String,
    /// The storage that a container may see, if the config has one.
    pub storage: Option<StorageMount>,
}

/// The storage of a config, for containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageMount {
    /// The folder.
    pub root: PathBuf,
    /// The Secret with its credentials, in the pod's namespace.
    pub credentials: Option<String>,
}

/// Returns the pod of a container action, inert.
pub(super) fn container_pod(
    child: Child<'_>,
    container: &ContainerAction,
    parameters: &Parameters,
    settings: &PodSettings,
) -> Result<Pod, EngineError> {
    let words = parameter_text(parameters)?;
    check_environment(container)?;
    let resources = json!({
        "requests": container.resources.requests, "limits": container.resources.limits,
    });
    let mut shape = Shape::new(container.run_as_user.unwrap_or(settings.run_as_user));
    shape.empty_folder("mason-bin", None);
    shape.empty_folder("mason-work", Some(path::WORK));
    shape.empty_folder("tmp", Some("/tmp"));
    shape.mounts.push(json!({"name": "mason-bin", "mountPath": path::BIN, "readOnly": true}));
    let annotation = format!("metadata.annotations['{PARAMETERS}']");
    let item = json!({"path": "parameters.json", "fieldRef": {"fieldPath": annotation}});
    shape.volume("mason-in", json!({"downwardAPI": {"items": [item]}}), Some(path::IN));
    let storage = shape.storage(container, child.place.storage.as_ref(), settings)?;
    let main = json!({
        "name": MAIN,
        "image": container.image,
        "imagePullPolicy": container.image_pull_policy,
        "command": command(child, container, &storage),
        "env": environment(container),
        "resources": resources,
        "securityContext": restricted(),
        "volumeMounts": shape.mounts,
    });
    let install = json!({
        "name": "mason",
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": ["exec", "--install", path::MASON],
        "resources": resources,
        "securityContext": restricted(),
        "volumeMounts": [{"name": "mason-bin", "mountPath": path::BIN}],
    });
    let mut secrets = container.image_pull_secrets.clone();
    secrets.extend(settings.image_pull_secrets.iter().cloned());
    let account = container.service_account_name.as_deref();
    let mut spec = shape.spec(account, account.is_some());
    spec.insert("initContainers".to_owned(), json!([install]));
    spec.insert("containers".to_owned(), json!([main]));
    spec.insert("schedulingGates".to_owned(), json!([{"name": GATE}]));
    #[cfg(test)]
    if crate::faults::Precondition::PodGate.is_removed() {
        spec.remove("schedulingGates");
    }
    place(&mut spec, &container.node_selector, &container.tolerations, &secrets);
    classes(&mut spec, settings);
    pod(child, settings, json!({labels::TOKEN: child.token, PARAMETERS: words}), &spec)
}

/// What a pod of the local engine's work needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkerNeeds<'a> {
    pub(super) root: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) memory_bytes: u64,
    pub(super) parallelism: usize,
    /// The Secret of the files that it works on, in the pod's namespace.
    pub(super) credentials: Option<&'a str>,
}

/// Returns the pod that works on a job of the local engine. The job's folder keeps it from working twice
/// and from working before its time, so that it needs no gate.
pub(super) fn worker_pod(
    child: Child<'_>,
    needs: WorkerNeeds<'_>,
    settings: &PodSettings,
) -> Result<Pod, EngineError> {
    /// Beside what the job may use: the program, its stacks, and the process that looks after it.
    const MEMORY_BESIDE: u64 = 192 * 1024 * 1024;
    let mut shape = Shape::new(settings.run_as_user);
    shape.empty_folder("tmp", Some("/tmp"));
    shape.root(needs.root, needs.root, false, settings)?;
    let mut arguments =
        vec![json!("worker"), json!("--supervise"), json!("--job"), json!(needs.folder)];
    if let Some(secret) = needs.credentials {
        arguments.extend(shape.credentials(secret));
    }
    let memory = format!("{}Mi", needs.memory_bytes.saturating_add(MEMORY_BESIDE) >> 20);
    let threads = needs.parallelism.max(1);
    let mut resources = json!({
        "requests": {"cpu": format!("{}m", threads * 100), "memory": memory},
        "limits": {"cpu": threads.to_string(), "memory": memory},
    });
    if let Some(disk) = &settings.ephemeral_storage {
        resources["requests"]["ephemeral-storage"] = json!(disk);
        resources["limits"]["ephemeral-storage"] = json!(disk);
    }
    let worker = json!({
        "name": MAIN,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": arguments,
        "resources": resources,
        "securityContext": restricted(),
        "volumeMounts": shape.mounts,
    });
    let mut spec = shape.spec(settings.service_account_name.as_deref(), false);
    spec.insert("containers".to_owned(), json!([worker]));
    let PodSettings { node_selector, tolerations, image_pull_secrets, .. } = settings;
    place(&mut spec, node_selector, tolerations, image_pull_secrets);
    classes(&mut spec, settings);
    if let Some(affinity) = &settings.affinity {
        spec.insert("affinity".to_owned(), json!(affinity));
    }
    if !settings.topology_spread_constraints.is_empty() {
        let constraints = json!(settings.topology_spread_constraints);
        spec.insert("topologySpreadConstraints".to_owned(), constraints);
    }
    pod(child, settings, json!({labels::TOKEN: child.token}), &spec)
}

/// The parts of a pod that grow with what it is to see.
struct Shape {
    user: i64,
    volumes: Vec<Value>,
    mounts: Vec<Value>,
}

impl Shape {
    fn new(user: i64) -> Self {
        Self { user, volumes: Vec::new(), mounts: Vec::new() }
    }

    fn volume(&mut self, name: &str, source: Value, at: Option<&str>) {
        let mut volume = source;
        volume["name"] = json!(name);
        self.volumes.push(volume);
        self.mounts.extend(at.map(|at| json!({"name": name, "mountPath": at})));
    }

    fn empty_folder(&mut self, name: &str, at: Option<&str>) {
        self.volume(name, json!({"emptyDir": {}}), at);
    }

    /// Mounts a folder of the administrator's volumes, and nothing beside it.
    fn root(
        &mut self,
        root: &Path,
        at: &Path,
        read_only: bool,
        settings: &PodSettings,
    ) -> Result<(), EngineError> {
        let Some((volume, below)) = settings.volume_of(root) else {
            let message = format!("no volume for pods holds the root `{}`", root.display());
            let hint = "the administrator names volumes under `roots` of `--pod-settings`";
            let refused = error(ErrorKind::InvalidInput, "make a pod", message).with_hint(hint);
            return Err(refused.with_reason(crate::api::conditions::Reason::RootNotAllowed));
        };
        self.volume("storage", Value::Object(volume.volume.clone()), None);
        let mut mount = json!({"name": "storage", "mountPath": at, "readOnly": read_only});
        if !below.is_empty() {
            mount["subPath"] = json!(below);
        }
        self.mounts.push(mount);
        Ok(())
    }

    /// Mounts what a container may see of its config's storage; returns what `exec` is told of it.
    fn storage(
        &mut self,
        container: &ContainerAction,
        storage: Option<&StorageMount>,
        settings: &PodSettings,
    ) -> Result<Vec<Value>, EngineError> {
        if container.storage == ContainerStorage::None {
            return Ok(Vec::new());
        }
        let Some(storage) = storage else {
            let message = "the container wants storage, and the config has none that a pod can see";
            return Err(error(ErrorKind::InvalidInput, "make a pod", message));
        };
        let read_only = container.storage == ContainerStorage::ReadOnly;
        self.root(&storage.root, &storage.root, read_only, settings)?;
        let mut told = vec![json!("--storage"), json!(storage.root)];
        // Of another user's files neither the reading nor the removal is sure: such a pod prints its result.
        if !read_only && self.user == settings.run_as_user {
            told.extend([json!("--upload"), json!(storage.root.join(upload::FOLDER))]);
        }
        if let Some(secret) = &storage.credentials {
            told.extend(self.credentials(secret));
        }
        Ok(told)
    }

    /// Mounts a Secret, and returns what the program is told of it.
    fn credentials(&mut self, secret: &str) -> [Value; 2] {
        self.volume("credentials", json!({"secret": {"secretName": secret}}), None);
        let mount =
            json!({"name": "credentials", "mountPath": path::CREDENTIALS, "readOnly": true});
        self.mounts.push(mount);
        [json!("--credentials"), json!(path::CREDENTIALS)]
    }

    fn spec(&self, account: Option<&str>, with_token: bool) -> Map<String, Value> {
        let mut spec = Map::new();
        let mut set = |field: &str, value: Value| drop(spec.insert(field.to_owned(), value));
        set("restartPolicy", json!("Never"));
        set("enableServiceLinks", json!(false));
        set("automountServiceAccountToken", json!(with_token));
        set("terminationGracePeriodSeconds", json!(GRACE_SECONDS));
        if let Some(account) = account {
            set("serviceAccountName", json!(account));
        }
        let security = json!({
            "runAsNonRoot": true, "runAsUser": self.user, "runAsGroup": self.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        });
        set("securityContext", security);
        set("volumes", json!(self.volumes));
        spec
    }
}

/// What the standard `restricted` asks for, and a root folder that cannot be written.
///
/// # Source
/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
fn restricted() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
    })
}

fn place(
    spec: &mut Map<String, Value>,
    node_selector: &std::collections::BTreeMap<String, String>,
    tolerations: &[Toleration],
    pull_secrets: &[String],
) {
    if !node_selector.is_empty() {
        spec.insert("nodeSelector".to_owned(), json!(node_selector));
    }
    if !tolerations.is_empty() {
        spec.insert("tolerations".to_owned(), json!(tolerations));
    }
    if !pull_secrets.is_empty() {
        let secrets: Vec<Value> = pull_secrets.iter().map(|name| json!({"name": name})).collect();
        spec.insert("imagePullSecrets".to_owned(), json!(secrets));
    }
}

/// Adds the classes that the administrator gives to every pod.
fn classes(spec: &mut Map<String, Value>, settings: &PodSettings) {
    let PodSettings { priority_class_name, runtime_class_name, .. } = settings;
    for (field, class) in
        [("priorityClassName", priority_class_name), ("runtimeClassName", runtime_class_name)]
    {
        spec.extend(class.iter().map(|class| (field.to_owned(), json!(class))));
    }
}

fn command(child: Child<'_>, container: &ContainerAction, storage: &[Value]) -> Vec<Value> {
    let own = [
        path::MASON,
        "exec",
        "--token",
        &child.token.0,
        "--run",
        &child.owner.run,
        "--parameters",
        path::PARAMETERS,
        "--result",
        path::RESULT,
    ];
    let own = own.iter().map(|word| json!(word)).chain(storage.iter().cloned());
    let given = container.command.iter().chain(&container.args).map(|word| json!(literal(word)));
    own.chain([json!("--")]).chain(given).collect()
}

/// Keeps the kubelet from putting variables into a word: `$(NAME)` stands as it is written.
fn literal(word: &str) -> String {
    word.replace("$(", "$$(")
}

/// A home that can be written, unless the definition says otherwise, and what the definition adds.
fn environment(container: &ContainerAction) -> Vec<Value> {
    let home =
        (!container.env.contains_key("HOME")).then(|| json!({"name": "HOME", "value": "/tmp"}));
    let given = container.env.iter();
    let given = given.map(|(name, value)| json!({"name": name, "value": literal(value)}));
    home.into_iter().chain(given).collect()
}

fn check_environment(container: &ContainerAction) -> Result<(), EngineError> {
    match container.reserved_names().next() {
        None => Ok(()),
        Some(name) => {
            let message = format!("`{name}` cannot be set: such names are Mason's own");
            Err(error(ErrorKind::InvalidInput, "make a pod", message))
        }
    }
}

fn parameter_text(parameters: &Parameters) -> Result<String, EngineError> {
    let words = serde_json::to_string(parameters).map_err(|source| {
        error(ErrorKind::Unexpected, "make a pod", source.to_string()).with_source(source)
    })?;
    if words.len() <= PARAMETER_BYTES {
        return Ok(words);
    }
    let message =
        format!("the parameters have {} bytes, a pod takes {PARAMETER_BYTES}", words.len());
    let hint = "put what is large into the storage and give its path";
    Err(error(ErrorKind::InvalidInput, "make a pod", message).with_hint(hint))
}

fn pod(
    child: Child<'_>,
    settings: &PodSettings,
    mut annotations: Value,
    spec: &Map<String, Value>,
) -> Result<Pod, EngineError> {
    let JobOwner { run_uid, run, attempt } = child.owner;
    let mut label = json!({
        labels::MANAGED_BY: labels::MANAGER,
        labels::ATTEMPT: attempt.to_string(),
        labels::OPERATOR: child.place.operator.to_string().replace('/', "."),
    });
    for (ours, given) in [(&mut label, &settings.labels), (&mut annotations, &settings.annotations)]
    {
        for (name, value) in given {
            ours[name] = json!(value);
        }
    }
    // A label is shorter than a name may be.
    if child.place.config.len() <= 63 {
        label[labels::CONFIG] = json!(child.place.config);
    }
    let pod = json!({
        "metadata": {
            "name": child.name,
            "labels": label,
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
                "name": run, "uid": run_uid, "controller": true, "blockOwnerDeletion": false,
            }],
        },
        "spec": spec,
    });
    serde_json::from_value(pod).map_err(|source| {
        error(ErrorKind::Unexpected, "make a pod", source.to_string()).with_source(source)
    })
}
