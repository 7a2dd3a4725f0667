//! Carries out a job, planning it first when it only says which operator is asked for what.

use super::execute;
use super::work::{Executed, Work};
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::planner::{Planned, Planner};
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
    let mut executed = execute(&own, work).await?;
    // Of a job that commits files only its proof may be left: it is concluded by whoever collects that.
    if executed.written.is_none() {
        let outcome = executed.outcome(&own, &work.token, &work.owner);
        let conclusion = planner.conclude(job, engines, &outcome).await?;
        executed.concluded = Some(Box::new(conclusion));
    }
    executed.planned = Some(own);
    Ok(executed)
}
