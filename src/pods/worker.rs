//! Pods for the local engine's work: the job's folder stays what launches and proves, a pod is only
//! where the worker runs.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use super::attempts::AttemptPods;
use super::build::{Child, WorkerNeeds, worker_pod};
use super::name::name_and_uid;
use super::settings::PodSettings;
use super::state::{has_ended, is_of_attempt, phase, state_of};
use crate::engines::EngineError;
use crate::engines::job::JobToken;
use crate::engines::workers::{WorkerJob, WorkerSight, Workers};

/// Starts the workers of one run's jobs.
#[derive(Clone)]
pub struct WorkerPods {
    pods: AttemptPods,
}

impl WorkerPods {
    /// Makes the starter of workers as these pods.
    #[must_use]
    pub fn new(pods: AttemptPods) -> Self {
        Self { pods }
    }

    async fn find(&self, token: &JobToken) -> Result<Option<Pod>, EngineError> {
        Ok(self.pods.find(token).await?.filter(|pod| is_of_attempt(pod, token)))
    }
}

#[async_trait]
impl Workers for WorkerPods {
    async fn start(&self, job: &WorkerJob) -> Result<(), EngineError> {
        let needs = WorkerNeeds {
            root: &job.root,
            folder: &job.folder,
            memory_bytes: job.memory_bytes,
            parallelism: job.parallelism,
            credentials: job.credentials.as_deref(),
        };
        let attempt = (&job.owner, &job.token);
        let build = |child: Child<'_>, settings: &PodSettings| worker_pod(child, needs, settings);
        self.pods.create(attempt, build).await.map(drop)
    }

    async fn look(&self, token: &JobToken) -> Result<WorkerSight, EngineError> {
        let Some(pod) = self.find(token).await? else { return Ok(WorkerSight::Absent) };
        if has_ended(&pod) {
            return Ok(WorkerSight::Ended(state_of(&pod).1));
        }
        Ok(match phase(&pod) {
            "Pending" => WorkerSight::Waiting(self.pods.waiting(&pod).await),
            _ => WorkerSight::Working,
        })
    }

    async fn end(&self, token: &JobToken) -> Result<(), EngineError> {
        let Some(pod) = self.find(token).await? else { return Ok(()) };
        let (name, uid) = name_and_uid(&pod);
        self.pods.launcher.delete(name, uid, None).await
    }
}
