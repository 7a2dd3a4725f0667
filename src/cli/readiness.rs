//! The readiness of configs and definitions, which on a cluster a controller keeps in their status:
//! what `get` shows, whether they can be used, and the definition's digest.

use jiff::Timestamp;

use super::runs::{probe, run_context};
use super::verb_context::VerbContext;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{OperatorDefinition, ScheduleStatus, Workflow};
use crate::engines::EngineError;
use crate::plan::{ScheduleMove, plan_schedule_of};
use crate::readiness::{
    ClientProbe, Usability, config_readiness, definition_readiness, workflow_readiness,
};
use crate::runs::check_workflow;
use crate::store::StoreError;

/// Looks at a config or definition that was just applied and stores its readiness as its status. When
/// another process changes it meanwhile, that process keeps its own.
///
/// # Errors
/// When the store cannot be written to.
pub(crate) async fn record(
    context: &VerbContext,
    resource: Resource,
) -> Result<Resource, StoreError> {
    if context.cluster.is_some() {
        // There the controller stores it: only the controller can reach what the clients are for.
        return Ok(resource);
    }
    let changed = match resource.clone() {
        Resource::MasonConfig(mut config) => {
            let found = probe(context, &config).await.into_iter();
            let probes: Vec<_> = found.map(|(_, answer)| probe_of(answer)).collect();
            config.status = Some(config_readiness(&config, Ok(()), &probes, context.now));
            Resource::MasonConfig(config)
        }
        Resource::OperatorDefinition(definition) => built_in(&definition, context.now),
        Resource::Workflow(workflow) => {
            let checked = check_workflow(&run_context(context), &workflow).await?;
            let recorded = workflow.status.as_ref().and_then(|status| status.schedule.clone());
            // A schedule begins when it is applied, whether a scheduler is at work or not.
            let schedule = match plan_schedule_of(&workflow, context.now) {
                ScheduleMove::Record(planned) if recorded != planned => begun(recorded, planned),
                _ => recorded,
            };
            let status = Some(workflow_readiness(&workflow, &checked, schedule, context.now));
            Resource::Workflow(Box::new(Workflow { status, ..*workflow }))
        }
        Resource::OperatorRun(_) | Resource::WorkflowRun(_) => return Ok(resource),
    };
    match context.store.replace_status(&changed).await {
        Ok(stored) => Ok(stored),
        Err(StoreError::Conflict { .. }) => Ok(resource),
        Err(error) => Err(error),
    }
}

/// Returns what is recorded of a schedule that is new or edited; one that only goes on is left to a scheduler.
fn begun(
    recorded: Option<ScheduleStatus>,
    planned: Option<ScheduleStatus>,
) -> Option<ScheduleStatus> {
    let is_same =
        recorded.as_ref().map(|one| &one.digest) == planned.as_ref().map(|one| &one.digest);
    if is_same { recorded } else { planned }
}

/// Returns a definition that has been checked, with its readiness.
pub(crate) fn built_in(definition: &OperatorDefinition, now: Timestamp) -> Resource {
    let mut definition = definition.clone();
    definition.status = Some(definition_readiness(&definition, &Usability::Usable, now));
    Resource::OperatorDefinition(Box::new(definition))
}

fn probe_of(answer: Result<(), EngineError>) -> ClientProbe {
    answer.map_or_else(ClientProbe::Failed, |()| ClientProbe::Ready { credentials: None })
}
