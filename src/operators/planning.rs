//! Plans the jobs of operators in a worker, where tables can be read.

use async_trait::async_trait;

use super::{Conclusion, Operator, Prepared, Unprepared, performer};
use crate::engines::planner::{Planned, Planner};
use crate::engines::request::OperatorJob;
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, Engines, ErrorKind};

/// The operators of this program, as a worker plans their jobs.
#[derive(Debug, Clone, Copy)]
pub struct Operators;

fn named(job: &OperatorJob) -> Result<&'static dyn Operator, EngineError> {
    performer(&job.operator).ok_or_else(|| {
        let message = format!("there is no operator `{}` in this version", job.operator);
        EngineError::new(ErrorKind::Unsupported, "mason", "plan a job", message)
            .with_hint("a worker has to be of the version of Mason that made the job")
    })
}

#[async_trait]
impl Planner for Operators {
    async fn plan(&self, job: &OperatorJob, engines: &Engines) -> Result<Planned, EngineError> {
        let prepared = named(job)?.prepare(engines, &job.request).await;
        let prepared = prepared.map_err(Unprepared::into_error)?;
        let (answer, effect) = match prepared {
            prepared if job.dry_run => (prepared.into_plan(), None),
            Prepared::Job { spec, .. } => return Ok(Planned::Job(spec)),
            Prepared::Answer(answer) => (answer, None),
            Prepared::Effect { effect, plan } => (plan.into_answer(), Some(effect)),
        };
        Ok(Planned::Concluded(Box::new(Conclusion { answer, effect })))
    }

    async fn conclude(
        &self,
        job: &OperatorJob,
        engines: &Engines,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        named(job)?.conclude(engines, &job.request, outcome).await
    }
}
