//! What a workflow consists of.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::super::client_config::ConfigRef;
use super::super::free_form::FreeForm;
use super::super::operator_definition::Parameter;
use super::super::operator_run::Retry;
use super::approval::Approval;
use super::concurrency::Concurrency;
use super::for_each::ForEach;
use super::schedule::{History, WorkflowSchedule};
use super::status::WorkflowStatus;
use crate::api::duration::DurationText;

/// Operators as the steps of a graph. Each step of a run is an OperatorRun of its own.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "mason.dev",
    version = "v1alpha1",
    kind = "Workflow",
    namespaced,
    cel,
    status = "WorkflowStatus",
    derive = "PartialEq",
    shortname = "mwf",
    category = "mason",
    doc = "Operators as the steps of a graph; each step of a run is an OperatorRun of its own.",
    selectable = ".spec.workflow",
    printcolumn(name = "Workflow", type_ = "string", json_path = ".spec.workflow"),
    printcolumn(name = "Steps", type_ = "string", json_path = ".status.columns.steps"),
    printcolumn(name = "Schedule", type_ = "string", json_path = ".status.columns.schedule"),
    printcolumn(
        name = "Last Run",
        type_ = "date",
        json_path = ".status.schedule.lastRun.plannedAt"
    ),
    printcolumn(name = "Next Run", type_ = "string", json_path = ".status.columns.nextRun"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSpec {
    /// The workflow's name in one or two parts, for example `table/validated_infer`.
    #[schemars(
        length(max = 65),
        regex(pattern = "^[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?$")
    )]
    pub workflow: String,
    /// What the workflow does, in one sentence.
    #[schemars(length(min = 1, max = 256))]
    pub description: String,
    /// The parameters a run of the workflow may give. Anything else in a run is refused.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub parameters: Vec<Parameter>,
    /// The config that steps run against which name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_ref: Option<ConfigRef>,
    /// How long a whole run may take, for example `2h`; its `finally` steps have their own time after that. Default: no
    /// limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// How many steps may work at one time, 1 to 50. Default: 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 50))]
    pub parallelism: u32,
    /// Whether the first failed step ends the others. Default: false, everything that does not depend on it goes on.
    #[serde(default)]
    pub fail_fast: bool,
    /// The steps. Their order means nothing; `dependencies` says what comes first.
    #[schemars(length(min = 1, max = 500))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".to_string()]))]
    pub steps: Vec<WorkflowStep>,
    /// What a run answers, by name: values with `${…}` look-ups, resolved when it has ended, for example
    /// `{rows: "${steps.check.rows ?? 0}"}`.
    #[serde(default, skip_serializing_if = "FreeForm::is_empty")]
    pub outputs: FreeForm,
    /// How many runs may work at one time, whoever makes them. Default: any number; of those that the schedule makes one, and
    /// the newest of the others waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// When the workflow is run by itself. Default: only when somebody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<WorkflowSchedule>,
    /// How many runs of the schedule are kept once they have ended; older ones are deleted with their steps. Runs that
    /// people make are never deleted. Default: 10 that succeeded and 10 others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// One step: an operator with its parameters, or a question to a person, and when it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.operator), has(self.workflow), has(self.approval)].filter(one, one).size() == 1").message("a step has exactly one of operator, workflow and approval"))]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStep {
    /// The step's name in the workflow: lower case letters, digits and `_`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// The operator that the step executes, for example `table/query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 65),
        regex(pattern = "^[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?$")
    )]
    pub operator: Option<String>,
    /// In place of an operator: another workflow of the namespace, by its `spec.workflow`, for example `orders/clean`. Its
    /// run is a `WorkflowRun` of its own, and its outputs are the result of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 65),
        regex(pattern = "^[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?$")
    )]
    pub workflow: Option<String>,
    /// In place of an operator: a question to a person, which `mason approve` answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// The steps that have to be settled before this one, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 63)))]
    pub dependencies: Vec<String>,
    /// Whether the step runs, decided once when all its dependencies are settled: CEL over `parameters` and
    /// `steps.ID.{phase,reason,attempts,rows,truncated,result}`, in a `finally` step also `run.phase`, for example
    /// `steps.check.phase == 'Failed'`. Default: all its dependencies succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub when: Option<String>,
    /// Values for the operator's parameters, by name. `${parameters.NAME}` and `${steps.ID.result.FIELD}` are looked up when
    /// the step begins; a value that is one look-up keeps its type, and `?? VALUE` stands for one that is not there.
    #[serde(default, skip_serializing_if = "FreeForm::is_empty")]
    pub parameters: FreeForm,
    /// The config of this step. Default: that of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_ref: Option<ConfigRef>,
    /// How often and when failed attempts of the step are repeated. Default: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long the step may take. Default: no limit of its own; `10m` for a `finally` step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// One run of the step for each item of a list; `steps.ID.result` is then the list of their results, with null for an
    /// item that failed. Default: one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// Whether the run may succeed although the step failed. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_failure: bool,
    /// Whether the step runs once at any end of the run: success, failure, cancel, timeout. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finally: bool,
}

fn ten() -> u32 {
    10
}
