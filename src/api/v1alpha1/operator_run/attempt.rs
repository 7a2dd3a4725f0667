//! One attempt at a run's work.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One attempt at a run's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1 for the first.
    #[schemars(range(min = 1, max = 32))]
    pub number: u32,
    /// The idempotency token under which the work is launched; never changes.
    #[schemars(length(min = 1, max = 63))]
    pub token: String,
    /// How far the launch got.
    pub state: AttemptState,
    /// What was launched, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobReference>,
    /// When the attempt was decided on.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub started_at: Timestamp,
    /// Since when nothing under its token can start or commit any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub fenced_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// Why it failed, or why it is being ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AttemptError>,
    /// The image that a container ran, with its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub image_id: Option<String>,
    /// The last lines of the work's log, at most 4 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub log_tail: Option<String>,
    /// What its work took, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<AttemptStatistics>,
}

/// What the work of an attempt took, as its engine says; what the engine does not say is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStatistics {
    /// Milliseconds from its release until it was worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_milliseconds: Option<u64>,
    /// Milliseconds that it was worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_milliseconds: Option<u64>,
    /// How many files its tables had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_files: Option<u64>,
    /// The size of those files in bytes. Of columnar formats less is read where not every column is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_bytes: Option<u64>,
    /// The most memory that its process held at once, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// How far the launch of an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AttemptState {
    /// Decided on; it may or may not exist outside.
    Intended,
    /// It exists outside and its id is recorded.
    Launched,
    /// It is over, and can neither start nor commit any more.
    Finished,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AttemptOutcome {
    /// The work is proven.
    Succeeded,
    /// The work failed.
    Failed,
    /// The work was cancelled.
    Cancelled,
    /// The work vanished before it ended, and is proven to have had no effect.
    Lost,
}

/// What was launched outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobReference {
    /// What sort of job, for example `LocalWorker`.
    #[schemars(length(max = 63))]
    pub kind: String,
    /// The job's id at its client.
    #[schemars(length(max = 253))]
    pub id: String,
    /// Where a person can look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptError {
    /// Whether it may be repeated.
    pub class: FailureClass,
    /// What happened, as one word.
    pub reason: crate::api::conditions::Reason,
    /// What happened, in words.
    #[schemars(length(max = 8192))]
    pub message: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub hint: Option<String>,
}

/// Whether a failure may be repeated. Only the first three are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FailureClass {
    /// May pass by itself.
    Transient,
    /// A service asked for fewer calls.
    Throttled,
    /// A process, node or service went away.
    Infrastructure,
    /// What was asked for, or the data, is wrong.
    User,
    /// Not foreseen.
    Unknown,
}

impl FailureClass {
    /// Returns whether an attempt that failed so may be repeated.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled | Self::Infrastructure)
    }
}
