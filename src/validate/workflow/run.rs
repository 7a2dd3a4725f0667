//! A run of a workflow that has been found valid: everything that is frozen before its first step.

use std::collections::{BTreeMap, BTreeSet};

use super::check::validate_workflow;
use crate::api::conditions::Reason;
use crate::api::labels;
use crate::api::v1alpha1::{
    CatchUp, ConcurrencyPolicy, ConfigRef, FreeForm, OperatorRun, OperatorRunSpec,
    ResolvedParameter, RetryFrom, StepOverride, Workflow, WorkflowReference, WorkflowRun,
    WorkflowRunStatus, WorkflowSpec, WorkflowStep,
};
use crate::validate::digest::workflow_digest;
use crate::validate::parameter::Given;
use crate::validate::problem::{Problem, Problems, did_you_mean};
use crate::validate::valid_run::Inputs;

/// Most bytes of a workflow that a run records, as JSON: spec and status are one object, of which etcd takes 1.5 MiB.
const FROZEN_BYTES: usize = 256 * 1024;

/// A run of a workflow with every question answered that can be before its first step.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidWorkflow {
    /// The workflow that was used.
    pub reference: WorkflowReference,
    /// Its spec, with what is different in the run.
    pub spec: WorkflowSpec,
    /// Every parameter of the workflow that has a value.
    pub parameters: Vec<ResolvedParameter>,
    /// The group that the run counts in, if it counts in one.
    pub group: Option<Group>,
    /// The names of the Workflows that steps run, by their `spec.workflow`.
    pub nested: BTreeMap<String, String>,
}

/// The group that a run counts in: how many of it may work at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How many of it may work at one time.
    pub limit: u32,
    /// What becomes of a run while it may not begin.
    pub policy: ConcurrencyPolicy,
    /// Whether the run gives up its place to a newer run of its schedule.
    pub newest_only: bool,
}

/// Returns the group that a run counts in: that of the workflow, else one for those that its schedule makes.
fn group_of(workflow: &Workflow, run: &WorkflowRun) -> Option<Group> {
    // The run of a step works as a part of its parent, which has a place or needs none.
    if run.metadata.owner_references.iter().flatten().any(|owner| owner.controller == Some(true)) {
        return None;
    }
    let name = workflow.metadata.name.clone().unwrap_or_default();
    let labels = run.metadata.labels.as_ref();
    let is_backfill = labels.is_some_and(|labels| labels.contains_key(labels::BACKFILL));
    let schedule = workflow.spec.schedule.as_ref();
    let is_made = labels.is_some_and(|labels| labels.contains_key(labels::WORKFLOW));
    let is_scheduled = run.spec.planned_at.is_some() && is_made && !is_backfill;
    let newest_only =
        is_scheduled && schedule.is_some_and(|schedule| schedule.catch_up != CatchUp::All);
    match &workflow.spec.concurrency {
        Some(asked) if asked.policy == ConcurrencyPolicy::Allow => None,
        Some(asked) => Some(Group {
            name: asked.group.clone().unwrap_or(name),
            limit: asked.limit,
            policy: asked.policy,
            newest_only: newest_only && asked.policy == ConcurrencyPolicy::Queue,
        }),
        None => run.spec.planned_at.map(|_| Group {
            name: format!("schedule/{name}"),
            limit: 1,
            policy: ConcurrencyPolicy::Queue,
            newest_only,
        }),
    }
}

impl ValidWorkflow {
    /// Returns the spec as `status.frozen` holds it.
    #[must_use]
    pub fn freeze(&self) -> FreeForm {
        match serde_json::to_value(&self.spec) {
            Ok(serde_json::Value::Object(object)) => FreeForm(object.into_iter().collect()),
            _ => FreeForm::default(),
        }
    }

    /// Reads what [`ValidWorkflow::freeze`] made; nothing when the run has not begun.
    ///
    /// # Errors
    /// When it was made by a version of Mason that this one does not understand.
    pub fn thaw(status: &WorkflowRunStatus) -> Result<Option<WorkflowSpec>, serde_json::Error> {
        let Some(frozen) = &status.frozen else { return Ok(None) };
        let object = frozen.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        serde_json::from_value(serde_json::Value::Object(object)).map(Some)
    }
}

/// Returns the spec of a workflow with what is different in a run, and what of that fits no step.
#[must_use]
pub fn effective_spec(workflow: &Workflow, run: &WorkflowRun) -> (WorkflowSpec, Problems) {
    let (mut spec, mut problems) = (workflow.spec.clone(), Problems::default());
    // When a workflow runs by itself, and beside what, is no matter of a run that has begun.
    (spec.schedule, spec.concurrency) = (None, None);
    if run.spec.config_ref.is_some() {
        spec.config_ref.clone_from(&run.spec.config_ref);
    }
    for (id, StepOverride { config_ref, parameters }) in &run.spec.steps.0 {
        let Some(step) = spec.steps.iter_mut().find(|step| step.id == *id) else {
            let known = workflow.spec.steps.iter().map(|step| step.id.as_str());
            let message = format!("the workflow has no step `{id}`");
            let problem = Problem::new(format!("spec.steps.{id}"), message);
            problems.push(problem.hint_if(did_you_mean(id, known)));
            continue;
        };
        if config_ref.is_some() {
            step.config_ref.clone_from(config_ref);
        }
        step.parameters.0.extend(parameters.0.clone());
    }
    (spec, problems)
}

/// Returns the run of a step with such parameters, without a name.
#[must_use]
pub fn step_run(spec: &WorkflowSpec, step: &WorkflowStep, parameters: FreeForm) -> OperatorRun {
    let config = step.config_ref.as_ref().or(spec.config_ref.as_ref());
    let nowhere = || ConfigRef { name: String::new(), namespace: None };
    OperatorRun::new(
        "",
        OperatorRunSpec {
            operator: step.operator.clone().unwrap_or_default(),
            operator_digest: None,
            config_ref: config.cloned().unwrap_or_else(nowhere),
            parameters,
            dry_run: false,
            timeout: step.timeout.clone(),
            retry: step.retry.clone(),
            ttl: None,
            suspend: false,
            cancel: false,
            resolution: None,
        },
    )
}

/// Returns a run of a workflow with every question answered. `earlier` is the run that is retried, if it is there. `steps` has the inputs of each step of
/// [`effective_spec`], in its order.
///
/// # Errors
/// Every problem: of the run, and of the workflow as it would be run.
pub fn validate_workflow_run(
    run: &WorkflowRun,
    (workflow, known): (Option<&Workflow>, &[String]),
    earlier: Option<&WorkflowRun>,
    steps: &[Inputs<'_>],
) -> Result<ValidWorkflow, Problems> {
    let mut problems = Problems::default();
    let Some(workflow) = workflow else {
        let name = &run.spec.workflow_ref.name;
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        let problem =
            Problem::new("spec.workflowRef.name", format!("there is no workflow `{name}`"));
        problems.push(problem.because(Reason::NotFound).hint_if(hint));
        return Err(problems);
    };
    let (spec, unfit) = effective_spec(workflow, run);
    problems.extend(unfit);
    check_retry(run, &spec, earlier, &mut problems);
    check_approvals(run, &spec, &mut problems);
    let nowhere = |step: &&WorkflowStep| {
        step.approval.is_none() && step.config_ref.is_none() && spec.config_ref.is_none()
    };
    if let Some(step) = spec.steps.iter().find(nowhere) {
        let message =
            format!("is needed: neither the workflow nor its step `{}` names a config", step.id);
        let hint = "name one in the run, `--config NAME` on the command line";
        problems.push(Problem::new("spec.configRef", message).hint(hint));
    }
    let of = &workflow.spec.workflow;
    let given = Given { values: &run.spec.parameters, of, deferred: &BTreeSet::new() };
    let parameters = given.resolve(&spec.parameters, None, &mut problems);
    if let Err(found) = validate_workflow(&spec, steps) {
        let is_own = |problem: &Problem| {
            run.spec.config_ref.is_some() && problem.path.starts_with("spec.configRef")
        };
        let (own, of_workflow): (Vec<_>, Vec<_>) = found.into_iter().partition(is_own);
        problems.extend(own);
        let name = workflow.metadata.name.clone().unwrap_or_default();
        let what = format!("workflow `{name}`");
        problems.extend(Problems(of_workflow).within("spec.workflowRef", &what));
    }
    let name = workflow.metadata.name.clone().unwrap_or_default();
    let reference = WorkflowReference { name, digest: workflow_digest(workflow) };
    let group = group_of(workflow, run);
    let valid =
        ValidWorkflow { reference, spec, parameters, group, nested: names_of_nested(steps) };
    check_size(&valid, &mut problems);
    problems.none_or(valid)
}

/// Returns the names of the Workflows that steps run, by their `spec.workflow`.
fn names_of_nested(steps: &[Inputs<'_>]) -> BTreeMap<String, String> {
    let nested = steps.iter().filter_map(|inputs| inputs.nested?.workflow());
    let names =
        nested.filter_map(|one| Some((one.spec.workflow.clone(), one.metadata.name.clone()?)));
    names.collect()
}

/// Checks that what is decided is asked.
fn check_approvals(run: &WorkflowRun, spec: &WorkflowSpec, problems: &mut Problems) {
    for id in run.spec.approvals.keys() {
        let asks = |step: &&WorkflowStep| step.approval.is_some();
        if !spec.steps.iter().filter(asks).any(|step| step.id == *id) {
            let known = spec.steps.iter().filter(asks).map(|step| step.id.as_str());
            let message = format!("the workflow has no step `{id}` that waits for approval");
            let problem = Problem::new(format!("spec.approvals.{id}"), message);
            problems.push(problem.hint_if(did_you_mean(id, known)));
        }
    }
}

/// Checks what is retried: a run of the same workflow that has ended.
fn check_retry(
    run: &WorkflowRun,
    spec: &WorkflowSpec,
    earlier: Option<&WorkflowRun>,
    problems: &mut Problems,
) {
    let Some(RetryFrom { run: name, from }) = &run.spec.retry_from else { return };
    let at = |message: String| Problem::new("spec.retryFrom.run", message);
    match earlier {
        None => {
            let problem = at(format!("there is no run `{name}` of a workflow"));
            problems.push(problem.because(Reason::NotFound));
        }
        Some(earlier) if earlier.spec.workflow_ref != run.spec.workflow_ref => {
            let other = &earlier.spec.workflow_ref.name;
            problems.push(at(format!("run `{name}` is of workflow `{other}`")));
        }
        Some(earlier) => {
            let status = earlier.status.as_ref();
            let phase = status.map(|status| status.phase).unwrap_or_default();
            if !phase.is_terminal() {
                let problem = at(format!("run `{name}` has not ended ({})", phase.as_str()));
                problems.push(problem.hint("a step that works is never taken over"));
            }
        }
    }
    for (index, id) in from.iter().enumerate() {
        if !spec.steps.iter().any(|step| step.id == *id) {
            let known = spec.steps.iter().map(|step| step.id.as_str());
            let path = format!("spec.retryFrom.from[{index}]");
            let problem = Problem::new(path, format!("the workflow has no step `{id}`"));
            problems.push(problem.hint_if(did_you_mean(id, known)));
        }
    }
}

fn check_size(valid: &ValidWorkflow, problems: &mut Problems) {
    let bytes = serde_json::to_string(&valid.spec).map_or(0, |text| text.len());
    if bytes > FROZEN_BYTES {
        let message = format!(
            "the workflow has {} KiB as JSON, and a run records at most {} KiB of it",
            bytes.div_ceil(1024),
            FROZEN_BYTES / 1024
        );
        let hint = "put what is large into files, or split the workflow";
        problems.push(Problem::new("spec.workflowRef", message).hint(hint));
    }
}
