//! A step that waits for a person.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::duration::DurationText;

/// A question to a person. The step succeeds when it is approved, and fails when it is rejected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// What is asked, for example `Delete the old partitions?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub message: Option<String>,
    /// How long an answer is waited for, for example `8h`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// What is taken for the answer after that: `Reject` or `Approve`. Default: `Reject`.
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// What is taken for the answer to an approval when none came in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnTimeout {
    /// It is rejected.
    #[default]
    Reject,
    /// It is approved.
    Approve,
}
