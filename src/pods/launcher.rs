//! The calls by which pods are created, released, stopped and deleted. Each may be repeated.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{
    Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, Preconditions,
};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use super::build::{GATE, MAIN};
use super::error::{error, failed, late, refusal};
use super::likeness::difference;
use super::state::{is_gated, is_of_attempt, owner_of, said_owner};
use super::stop::{CANCELLED, STOPPED_AT, Stop};
use crate::engines::job::{JobOwner, JobToken};
use crate::engines::{EngineError, ErrorKind, Retry};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The field manager of pods.
const MANAGER: &str = "mason-operator-run";
/// Most events of a pod that are read at one time.
const EVENTS: u32 = 50;

/// The pods of one namespace.
#[derive(Clone)]
pub struct Launcher {
    pods: Api<Pod>,
    events: Api<Event>,
}

impl Launcher {
    /// Makes a launcher of pods in a namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        let events = Api::namespaced(client.clone(), namespace);
        Self { pods: Api::namespaced(client, namespace), events }
    }

    /// Looks for a pod, past every cache.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Pod>, EngineError> {
        const WHAT: &str = "look for a pod";
        in_time(WHAT, self.pods.get_opt(name)).await
    }

    /// Creates a pod, and returns it as it is there. One that exists already is the same if owner and token
    /// are: the API server's client repeats a creation whose answer was lost. One of the same owner and token
    /// that is to run something else is replaced while its gate stands (an earlier version of Mason made it,
    /// or an account that may create pods). Anything else of its name is a `Conflict`.
    pub(super) async fn create(
        &self,
        pod: &Pod,
        owner: &JobOwner,
        token: &JobToken,
    ) -> Result<Pod, EngineError> {
        const WHAT: &str = "create a pod";
        let name = pod.name_any();
        let writing =
            PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let call = tokio::time::timeout(PATIENCE, self.pods.create(&writing, pod)).await;
        match call.map_err(|_| late(WHAT))? {
            Ok(created) => Ok(created),
            Err(kube::Error::Api(status)) if status.code == 409 => match self.find(&name).await? {
                Some(found) if is_of(&found, owner, token) => {
                    Box::pin(self.adopt(pod, found)).await
                }
                Some(found) => {
                    let message = format!("the pod's name is taken: {}", said_owner(&found));
                    Err(error(ErrorKind::Conflict, WHAT, message))
                }
                None => {
                    let message = format!("pod `{name}` was there and is gone");
                    Err(error(ErrorKind::Unavailable, WHAT, message)
                        .with_retry(Retry::EffectUnknown))
                }
            },
            Err(kube::Error::Api(status)) => {
                let waits = refusal(&name, &status);
                Err(waits.unwrap_or_else(|| failed(WHAT, kube::Error::Api(status))))
            }
            Err(source) => Err(failed(WHAT, source)),
        }
    }

    /// Returns a pod that was found where another was to be made, if it is the same.
    async fn adopt(&self, wanted: &Pod, found: Pod) -> Result<Pod, EngineError> {
        const WHAT: &str = "adopt a pod";
        let name = found.name_any();
        // A pod that is made without a gate proves its work by other means.
        let Some(field) = difference(wanted, &found).filter(|_| is_gated(wanted)) else {
            return Ok(found);
        };
        if !is_gated(&found) {
            let message =
                format!("pod `{name}` was not made for this run: its `{field}` is another");
            return Err(error(ErrorKind::Conflict, WHAT, message));
        }
        let ObjectMeta { uid, resource_version, .. } = found.metadata;
        self.delete(&name, &uid.unwrap_or_default(), resource_version).await?;
        let message =
            format!("pod `{name}` was to run something else (`{field}`), and is replaced");
        Err(error(ErrorKind::Unavailable, WHAT, message).with_retry(Retry::EffectUnknown))
    }

    /// Takes the gate away from the pod of this UID; one without a gate is left as it is.
    pub(super) async fn release(&self, name: &str, uid: &str) -> Result<(), EngineError> {
        const WHAT: &str = "release a pod";
        let Some(index) = self.gate_of(name, uid).await? else { return Ok(()) };
        let place = format!("/spec/schedulingGates/{index}");
        let steps = json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": format!("{place}/name"), "value": GATE},
            {"op": "remove", "path": place},
        ]);
        let wrong = |source: serde_json::Error| {
            error(ErrorKind::Unexpected, WHAT, source.to_string()).with_source(source)
        };
        let change = Patch::Json::<()>(serde_json::from_value(steps).map_err(wrong)?);
        let done = in_time(WHAT, self.pods.patch(name, &PatchParams::default(), &change)).await;
        match done {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => Err(gone(WHAT, name)),
            // A test that does not hold is told as an invalid request: somebody was first.
            Err(error) if error.kind == ErrorKind::InvalidInput => {
                match self.gate_of(name, uid).await? {
                    None => Ok(()),
                    Some(_) => Err(error.with_retry(Retry::Later)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns where the gate stands among those of the pod of this UID.
    async fn gate_of(&self, name: &str, uid: &str) -> Result<Option<usize>, EngineError> {
        let found = self.find(name).await?.filter(|pod| has_uid(pod, uid));
        let Some(pod) = found else { return Err(gone("release a pod", name)) };
        if !is_gated(&pod) {
            return Ok(None);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            return Err(gone("release a pod", name));
        }
        let gates = pod.spec.and_then(|spec| spec.scheduling_gates).unwrap_or_default();
        Ok(gates.iter().position(|gate| gate.name == GATE))
    }

    /// Lets the node of a pod stop it: its time is up. What it leaves behind stays to be read.
    pub(super) async fn stop(&self, name: &str, uid: &str, why: Stop) -> Result<(), EngineError> {
        let mut annotations = json!({STOPPED_AT: now().to_string()});
        if why == Stop::Cancel {
            annotations[CANCELLED] = "true".into();
        }
        let patch = json!({
            "metadata": {"uid": uid, "annotations": annotations},
            "spec": {"activeDeadlineSeconds": 1},
        });
        let (how, patch) = (PatchParams::default(), Patch::Merge(patch));
        match in_time("stop a pod", self.pods.patch(name, &how, &patch)).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Deletes the pod of this UID, if it is still this version of it when one is given.
    pub(super) async fn delete(
        &self,
        name: &str,
        uid: &str,
        version: Option<String>,
    ) -> Result<(), EngineError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: version };
        let how = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match in_time("delete a pod", self.pods.delete(name, &how)).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Returns what nodes and others warn of about the pod of this UID.
    ///
    /// # Source
    /// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
    pub(super) async fn warnings(&self, uid: &str) -> Result<Vec<Event>, EngineError> {
        let of_pod = format!("involvedObject.uid={uid},type=Warning");
        let listing = ListParams::default().fields(&of_pod).limit(EVENTS);
        let found = in_time("read the events of a pod", self.events.list(&listing)).await?;
        Ok(found.items)
    }

    /// Returns the end of the log of the container that works, at most so many lines and bytes; empty
    /// when there is none yet.
    pub(super) async fn log(
        &self,
        name: &str,
        lines: usize,
        bytes: usize,
    ) -> Result<String, EngineError> {
        let parameters = LogParams {
            container: Some(MAIN.to_owned()),
            tail_lines: i64::try_from(lines).ok(),
            limit_bytes: i64::try_from(bytes).ok(),
            ..LogParams::default()
        };
        match in_time("read a pod's log", self.pods.logs(name, &parameters)).await {
            // A container that has not begun has no log.
            Err(error) if error.kind == ErrorKind::InvalidInput => Ok(String::new()),
            other => other,
        }
    }
}

/// Returns whether a pod is that of an attempt of a run.
fn is_of(pod: &Pod, owner: &JobOwner, token: &JobToken) -> bool {
    is_of_attempt(pod, token) && owner_of(pod).is_some_and(|found| found.run_uid == owner.run_uid)
}

fn has_uid(pod: &Pod, uid: &str) -> bool {
    #[cfg(test)]
    if crate::faults::Precondition::PodUid.is_removed() {
        return true;
    }
    pod.metadata.uid.as_deref() == Some(uid)
}

fn gone(operation: &str, name: &str) -> EngineError {
    error(ErrorKind::Conflict, operation, format!("pod `{name}` is gone, or is another one now"))
}

async fn in_time<T>(
    operation: &str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(done) => done.map_err(|source| failed(operation, source)),
        Err(_) => Err(late(operation)),
    }
}

/// Returns the time.
#[expect(clippy::disallowed_methods, reason = "the caller that asks a pod to stop records when")]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
