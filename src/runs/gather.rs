//! Reads what a pass needs to decide: resources while the run is not resolved, engines after.
//!
//! Changes nothing. What cannot be seen is part of the observation, never an error.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::context::{RunContext, RunError, action_descriptions};
use super::session::{Identity, Pending, Session, kept, name_of, recorded};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    AttemptState, MasonConfig, NamespacesFrom, OperatorRun, OperatorRunStatus,
};
use crate::engines::job::{JobError, JobState, JobStatus};
use crate::engines::metastore::{Author, Change, Changed};
use crate::engines::{EngineError, Engines, ErrorKind, Lookup, Retry};
use crate::operators::Effect;
use crate::plan::{
    Checked, Observation, Parent, Place, Sight, is_about_to_begin, needs_job, parent_of,
    parent_says,
};
use crate::store::Resource;
use crate::validate::{Inputs, ValidRun, config_namespace, validate};
use kube::core::ObjectMeta;

/// Reads what a pass over the run needs to decide.
///
/// # Errors
/// When the store fails or what was recorded cannot be read.
pub async fn gather(
    context: &RunContext,
    session: &mut Session,
    run: &OperatorRun,
) -> Result<Observation, RunError> {
    let unborn = OperatorRunStatus::default();
    let status = run.status.as_ref().unwrap_or(&unborn);
    let keeping = context.keeping;
    if status.phase.is_terminal() {
        return Ok(Observation { keeping, ..Observation::default() });
    }
    let parent = ask_parent(context, &run.metadata).await?;
    let ends = parent == Parent::Ends;
    let Some(valid) = session.resolved(run)? else {
        if matches!(parent, Parent::Waits | Parent::Ends) {
            return Ok(Observation { parent, keeping, ..Observation::default() });
        }
        let (checked, place) = check(context, session, run).await?;
        let patience = context.admission.patience;
        return Ok(Observation {
            checked: Some(checked),
            patience,
            place,
            parent,
            keeping,
            ..Observation::default()
        });
    };
    let place = if ends { Place::Free } else { ask(context, run, &valid, None) };
    let Some(look_at) = LookAt::of(run, status)? else {
        return Ok(Observation { place, parent, keeping, ..Observation::default() });
    };
    let engines = session.engines(context, &valid).await;
    let identity = Identity::of(run);
    session.looks_at(identity.as_ref().and_then(|identity| identity.job.as_ref()));
    let observation = look(look_at, engines, identity).await;
    let observation = without_doubt(observation, session, run);
    #[cfg(test)]
    let observation = super::mutations::blurred(observation, run);
    if matches!(observation.job, Sight::Failed(_)) || matches!(observation.change, Sight::Failed(_))
    {
        session.close();
    }
    Ok(Observation { place, parent, keeping, ..observation })
}

/// Asks the run of the workflow of which a run is a step. It writes nothing into the run: the run reads it.
pub(super) async fn ask_parent(
    context: &RunContext,
    child: &ObjectMeta,
) -> Result<Parent, RunError> {
    let Some(parent) = parent_of(child) else { return Ok(Parent::None) };
    let found = context.store.get(&parent.key).await.map_err(|source| RunError::Store {
        operation: "read the run of the workflow of",
        name: child.name.clone().unwrap_or_default(),
        source,
    })?;
    Ok(match found {
        Some(Resource::WorkflowRun(parent)) => parent_says(Some(&parent), child),
        _ => parent_says(None, child),
    })
}

/// Asks for a place for a run that is about to begin an attempt.
fn ask(
    context: &RunContext,
    run: &OperatorRun,
    valid: &ValidRun,
    config: Option<&MasonConfig>,
) -> Place {
    if !is_about_to_begin(run, context.clock.now()) {
        return Place::Free;
    }
    context.admission.places.ask(run, valid, config)
}

/// What the recorded status calls for a look at.
#[derive(Debug, Clone)]
enum LookAt {
    /// The job of the newest attempt.
    Job,
    /// The change that remains of it.
    Change(Change),
}

impl LookAt {
    fn of(run: &OperatorRun, status: &OperatorRunStatus) -> Result<Option<Self>, RunError> {
        let pending = Pending::of(status).map_err(|source| recorded(run, "pending", source))?;
        let live = status.attempts.last().is_some_and(|last| last.state != AttemptState::Finished);
        Ok(match pending.map(|pending| pending.effect) {
            Some(Effect::Metastore { change }) => Some(Self::Change(change)),
            Some(Effect::CancelJob { .. }) => None,
            None => (live && needs_job(status)).then_some(Self::Job),
        })
    }
}

async fn look(
    look_at: LookAt,
    engines: Result<Engines, EngineError>,
    identity: Option<Identity>,
) -> Observation {
    let mut observation = Observation::default();
    let Some(identity) = identity else { return observation };
    match (look_at, engines) {
        (LookAt::Job, Ok(engines)) => observation.job = find_job(&engines, &identity).await,
        (LookAt::Change(change), Ok(engines)) => {
            observation.change = find_change(&engines, &change, &identity.author).await;
        }
        (LookAt::Job, Err(error)) => observation.job = Sight::Failed(kept(&error)),
        (LookAt::Change(_), Err(error)) => observation.change = Sight::Failed(kept(&error)),
    }
    observation
}

/// A service that cannot tell is not in doubt about an effect that this process recorded and has not tried: there is
/// none.
fn without_doubt(seen: Observation, session: &Session, run: &OperatorRun) -> Observation {
    if !Identity::of(run).is_some_and(|identity| session.has_untried(&identity.token)) {
        return seen;
    }
    Observation { job: seen.job.untried(), change: seen.change.untried(), ..seen }
}

/// Looks for the job of the newest attempt. In place of one that was recorded and is gone, a delayed
/// call may have made another, which never was released: it is not what was asked for.
async fn find_job(engines: &Engines, identity: &Identity) -> Sight<JobStatus> {
    let recorded = identity.job.as_ref();
    let execution = match engines.execution() {
        Ok(execution) => execution,
        Err(error) => return Sight::Failed(kept(&error)),
    };
    let vanished = || recorded.and_then(|id| execution.vanished(id, &identity.owner));
    match execution.find(&identity.request()).await {
        Ok(Lookup::Found(job))
            if job.state == JobState::Inert && recorded.is_some_and(|id| *id != job.id) =>
        {
            Sight::Found(vanished().unwrap_or(job))
        }
        Ok(Lookup::Found(job)) => Sight::Found(job),
        Ok(Lookup::Nothing) => vanished().map_or(Sight::Nothing, Sight::Found),
        Ok(Lookup::Unknown(why)) => Sight::Unknown(why),
        Err(error) => Sight::Failed(kept(&error)),
    }
}

async fn find_change(engines: &Engines, change: &Change, author: &Author) -> Sight<Changed> {
    let Some(changes) = engines.changes() else { return Sight::Nothing };
    match changes.find(change, author).await {
        Ok(Lookup::Found(made)) => Sight::Found(made),
        Ok(Lookup::Nothing) => Sight::Nothing,
        Ok(Lookup::Unknown(why)) => Sight::Unknown(why),
        Err(error) => Sight::Failed(kept(&error)),
    }
}

/// Validates a run that is not resolved yet, opens its clients once to see that they are there, and then
/// asks for a place.
async fn check(
    context: &RunContext,
    session: &mut Session,
    run: &OperatorRun,
) -> Result<(Checked, Place), RunError> {
    let read = context.look_up.resources(context, run).await;
    let resources = read.map_err(|source| RunError::Store {
        operation: "read the definition and config of",
        name: name_of(run),
        source,
    })?;
    let labels = labels(context, run, resources.config.as_ref()).await;
    let actions = action_descriptions(context.operators);
    let inputs = Inputs {
        definition: resources.definition.as_ref(),
        config: resources.config.as_ref(),
        actions: &actions,
        clients: context.clients,
        kinds: context.kinds,
        rules: &context.admission.rules,
        namespace_labels: labels.as_ref(),
        known_operators: &resources.known_operators,
        known_configs: &resources.known_configs,
        nested: None,
    };
    let valid = match validate(run, &inputs) {
        Err(problems) => return Ok((Checked::Refused(problems), Place::Free)),
        Ok(valid) => valid,
    };
    let config = resources.config.as_ref();
    if let Some(error) = config.and_then(|config| not_ready(context, config)) {
        return Ok((Checked::ClientDown(error), Place::Free));
    }
    Ok(match session.engines(context, &valid).await {
        Ok(_) => {
            let place = ask(context, run, &valid, config);
            (Checked::Ready(Box::new(valid)), place)
        }
        Err(error) => (Checked::ClientDown(kept(&error)), Place::Free),
    })
}

/// Reads the labels of the run's namespace where it depends on them whether the run may use the config.
async fn labels(
    context: &RunContext,
    run: &OperatorRun,
    config: Option<&MasonConfig>,
) -> Option<BTreeMap<String, String>> {
    let own = run.metadata.namespace.as_deref()?;
    let asks = config?.spec.allowed_namespaces.from == NamespacesFrom::Selector;
    if !asks || config_namespace(run) == own {
        return None;
    }
    context.admission.namespaces.labels(own).await
}

/// Returns what keeps a config from being used, as the controller has found. Where there is none,
/// its status is as old as its last change, and says nothing.
fn not_ready(context: &RunContext, config: &MasonConfig) -> Option<JobError> {
    if context.admission.patience.is_zero() {
        return None;
    }
    let status = config.status.as_ref()?;
    let is_ready = |condition: &&Condition| condition.type_ == "Ready";
    let ready = status.conditions.iter().find(is_ready)?;
    let is_current = ready.observed_generation == config.metadata.generation;
    if !is_current || ready.status != "False" {
        return None;
    }
    let name = config.metadata.name.as_deref().unwrap_or_default();
    // What only a person can change.
    let lasting = [Reason::RootNotAllowed, Reason::PlacementNotAllowed, Reason::EndpointNotAllowed];
    let reason = lasting.into_iter().find(|reason| ready.reason == reason.as_str());
    let (kind, retry) = if reason.is_some() {
        (ErrorKind::PermissionDenied, Retry::Never)
    } else {
        (ErrorKind::Unavailable, Retry::Later)
    };
    let message = format!("config `{name}` is not ready: {}", ready.message);
    Some(JobError { kind, retry, reason, message, hint: None })
}
