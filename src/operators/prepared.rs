//! What preparing an operator amounts to. Pure values.

use crate::api::v1alpha1::ResultKind;
use crate::engines::answer::{Answer, Effect, WorkPlan};
use crate::engines::bad_rows::Bad;
use crate::engines::job_spec::{Input, JobSpec};
use crate::engines::{EngineError, ErrorKind, Retry};

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Prepared {
    /// Nothing: the reads were the work.
    Answer(Answer),
    /// A job, and then whatever [`Operator::conclude`](super::Operator::conclude) says.
    Job {
        /// The job.
        spec: Box<JobSpec>,
        /// What it will do, for `dryRun`.
        plan: WorkPlan,
    },
    /// One effect without a job.
    Effect {
        /// The effect.
        effect: Effect,
        /// What it will do, for `dryRun`.
        plan: WorkPlan,
    },
}

impl Prepared {
    /// Returns what a dry run answers.
    #[must_use]
    pub fn into_plan(self) -> Answer {
        let (plan, warnings, info) = match self {
            Self::Job { plan, spec } => {
                let left_out =
                    |input: &Input| Bad { files: input.left_out.clone(), ..Bad::default() };
                let inputs = spec.inputs.iter();
                let warnings =
                    inputs.clone().flat_map(|input| left_out(input).warnings()).collect();
                (plan, warnings, inputs.flat_map(|input| input.notes.clone()).collect())
            }
            Self::Effect { plan, .. } => (plan, Vec::new(), Vec::new()),
            Self::Answer(answer) => {
                let what = "read only; nothing would be changed".to_owned();
                let plan = WorkPlan { what, ..WorkPlan::default() };
                (plan, answer.warnings, answer.info)
            }
        };
        Answer { kind: ResultKind::Plan, warnings, info, ..plan.into_answer() }
    }
}

/// Why nothing is prepared.
#[derive(Debug)]
pub enum Unprepared {
    /// A table or a location has to be read first, which is the work of a job: its schema is not declared, or it
    /// has too many files to be listed here.
    Unread(String),
    /// Something that is needed cannot be had, or what is asked for is wrong.
    Failed(EngineError),
}

impl From<EngineError> for Unprepared {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl Unprepared {
    /// Returns the error of a place that has no job to read with.
    #[must_use]
    pub fn into_error(self) -> EngineError {
        match self {
            Self::Failed(error) => error,
            Self::Unread(what) => {
                let message = format!("only a job can read {what}: it changed meanwhile");
                EngineError::new(ErrorKind::Conflict, "mason", format!("look at {what}"), message)
                    .with_retry(Retry::Later)
            }
        }
    }
}
