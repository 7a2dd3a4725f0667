//! What a run of a workflow asks for.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::super::client_config::ConfigRef;
use super::super::free_form::FreeForm;
use super::status::WorkflowRunStatus;
use crate::api::duration::DurationText;

/// One execution of a workflow. Data only, as an OperatorRun is.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "mason.dev",
    version = "v1alpha1",
    kind = "WorkflowRun",
    namespaced,
    cel,
    status = "WorkflowRunStatus",
    derive = "PartialEq",
    shortname = "mwfr",
    category = "mason",
    doc = "One execution of a workflow, with a line for each of its steps.",
    selectable = ".status.phase",
    printcolumn(name = "Workflow", type_ = "string", json_path = ".spec.workflowRef.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Steps", type_ = "string", json_path = ".status.columns.steps"),
    printcolumn(name = "Duration", type_ = "string", json_path = ".status.columns.duration"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.columns.reason",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.columns.message",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("self.workflowRef == oldSelf.workflowRef && has(self.configRef) == has(oldSelf.configRef) && (!has(self.configRef) || self.configRef == oldSelf.configRef) && has(self.parameters) == has(oldSelf.parameters) && (!has(self.parameters) || self.parameters == oldSelf.parameters) && has(self.steps) == has(oldSelf.steps) && (!has(self.steps) || self.steps == oldSelf.steps) && has(self.retryFrom) == has(oldSelf.retryFrom) && (!has(self.retryFrom) || self.retryFrom == oldSelf.retryFrom) && has(self.plannedAt) == has(oldSelf.plannedAt) && (!has(self.plannedAt) || self.plannedAt == oldSelf.plannedAt) && has(self.dryRun) == has(oldSelf.dryRun) && (!has(self.dryRun) || self.dryRun == oldSelf.dryRun)").message("a run is frozen once created; only suspend, cancel, ttl and approvals may change: create another run"))]
#[x_kube(validation = Rule::new("!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)").message("cancel cannot be taken back: create another run"))]
#[x_kube(validation = Rule::new("!has(oldSelf.approvals) || (has(self.approvals) && oldSelf.approvals.all(step, step in self.approvals && self.approvals[step] == oldSelf.approvals[step]))").message("a decision is final"))]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRunSpec {
    /// The workflow to execute.
    pub workflow_ref: WorkflowRef,
    /// The config that steps run against which name none. Default: that of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_ref: Option<ConfigRef>,
    /// Values for the workflow's parameters, by name.
    #[serde(default, skip_serializing_if = "FreeForm::is_empty")]
    pub parameters: FreeForm,
    /// What is different in this run, by step: its config, and values of its parameters.
    #[serde(default, skip_serializing_if = "StepOverrides::is_empty")]
    pub steps: StepOverrides,
    /// A run that has ended, whose steps that succeeded are not run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_from: Option<RetryFrom>,
    /// The planned time that the run is for. Schedules and `mason backfill` set it; steps look it up as
    /// `${schedule.plannedAt}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub planned_at: Option<Timestamp>,
    /// Validate only: the plan is the answer and no step is run. Default: false.
    #[serde(default)]
    pub dry_run: bool,
    /// The answers to steps that wait for a person, by step, for example
    /// `{publish: {decision: Approved, by: jane@example.com}}`. A decision is final.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 100))]
    pub approvals: BTreeMap<String, ApprovalDecision>,
    /// When the run is deleted after its end, with its steps. Default: it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<WorkflowRunTtl>,
    /// Do not begin further steps while true. Default: false.
    #[serde(default)]
    pub suspend: bool,
    /// Cancel the run and its steps; `finally` steps still run. Cannot be taken back. Default: false.
    #[serde(default)]
    pub cancel: bool,
}

impl WorkflowRunSpec {
    /// Returns the spec of a run of the workflow with this name, which asks for nothing else.
    #[must_use]
    pub fn of(workflow: &str) -> Self {
        Self {
            workflow_ref: WorkflowRef { name: workflow.to_owned() },
            config_ref: None,
            parameters: FreeForm::default(),
            steps: StepOverrides::default(),
            retry_from: None,
            planned_at: None,
            approvals: BTreeMap::new(),
            ttl: None,
            dry_run: false,
            suspend: false,
            cancel: false,
        }
    }
}

/// A workflow of the run's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRef {
    /// The name of a Workflow.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A run whose steps that succeeded are not run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryFrom {
    /// The name of a run of the same workflow, in the same namespace, that has ended.
    #[schemars(length(min = 1, max = 253))]
    pub run: String,
    /// Steps that are run again although they succeeded, and so is what depends on them. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 63)))]
    pub from: Vec<String>,
}

/// When a run of a workflow that has ended is deleted. A tool that applies it again would run it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRunTtl {
    /// How long after success, for example `7d`. Default: kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_success: Option<DurationText>,
    /// How long after any other end, for example `30d`. Default: kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_failure: Option<DurationText>,
}

/// The answer to a step that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalDecision {
    /// `Approved` or `Rejected`.
    pub decision: Decision,
    /// Who decided. Where the chart's policy is on, it is who asks the API server.
    #[schemars(length(min = 1, max = 253))]
    pub by: String,
    /// Why it was decided so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub comment: Option<String>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Decision {
    /// The step succeeds.
    Approved,
    /// The step fails.
    Rejected,
}

impl Decision {
    /// Returns it as a word in a sentence.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// What is different in this run for one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepOverride {
    /// The config of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_ref: Option<ConfigRef>,
    /// Values of the step's parameters that replace or add to those of the workflow.
    #[serde(default, skip_serializing_if = "FreeForm::is_empty")]
    pub parameters: FreeForm,
}

/// What is different in a run, by step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepOverrides(pub BTreeMap<String, StepOverride>);

impl StepOverrides {
    /// Returns whether no step is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl JsonSchema for StepOverrides {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StepOverrides".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Free-form for the schema, whose rules compare it as a whole: only then is equality cheap.
        json_schema!({
            "type": "object",
            "maxProperties": 500,
            "x-kubernetes-preserve-unknown-fields": true,
            "x-kubernetes-map-type": "atomic",
        })
    }
}
