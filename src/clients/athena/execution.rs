//! The execution role: each job is one query, started at most once.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answer::Answer;
use super::client::{Athena, MOST_OF_PAGE, Page, Started};
use super::record::{At, JOB, Job, NOTHING, QUERY, Query, REFUSED, Records, STARTING, STOPPED};
use super::state::{Standing, standing};
use super::statement::statement;
use crate::api::v1alpha1::AthenaClient;
use crate::engines::execution::Fence;
use crate::engines::files::Files;
use crate::engines::job::{JobError, JobId, JobOwner, JobRequest, JobState, JobStatus, JobToken};
use crate::engines::job_spec::{AnswerLimits, JobSpec};
use crate::engines::result::JobOutcome;
use crate::engines::{EngineError, ErrorKind, Execution, Lookup};
use crate::faults;

/// What this client calls its jobs.
const JOB_KIND: &str = "AthenaQuery";
/// How long it is relied on that Athena remembers a token; it does not say. After that the history is looked into first.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// The execution role of a workgroup.
#[derive(Clone)]
pub(super) struct AthenaExecution {
    pub(super) athena: Athena,
    pub(super) block: AthenaClient,
    /// Where the records are kept.
    pub(super) files: Arc<dyn Files>,
    pub(super) now: fn() -> Timestamp,
}

impl AthenaExecution {
    fn error(&self, kind: ErrorKind, operation: &str, message: impl Into<String>) -> EngineError {
        self.athena.service.error(kind, operation, message)
    }

    fn records(&self, token: &str) -> Records {
        Records::of(&self.files, token, &self.athena.service.client)
    }

    async fn known(&self, id: &JobId) -> Result<(Records, Job), EngineError> {
        let records = self.records(&id.0);
        let job = records.read::<Job>(JOB).await?.ok_or_else(|| {
            self.error(ErrorKind::NotFound, "find a job", format!("there is no job `{id}`"))
        })?;
        Ok((records, job))
    }

    fn fenced(&self, token: &str) -> EngineError {
        let message = format!("the job `{token}` is stopped, and starts no more");
        self.error(ErrorKind::Conflict, "start a query", message)
    }

    /// Starts the query of a job, or finds the one that was started before. Only of the first start is a refusal proof that
    /// there is no query.
    async fn started(
        &self,
        records: &Records,
        (job, token): (&Job, &str),
        is_first: bool,
    ) -> Result<String, EngineError> {
        if let Some(found) = self.remembered(records, job, token).await? {
            return Ok(found);
        }
        match self.athena.start(job, token).await {
            Ok(Started::Query(id)) => {
                faults::reach("athena", "started");
                self.keep(records, id).await
            }
            Ok(Started::Taken) => Err(self.fenced(token)),
            Err(error) => {
                if is_first && is_refusal(&error) {
                    records.publish(REFUSED, &JobError::from(&error)).await?;
                }
                Err(error)
            }
        }
    }

    /// Returns the query of a job that was started before: as it is recorded, or long after that as the history has it.
    async fn remembered(
        &self,
        records: &Records,
        job: &Job,
        token: &str,
    ) -> Result<Option<String>, EngineError> {
        if let Some(Query { id }) = records.read(QUERY).await? {
            return Ok(Some(id));
        }
        let Some(At { at }) = records.read(STARTING).await? else { return Ok(None) };
        if (self.now)().duration_since(at) < REMEMBERED {
            return Ok(None);
        }
        let line = format!("-- mason {token}");
        match self.athena.find_in_history(&job.workgroup, &line, at).await? {
            Some(id) => self.keep(records, id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn keep(&self, records: &Records, id: String) -> Result<String, EngineError> {
        records.publish(QUERY, &Query { id: id.clone() }).await?;
        Ok(id)
    }

    /// Returns the query of a job that is to stop, or nothing where none was started and none will be.
    async fn settled(
        &self,
        records: &Records,
        job: &Job,
        token: &str,
    ) -> Result<Option<String>, EngineError> {
        if let Some(found) = self.remembered(records, job, token).await? {
            return Ok(Some(found));
        }
        if !records.has(STARTING).await?
            || records.has(REFUSED).await?
            || records.has(NOTHING).await?
        {
            return Ok(None);
        }
        match self.athena.take(job, token).await? {
            Started::Query(id) => {
                records.publish(NOTHING, &Query { id }).await?;
                Ok(None)
            }
            Started::Taken => match self.athena.start(job, token).await? {
                Started::Query(id) => self.keep(records, id).await.map(Some),
                Started::Taken => Ok(None),
            },
        }
    }

    /// Marks that a job is to stop, and starts no more.
    async fn mark_stopped(&self, records: &Records) -> Result<(), EngineError> {
        records.publish(STOPPED, &At { at: (self.now)() }).await.map(drop)
    }

    /// Has a job stop that is marked so: returns whether nothing of it works any more.
    async fn stop(&self, records: &Records, job: &Job, token: &str) -> Result<bool, EngineError> {
        let Some(id) = self.settled(records, job, token).await? else { return Ok(true) };
        if standing(&self.athena.fetch(&id).await?).state.has_ended() {
            return Ok(true);
        }
        self.athena.stop(&id).await?;
        Ok(false)
    }

    async fn look(
        &self,
        records: &Records,
        job: Job,
        token: &str,
    ) -> Result<JobStatus, EngineError> {
        let query = records.read::<Query>(QUERY).await?;
        let found = match &query {
            Some(Query { id }) => self.standing(id, &job).await?,
            None => self.unstarted(records).await?,
        };
        Ok(JobStatus {
            id: JobId(token.to_owned()),
            kind: JOB_KIND.to_owned(),
            url: query.map(|query| self.console(&query.id)),
            owner: job.owner,
            operation: job.operation,
            state: found.state,
            progress: None,
            created_at: Some(job.created_at),
            started_at: found.began,
            finished_at: found.ended,
            error: found.error,
            waiting: None,
            image_id: None,
            statistics: found.statistics,
            log_tail: None,
        })
    }

    /// Returns how a query stands. One whose answer cannot be told has failed.
    async fn standing(&self, id: &str, job: &Job) -> Result<Standing, EngineError> {
        let found = standing(&self.athena.fetch(id).await?);
        if found.state != JobState::Succeeded {
            return Ok(found);
        }
        let first = self.athena.fetch_page(id, None, 1).await?;
        let Err(why) = Answer::begin(first.columns, job.limits) else { return Ok(found) };
        let refused = self.error(ErrorKind::InvalidInput, "read the answer", why);
        let error = Some(JobError::from(&refused));
        Ok(Standing { state: JobState::Failed, error, ..found })
    }

    /// Reads what a query answers, page by page, until it is enough.
    async fn read_answer(
        &self,
        query: &str,
        has_header: bool,
        limits: AnswerLimits,
    ) -> Result<Answer, EngineError> {
        let refused = |why| self.error(ErrorKind::InvalidInput, "collect the outcome", why);
        let Page { columns, mut rows, mut next } =
            self.athena.fetch_page(query, None, MOST_OF_PAGE).await?;
        let mut answer = Answer::begin(columns, limits).map_err(refused)?;
        if has_header && !rows.is_empty() {
            rows.remove(0);
        }
        while answer.take(&rows).map_err(refused)? && next.is_some() {
            let page = self.athena.fetch_page(query, next, MOST_OF_PAGE).await?;
            (rows, next) = (page.rows, page.next);
        }
        Ok(answer)
    }

    /// Returns how a job stands whose query is not known: inert, so that it is started, or refused or stopped before it was.
    async fn unstarted(&self, records: &Records) -> Result<Standing, EngineError> {
        if let Some(error) = records.read::<JobError>(REFUSED).await? {
            let (state, error) = (JobState::Failed, Some(error));
            return Ok(Standing { state, began: None, ended: None, error, statistics: None });
        }
        let stopped = records.read::<At>(STOPPED).await?;
        let state = if stopped.is_some() { JobState::Cancelled } else { JobState::Inert };
        let ended = stopped.map(|stopped| stopped.at);
        Ok(Standing { state, began: None, ended, error: None, statistics: None })
    }

    fn console(&self, query: &str) -> String {
        let region = &self.block.region;
        format!(
            "https://{region}.console.aws.amazon.com/athena/home?region={region}#/query-editor/history/{query}"
        )
    }
}

/// Returns whether Athena has answered that it does not start the query, and would not if asked again.
fn is_refusal(error: &EngineError) -> bool {
    matches!(
        error.kind,
        ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::PermissionDenied
    )
}

#[async_trait]
impl Execution for AthenaExecution {
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        const OPERATION: &str = "create a job";
        let JobRequest { token, owner, .. } = request;
        let records = self.records(&token.0);
        let statement = statement(spec, &token.0).map_err(|why| {
            let message = format!("Athena does not take the job: {why}");
            self.error(ErrorKind::Unsupported, OPERATION, message)
        })?;
        records.check().await?;
        let job = Job {
            owner: owner.clone(),
            operation: spec.operation.command().to_owned(),
            created_at: (self.now)(),
            statement: statement.text,
            database: statement.database,
            catalog: self.block.catalog.clone(),
            workgroup: self.block.workgroup.clone(),
            output_location: self.block.output_location.clone(),
            limits: spec.limits,
        };
        records.publish(JOB, &job).await?;
        match records.read::<Job>(JOB).await? {
            Some(kept) if kept.owner == *owner && !records.has(STOPPED).await? => {
                Ok(JobId(token.0.clone()))
            }
            Some(kept) if kept.owner != *owner => {
                let message = format!("`{token}` belongs to run `{}`", kept.owner.run);
                Err(self.error(ErrorKind::Conflict, OPERATION, message))
            }
            _ => Err(self.fenced(&token.0)),
        }
    }

    fn job_kind(&self) -> &'static str {
        JOB_KIND
    }

    fn reads_names(&self) -> bool {
        true
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        let (records, job) = self.known(id).await?;
        if records.has(QUERY).await? {
            return Ok(());
        }
        let is_first = records.publish(STARTING, &At { at: (self.now)() }).await?;
        faults::reach("athena", "starting");
        // A stop looks for the mark above after it has made this one.
        if records.has(STOPPED).await? {
            return Err(self.fenced(&id.0));
        }
        self.started(&records, (&job, &id.0), is_first).await.map(drop)
    }

    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        let JobRequest { token, owner, .. } = request;
        let records = self.records(&token.0);
        match records.read::<Job>(JOB).await? {
            Some(job) if job.owner == *owner => {
                self.look(&records, job, &token.0).await.map(Lookup::Found)
            }
            _ => Ok(Lookup::Nothing),
        }
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        let (records, job) = self.known(id).await?;
        self.look(&records, job, &id.0).await
    }

    fn vanished(&self, _: &JobId, _: &JobOwner) -> Option<JobStatus> {
        None
    }

    /// Records are small, and say of a late process that its run is over.
    async fn sweep(&self, _: &[JobRequest]) -> Result<(), EngineError> {
        Ok(())
    }

    /// Nothing tells of the end of a query.
    async fn ended(&self, _: &JobId) {
        std::future::pending::<()>().await;
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        const OPERATION: &str = "collect the outcome";
        let (records, job) = self.known(id).await?;
        let refused = |message: String| self.error(ErrorKind::InvalidInput, OPERATION, message);
        let query: Option<Query> = records.read(QUERY).await?;
        let query = query.ok_or_else(|| refused(format!("job `{id}` was not started")))?.id;
        let found = self.athena.fetch(&query).await?;
        if standing(&found).state != JobState::Succeeded {
            return Err(refused(format!("query `{query}` has not ended well")));
        }
        // Only the answers of statements that query have a row of names before the others.
        let has_header = found.statement_type.is_some_and(|kind| kind.as_str() == "DML");
        let answer = self.read_answer(&query, has_header, job.limits).await?;
        let Answer { rows, truncated, .. } = answer;
        Ok(JobOutcome {
            token: JobToken(id.0.clone()),
            owner: job.owner,
            rows: (!truncated).then_some(rows.len() as u64),
            answer: Value::Array(rows),
            truncated,
            reads: Vec::new(),
            commit: None,
            register: None,
            warnings: Vec::new(),
            info: Vec::new(),
            concluded: None,
        })
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        let (records, job) = self.known(id).await?;
        self.mark_stopped(&records).await?;
        self.stop(&records, &job, &id.0).await.map(drop)
    }

    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError> {
        let token = &request.token.0;
        let records = self.records(token);
        // What is not there yet is not started once it is: a start looks for this mark.
        self.mark_stopped(&records).await?;
        let Some(job) = records.read::<Job>(JOB).await? else { return Ok(Fence::Down) };
        let is_down = self.stop(&records, &job, token).await?;
        Ok(if is_down { Fence::Down } else { Fence::NotYet })
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        let message = "the queries of Athena are listed by its console";
        let refused = self.error(ErrorKind::Unsupported, "list jobs", message);
        stream::once(async { Err(refused) }).boxed()
    }

    async fn logs(&self, _: &JobId, _: usize) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }
}
