//! Performs one decision: reads it needs, and at most one effect outside.
//!
//! Every effect may be repeated: jobs are created under the attempt's token, changes under the run's
//! uid, and nothing works before its job is recorded and released.

use super::context::{RunContext, RunError};
use super::results::{Results, answer_bytes};
use super::session::{
    Identity, Pending, Session, id_of, kept, name_of, operator_of, recorded, request_of,
};
use crate::api::v1alpha1::{JobReference, OperatorRun};
use crate::engines::execution::Fence;
use crate::engines::job::{JobError, JobId};
use crate::engines::job_spec::{AnswerLimits, BadRows, JobSpec, Operation, Sink};
use crate::engines::metastore::{Change, Changed};
use crate::engines::request::OperatorJob;
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, Engines, ErrorKind, Lookup, Retry};
use crate::operators::{Answer, Effect, Operator, Prepared, Request, Unprepared};
use crate::plan::{Decision, needs_job};
use crate::validate::{ValidRun, result_problem};

/// How many lines of a log are kept with a failed attempt.
const LOG_LINES: usize = 60;

/// What performing a decision amounted to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done, or there was nothing to do outside.
    Done,
    /// A job exists now, inert.
    Created(JobReference),
    /// The operator has answered, and nothing remains to be done.
    Answered(Box<Answer>),
    /// The operator has answered, and this remains to be done.
    Decided(Box<Pending>),
    /// Whether the attempt is fenced now.
    Fenced(Fence),
    /// The pending effect took place.
    Applied(Option<Changed>),
    /// The last lines of the attempt's log, if they could be read.
    Logged(Option<String>),
    /// It failed.
    Failed {
        /// In which step.
        step: Step,
        /// Why.
        error: JobError,
    },
}

/// The steps that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reading and deciding what is to be done.
    Prepare,
    /// Creating the job.
    Create,
    /// Releasing the job.
    Release,
    /// Asking the job to stop.
    Cancel,
    /// Fencing the attempt.
    Fence,
    /// Collecting the job's proof.
    Collect,
    /// Working out what the proof amounts to.
    Conclude {
        /// Whether the job has committed files.
        committed: bool,
    },
    /// Trying the pending effect.
    Apply,
    /// Removing the stored result.
    Discard,
}

/// Performs a decision. What fails outside is an outcome, not an error.
///
/// # Errors
/// When what was recorded cannot be read, or names an operator that does not exist here.
pub async fn act(
    context: &RunContext,
    session: &mut Session,
    run: &OperatorRun,
    decision: &Decision,
) -> Result<Outcome, RunError> {
    let Some(step) = step_of(decision) else { return Ok(Outcome::Done) };
    #[cfg(test)]
    if let Some(untold) = super::mutations::untold_fence(decision) {
        return Ok(untold);
    }
    let Some(valid) = session.resolved(run)? else { return Ok(Outcome::Done) };
    let identity = Identity::of(run).ok_or_else(|| RunError::NoUid { name: name_of(run) })?;
    let results = Results { context, run, valid: &valid, identity: &identity };
    if matches!(decision, Decision::Prune | Decision::Discard) {
        return Ok(done(step, results.discard().await));
    }
    let engines = match session.engines(context, &valid).await {
        Ok(engines) => engines,
        Err(error) => return Ok(failed(step, &error)),
    };
    if matches!(decision, Decision::Launch | Decision::Apply) {
        session.tries();
    }
    let untried = session.has_untried(&identity.token);
    let work =
        Work { run, valid: &valid, engines: &engines, identity: &identity, results, untried };
    let outcome = match decision {
        Decision::Launch => work.launch(operator_of(context, run, &valid)?).await,
        Decision::Release(job) => done(step, work.release(job).await),
        Decision::Cancel { job, .. } => done(step, work.cancel(&id_of(job)).await),
        Decision::Fence { .. } => work.fence().await?,
        Decision::Collect(job) => work.collect(operator_of(context, run, &valid)?, job).await,
        Decision::Apply => work.apply().await?,
        _ => work.last_lines().await,
    };
    if let Outcome::Failed { step, error } = &outcome {
        session.close();
        let is_tried = matches!(step, Step::Prepare | Step::Create | Step::Apply);
        if is_tried && error.retry != Retry::EffectUnknown {
            session.intends(identity.token.clone());
        }
    }
    Ok(outcome)
}

/// Returns the step that a decision takes outside; nothing when it is only recorded.
fn step_of(decision: &Decision) -> Option<Step> {
    match decision {
        Decision::Launch => Some(Step::Prepare),
        Decision::Release(_) => Some(Step::Release),
        Decision::Cancel { .. } => Some(Step::Cancel),
        Decision::Fence { .. } => Some(Step::Fence),
        Decision::Collect(_) | Decision::Conclude { .. } => Some(Step::Collect),
        Decision::Apply => Some(Step::Apply),
        Decision::Prune | Decision::Discard => Some(Step::Discard),
        _ => None,
    }
}

/// The newest attempt of a run with everything it needs outside.
struct Work<'a> {
    run: &'a OperatorRun,
    valid: &'a ValidRun,
    engines: &'a Engines,
    identity: &'a Identity,
    results: Results<'a>,
    /// Whether this process recorded the attempt's next effect and has not tried it.
    untried: bool,
}

impl Work<'_> {
    fn request(&self) -> Request {
        request_of(self.valid, answer_bytes(self.results.context, self.valid))
    }

    /// Checks an answer against the schema that the definition promises, and stores what is too large of it;
    /// nothing of the work takes place with that.
    async fn answered(&self, mut answer: Answer, committed: bool) -> Outcome {
        let promised = self.valid.result_schema.as_ref();
        match promised.and_then(|schema| result_problem(schema, &answer.data)) {
            // What is committed took place, whatever is told of it.
            Some(problem) if committed => {
                answer
                    .warnings
                    .push(format!("the result is not as `resultSchema` says: {problem}"));
            }
            Some(problem) => {
                let message = format!("the result is not as `resultSchema` says: {problem}");
                let kind = ErrorKind::InvalidInput;
                let error = EngineError::new(kind, "mason", "check the result", message).with_hint(
                    "correct what the operator answers, or the definition's `resultSchema`",
                );
                return failed(Step::Conclude { committed }, &error);
            }
            None => {}
        }
        match self.results.keep(answer).await {
            Ok(answer) => Outcome::Answered(Box::new(answer)),
            Err(error) => failed(Step::Conclude { committed }, &error),
        }
    }

    async fn launch(&self, operator: &dyn Operator) -> Outcome {
        let request = self.request();
        let prepared = match operator.prepare(self.engines, &request).await {
            Ok(prepared) => prepared,
            Err(Unprepared::Failed(error)) => return failed(Step::Prepare, &error),
            Err(Unprepared::Unread(what)) => return self.create_reading(request, &what).await,
        };
        if self.run.spec.dry_run {
            return Outcome::Answered(Box::new(prepared.into_plan()));
        }
        match prepared {
            Prepared::Answer(answer) => self.answered(answer, false).await,
            Prepared::Effect { effect, plan } => {
                if let Err(error) = self.check(&effect).await {
                    return failed(Step::Prepare, &error);
                }
                let answer = plan.into_answer();
                Outcome::Decided(Box::new(Pending { effect, answer, commit: None }))
            }
            Prepared::Job { spec, .. } => self.create(&spec).await,
        }
    }

    /// Says whether a change could be made, before it is recorded.
    async fn check(&self, effect: &Effect) -> Result<(), EngineError> {
        match (effect, self.engines.changes()) {
            (Effect::Metastore { .. }, Some(changes)) => changes.check().await,
            _ => Ok(()),
        }
    }

    /// Creates the job that reads what cannot be read here, and does what is asked for where it reads.
    async fn create_reading(&self, request: Request, what: &str) -> Outcome {
        if !self.uses_jobs() {
            let message =
                format!("a job has to read {what}, and the config has no client for jobs");
            let error = EngineError::new(ErrorKind::Unsupported, "mason", "launch", message)
                .with_hint("name one in `engines.execution` of the config");
            return failed(Step::Prepare, &error);
        }
        let limits = AnswerLimits { rows: u64::MAX, bytes: request.answer_bytes };
        let operator = self.valid.action.performer().to_owned();
        let job = OperatorJob { operator, request, dry_run: self.run.spec.dry_run };
        self.create(&JobSpec {
            version: JobSpec::VERSION,
            inputs: Vec::new(),
            operation: Operation::Operator(Box::new(job)),
            sink: Sink::Answer,
            bad_rows: BadRows::default(),
            limits,
        })
        .await
    }

    async fn create(&self, spec: &JobSpec) -> Outcome {
        if !self.uses_jobs() {
            let operator = self.valid.action.performer();
            let message =
                format!("`{operator}` made a job, but no client that runs jobs was matched");
            let error = EngineError::new(ErrorKind::Unsupported, "mason", "launch", message);
            return failed(Step::Prepare, &error);
        }
        match self.create_job(spec).await {
            Ok(job) => Outcome::Created(job),
            Err(error) => failed(Step::Create, &error),
        }
    }

    async fn create_job(&self, spec: &JobSpec) -> Result<JobReference, EngineError> {
        let execution = self.engines.execution()?;
        let id = execution.create(spec, &self.identity.request()).await?;
        Ok(JobReference { kind: execution.job_kind().to_owned(), id: id.0, url: None })
    }

    async fn release(&self, job: &JobReference) -> Result<(), EngineError> {
        self.engines.execution()?.release(&id_of(job)).await
    }

    async fn cancel(&self, job: &JobId) -> Result<(), EngineError> {
        self.engines.execution()?.cancel(job).await
    }

    async fn fence(&self) -> Result<Outcome, RunError> {
        if let Some(change) = self.pending_change()? {
            return Ok(self.fence_change(&change).await);
        }
        if !self.uses_jobs() {
            return Ok(Outcome::Fenced(Fence::Down));
        }
        Ok(match self.fence_job().await {
            // There is no doubt about what this process has not tried.
            Ok(Fence::Unknown(_)) if self.untried => Outcome::Fenced(Fence::Down),
            Ok(Fence::Unknown(why)) => failed(Step::Fence, &untold("stop the work for good", why)),
            Ok(fence) => Outcome::Fenced(fence),
            Err(error) => failed(Step::Fence, &error),
        })
    }

    async fn fence_job(&self) -> Result<Fence, EngineError> {
        self.engines.execution()?.fence(&self.identity.request()).await
    }

    async fn fence_change(&self, change: &Change) -> Outcome {
        let Some(changes) = self.engines.changes() else {
            return Outcome::Fenced(Fence::Down);
        };
        match changes.fence(change, &self.identity.author).await {
            Ok(Lookup::Nothing) => Outcome::Fenced(Fence::Down),
            Ok(Lookup::Found(made)) => Outcome::Applied(Some(made)),
            Ok(Lookup::Unknown(_)) if self.untried => Outcome::Fenced(Fence::Down),
            Ok(Lookup::Unknown(why)) => failed(Step::Fence, &untold("fence the change", why)),
            Err(error) => failed(Step::Fence, &error),
        }
    }

    async fn collect(&self, operator: &dyn Operator, job: &JobReference) -> Outcome {
        let mut proof = match self.proof_of(job).await {
            Ok(proof) => proof,
            Err(error) => return failed(Step::Collect, &error),
        };
        let committed = proof.commit.is_some();
        let concluded = match proof.concluded.take() {
            Some(concluded) => Ok(*concluded),
            None => operator.conclude(self.engines, &self.request(), &proof).await,
        };
        let conclusion = match concluded {
            Ok(conclusion) => conclusion,
            Err(error) => return failed(Step::Conclude { committed }, &error),
        };
        if self.run.spec.dry_run {
            return Outcome::Answered(Box::new(conclusion.answer));
        }
        if !committed
            && let Some(effect) = &conclusion.effect
            && let Err(error) = self.check(effect).await
        {
            return failed(Step::Conclude { committed }, &error);
        }
        let outcome = self.answered(conclusion.answer, committed).await;
        match (conclusion.effect, outcome) {
            (Some(effect), Outcome::Answered(answer)) => {
                let (answer, commit) = (*answer, proof.commit);
                Outcome::Decided(Box::new(Pending { effect, answer, commit }))
            }
            (_, outcome) => outcome,
        }
    }

    /// Returns the proof of a job. It counts only for the run that it names.
    async fn proof_of(&self, job: &JobReference) -> Result<JobOutcome, EngineError> {
        let proof = self.engines.execution()?.collect(&id_of(job)).await?;
        if proof.owner.run_uid == self.identity.owner.run_uid {
            return Ok(proof);
        }
        let message = format!("the proof is of run `{}`, not of this one", proof.owner.run);
        Err(EngineError::new(ErrorKind::Unexpected, "mason", "collect the outcome", message))
    }

    /// Returns the change of the metastore that is recorded and remains to be made.
    fn pending_change(&self) -> Result<Option<Change>, RunError> {
        Ok(self.pending()?.and_then(|pending| match pending.effect {
            Effect::Metastore { change } => Some(change),
            Effect::CancelJob { .. } => None,
        }))
    }

    fn pending(&self) -> Result<Option<Pending>, RunError> {
        let Some(status) = &self.run.status else { return Ok(None) };
        Pending::of(status).map_err(|source| recorded(self.run, "pending", source))
    }

    async fn apply(&self) -> Result<Outcome, RunError> {
        let applied = match self.pending()?.map(|pending| pending.effect) {
            None => Ok(None),
            Some(Effect::CancelJob { id }) => self.cancel(&id).await.map(|()| None),
            Some(Effect::Metastore { change }) => match self.engines.changes() {
                Some(changes) => changes.apply(&change, &self.identity.author).await.map(Some),
                None => Err(EngineError::new(
                    ErrorKind::Unsupported,
                    "mason",
                    "change the metastore",
                    "the metastore cannot be changed",
                )),
            },
        };
        Ok(match applied {
            Ok(changed) => Outcome::Applied(changed),
            Err(error) => failed(Step::Apply, &error),
        })
    }

    /// Reads the end of the log of a job that is over; a log that cannot be read changes nothing.
    async fn last_lines(&self) -> Outcome {
        let attempt = self.run.status.as_ref().and_then(|status| status.attempts.last());
        let Some(job) = attempt.and_then(|attempt| attempt.job.as_ref()) else {
            return Outcome::Logged(None);
        };
        let Some(execution) = &self.engines.execution else { return Outcome::Logged(None) };
        let lines = execution.logs(&id_of(job), LOG_LINES).await;
        Outcome::Logged(lines.ok().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n")))
    }

    fn uses_jobs(&self) -> bool {
        self.run.status.as_ref().is_some_and(needs_job)
    }
}

/// An answer that says nothing: asked for again, and a person is asked when it stays so.
fn untold(operation: &str, why: String) -> EngineError {
    EngineError::new(ErrorKind::Unavailable, "mason", operation, why).with_retry(Retry::Later)
}

fn done(step: Step, result: Result<(), EngineError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(error) => failed(step, &error),
    }
}

fn failed(step: Step, error: &EngineError) -> Outcome {
    Outcome::Failed { step, error: kept(error) }
}
