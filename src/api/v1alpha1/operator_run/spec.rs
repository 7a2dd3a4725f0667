//! What a run asks for.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::client_config::ConfigRef;
use super::super::free_form::FreeForm;
use super::status::OperatorRunStatus;
use crate::api::duration::DurationText;

/// One execution of an operator with parameters against a config. Data only: it holds no image,
/// account, pod field or credential.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "mason.dev",
    version = "v1alpha1",
    kind = "OperatorRun",
    namespaced,
    cel,
    status = "OperatorRunStatus",
    derive = "PartialEq",
    shortname = "oprun",
    category = "mason",
    doc = "One execution of an operator with parameters against a config; its result lands in its status.",
    selectable = ".spec.operator",
    selectable = ".status.phase",
    printcolumn(name = "Operator", type_ = "string", json_path = ".spec.operator"),
    printcolumn(name = "Config", type_ = "string", json_path = ".spec.configRef.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.columns.reason"),
    printcolumn(name = "Progress", type_ = "string", json_path = ".status.columns.progress"),
    printcolumn(name = "Duration", type_ = "string", json_path = ".status.columns.duration"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Attempts",
        type_ = "string",
        json_path = ".status.columns.attempts",
        priority = 1
    ),
    printcolumn(
        name = "Engine",
        type_ = "string",
        json_path = ".status.columns.engine",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.columns.message",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("self.operator == oldSelf.operator && self.configRef == oldSelf.configRef && has(self.operatorDigest) == has(oldSelf.operatorDigest) && (!has(self.operatorDigest) || self.operatorDigest == oldSelf.operatorDigest) && has(self.parameters) == has(oldSelf.parameters) && (!has(self.parameters) || self.parameters == oldSelf.parameters) && has(self.dryRun) == has(oldSelf.dryRun) && (!has(self.dryRun) || self.dryRun == oldSelf.dryRun) && has(self.timeout) == has(oldSelf.timeout) && (!has(self.timeout) || self.timeout == oldSelf.timeout) && has(self.retry) == has(oldSelf.retry) && (!has(self.retry) || self.retry == oldSelf.retry)").message("a run is frozen once created; only suspend, cancel, ttl and resolution may change: create another run"))]
#[x_kube(validation = Rule::new("!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)").message("cancel cannot be taken back: create another run"))]
#[serde(rename_all = "camelCase")]
pub struct OperatorRunSpec {
    /// The operator to execute, for example `table/query`.
    #[schemars(
        length(max = 65),
        regex(pattern = "^[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?$")
    )]
    pub operator: String,
    /// Only this version of the definition may be used: `sha256:` and 64 hex digits, as in its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub operator_digest: Option<String>,
    /// The config to run against.
    pub config_ref: ConfigRef,
    /// Values for the operator's parameters, by name.
    #[serde(default)]
    pub parameters: FreeForm,
    /// Validate, resolve and plan only; the plan is the result and nothing is changed. Default: false.
    #[serde(default)]
    pub dry_run: bool,
    /// How long the whole run may take, for example `30m`. Default: what the administrator set, else no
    /// limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// How often and when failed attempts are repeated. Default: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// When a finished run is pruned or deleted. Default: kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// Do not begin, or begin no further attempt, while true. Default: false.
    #[serde(default)]
    pub suspend: bool,
    /// Cancel the run and its work outside. Cannot be taken back. Default: false.
    #[serde(default)]
    pub cancel: bool,
    /// A person's answer to phase `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
}

/// How often and when failed attempts are repeated. Only failures that may pass are repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// How many attempts may follow the first, 0 to 10.
    #[schemars(range(min = 0, max = 10))]
    pub limit: u32,
    /// How long to wait between attempts.
    #[serde(default)]
    pub backoff: Backoff,
}

/// Waits between attempts: a random time up to `base * factor^n`, at most `cap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// The bound of the first wait. Default: `5s`.
    #[serde(default = "five_seconds")]
    pub base: DurationText,
    /// By what the bound grows with each attempt, 1 to 10. Default: 2.
    #[serde(default = "two")]
    #[schemars(range(min = 1.0, max = 10.0))]
    pub factor: f64,
    /// The largest bound. Default: `5m`.
    #[serde(default = "five_minutes")]
    pub cap: DurationText,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: five_seconds(), factor: two(), cap: five_minutes() }
    }
}

fn five_seconds() -> DurationText {
    "5s".parse().expect("should be a duration")
}

fn five_minutes() -> DurationText {
    "5m".parse().expect("should be a duration")
}

fn two() -> f64 {
    2.0
}

/// When a finished run is pruned or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ttl {
    /// How long after success, for example `7d`. Default: kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_success: Option<DurationText>,
    /// How long after any other end, for example `30d`. Default: kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_failure: Option<DurationText>,
    /// `Prune` drops result and log and keeps the object; `Delete` removes the object. Default: `Delete`
    /// for a run whose name was generated or that another object controls, `Prune` for any other, which
    /// a tool might apply, and so execute, again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<TtlPolicy>,
}

/// What happens to a run whose time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TtlPolicy {
    /// Result and log are dropped, the object stays, so that a tool which applies it again starts nothing.
    Prune,
    /// The object is removed.
    Delete,
}

/// A person's answer to phase `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Resolution {
    /// The work did not take place: do it again.
    Repeat,
    /// The work took place.
    Succeeded,
    /// The work did not take place and shall not.
    Failed,
}
