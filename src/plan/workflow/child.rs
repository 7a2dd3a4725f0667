//! The run of a step: its name, its identity, and what it came to.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource as _;
use kube::core::ObjectMeta;
use sha2::{Digest as _, Sha256};

use super::child_run::ChildRun;
use super::observation::ChildKey;
use crate::api::conditions::Reason;
use crate::api::labels;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{
    FreeForm, Phase, StepPhase, StepStatus, WorkflowRun, WorkflowRunSpec, WorkflowRunStatus,
    WorkflowSpec, WorkflowStep,
};
use crate::plan::failure::cut;
use crate::plan::observation::Parent;
use crate::validate::{StepOutcome, step_run};

/// The longest name of a run: a label's value.
const NAME: usize = 63;
/// Most characters of what the line of a step says; what says that it is cut has room beside.
pub(super) const SAID: usize = 480;
/// How long the run of a `finally` step may take that does not say.
const FINALLY_TIMEOUT: &str = "10m";

/// Returns the name of the run of a step, or of an item of it: the same however often it is asked for, and another for every
/// run of a workflow, also for one that is made again under the same name.
#[must_use]
pub fn child_name(run: &WorkflowRun, key: &ChildKey) -> String {
    let uid = run.metadata.uid.as_deref().unwrap_or_default();
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let step = key.step.replace('_', "-");
    let (whole, readable) = match key.item {
        None => (format!("{uid}/{}", key.step), format!("{name}-{step}")),
        Some(item) => (format!("{uid}/{}/{item}", key.step), format!("{name}-{step}-{item}")),
    };
    let digest = hex::encode(&Sha256::digest(whole)[..4]);
    let room = NAME - digest.len() - 1;
    let cut = readable[..readable.floor_char_boundary(room)].trim_end_matches(['-', '.']);
    format!("{cut}-{digest}")
}

/// Returns the run of a step, as it is created: of its operator, or of the workflow of this name.
pub(super) fn child_of(
    run: &WorkflowRun,
    spec: &WorkflowSpec,
    (step, item): (&WorkflowStep, Option<u32>),
    (workflow, parameters): (Option<&str>, FreeForm),
) -> Resource {
    let metadata = metadata_of(run, step, item);
    let Some(workflow) = workflow else {
        let mut child = step_run(spec, step, parameters);
        if step.finally && child.spec.timeout.is_none() {
            child.spec.timeout = FINALLY_TIMEOUT.parse().ok();
        }
        child.metadata = metadata;
        return Resource::OperatorRun(Box::new(child));
    };
    let config = step.config_ref.as_ref().or(spec.config_ref.as_ref());
    let spec = WorkflowRunSpec {
        config_ref: config.cloned(),
        parameters,
        planned_at: run.spec.planned_at,
        ..WorkflowRunSpec::of(workflow)
    };
    let mut child = WorkflowRun::new("", spec);
    child.metadata = metadata;
    Resource::WorkflowRun(Box::new(child))
}

fn metadata_of(run: &WorkflowRun, step: &WorkflowStep, item: Option<u32>) -> ObjectMeta {
    let workflow_run = run.metadata.name.clone().unwrap_or_default();
    let owner = OwnerReference {
        api_version: WorkflowRun::api_version(&()).into_owned(),
        kind: WorkflowRun::kind(&()).into_owned(),
        name: workflow_run.clone(),
        uid: run.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    };
    let mut labels = BTreeMap::from([
        (labels::MANAGED_BY.to_owned(), labels::MANAGER.to_owned()),
        (labels::STEP.to_owned(), step.id.clone()),
    ]);
    if workflow_run.len() <= NAME {
        labels.insert(labels::WORKFLOW_RUN.to_owned(), workflow_run);
    }
    if let Some(item) = item {
        labels.insert(labels::ITEM.to_owned(), item.to_string());
    }
    ObjectMeta {
        name: Some(child_name(run, &ChildKey { step: step.id.clone(), item })),
        namespace: run.metadata.namespace.clone(),
        owner_references: Some(vec![owner]),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}

/// Settles a step that has no run, or whose run is not the one to say how it ended.
pub fn settle(
    line: &mut StepStatus,
    phase: StepPhase,
    (reason, message): (Reason, &str),
    at: jiff::Timestamp,
) {
    line.phase = phase;
    line.reason = Some(reason);
    line.message = Some(cut(message, SAID));
    line.finished_at = Some(at);
}

/// Returns the line of a step whose run is seen so.
pub(super) fn line_of(line: &StepStatus, child: &ChildRun, now: jiff::Timestamp) -> StepStatus {
    if child.phase == Phase::Succeeded && child.declined {
        // Its operator did nothing, and said why: what follows must not take it for done.
        let said = "it registered nothing: the files disagree, as the result of its run shows";
        let mut line = line.clone();
        let at = child.finished_at.unwrap_or(now);
        settle(&mut line, StepPhase::Failed, (Reason::UserError, said), at);
        return line;
    }
    let phase = match child.phase {
        Phase::Pending | Phase::Running | Phase::Suspended => StepPhase::Running,
        Phase::Succeeded => StepPhase::Succeeded,
        Phase::Failed => StepPhase::Failed,
        Phase::Cancelled => StepPhase::Cancelled,
        Phase::Unknown => StepPhase::Unknown,
    };
    let message = cut(&child.message, SAID);
    StepStatus {
        phase,
        reason: Reason::of_word(&child.reason),
        message: (!message.is_empty()).then_some(message),
        attempts: u32::try_from(child.attempts).ok().filter(|attempts| *attempts > 0),
        rows: child.rows,
        finished_at: phase.is_settled().then_some(child.finished_at.unwrap_or(now)),
        ..line.clone()
    }
}

/// Returns what references and conditions can look up of a step: its line, and its run where it has one that is there.
pub(super) fn outcome_of(line: &StepStatus, child: Option<&ChildRun>) -> StepOutcome {
    let succeeded = line.phase == StepPhase::Succeeded;
    StepOutcome {
        phase: line.phase.as_str().to_owned(),
        reason: line.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        attempts: line.attempts.unwrap_or_default().into(),
        rows: line.rows,
        truncated: child.is_some_and(|child| child.truncated),
        result: child.filter(|_| succeeded).and_then(|child| child.result.clone()),
        pruned: succeeded && child.is_none_or(|child| child.pruned),
    }
}

/// The run of a workflow that a run is a step of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentReference {
    /// Its key.
    pub key: Key,
    /// Its uid: one that was made again under the same name is another.
    pub uid: String,
}

/// Returns the run of a workflow that a run is a step of, if it is one.
#[must_use]
pub fn parent_of(child: &ObjectMeta) -> Option<ParentReference> {
    let mut owners = child.owner_references.iter().flatten();
    let owner = owners.find(|owner| {
        owner.controller == Some(true)
            && owner.kind == WorkflowRun::kind(&())
            && owner.api_version == WorkflowRun::api_version(&())
    })?;
    let namespace = child.namespace.clone()?;
    let key = Key { kind: Kind::WorkflowRun, namespace, name: owner.name.clone() };
    Some(ParentReference { key, uid: owner.uid.clone() })
}

/// Returns what the run of a workflow says to the run of a step. A parent that is gone, or was made again under the same
/// name, ends it.
#[must_use]
pub fn parent_says(parent: Option<&WorkflowRun>, child: &ObjectMeta) -> Parent {
    let Some(reference) = parent_of(child) else { return Parent::None };
    let is_parent = |parent: &&WorkflowRun| parent.metadata.uid.as_ref() == Some(&reference.uid);
    let Some(parent) = parent.filter(is_parent) else { return Parent::Ends };
    let Some(status) = &parent.status else { return Parent::Waits };
    let own = child.uid.as_deref();
    let is_own = |line: &&StepStatus| {
        let mut items = line.items.iter().flat_map(|items| &items.open);
        let is_single = line.run.as_ref().is_some_and(|run| Some(run.uid.as_str()) == own);
        is_single || items.any(|item| Some(item.uid.as_str()) == own)
    };
    match status.steps.iter().find(is_own) {
        _ if status.phase.is_terminal() => Parent::Ends,
        None if is_settled_item(status, child) => Parent::Ends,
        None => Parent::Waits,
        Some(line) if line.phase.is_settled() => Parent::Ends,
        Some(line) if status.stopping.is_some() && !line.finally => Parent::Ends,
        Some(_) => Parent::Lets,
    }
}

/// Whether a run is that of an item which is settled, or one that was made for it again.
fn is_settled_item(status: &WorkflowRunStatus, child: &ObjectMeta) -> bool {
    let labels = child.labels.as_ref();
    let label = |name: &str| labels.and_then(|labels| labels.get(name));
    let line = status.steps.iter().find(|line| Some(&line.id) == label(labels::STEP));
    let index = label(labels::ITEM).and_then(|item| item.parse::<usize>().ok());
    let outcomes = line.and_then(|line| line.items.as_ref()).map(|items| &items.outcomes.0);
    outcomes.zip(index).is_some_and(|(outcomes, index)| index < outcomes.len())
}
