//! Reads what a pass needs to decide: resources while the run is not resolved, engines after.
//!
//! Changes nothing. What cannot be seen is part of the observation, never an error.

use super::context::{RunContext, RunError, action_descriptions};
use super::resources::Resources;
use super::session::{Identity, Pending, Session, kept, name_of, recorded};
use crate::api::v1alpha1::{AttemptState, OperatorRun, OperatorRunStatus};
use crate::engines::job::{JobStatus, JobToken};
use crate::engines::metastore::{Author, Changed};
use crate::engines::{EngineError, Engines};
use crate::operators::Effect;
use crate::plan::{Checked, Observation, Sight, needs_job};
use crate::validate::{Inputs, validate};

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
    let Some(valid) = session.resolved(run)?.cloned() else {
        let checked = Some(check(context, session, run).await?);
        return Ok(Observation { checked, keeping, ..Observation::default() });
    };
    let looks = Looks::of(run, status)?;
    if !looks.job && !looks.change {
        return Ok(Observation { keeping, ..Observation::default() });
    }
    let engines = session.engines(context, &valid).await;
    let observation = look(looks, engines, Identity::of(run)).await;
    if matches!(observation.job, Sight::Failed(_)) || matches!(observation.change, Sight::Failed(_))
    {
        session.close();
    }
    Ok(Observation { keeping, ..observation })
}

/// Which looks outside the recorded status calls for.
#[derive(Debug, Clone, Copy)]
struct Looks {
    job: bool,
    change: bool,
}

impl Looks {
    fn of(run: &OperatorRun, status: &OperatorRunStatus) -> Result<Self, RunError> {
        let pending = Pending::of(status).map_err(|source| recorded(run, "pending", source))?;
        let live = status.attempts.last().is_some_and(|last| last.state != AttemptState::Finished);
        Ok(Self {
            job: pending.is_none() && live && needs_job(status),
            change: pending
                .is_some_and(|pending| matches!(pending.effect, Effect::Metastore { .. })),
        })
    }
}

async fn look(
    looks: Looks,
    engines: Result<Engines, EngineError>,
    identity: Option<Identity>,
) -> Observation {
    let mut observation = Observation::default();
    let Some(identity) = identity else { return observation };
    match engines {
        Ok(engines) if looks.job => observation.job = find_job(&engines, &identity.token).await,
        Ok(engines) => observation.change = find_change(&engines, &identity.author).await,
        Err(error) if looks.job => observation.job = Sight::Failed(kept(&error)),
        Err(error) => observation.change = Sight::Failed(kept(&error)),
    }
    observation
}

async fn find_job(engines: &Engines, token: &JobToken) -> Sight<JobStatus> {
    match engines.execution.find(token).await {
        Ok(Some(job)) => Sight::Found(job),
        Ok(None) => Sight::Nothing,
        Err(error) => Sight::Failed(kept(&error)),
    }
}

async fn find_change(engines: &Engines, author: &Author) -> Sight<Changed> {
    let Some(changes) = engines.metastore.changes() else { return Sight::Nothing };
    match changes.find(author).await {
        Ok(Some(made)) => Sight::Found(made),
        Ok(None) => Sight::Nothing,
        Err(error) => Sight::Failed(kept(&error)),
    }
}

/// Validates a run that is not resolved yet, and opens its clients once to see that they are there.
async fn check(
    context: &RunContext,
    session: &mut Session,
    run: &OperatorRun,
) -> Result<Checked, RunError> {
    let read = Resources::read(context.store.as_ref(), &context.library, run).await;
    let resources = read.map_err(|source| RunError::Store {
        operation: "read the definition and config of",
        name: name_of(run),
        source,
    })?;
    let actions = action_descriptions(context.operators);
    let inputs = Inputs {
        definition: resources.definition.as_ref(),
        config: resources.config.as_ref(),
        actions: &actions,
        clients: &context.clients,
        kinds: context.kinds,
        known_operators: &resources.known_operators,
        known_configs: &resources.known_configs,
    };
    match validate(run, &inputs) {
        Err(problems) => Ok(Checked::Refused(problems)),
        Ok(valid) => Ok(match session.engines(context, &valid).await {
            Ok(_) => Checked::Ready(Box::new(valid)),
            Err(error) => Checked::ClientDown(kept(&error)),
        }),
    }
}
