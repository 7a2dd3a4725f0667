//! Carries out a job, planning it first when it only says which operator is asked for what.

use super::execute;
use super::work::{Executed, Work};
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::planner::{Planned, Planner};
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, Engines};

/// Called with a job that was planned, before it is executed: what it is about to write is known then.
pub type OnPlanned<'a> = dyn Fn(&JobSpec) -> Result<(), EngineError> + Sync + 'a;

/// Plans an operator's job with engines that read, and executes it; executes any other as it is.
///
/// # Errors
/// As [`execute`], and as the operator fails when its tables are read.
pub async fn carry_out(
    spec: &JobSpec,
    work: &Work,
    planner: &dyn Planner,
    engines: &Engines,
    on_planned: &OnPlanned<'_>,
) -> Result<Executed, EngineError> {
    let Operation::Operator(job) = &spec.operation else { return execute(spec, work).await };
    let own = match planner.plan(job, engines).await? {
        Planned::Concluded(conclusion) => return Ok(Executed::concluded(conclusion)),
        Planned::Job(own) => own,
    };
    on_planned(&own)?;
    let executed = execute(&own, work).await?;
    if executed.written.is_some() {
        // After a crash its proof is all that is left of a job that commits files: the run that collects it concludes.
        return Ok(Executed { planned: Some(own), ..executed });
    }
    let (outcome, _) = executed.into_outcome(&own, &work.token, &work.owner);
    let conclusion = Box::new(planner.conclude(job, engines, &outcome).await?);
    let JobOutcome { rows, truncated, warnings, .. } = outcome;
    Ok(Executed {
        rows,
        truncated,
        warnings,
        planned: Some(own),
        ..Executed::concluded(conclusion)
    })
}
