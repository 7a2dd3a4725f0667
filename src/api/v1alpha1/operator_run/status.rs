//! Everything that is known of a run.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::client_config::ClientKind;
use super::super::free_form::FreeForm;
use super::super::free_form::any_value;
use super::attempt::Attempt;

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

impl RunResult {
    /// Returns whether the operator answered why it did not do what it was asked for: `table/infer` of files that disagree
    /// registers nothing and shows the conflict. What follows must not go on as if there were a table. Another answer may
    /// have a `registered` of its own, which says nothing about the run.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.data["registered"] == false && self.data["conflict"].is_object()
    }
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
