//! Conditions and the closed list of reasons that explain them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::v1alpha1::Phase;

/// Types of the conditions Mason sets. `Ready`, `Reconciling` and `Stalled` follow kstatus.
///
/// # Source
/// <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// The object is as its spec wants it.
    Ready,
    /// Work on the newest spec is under way.
    Reconciling,
    /// Nothing more happens until a person changes something.
    Stalled,
    /// A run's outcome: Unknown while it is not known, then True or False.
    Succeeded,
    /// A run has ended, however it ended; a wait for it never hangs on a failure.
    Finished,
}

/// Why a condition, a phase or an attempt is as it is. The list is closed; docs are made from it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Reason {
    /// The run has been accepted and waits to be worked on.
    Accepted,
    /// The run, its definition or its config is wrong; the messages list every problem.
    Invalid,
    /// The config or definition that the run names does not exist.
    NotFound,
    /// The definition's or config's spec has been checked and can be used.
    Checked,
    /// A client of the config does not answer.
    ClientNotReady,
    /// `local.root` is outside the folders that the administrator allows for the namespace.
    RootNotAllowed,
    /// An older definition of the same operator exists in the namespace.
    DuplicateOperator,
    /// The run asks for a digest of the definition that is not the one present.
    DigestMismatch,
    /// An attempt has been decided on and is about to be launched.
    Launching,
    /// The work runs.
    Running,
    /// The next attempt waits for its back-off to pass.
    BackingOff,
    /// The run was asked to wait by `spec.suspend`.
    Suspended,
    /// The run was cancelled by `spec.cancel` or by its user.
    Cancelled,
    /// The work is done and proven.
    Completed,
    /// `spec.dryRun`: the plan is the result, nothing was done.
    DryRun,
    /// The run took longer than `spec.timeout`.
    DeadlineExceeded,
    /// Every attempt that `spec.retry` allows failed.
    RetriesExhausted,
    /// The work failed for what the user asked or the data holds; it is not repeated.
    UserError,
    /// The work failed in a way that was not foreseen; it is not repeated.
    Unexpected,
    /// A service was not reachable or the process that did the work is gone.
    Infrastructure,
    /// A service asked for fewer calls.
    Throttled,
    /// The work needed more memory than its limit.
    OutOfMemory,
    /// The work needed more disk than its limit, or the disk is full.
    OutOfDisk,
    /// It is not known whether the work took place; a person answers with `spec.resolution`.
    OutcomeUnknown,
    /// A person answered what became of an unknown outcome.
    ResolvedByPerson,
    /// Something with the attempt's name exists but is not the attempt's.
    ChildConflict,
    /// Another run changed the target since this run looked at it.
    TargetChanged,
    /// The config is of another namespace and is not open to the run's.
    ConfigNotShared,
    /// The config is not open to this kind of action.
    ActionNotAllowed,
    /// The config's Secret would have to be lent to a pod of another namespace.
    CredentialsNotShareable,
    /// A Secret that the config names does not exist or cannot be read.
    CredentialsMissing,
    /// The administrator does not allow work in the controller, or in pods.
    PlacementNotAllowed,
    /// The administrator does not allow the server that a client names.
    EndpointNotAllowed,
    /// The storage writes an object that must not exist over one that does, so that nothing can be committed there.
    ConditionalWritesMissing,
    /// The administrator has paused every run.
    Paused,
    /// As many runs of the config, the namespace or the group work as may work at one time.
    ConcurrencyLimit,
    /// As many runs work in the controller as may work at one time, in all or in memory.
    WorkerPoolFull,
    /// The pod waits for a node, for its image, or for its containers.
    Starting,
    /// The image of the pod cannot be pulled.
    ImagePullFailed,
    /// No node has room for the pod.
    Unschedulable,
    /// The pod cannot start: a volume cannot be mounted, its container cannot be made, or a scheduling gate of another
    /// program holds it back.
    PodHeldUp,
    /// A quota of the namespace leaves no room for the pod.
    QuotaExceeded,
    /// The cluster does not admit the pod.
    AdmissionDenied,
    /// The service account of the pod does not exist.
    ServiceAccountMissing,
    /// The result is larger than what may be stored.
    ResultTooLarge,
    /// Result and log were dropped, as `spec.ttl` or the administrator's limits say.
    Pruned,
    /// The run was deleted while what works outside could not be stopped; it was let go.
    Abandoned,
    /// The object cannot be read as what it says it is.
    Unreadable,
    /// The run is the step of a workflow, whose run has not recorded it, or waits.
    WaitsForWorkflow,
    /// A step failed, and nothing allows that.
    StepFailed,
    /// A dependency of the step did not succeed.
    DependencyNotMet,
    /// The condition of the step is false.
    ConditionFalse,
    /// The condition of the step could not be worked out.
    ConditionError,
    /// A value that the step or an output looks up is not there.
    ReferenceError,
    /// A value stands in a result of which only a part is kept.
    ResultTruncated,
    /// The run of the step is gone.
    ChildGone,
    /// The step succeeded in the run that is retried, and is not run again.
    Reused,
    /// A person has to answer a step.
    WaitsForApproval,
    /// A person rejected what the step asks, or no answer came in time.
    Rejected,
    /// A run was made because its schedule said so.
    Scheduled,
    /// A planned time of the schedule became no run.
    Missed,
    /// A newer run of the group takes its place.
    Superseded,
    /// A run of something else has the name of one that the schedule would make.
    NameTaken,
}

impl Reason {
    /// Returns the reason that a word stands for, `OutOfMemory`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::from(word)).ok()
    }

    /// Returns the reason as it stands in a condition, `OutOfMemory`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Invalid => "Invalid",
            Self::NotFound => "NotFound",
            Self::Checked => "Checked",
            Self::ClientNotReady => "ClientNotReady",
            Self::RootNotAllowed => "RootNotAllowed",
            Self::DuplicateOperator => "DuplicateOperator",
            Self::DigestMismatch => "DigestMismatch",
            Self::Launching => "Launching",
            Self::Running => "Running",
            Self::BackingOff => "BackingOff",
            Self::Suspended => "Suspended",
            Self::Cancelled => "Cancelled",
            Self::Completed => "Completed",
            Self::DryRun => "DryRun",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::UserError => "UserError",
            Self::Unexpected => "Unexpected",
            Self::Infrastructure => "Infrastructure",
            Self::Throttled => "Throttled",
            Self::OutOfMemory => "OutOfMemory",
            Self::OutOfDisk => "OutOfDisk",
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::ResolvedByPerson => "ResolvedByPerson",
            Self::ChildConflict => "ChildConflict",
            Self::TargetChanged => "TargetChanged",
            Self::ConfigNotShared => "ConfigNotShared",
            Self::ActionNotAllowed => "ActionNotAllowed",
            Self::CredentialsNotShareable => "CredentialsNotShareable",
            Self::CredentialsMissing => "CredentialsMissing",
            Self::PlacementNotAllowed => "PlacementNotAllowed",
            Self::EndpointNotAllowed => "EndpointNotAllowed",
            Self::ConditionalWritesMissing => "ConditionalWritesMissing",
            Self::Paused => "Paused",
            Self::ConcurrencyLimit => "ConcurrencyLimit",
            Self::WorkerPoolFull => "WorkerPoolFull",
            Self::Starting => "Starting",
            Self::ImagePullFailed => "ImagePullFailed",
            Self::Unschedulable => "Unschedulable",
            Self::PodHeldUp => "PodHeldUp",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::AdmissionDenied => "AdmissionDenied",
            Self::ServiceAccountMissing => "ServiceAccountMissing",
            Self::ResultTooLarge => "ResultTooLarge",
            Self::Pruned => "Pruned",
            Self::Abandoned => "Abandoned",
            Self::Unreadable => "Unreadable",
            Self::WaitsForWorkflow => "WaitsForWorkflow",
            Self::StepFailed => "StepFailed",
            Self::DependencyNotMet => "DependencyNotMet",
            Self::ConditionFalse => "ConditionFalse",
            Self::ConditionError => "ConditionError",
            Self::ReferenceError => "ReferenceError",
            Self::ResultTruncated => "ResultTruncated",
            Self::ChildGone => "ChildGone",
            Self::Reused => "Reused",
            Self::WaitsForApproval => "WaitsForApproval",
            Self::Rejected => "Rejected",
            Self::Scheduled => "Scheduled",
            Self::Missed => "Missed",
            Self::Superseded => "Superseded",
            Self::NameTaken => "NameTaken",
        }
    }
}

/// Truth of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It is not known (yet).
    Unknown,
}

/// Sets a condition in a list, keeping its transition time when its truth did not change.
pub fn set_condition(
    conditions: &mut Vec<Condition>,
    (kind, truth, reason): (ConditionType, Truth, Reason),
    message: &str,
    generation: Option<i64>,
    now: jiff::Timestamp,
) {
    let (type_, status) = (format!("{kind:?}"), format!("{truth:?}"));
    let old = conditions.iter().position(|condition| condition.type_ == type_);
    let since = old
        .filter(|&index| conditions[index].status == status)
        .map_or_else(|| Time(now), |index| conditions[index].last_transition_time.clone());
    let condition = Condition {
        last_transition_time: since,
        message: message.chars().take(32_768).collect(),
        observed_generation: generation,
        reason: reason.as_str().to_owned(),
        status,
        type_,
    };
    match old {
        Some(index) => conditions[index] = condition,
        None => conditions.push(condition),
    }
}

/// Returns the truth of every condition of a run in a phase, in the order of the docs.
#[must_use]
pub fn of_phase(phase: Phase) -> [(ConditionType, Truth); 5] {
    use Truth::{False, True, Unknown};
    let [ready, reconciling, stalled, succeeded, finished] = match phase {
        Phase::Pending | Phase::Running => [False, True, False, Unknown, False],
        Phase::Succeeded => [True, False, False, True, True],
        Phase::Failed | Phase::Cancelled => [False, False, True, False, True],
        Phase::Suspended | Phase::Unknown => [False, False, True, Unknown, False],
    };
    [
        (ConditionType::Ready, ready),
        (ConditionType::Reconciling, reconciling),
        (ConditionType::Stalled, stalled),
        (ConditionType::Succeeded, succeeded),
        (ConditionType::Finished, finished),
    ]
}
