//! Everything that is known of a run of a workflow: a line for each step, never its results.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::super::free_form::FreeForm;
use super::super::operator_run::{Messages, Phase, ResolvedParameter};
use super::super::workflow::{ConcurrencyPolicy, WorkflowStep};
use super::items::ItemsStatus;
use crate::api::conditions::Reason;
use crate::api::resource::Kind;

/// Everything that is known of a run of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!has(oldSelf.phase) || !(oldSelf.phase in ['Succeeded', 'Failed', 'Cancelled']) || (has(self.phase) && self.phase == oldSelf.phase)").message("a terminal phase is final"))]
#[x_kube(validation = Rule::new("!has(oldSelf.workflow) || (has(self.workflow) && self.workflow == oldSelf.workflow)").message("the workflow that a run began with never changes"))]
#[x_kube(validation = Rule::new("!has(oldSelf.steps) || (has(self.steps) && self.steps.size() >= oldSelf.steps.size())").message("no step of a run is forgotten"))]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRunStatus {
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
    /// The run's place among those that may not all work at one time; absent where any number may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The workflow that the run began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowReference>,
    /// The spec of that workflow with what is different in this run, as it was when the run began. A later change of the
    /// workflow changes no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FreeForm>,
    /// The Workflows that steps run, by what they are called in the workflow: `spec.workflow` to the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "names_of_nested")]
    pub nested: BTreeMap<String, String>,
    /// The workflow's parameters and where their values came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub parameters: Vec<ResolvedParameter>,
    /// One line for each step, in the order of the workflow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".to_string()]))]
    pub steps: Vec<StepStatus>,
    /// Why every step that is not a `finally` step ends; absent while none has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<Stopping>,
    /// What the run answers, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<FreeForm>,
    /// What a person should read.
    #[serde(default)]
    pub messages: Messages,
    /// When the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub started_at: Option<Timestamp>,
    /// When the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub finished_at: Option<Timestamp>,
    /// Since when the workflow that the run names is not there, or what it names; absent while nothing is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub unseen_since: Option<Timestamp>,
    /// Texts for the columns of `get`.
    #[serde(default)]
    pub columns: WorkflowRunColumns,
}

/// The schema of the names of Workflows by what they are called.
fn names_of_nested(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 500,
        "additionalProperties": {
            "type": "string",
            "maxLength": 253,
            "description": "The name of the Workflow that is called so.",
        },
    })
}

/// A run's place among those of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The group; runs that a schedule makes have one of their own, `schedule/NAME`, where the workflow names none.
    #[schemars(length(max = 300))]
    pub group: String,
    /// How many of the group may work at one time.
    #[schemars(range(min = 1, max = 100))]
    pub limit: u32,
    /// What becomes of the run while it may not begin.
    pub policy: ConcurrencyPolicy,
    /// Whether it gives up its place to a newer run of its schedule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newest_only: bool,
    /// When it took its place; the earlier is first.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub since: Timestamp,
}

/// The workflow that a run began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowReference {
    /// The Workflow's name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// `sha256:` and the digest of its canonical spec.
    #[schemars(length(max = 80))]
    pub digest: String,
}

/// Where a step stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!(oldSelf.phase in ['Succeeded', 'Failed', 'Cancelled', 'Skipped']) || self.phase == oldSelf.phase").message("a settled step stays as it is"))]
#[x_kube(validation = Rule::new("!has(oldSelf.run) || (has(self.run) && self.run == oldSelf.run)").message("the run of a step never changes"))]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// The step's id.
    #[schemars(length(min = 1, max = 63))]
    pub id: String,
    /// Where it stands.
    pub phase: StepPhase,
    /// What its run is of: an operator, unless this says otherwise.
    #[serde(default, skip_serializing_if = "StepKind::is_operator")]
    pub kind: StepKind,
    /// The run of the step, which may begin since it stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<ChildReference>,
    /// How its items stand, if it has one run for each item of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemsStatus>,
    /// Whether it is not run again, because it succeeded in the run that is retried: `run` is of that one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// Whether it runs at any end of the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finally: bool,
    /// Why, as one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<crate::api::conditions::Reason>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub message: Option<String>,
    /// How many attempts its run has had, or those of its items together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub attempts: Option<u32>,
    /// How many rows it answered, if it answered rows; of its items together, if each did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// When its run was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub started_at: Option<Timestamp>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub finished_at: Option<Timestamp>,
}

impl StepStatus {
    /// Returns the line of a step that nothing has been done for yet.
    #[must_use]
    pub fn of(step: &WorkflowStep) -> Self {
        let kind = if step.workflow.is_some() { StepKind::Workflow } else { StepKind::Operator };
        Self { id: step.id.clone(), kind, finally: step.finally, ..Self::default() }
    }

    /// Returns whether the step waits for a person.
    #[must_use]
    pub fn waits_for_approval(&self) -> bool {
        self.phase == StepPhase::Running && self.reason == Some(Reason::WaitsForApproval)
    }

    /// Returns the runs that work, by their names and uids: that of the step, or those of its items. All are of the kind
    /// that [`StepKind::of_run`] says.
    pub fn open_runs(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_open = !self.phase.is_settled();
        let own = self.run.iter().filter(move |_| is_open);
        let own = own.map(|run| (run.name.as_str(), run.uid.as_str()));
        let items = self.items.iter().flat_map(|items| &items.open);
        own.chain(items.map(|item| (item.name.as_str(), item.uid.as_str())))
    }
}

/// What the run of a step is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StepKind {
    /// Of an operator.
    #[default]
    Operator,
    /// Of another workflow.
    Workflow,
}

impl StepKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    fn is_operator(&self) -> bool {
        *self == Self::Operator
    }

    /// Returns the kind of such a run.
    #[must_use]
    pub fn of_run(self) -> Kind {
        match self {
            Self::Operator => Kind::OperatorRun,
            Self::Workflow => Kind::WorkflowRun,
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum StepPhase {
    /// It waits for its dependencies, or for a slot.
    #[default]
    Pending,
    /// Its run exists.
    Running,
    /// Its run succeeded.
    Succeeded,
    /// Its run failed, or its condition or parameters could not be worked out.
    Failed,
    /// Its run was cancelled.
    Cancelled,
    /// It does not run; the reason and message say why.
    Skipped,
    /// It is not known whether its work took place; its run waits for a person.
    Unknown,
}

impl StepPhase {
    /// Returns whether the phase never changes again.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped)
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
            Self::Skipped => "Skipped",
            Self::Unknown => "Unknown",
        }
    }
}

/// The run of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChildReference {
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Its uid.
    #[schemars(length(max = 64))]
    pub uid: String,
}

/// Why every step that is not a `finally` step ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stopping {
    /// Why, as one word: `Cancelled`, `DeadlineExceeded` or `StepFailed`.
    pub reason: crate::api::conditions::Reason,
    /// Why, in words.
    #[schemars(length(max = 512))]
    pub message: String,
    /// Since when.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub at: Timestamp,
}

/// Texts for the columns of `get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRunColumns {
    /// The reason of the phase.
    #[serde(default)]
    #[schemars(length(max = 63))]
    pub reason: String,
    /// `3/5`: how many steps are settled, of how many.
    #[serde(default)]
    #[schemars(length(max = 31))]
    pub steps: String,
    /// `1m12s`, once it is known.
    #[serde(default)]
    #[schemars(length(max = 31))]
    pub duration: String,
    /// The most important message.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub message: String,
}
