//! The execution of container actions: each job is one bare pod.
//!
//! A pod is created with a gate that keeps it from every node, recorded by whoever drives the run, and
//! released. It is stopped by a deadline rather than deleted, so that its last words stay; one that will
//! not stop is deleted, and counts as down only when it is gone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use k8s_openapi::api::core::v1::Pod;
use object_store::ObjectStore;

use super::attempts::AttemptPods;
use super::build::{Child, GRACE_SECONDS, container_pod};
use super::error::error;
use super::launcher::now;
use super::likeness::difference;
use super::name::{id_of, name_and_uid, parts_of};
use super::proof::{from_log, plain_lines, progress};
use super::settings::PodSettings;
use super::state::{
    JOB_KIND, ending_of, has_ended, is_gated, is_of_attempt, owner_of, phase, said_owner,
    status_of, token_of,
};
use super::stop::{STOPPED_AT, Stop};
use super::upload;
use super::waiting::is_bound;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::ContainerAction;
use crate::engines::execution::{Execution, Fence};
use crate::engines::job::{
    JobError, JobId, JobOwner, JobProgress, JobRequest, JobState, JobStatus, JobToken,
};
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, ErrorKind, Lookup, Retry};

/// How often a pod's log is read for its progress.
const LOG_PAUSE: Duration = Duration::from_secs(4);
/// How many lines of a log are read for progress and for the attempt.
const LOG_LINES: usize = 60;
/// How many bytes.
const LOG_BYTES: usize = 128 * 1024;
/// How much longer than its grace a pod may take to stop before it is deleted.
const PATIENCE_SECONDS: i64 = GRACE_SECONDS + 60;

/// Runs the container actions of one run.
pub struct PodExecution {
    pods: AttemptPods,
    /// What the run's pods do, with its parameters.
    asked: (ContainerAction, Parameters),
    /// Where large results are, when pods may write the storage.
    uploads: Option<Arc<dyn ObjectStore>>,
    seen: Mutex<Seen>,
}

/// What the log of the newest attempt's pod told, and when it was read.
#[derive(Default)]
struct Seen {
    id: Option<JobId>,
    read_at: Option<Instant>,
    progress: Option<JobProgress>,
    tail: Option<String>,
}

impl PodExecution {
    /// Makes the execution whose jobs are these pods, which do what is asked with the run's parameters, and
    /// may leave their results in a storage.
    #[must_use]
    pub fn new(
        pods: AttemptPods,
        asked: (ContainerAction, Parameters),
        uploads: Option<Arc<dyn ObjectStore>>,
    ) -> Self {
        Self { pods, asked, uploads, seen: Mutex::default() }
    }

    /// Returns the pod of a recorded job; nothing when it is gone or another one has its name.
    async fn recorded(&self, id: &JobId) -> Result<Option<Pod>, EngineError> {
        let Some((name, uid)) = parts_of(id) else { return Ok(None) };
        let found = self.pods.launcher.find(name).await?;
        Ok(found.filter(|pod| pod.metadata.uid.as_deref() == Some(uid)))
    }

    async fn known(&self, id: &JobId) -> Result<(Pod, JobOwner), EngineError> {
        let missing =
            || error(ErrorKind::NotFound, "look at a job", format!("there is no pod `{id}`"));
        let pod = self.recorded(id).await?.ok_or_else(missing)?;
        let owner = owner_of(&pod).ok_or_else(missing)?;
        Ok((pod, owner))
    }

    /// Returns what a pod tells, with what its log does.
    async fn told(&self, pod: &Pod, owner: JobOwner) -> JobStatus {
        let mut status = status_of(pod, owner);
        if status.state == JobState::Queued {
            status.waiting = Some(self.pods.waiting(pod).await);
        }
        if !matches!(status.state, JobState::Running) && !status.state.has_ended() {
            return status;
        }
        if self.is_log_due(&status) {
            let (name, _) = name_and_uid(pod);
            // A log that cannot be read is read again; nothing hangs on it.
            if let Ok(log) = self.pods.launcher.log(name, LOG_LINES, LOG_BYTES).await {
                let mut seen = self.seen();
                seen.progress = progress(&log).or(seen.progress.take());
                if status.state.has_ended() {
                    let lines: Vec<&str> = plain_lines(&log).collect();
                    seen.tail = Some(lines.join("\n"));
                }
            }
        }
        let seen = self.seen();
        status.progress.clone_from(&seen.progress);
        status.log_tail = seen.tail.clone().filter(|tail| !tail.is_empty());
        status
    }

    fn is_log_due(&self, status: &JobStatus) -> bool {
        let mut seen = self.seen();
        if seen.id.as_ref() != Some(&status.id) {
            *seen = Seen { id: Some(status.id.clone()), ..Seen::default() };
        }
        if status.state.has_ended() {
            return seen.tail.is_none();
        }
        let is_due = seen.read_at.is_none_or(|at| at.elapsed() >= LOG_PAUSE);
        if is_due {
            seen.read_at = Some(Instant::now());
        }
        is_due
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops what may run of a pod; deletes what never was on a node, and what will not stop.
    async fn end(&self, pod: &Pod) -> Result<(), EngineError> {
        let (name, uid) = name_and_uid(pod);
        if !is_bound(pod) {
            // Only as it was seen: it may get a node at this moment.
            let version = pod.metadata.resource_version.clone();
            #[cfg(test)]
            let version = version.filter(|_| !crate::faults::Precondition::PodVersion.is_removed());
            return self.pods.launcher.delete(name, uid, version).await;
        }
        match asked_to_stop(pod) {
            None => self.pods.launcher.stop(name, uid, Stop::Fence).await,
            Some(at) if now().duration_since(at).as_secs() > PATIENCE_SECONDS => {
                self.pods.launcher.delete(name, uid, None).await
            }
            Some(_) => Ok(()),
        }
    }

    /// Something else has the name of the attempt's pod.
    fn foreign(&self, pod: &Pod, token: &JobToken, why: &str) -> JobStatus {
        let name = self.pods.name(token);
        let owner = owner_of(pod).unwrap_or_else(|| JobOwner {
            run_uid: String::new(),
            run: String::new(),
            attempt: 0,
        });
        // A pod of the same run with another token is as foreign as any.
        let owner = JobOwner { attempt: 0, ..owner };
        let error = JobError {
            kind: ErrorKind::Conflict,
            retry: Retry::Never,
            message: format!("pod `{name}` exists and is not this attempt's: {why}"),
            hint: Some("delete the pod if it is of no use, and apply the run anew".to_owned()),
            reason: None,
        };
        JobStatus { error: Some(error), ..status_of(pod, owner) }
    }
}

fn asked_to_stop(pod: &Pod) -> Option<jiff::Timestamp> {
    pod.metadata.annotations.as_ref()?.get(STOPPED_AT)?.parse().ok()
}

#[async_trait]
impl Execution for PodExecution {
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        let Operation::Container { container, parameters } = &spec.operation else {
            let message = format!("a pod cannot do `{}`", spec.operation.as_str());
            return Err(error(ErrorKind::Unsupported, "create a pod", message));
        };
        let build = |child: Child<'_>, settings: &PodSettings| {
            container_pod(child, container, parameters, settings)
        };
        let pod = self.pods.create((&request.owner, &request.token), build).await?;
        Ok(id_of(&pod))
    }

    fn job_kind(&self) -> &'static str {
        JOB_KIND
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        let Some((name, uid)) = parts_of(id) else {
            return Err(error(
                ErrorKind::NotFound,
                "release a pod",
                format!("there is no pod `{id}`"),
            ));
        };
        self.pods.launcher.release(name, uid).await
    }

    /// A pod is released only after it was recorded, so that an unrecorded one that differs and has no gate was
    /// made by another account. One that has its gate is replaced by [`Execution::create`].
    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        let token = &request.token;
        let Some(pod) = self.pods.find(token).await? else { return Ok(Lookup::Nothing) };
        let Some(owner) = owner_of(&pod).filter(|_| is_of_attempt(&pod, token)) else {
            return Ok(Lookup::Found(self.foreign(&pod, token, &said_owner(&pod))));
        };
        if request.recorded.is_some() {
            return Ok(Lookup::Found(self.told(&pod, owner).await));
        }
        let (container, parameters) = &self.asked;
        let wanted = self.pods.pod((&owner, token), |child, settings| {
            container_pod(child, container, parameters, settings)
        })?;
        match difference(&wanted, &pod) {
            None => Ok(Lookup::Found(self.told(&pod, owner).await)),
            Some(_) if is_gated(&pod) => Ok(Lookup::Nothing),
            Some(field) => {
                let why = format!("its `{field}` is not what the run asks for");
                Ok(Lookup::Found(self.foreign(&pod, token, &why)))
            }
        }
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        let (pod, owner) = self.known(id).await?;
        Ok(self.told(&pod, owner).await)
    }

    /// Nothing of a pod that is gone works any more, and it left no proof.
    fn vanished(&self, id: &JobId, owner: &JobOwner) -> Option<JobStatus> {
        let (name, _) = parts_of(id)?;
        let error = JobError {
            kind: ErrorKind::Unavailable,
            retry: Retry::Later,
            message: format!("pod `{name}` is gone and left no proof that its work was done"),
            hint: Some("somebody or something deleted it".to_owned()),
            reason: None,
        };
        Some(JobStatus {
            id: id.clone(),
            kind: JOB_KIND.to_owned(),
            url: None,
            owner: owner.clone(),
            operation: "container".to_owned(),
            state: JobState::Lost,
            progress: None,
            created_at: None,
            started_at: None,
            finished_at: None,
            error: Some(error),
            waiting: None,
            image_id: None,
            statistics: None,
            log_tail: None,
        })
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        const WHAT: &str = "collect a pod's result";
        let (pod, owner) = self.known(id).await?;
        let token = token_of(&pod).unwrap_or_default();
        let ending = ending_of(&pod).filter(|ending| ending.proves(token));
        let Some(ending) = ending else {
            let message = format!("pod `{id}` has not ended well: it is {}", phase(&pod));
            return Err(error(ErrorKind::InvalidInput, WHAT, message));
        };
        let answer = match (&ending.logged, &ending.uploaded, &self.uploads) {
            (None, Some(uploaded), Some(storage)) => {
                upload::fetch(storage.as_ref(), token, uploaded).await?
            }
            (None, Some(_), None) => {
                let message = "the pod left its result in a storage that it was not to write";
                return Err(error(ErrorKind::Unexpected, WHAT, message));
            }
            (None, None, _) => ending.result.unwrap_or_default(),
            (Some(logged), ..) => {
                let (name, _) = name_and_uid(&pod);
                // Base64 and the marks make the lines half as long again.
                let bytes = logged.bytes * 2 + LOG_BYTES;
                // They are the last but for what the command left running may have printed since.
                let log = self.pods.launcher.log(name, logged.lines + 20, bytes).await?;
                from_log(token, logged, &log).ok_or_else(|| {
                    let message = "the result is not whole in the pod's log";
                    error(ErrorKind::Unavailable, WHAT, message)
                })?
            }
        };
        let rows = answer.as_array().map(|rows| rows.len() as u64);
        Ok(JobOutcome {
            token: JobToken(token.to_owned()),
            owner,
            answer,
            rows,
            truncated: false,
            reads: Vec::new(),
            commit: None,
            warnings: Vec::new(),
            info: Vec::new(),
            register: None,
            concluded: None,
        })
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        let Some((name, uid)) = parts_of(id) else { return Ok(()) };
        match self.recorded(id).await? {
            Some(pod) if has_ended(&pod) => Ok(()),
            Some(pod) if is_bound(&pod) && asked_to_stop(&pod).is_none() => {
                self.pods.launcher.stop(name, uid, Stop::Cancel).await
            }
            Some(pod) => self.end(&pod).await,
            None => Ok(()),
        }
    }

    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError> {
        let token = &request.token;
        match self.pods.find(token).await? {
            None => return Ok(Fence::Down),
            Some(pod) if !is_of_attempt(&pod, token) || has_ended(&pod) => return Ok(Fence::Down),
            Some(pod) => self.end(&pod).await?,
        }
        // What never had a node is gone at once.
        let left = self.pods.find(token).await?;
        let is_down = left.is_none_or(|pod| !is_of_attempt(&pod, token) || has_ended(&pod));
        Ok(if is_down { Fence::Down } else { Fence::NotYet })
    }

    async fn sweep(&self, ended: &[JobRequest]) -> Result<(), EngineError> {
        for JobRequest { token, recorded, .. } in ended {
            let Some(pod) = self.pods.find(token).await? else { continue };
            let (name, uid) = name_and_uid(&pod);
            let is_recorded = recorded.as_ref() == Some(&id_of(&pod));
            // What failed stays for whoever wants to know why, as long as its run does.
            // The proof comes before the phase: a kubelet says Running for a while after the command has ended.
            let is_proven = ending_of(&pod).is_some_and(|ending| ending.proves(&token.0));
            let is_done = is_proven || phase(&pod) == "Succeeded";
            if is_of_attempt(&pod, token) && (!is_recorded || is_gated(&pod) || is_done) {
                self.pods.launcher.delete(name, uid, None).await?;
            }
        }
        let Some(storage) = &self.uploads else { return Ok(()) };
        for request in ended {
            upload::remove(storage.as_ref(), &request.token.0).await?;
        }
        Ok(())
    }

    /// Whoever watches pods learns of their end; this one does not.
    async fn ended(&self, _id: &JobId) {
        std::future::pending::<()>().await;
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        let message = "the pods of a run are listed by `kubectl get pods`";
        let refused = error(ErrorKind::Unsupported, "list pods", message);
        stream::once(async { Err(refused) }).boxed()
    }

    async fn logs(&self, id: &JobId, max_lines: usize) -> Result<Vec<String>, EngineError> {
        let (pod, _) = self.known(id).await?;
        let (name, _) = name_and_uid(&pod);
        // Lines that are not for people are left out afterwards.
        let log =
            self.pods.launcher.log(name, max_lines.saturating_add(LOG_LINES), LOG_BYTES).await?;
        let lines: Vec<String> =
            plain_lines(&log).map(|line| line.chars().take(2_000).collect()).collect();
        Ok(lines[lines.len().saturating_sub(max_lines)..].to_vec())
    }
}
