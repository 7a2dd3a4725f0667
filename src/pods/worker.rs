//! Pods for the local engine's work: the job's folder stays what launches and proves, a pod is only
//! where the worker runs.

use std::sync::Arc;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use super::build::{Child, ContainerPlace, WorkerNeeds, worker_pod};
use super::error::error;
use super::launcher::{Created, Launcher, said_owner};
use super::name::pod_name;
use super::settings::PodSettings;
use super::state::{has_ended, owner_of, phase, state_of, token_of};
use super::waiting::waiting_for;
use crate::engines::job::JobToken;
use crate::engines::workers::{WorkerJob, WorkerSight, Workers};
use crate::engines::{EngineError, ErrorKind};

/// Starts the workers of one run's jobs.
#[derive(Clone)]
pub struct WorkerPods {
    launcher: Launcher,
    settings: Arc<PodSettings>,
    place: ContainerPlace,
    run: String,
}

impl WorkerPods {
    /// Makes the starter of the workers of the run of this name.
    #[must_use]
    pub fn new(
        launcher: Launcher,
        settings: Arc<PodSettings>,
        place: ContainerPlace,
        run: &str,
    ) -> Self {
        Self { launcher, settings, place, run: run.to_owned() }
    }

    async fn find(&self, token: &JobToken) -> Result<Option<Pod>, EngineError> {
        let found = self.launcher.find(&pod_name(&self.run, token)).await?;
        let ours = |pod: &Pod| token_of(pod) == Some(token.0.as_str()) && owner_of(pod).is_some();
        Ok(found.filter(ours))
    }
}

#[async_trait]
impl Workers for WorkerPods {
    async fn start(&self, job: &WorkerJob) -> Result<(), EngineError> {
        let child = Child { owner: &job.owner, token: &job.token, place: &self.place };
        let needs = WorkerNeeds {
            root: &job.root,
            folder: &job.folder,
            memory_bytes: job.memory_bytes,
            parallelism: job.parallelism,
        };
        let pod = worker_pod(child, needs, &self.settings)?;
        match self.launcher.create(&pod, &job.owner, &job.token).await? {
            Created::Ours(_) => Ok(()),
            Created::Foreign(pod) => {
                let message = format!("the pod's name is taken: {}", said_owner(&pod));
                Err(error(ErrorKind::Conflict, "create a pod", message))
            }
        }
    }

    async fn look(&self, token: &JobToken) -> Result<WorkerSight, EngineError> {
        let Some(pod) = self.find(token).await? else { return Ok(WorkerSight::Absent) };
        if has_ended(&pod) {
            return Ok(WorkerSight::Ended(state_of(&pod).1));
        }
        Ok(match phase(&pod) {
            "Pending" => WorkerSight::Waiting(waiting_for(&pod)),
            _ => WorkerSight::Working,
        })
    }

    async fn end(&self, token: &JobToken) -> Result<(), EngineError> {
        let Some(pod) = self.find(token).await? else { return Ok(()) };
        let (name, uid) = (pod.metadata.name.as_deref(), pod.metadata.uid.as_deref());
        self.launcher.delete(name.unwrap_or_default(), uid.unwrap_or_default(), None).await
    }
}
