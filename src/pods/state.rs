//! What a pod tells about the job that it is: pure.
//!
//! A proof counts for more than the phase: a node that is lost after the command ended well has lost
//! nothing.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::build::GATE;
use super::name::id_of;
use super::proof::Ending;
use super::stop::CANCELLED;
use super::waiting::{main_status, waiting_for};
use crate::api::conditions::Reason;
use crate::api::labels;
use crate::api::v1alpha1::OperatorRun;
use crate::engines::job::{JobError, JobOwner, JobState, JobStatus, JobToken};
use crate::engines::{ErrorKind, Retry};

/// The exit code by which a command says that another attempt may succeed.
///
/// # Source
/// `EX_TEMPFAIL`, <https://man7.org/linux/man-pages/man3/sysexits.h.3head.html>
const TEMPORARY: i32 = 75;

/// What takes a pod away that did nothing wrong.
const LOST_REASONS: [&str; 13] = [
    "NodeLost",
    "Evicted",
    "Preempting",
    "Shutdown",
    "NodeShutdown",
    "Terminated",
    "UnexpectedAdmissionError",
    "NodeAffinity",
    "OutOfcpu",
    "OutOfmemory",
    "OutOfpods",
    "OutOfephemeral-storage",
    "NodeShutDown",
];

/// Returns for whom a pod works, if it was made by Mason for a run.
pub(super) fn owner_of(pod: &Pod) -> Option<JobOwner> {
    let run = owning_run(&pod.metadata)?;
    let attempt = pod.metadata.labels.as_ref()?.get(labels::ATTEMPT)?.parse().ok()?;
    Some(JobOwner { run_uid: run.uid.clone(), run: run.name.clone(), attempt })
}

/// Returns the uid of the run that a pod belongs to, by the pod's metadata.
#[must_use]
pub fn run_of(pod: &ObjectMeta) -> Option<&str> {
    Some(owning_run(pod)?.uid.as_str())
}

/// Returns the owner to whom a pod says that it belongs, for people.
pub(super) fn said_owner(pod: &Pod) -> String {
    match (owning_run(&pod.metadata), pod.metadata.owner_references.iter().flatten().next()) {
        (Some(run), _) => format!("it belongs to run `{}`", run.name),
        (None, Some(owner)) => format!("it belongs to {} `{}`", owner.kind, owner.name),
        (None, None) => "it belongs to nobody".to_owned(),
    }
}

/// Returns the run that controls a pod.
fn owning_run(pod: &ObjectMeta) -> Option<&OwnerReference> {
    let mut owners = pod.owner_references.iter().flatten();
    let owner = owners.find(|one| one.controller == Some(true))?;
    let kind = <OperatorRun as kube::Resource>::kind(&());
    let group = <OperatorRun as kube::Resource>::group(&());
    let is_ours = owner.api_version.split_once('/').is_some_and(|(found, _)| found == group);
    (owner.kind == kind && is_ours).then_some(owner)
}

/// Returns the token under which a pod works.
pub(super) fn token_of(pod: &Pod) -> Option<&str> {
    Some(pod.metadata.annotations.as_ref()?.get(labels::TOKEN)?.as_str())
}

/// Returns whether a pod found under an attempt's name is that attempt's.
pub(super) fn is_of_attempt(pod: &Pod, token: &JobToken) -> bool {
    #[cfg(test)]
    if crate::faults::Precondition::PodToken.is_removed() {
        return owner_of(pod).is_some();
    }
    token_of(pod) == Some(token.0.as_str()) && owner_of(pod).is_some()
}

/// Returns whether a pod still has the gate of what is not recorded.
pub(super) fn is_gated(pod: &Pod) -> bool {
    let mut gates = pod.spec.iter().flat_map(|spec| spec.scheduling_gates.iter().flatten());
    gates.any(|gate| gate.name == GATE)
}

/// Returns the phase, `Pending` when there is none.
pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

/// Returns whether nothing of a pod runs any more.
pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Returns how the command of a pod ended, if it says so under this token.
pub(super) fn ending_of(pod: &Pod) -> Option<Ending> {
    Ending::read(terminated(pod)?.message.as_deref()?)
}

fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    main_status(pod)?.state.as_ref()?.terminated.as_ref()
}

/// What a pod is called as a job.
pub(super) const JOB_KIND: &str = "Pod";

/// Returns what a pod of this owner tells.
pub(super) fn status_of(pod: &Pod, owner: JobOwner) -> JobStatus {
    let (state, error) = state_of(pod);
    let main = main_status(pod).and_then(|one| one.state.as_ref());
    let running = main.and_then(|state| state.running.as_ref()?.started_at.as_ref());
    let started = running.or_else(|| terminated(pod)?.started_at.as_ref());
    let image = main_status(pod).map(|one| one.image_id.clone()).filter(|id| !id.is_empty());
    JobStatus {
        id: id_of(pod),
        kind: JOB_KIND.to_owned(),
        url: None,
        owner,
        operation: "container".to_owned(),
        state,
        progress: None,
        created_at: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
        started_at: started.map(|time| time.0),
        finished_at: finished_at(pod),
        error,
        waiting: (state == JobState::Queued).then(|| waiting_for(pod)),
        image_id: image,
        statistics: None,
        log_tail: None,
    }
}

fn finished_at(pod: &Pod) -> Option<Timestamp> {
    terminated(pod)?.finished_at.as_ref().map(|time| time.0)
}

/// Returns how far a pod is, and why it failed.
pub(super) fn state_of(pod: &Pod) -> (JobState, Option<JobError>) {
    let token = token_of(pod).unwrap_or_default();
    let ending = ending_of(pod);
    if ending.as_ref().is_some_and(|ending| ending.proves(token))
        && terminated(pod).is_some_and(|end| end.exit_code == 0)
    {
        return (JobState::Succeeded, None);
    }
    match phase(pod) {
        "Pending" if is_gated(pod) => (JobState::Inert, None),
        "Unknown" => lost("its node cannot be reached"),
        "Pending" | "Running" if is_going_with_its_node(pod) => lost("its node is going away"),
        "Pending" => (JobState::Queued, None),
        "Succeeded" | "Failed" => ended(pod, ending.filter(|ending| ending.token == token)),
        _ => (JobState::Running, None),
    }
}

/// A pod that is deleted because its node is: nobody may ever say again how it ended.
fn is_going_with_its_node(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut disrupted = conditions.filter(|one| one.type_ == "DisruptionTarget");
    let node_lost =
        pod.status.as_ref().and_then(|status| status.reason.as_deref()) == Some("NodeLost");
    let disrupted = disrupted.any(|one| one.status == "True");
    pod.metadata.deletion_timestamp.is_some() && (disrupted || node_lost)
}

fn ended(pod: &Pod, ending: Option<Ending>) -> (JobState, Option<JobError>) {
    let status = pod.status.as_ref();
    let reason = status.and_then(|status| status.reason.as_deref()).unwrap_or_default();
    let conditions = status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut conditions = conditions.filter(|one| one.type_ == "DisruptionTarget");
    let said = status.and_then(|status| status.message.as_deref()).unwrap_or_default();
    if pod.spec.as_ref().is_some_and(|spec| spec.active_deadline_seconds.is_some()) {
        // Only a cancellation or a fence sets it.
        let annotations = pod.metadata.annotations.as_ref();
        let is_cancelled = annotations.is_some_and(|all| all.contains_key(CANCELLED));
        let given_up = || lost("its attempt was given up");
        return if is_cancelled { (JobState::Cancelled, None) } else { given_up() };
    }
    if terminated(pod).and_then(|end| end.reason.as_deref()) == Some("OOMKilled") {
        let hint = "raise `resources.limits.memory`, or `memoryLimit` of the client";
        let message = "the container needed more memory than its limit";
        return failed(ErrorKind::OutOfMemory, message.to_owned(), Some(hint), None);
    }
    if LOST_REASONS.contains(&reason) || conditions.any(|one| one.status == "True") {
        let what = if reason.is_empty() { "DisruptionTarget" } else { reason };
        return lost(format!("{what} {said}").trim());
    }
    match ending {
        Some(ending) => failed_command(&ending),
        None => without_proof(pod),
    }
}

/// A command that wrote down how it ended, and not well.
fn failed_command(ending: &Ending) -> (JobState, Option<JobError>) {
    if let Some(problem) = &ending.problem {
        let kind = ErrorKind::InvalidInput;
        return failed(kind, problem.message.clone(), None, Some(problem.reason));
    }
    let code = ending.exit_code;
    let message = match code {
        129..=192 => format!("the command was ended by signal {}", code - 128),
        0 => "the command ended well, its container did not".to_owned(),
        _ => format!("the command ended with exit code {code}"),
    };
    let (state, error) =
        failed(ErrorKind::InvalidInput, message, Some("see the attempt's log"), None);
    let passes = |error: JobError| JobError {
        kind: ErrorKind::Unexpected,
        retry: Retry::Later,
        hint: Some(format!("exit code {TEMPORARY} says that another attempt may succeed")),
        ..error
    };
    (state, if code == TEMPORARY { error.map(passes) } else { error })
}

/// A pod that ended without a word under its token.
fn without_proof(pod: &Pod) -> (JobState, Option<JobError>) {
    let preparing =
        pod.status.iter().flat_map(|status| status.init_container_statuses.iter().flatten());
    let mut broken = preparing.filter_map(|one| one.state.as_ref()?.terminated.as_ref());
    if let Some(end) = broken.find(|end| end.exit_code != 0) {
        let said = end.message.as_deref().or(end.reason.as_deref()).unwrap_or_default();
        let message = format!(
            "the container that brings Mason ended with exit code {}: {said}",
            end.exit_code
        );
        return failed(
            ErrorKind::Unexpected,
            message,
            Some("see the log of container `mason`"),
            None,
        );
    }
    let Some(end) = terminated(pod) else { return lost("its container never ran") };
    let said = end.message.as_deref().or(end.reason.as_deref()).unwrap_or_default();
    match (end.exit_code, end.signal) {
        (137, _) | (_, Some(9)) => lost("its container was killed"),
        (0, _) => {
            let message = "the container ended without the proof that its work is done".to_owned();
            failed(ErrorKind::Unexpected, message, None, None)
        }
        (code, _) => {
            let message = format!("the container ended with exit code {code}: {said}");
            failed(ErrorKind::Unexpected, message, Some("see the attempt's log"), None)
        }
    }
}

fn failed(
    kind: ErrorKind,
    message: String,
    hint: Option<&str>,
    reason: Option<Reason>,
) -> (JobState, Option<JobError>) {
    let hint = hint.map(str::to_owned);
    (JobState::Failed, Some(JobError { kind, retry: Retry::Never, message, hint, reason }))
}

fn lost(why: &str) -> (JobState, Option<JobError>) {
    let error = JobError {
        kind: ErrorKind::Unavailable,
        retry: Retry::Later,
        message: format!("the pod is lost: {why}"),
        hint: None,
        reason: None,
    };
    (JobState::Lost, Some(error))
}
