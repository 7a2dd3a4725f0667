//! What is known of a workflow.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::schedule::ScheduleStatus;

/// What is known of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reconciling` and `Stalled`.
    #[serde(default)]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// `sha256:` and the digest of the canonical spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub digest: Option<String>,
    /// What is known of its schedule; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleStatus>,
    /// Texts for the columns of `get`.
    #[serde(default)]
    pub columns: WorkflowColumns,
}

/// Texts for the columns of `get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowColumns {
    /// How many steps there are.
    #[serde(default)]
    #[schemars(length(max = 31))]
    pub steps: String,
    /// When it runs by itself: the schedule as it is written, with its time zone.
    #[serde(default)]
    #[schemars(length(max = 350))]
    pub schedule: String,
    /// When the next run of the schedule is made.
    #[serde(default)]
    #[schemars(length(max = 31))]
    pub next_run: String,
}
