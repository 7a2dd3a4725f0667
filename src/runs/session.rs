//! What one process keeps between the passes over a run: only what can be read or opened again.

use std::sync::Arc;

use super::context::{RunContext, RunError};
use crate::api::v1alpha1::{Attempt, FreeForm, JobReference, OperatorRun, OperatorRunStatus};
use crate::engines::job::{JobError, JobId, JobOwner, JobRequest, JobToken};
use crate::engines::metastore::Author;
use crate::engines::result::Commit;
use crate::engines::{EngineError, Engines};
use crate::operators::{Answer, Effect, Operator, Request};
use crate::validate::{ValidAction, ValidRun};
use serde::{Deserialize, Serialize};

/// What one process keeps between the passes over a run. Losing it loses nothing.
#[derive(Default)]
pub struct Session {
    valid: Option<Arc<ValidRun>>,
    engines: Option<Engines>,
    /// The job that was looked at last.
    job: Option<JobId>,
    /// The attempt whose next effect this process recorded and has not tried.
    untried: Option<JobToken>,
}

impl Session {
    /// Returns what the run was resolved to, if it has been.
    pub(super) fn resolved(
        &mut self,
        run: &OperatorRun,
    ) -> Result<Option<Arc<ValidRun>>, RunError> {
        let Some(status) = run.status.as_ref().filter(|status| status.resolved.is_some()) else {
            return Ok(None);
        };
        if self.valid.is_none() {
            let valid =
                ValidRun::thaw(status).map_err(|source| recorded(run, "resolved", source))?;
            self.valid = valid.map(Arc::new);
        }
        Ok(self.valid.clone())
    }

    /// Returns the clients of a run; nothing when it is not resolved, or they cannot be opened.
    pub(super) async fn engines_of(
        &mut self,
        context: &RunContext,
        run: &OperatorRun,
    ) -> Option<Engines> {
        let valid = self.resolved(run).ok()??;
        self.engines(context, &valid).await.ok()
    }

    /// Returns the clients of a resolved run, opened once.
    pub(super) async fn engines(
        &mut self,
        context: &RunContext,
        valid: &ValidRun,
    ) -> Result<Engines, EngineError> {
        if self.engines.is_none() {
            self.engines = Some(context.open_engines.open(valid).await?);
        }
        self.engines.clone().ok_or_else(|| {
            EngineError::new(crate::engines::ErrorKind::Unexpected, "mason", "open clients", "none")
        })
    }

    /// Notes that this process recorded what an attempt does next, a job or a change, and has not tried it.
    pub(super) fn intends(&mut self, token: JobToken) {
        self.untried = Some(token);
    }

    /// Notes that the next effect of the attempt may have taken place.
    pub(super) fn tries(&mut self) {
        self.untried = None;
    }

    /// Returns whether nothing of an attempt's next effect has been tried. Another process tries only what it has
    /// recorded itself, and this one would see that.
    pub(super) fn has_untried(&self, token: &JobToken) -> bool {
        self.untried.as_ref() == Some(token)
    }

    /// Notes the job that is looked at.
    pub(super) fn looks_at(&mut self, job: Option<&JobId>) {
        self.job = job.cloned();
    }

    /// Returns what waits until the job that was looked at last may have ended, whatever becomes of the session;
    /// for ever when there is none.
    pub fn end_of_job(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let execution = self.engines.as_ref().and_then(|engines| engines.execution.clone());
        let job = self.job.clone();
        async move {
            match (execution, job) {
                (Some(execution), Some(job)) => execution.ended(&job).await,
                _ => std::future::pending().await,
            }
        }
    }

    /// Opens the clients anew next time.
    pub(super) fn close(&mut self) {
        self.engines = None;
    }
}

/// What remains to be done once the work is proven: recorded before it is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// The effect.
    pub effect: Effect,
    /// The answer that goes with it.
    pub answer: Answer,
    /// What the run's job has committed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
}

impl Pending {
    /// Returns it as `status.pending` holds it.
    #[must_use]
    pub fn freeze(&self) -> FreeForm {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(object)) => FreeForm(object.into_iter().collect()),
            _ => FreeForm::default(),
        }
    }

    /// Reads what [`Pending::freeze`] made; nothing when nothing is pending.
    ///
    /// # Errors
    /// When another version of Mason recorded what this one does not understand.
    pub fn of(status: &OperatorRunStatus) -> Result<Option<Self>, serde_json::Error> {
        let Some(frozen) = &status.pending else { return Ok(None) };
        let object = frozen.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        serde_json::from_value(serde_json::Value::Object(object)).map(Some)
    }
}

/// The newest attempt of a run and the names under which it is known outside.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Identity {
    pub(super) token: JobToken,
    pub(super) owner: JobOwner,
    pub(super) author: Author,
    /// The job that is recorded.
    pub(super) job: Option<JobId>,
}

impl Identity {
    /// Returns the identity of the run's newest attempt, if there is one.
    pub(super) fn of(run: &OperatorRun) -> Option<Self> {
        Self::of_attempt(run, run.status.as_ref()?.attempts.last()?)
    }

    /// Returns the identity of one of the run's attempts.
    pub(super) fn of_attempt(run: &OperatorRun, attempt: &Attempt) -> Option<Self> {
        let run_uid = run.metadata.uid.clone()?;
        let run = run.metadata.name.clone().unwrap_or_default();
        Some(Self {
            token: JobToken(attempt.token.clone()),
            author: Author { run_uid: run_uid.clone(), attempt: attempt.number },
            owner: JobOwner { run_uid, run, attempt: attempt.number },
            job: attempt.job.as_ref().map(id_of),
        })
    }

    /// Returns what the attempt asks its execution for.
    pub(super) fn request(&self) -> JobRequest {
        let Self { token, owner, job, .. } = self.clone();
        JobRequest { token, owner, recorded: job }
    }
}

/// Returns what a resolved run asks of its operator.
pub(super) fn request_of(valid: &ValidRun, answer_bytes: u64) -> Request {
    let (statement, container) = match &valid.action {
        ValidAction::Sql { sql } => (Some(sql.clone()), None),
        ValidAction::Container { container } => (None, Some(container.clone())),
        ValidAction::Builtin(_) => (None, None),
    };
    Request {
        parameters: valid.parameters.clone(),
        allow_writing_sql: valid.allow_writing_sql,
        statement,
        answer_bytes,
        container,
    }
}

/// Returns the operator that a run was resolved to.
pub(super) fn operator_of(
    context: &RunContext,
    run: &OperatorRun,
    valid: &ValidRun,
) -> Result<&'static dyn Operator, RunError> {
    let performer = valid.action.performer();
    context.operator(performer).ok_or_else(|| RunError::UnknownOperator {
        name: name_of(run),
        operator: performer.to_owned(),
    })
}

/// Returns a run's name.
pub(super) fn name_of(run: &OperatorRun) -> String {
    run.metadata.name.clone().unwrap_or_default()
}

/// Returns the error for a field of the status that cannot be read.
pub(super) fn recorded(
    run: &OperatorRun,
    field: &'static str,
    source: serde_json::Error,
) -> RunError {
    RunError::Recorded { name: name_of(run), field, source }
}

/// Returns the job that an attempt refers to.
pub(super) fn id_of(job: &JobReference) -> JobId {
    JobId(job.id.clone())
}

/// Returns an error of an engine as it can be kept.
pub(super) fn kept(error: &EngineError) -> JobError {
    JobError::from(error)
}
