//! Jobs: ids, tokens, states, outcomes.

use std::fmt;

use jiff::Timestamp;

use serde::{Deserialize, Serialize};

use super::error::{EngineError, ErrorKind, Retry, causes};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::AttemptStatistics;

/// The idempotency token of an attempt: lower-case letters, digits and `-`, at most 63.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobToken(pub String);

impl fmt::Display for JobToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A job's id at its client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// For whom a job works. A job found under a token is adopted only if its owner is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOwner {
    /// The run's UID.
    pub run_uid: String,
    /// The run's name, for people.
    pub run: String,
    /// The attempt.
    pub attempt: u32,
}

/// What an attempt asks an execution for: the same in each of its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRequest {
    /// Under which the job is created at most once.
    pub token: JobToken,
    /// For whom it works.
    pub owner: JobOwner,
    /// Its id, once its run has recorded it.
    pub recorded: Option<JobId>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobState {
    /// Created, and does nothing until it is released.
    Inert,
    /// Released; waits for its turn.
    Queued,
    /// Works.
    Running,
    /// Ended well; the outcome can be collected.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because it was cancelled.
    Cancelled,
    /// The process that did the work is gone and left no outcome.
    Lost,
}

impl JobState {
    /// Returns whether the job does nothing any more.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Lost)
    }
}

/// What a look at a job found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// Its id.
    pub id: JobId,
    /// What its client calls such a job: `LocalJob`, `Pod`.
    pub kind: String,
    /// Where a person can look at it, if there is such a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// For whom it works.
    pub owner: JobOwner,
    /// Its operation's word, for people: `query`.
    pub operation: String,
    /// How far it is.
    pub state: JobState,
    /// How much is done.
    pub progress: Option<JobProgress>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it began to work.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// Why it does not work yet although it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The image that a container runs, with its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// What it took, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<AttemptStatistics>,
    /// The last lines of the log of a job that has ended, where looking at it shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
}

/// What a released job waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// As one word.
    pub reason: Reason,
    /// As one sentence, without a full stop.
    pub message: String,
}

/// How much of a job is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobProgress {
    /// What is being done: `scanning`, `writing`, `committing`.
    pub phase: String,
    /// Units done.
    pub done: u64,
    /// Units in all, if known.
    pub total: Option<u64>,
    /// `files`, `rows` or `bytes`.
    pub unit: String,
}

/// Why a job failed, as it can be kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobError {
    /// By meaning.
    pub kind: ErrorKind,
    /// Whether the same job may be run again.
    pub retry: Retry,
    /// In words, the whole chain.
    pub message: String,
    /// What a person can do.
    pub hint: Option<String>,
    /// The reason as a run shows it, where the kind alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl From<&EngineError> for JobError {
    fn from(error: &EngineError) -> Self {
        let mut message = error.to_string();
        for cause in causes(error).skip(1) {
            let text = cause.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
        }
        let (kind, retry, hint) = (error.kind, error.retry, error.hint.clone());
        Self { kind, retry, message, hint, reason: error.reason }
    }
}
