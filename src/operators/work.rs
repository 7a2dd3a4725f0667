//! The one job an operator asks for, with its plan: what differs between operators goes in, what is
//! the same for all is done here. Pure.

use super::inputs::reading_plan;
use super::parameters::{answer_limits, bad_rows};
use super::target::Target;
use super::{Prepared, Request, Unprepared};
use crate::engines::job_spec::{Input, JobSpec, Operation, Sink};

/// A job whose outcome is rows, or files when there is a target.
pub(super) struct Work {
    /// The operator's name, `table/join`.
    pub(super) operator: &'static str,
    /// What it does, in words: `join a and b`.
    pub(super) what: String,
    /// What is read.
    pub(super) inputs: Vec<Input>,
    /// How many rows that are, if it is known.
    pub(super) rows: Option<u64>,
    /// What is done.
    pub(super) operation: Operation,
    /// Where is written; the answer when there is none.
    pub(super) target: Option<Target>,
}

impl Work {
    /// Returns the job and its plan, with the bounds and the rule for bad rows of the request.
    ///
    /// # Errors
    /// `InvalidInput` when `limit` or `bad_rows` make no sense.
    pub(super) fn into_prepared(self, request: &Request) -> Result<Prepared, Unprepared> {
        let Self { operator, what, inputs, rows, operation, target } = self;
        let limits = answer_limits(operator, request)?;
        let bad_rows = bad_rows(operator, request)?;
        let (sink, plan) = match target {
            None => (Sink::Answer, reading_plan(what, &inputs, rows)),
            Some(target) => {
                let what = format!("{what}, {}", target.verb());
                (target.to_sink(), target.complete(reading_plan(what, &inputs, rows)))
            }
        };
        let version = JobSpec::VERSION;
        let spec = JobSpec { version, inputs, operation, sink, bad_rows, limits };
        Ok(Prepared::Job { spec: Box::new(spec), plan })
    }
}
