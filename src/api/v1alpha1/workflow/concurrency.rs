//! How many runs of a workflow, or of several, may work at one time.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many runs of a group may work at one time, whoever makes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Concurrency {
    /// The group: workflows of the namespace that name the same one count together. Default: the workflow's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$"))]
    pub group: Option<String>,
    /// How many runs of the group may work at one time, 1 to 100. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u32,
    /// What becomes of a run that may not begin: `Queue` (it waits for its turn), `Forbid` (it is cancelled), `Replace` (it
    /// begins once the oldest, which is cancelled, has ended) or `Allow` (it begins all the same). Default: `Queue`.
    #[serde(default)]
    pub policy: ConcurrencyPolicy,
}

fn one() -> u32 {
    1
}

/// What becomes of a run when as many of its group work as may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConcurrencyPolicy {
    /// It begins all the same.
    Allow,
    /// It is cancelled.
    Forbid,
    /// It waits for its turn.
    #[default]
    Queue,
    /// The oldest is cancelled, and it begins when that has ended.
    Replace,
}
