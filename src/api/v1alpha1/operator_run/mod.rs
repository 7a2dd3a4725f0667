//! `OperatorRun`: one execution of an operator, and everything that is known of it.

mod attempt;
mod spec;
mod status;

pub use attempt::{
    Attempt, AttemptError, AttemptOutcome, AttemptState, AttemptStatistics, FailureClass,
    JobReference,
};
pub use spec::{Backoff, OperatorRun, OperatorRunSpec, Resolution, Retry, Ttl, TtlPolicy};
pub use status::{
    EngineChoice, EngineChoices, Messages, OperatorReference, OperatorRunStatus, ParameterOrigin,
    Phase, Progress, ResolvedParameter, ResultKind, ResultReference, RunColumns, RunResult,
};
