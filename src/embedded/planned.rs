//! Carries out a job, planning it first when it only says which operator is asked for what.

use std::sync::Arc;

use super::execute;
use super::pruning::QueryPruner;
use super::work::{Executed, Work};
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::partitions::PartitionPruner;
use crate::engines::planner::{Planned, Planner};
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, Engines, ErrorKind};

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
    let Operation::Operator(job) = &spec.operation else {
        return execute(spec, work).await.map_err(|error| explained(error, spec));
    };
    let pruner: Arc<dyn PartitionPruner> = Arc::new(QueryPruner::of(work));
    let engines = &Engines { pruner: Some(pruner), ..engines.clone() };
    let own = match planner.plan(job, engines).await? {
        Planned::Concluded(conclusion) => return Ok(Executed::concluded(conclusion)),
        Planned::Job(own) => own,
    };
    on_planned(&own)?;
    let executed = execute(&own, work).await.map_err(|error| explained(error, &own))?;
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

/// Most notes that an error is explained by.
const MOST_NOTES: usize = 3;

/// Adds to an error of the input how that was read, where it was detected: it may be what is wrong.
fn explained(error: EngineError, spec: &JobSpec) -> EngineError {
    let notes = spec.inputs.iter().flat_map(|input| &input.notes).take(MOST_NOTES);
    let notes: Vec<&str> = notes.map(String::as_str).collect();
    if error.kind != ErrorKind::InvalidInput || notes.is_empty() {
        return error;
    }
    let read = format!("how it was read: {}", notes.join("; "));
    let hint = error.hint.as_ref().map_or_else(|| read.clone(), |hint| format!("{hint}; {read}"));
    error.with_hint(hint)
}
