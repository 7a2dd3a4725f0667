//! `OperatorRun`: one execution of an operator, and everything that is known of it.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client_config::{ClientKind, ConfigRef};
use super::free_form::FreeForm;
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

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Accepted, nothing done yet.
    #[default]
    Pending,
    /// Validated; an attempt is decided on, runs, or waits for its turn.
    Running,
    /// The work is done and proven. Final.
    Succeeded,
    /// The run ended without its effect. Final.
    Failed,
    /// The run was cancelled and nothing of it runs any more. Final.
    Cancelled,
    /// Waits for `spec.suspend` to become false.
    Suspended,
    /// It is not known whether the work took place; waits for `spec.resolution`.
    Unknown,
}

impl Phase {
    /// Returns whether the phase never changes again.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// Returns the phase's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Suspended => "Suspended",
            Self::Unknown => "Unknown",
        }
    }
}

/// Everything that is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!has(oldSelf.phase) || !(oldSelf.phase in ['Succeeded', 'Failed', 'Cancelled']) || (has(self.phase) && self.phase == oldSelf.phase)").message("a terminal phase is final"))]
#[x_kube(validation = Rule::new("!has(oldSelf.attempts) || (has(self.attempts) && oldSelf.attempts.all(o, self.attempts.exists(n, n.number == o.number && n.token == o.token)))").message("attempts are append-only and a token never changes"))]
#[x_kube(validation = Rule::new("!has(oldSelf.attempts) || !has(self.attempts) || oldSelf.attempts.all(o, !has(o.job) || self.attempts.all(n, n.number != o.number || (has(n.job) && n.job.id == o.job.id)))").message("a job that was recorded is never replaced or forgotten"))]
#[x_kube(validation = Rule::new("!has(oldSelf.phase) || !(oldSelf.phase in ['Succeeded', 'Failed', 'Cancelled']) || !has(self.result) || (has(oldSelf.result) && self.result.kind == oldSelf.result.kind && has(self.result.rows) == has(oldSelf.result.rows) && (!has(self.result.rows) || self.result.rows == oldSelf.result.rows) && has(self.result.bytes) == has(oldSelf.result.bytes) && (!has(self.result.bytes) || self.result.bytes == oldSelf.result.bytes) && (!has(self.result.ref) || (has(oldSelf.result.ref) && self.result.ref == oldSelf.result.ref)))").message("the result of a run that has ended may only be pruned"))]
#[x_kube(validation = Rule::new("!has(oldSelf.resolved) || (has(self.resolved) && self.resolved == oldSelf.resolved && has(self.parameters) == has(oldSelf.parameters) && (!has(self.parameters) || self.parameters == oldSelf.parameters))").message("what was resolved before the first launch never changes"))]
#[serde(rename_all = "camelCase")]
pub struct OperatorRunStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the run stands.
    #[serde(default)]
    pub phase: Phase,
    /// `Ready`, `Reconciling`, `Stalled`, `Succeeded` and `Finished`.
    #[serde(default)]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// Frozen before the first launch: the definition's action, parameters and non-secret client
    /// settings. Never validated again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<FreeForm>,
    /// The definition that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorReference>,
    /// The concrete client that fills each role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engines: Option<EngineChoices>,
    /// Every parameter's value and where it came from.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub parameters: Vec<ResolvedParameter>,
    /// How far the work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Every attempt that was ever decided on, oldest first.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".to_string()]))]
    pub attempts: Vec<Attempt>,
    /// What remains to be done once the work is proven: an effect on the metastore and the answer
    /// that goes with it, recorded before the effect is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<FreeForm>,
    /// What the operator answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// What a person should read.
    #[serde(default)]
    pub messages: Messages,
    /// When the first attempt was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub started_at: Option<Timestamp>,
    /// When the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub finished_at: Option<Timestamp>,
    /// Not before this time is the next attempt launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub next_attempt_at: Option<Timestamp>,
    /// Since when something is in the way: what the run names is not there, or what became of the work
    /// could not be looked up; absent while nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub unseen_since: Option<Timestamp>,
    /// Since when result and log are dropped, as `spec.ttl` or the administrator's limits say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub pruned_at: Option<Timestamp>,
    /// The value of the annotation `mason.dev/requested-at` that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_request: Option<String>,
    /// Texts for the columns of `get`.
    #[serde(default)]
    pub columns: RunColumns,
}

/// The definition that a run used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorReference {
    /// The OperatorDefinition's name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// `sha256:` and the digest of its canonical spec.
    #[schemars(length(max = 80))]
    pub digest: String,
}

/// The concrete client that fills each role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngineChoices {
    /// The metastore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metastore: Option<EngineChoice>,
    /// The storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<EngineChoice>,
    /// The execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<EngineChoice>,
}

/// A client of the config, with its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngineChoice {
    /// The client's name in the config.
    #[schemars(length(max = 63))]
    pub client: String,
    /// The client's type.
    #[serde(rename = "type")]
    pub kind: ClientKind,
}

/// A parameter's value and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedParameter {
    /// The parameter's name (never an alias).
    #[schemars(length(max = 63))]
    pub name: String,
    /// The value that is used.
    #[schemars(schema_with = "any_value")]
    pub value: Value,
    /// Where the value came from.
    pub origin: ParameterOrigin,
}

/// Where a parameter's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ParameterOrigin {
    /// The run's spec.
    Run,
    /// The definition's default.
    DefinitionDefault,
}

/// How far the work is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What is being done, for example `scanning`.
    #[schemars(length(max = 63))]
    pub phase: String,
    /// How many units are done.
    pub done: u64,
    /// How many units there are, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is counted: `files`, `rows`, `bytes`.
    #[schemars(length(max = 31))]
    pub unit: String,
    /// Units a second, over the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// Seconds that remain at this rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
}

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

/// What the operator answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// What sort of answer `data` is.
    pub kind: ResultKind,
    /// How many rows the answer has in all, if it is rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The size of the whole answer as JSON, or of the files written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The columns of the rows, or the fields of the object, in their order, which `data` loses on an API
    /// server. Absent when there are very many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096)))]
    pub columns: Vec<String>,
    /// The answer, or a preview of it when `truncated`.
    #[serde(default)]
    #[schemars(schema_with = "any_value")]
    pub data: Value,
    /// Whether `data` is only a part of the answer.
    #[serde(default)]
    pub truncated: bool,
    /// Where the whole answer is.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<ResultReference>,
}

/// What sort of answer a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ResultKind {
    /// Rows with columns.
    Rows,
    /// One object described by the operator's result schema.
    Object,
    /// What would be done (`dryRun`).
    Plan,
}

/// Where a whole answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultReference {
    /// Address of the stored answer: `CLIENT:PATH` for a storage client of the run's config, or
    /// `configmap://NAME/KEY` for a `ConfigMap` beside the run.
    #[schemars(length(max = 2048))]
    pub uri: String,
    /// Digest of its bytes.
    #[schemars(length(max = 80))]
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// What a person should read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// What is wrong.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 2048)))]
    pub errors: Vec<String>,
    /// What may surprise.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 2048)))]
    pub warnings: Vec<String>,
    /// What is good to know.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 2048)))]
    pub info: Vec<String>,
}

/// Texts for the columns of `get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunColumns {
    /// The reason of the phase.
    #[serde(default)]
    #[schemars(length(max = 63))]
    pub reason: String,
    /// `120/400 files`.
    #[serde(default)]
    #[schemars(length(max = 63))]
    pub progress: String,
    /// `1m12s`, once it is known.
    #[serde(default)]
    #[schemars(length(max = 31))]
    pub duration: String,
    /// How many attempts there were.
    #[serde(default)]
    #[schemars(length(max = 31))]
    pub attempts: String,
    /// The execution client's name, or the metastore's where nothing is executed.
    #[serde(default)]
    #[schemars(length(max = 127))]
    pub engine: String,
    /// The most important message.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub message: String,
}

fn any_value(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}
