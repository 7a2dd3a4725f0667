//! The requests to Athena.

use aws_sdk_athena::Client;
use aws_sdk_athena::types::{
    ColumnInfo, QueryExecution, QueryExecutionContext, ResultConfiguration, Row,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::record::Job;
use crate::aws::Service;
use crate::engines::{EngineError, ErrorKind};

/// Most queries of one request.
const MOST_OF_BATCH: i32 = 50;
/// Most rows of one page.
pub(super) const MOST_OF_PAGE: i32 = 1_000;
/// The statement that takes a token, so that no other one is started under it.
const NOTHING: &str = "SELECT 1";

/// What a start came to.
pub(super) enum Started {
    /// The query of the token: the one that is started now, or that was started before.
    Query(String),
    /// The token is that of another statement.
    Taken,
}

/// A page of what a query answers.
pub(super) struct Page {
    pub(super) columns: Vec<ColumnInfo>,
    pub(super) rows: Vec<Row>,
    /// What asks for the next one, if there is one.
    pub(super) next: Option<String>,
}

/// Athena in an account and region.
#[derive(Debug, Clone)]
pub(super) struct Athena {
    requests: Client,
    pub(super) service: Service,
}

impl Athena {
    /// Makes it of what sends requests.
    pub(super) fn new(requests: Client, client: &str) -> Self {
        let client = client.to_owned();
        Self { requests, service: Service { name: "Athena", policy: "docs/athena.md", client } }
    }

    /// Starts a job's query under the token of the job; the same query however often it is asked for.
    ///
    /// # Source
    /// <https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html>: the same token and the same
    /// parameters give the same query, and other parameters an error.
    pub(super) async fn start(&self, job: &Job, token: &str) -> Result<Started, EngineError> {
        self.start_statement(job, token, &job.statement).await
    }

    /// Takes the token of a job by a statement that does nothing.
    pub(super) async fn take(&self, job: &Job, token: &str) -> Result<Started, EngineError> {
        self.start_statement(job, token, NOTHING).await
    }

    async fn start_statement(
        &self,
        job: &Job,
        token: &str,
        statement: &str,
    ) -> Result<Started, EngineError> {
        let context = QueryExecutionContext::builder()
            .catalog(&job.catalog)
            .set_database(job.database.clone())
            .build();
        let place = job.output_location.as_ref();
        let place =
            place.map(|place| ResultConfiguration::builder().output_location(place).build());
        let asked = self
            .requests
            .start_query_execution()
            .query_string(statement)
            .client_request_token(hex::encode(Sha256::digest(token)))
            .query_execution_context(context)
            .set_result_configuration(place)
            .work_group(&job.workgroup);
        match asked.send().await {
            Ok(answer) => answer.query_execution_id.map(Started::Query).ok_or_else(|| {
                let message = "Athena names no query";
                self.service.error(ErrorKind::Unexpected, "start a query", message)
            }),
            Err(error) => {
                let error = self.service.failed("start a query", error);
                if error.message.contains("dempotent parameters do not match") {
                    return Ok(Started::Taken);
                }
                Err(error)
            }
        }
    }

    /// Returns a query.
    pub(super) async fn fetch(&self, id: &str) -> Result<QueryExecution, EngineError> {
        let answer = self.requests.get_query_execution().query_execution_id(id).send().await;
        let answer = answer.map_err(|error| self.service.failed("look at a query", error))?;
        answer.query_execution.ok_or_else(|| {
            let message = format!("Athena does not know the query `{id}`");
            self.service.error(ErrorKind::NotFound, "look at a query", message)
        })
    }

    /// Asks a query to stop.
    pub(super) async fn stop(&self, id: &str) -> Result<(), EngineError> {
        let asked = self.requests.stop_query_execution().query_execution_id(id).send().await;
        asked.map(drop).map_err(|error| self.service.failed("stop a query", error))
    }

    /// Returns a page of what a query answers, of at most so many rows.
    pub(super) async fn fetch_page(
        &self,
        id: &str,
        page: Option<String>,
        rows: i32,
    ) -> Result<Page, EngineError> {
        let asked = self.requests.get_query_results().query_execution_id(id);
        let answer = asked.max_results(rows).set_next_token(page).send().await;
        let told =
            answer.map_err(|error| self.service.failed("read the answer of a query", error))?;
        let (rows, metadata) =
            told.result_set.map(|set| (set.rows, set.result_set_metadata)).unwrap_or_default();
        Ok(Page {
            columns: metadata.and_then(|metadata| metadata.column_info).unwrap_or_default(),
            rows: rows.unwrap_or_default(),
            next: told.next_token.filter(|token| !token.is_empty()),
        })
    }

    /// Looks in the history of a workgroup for the query with a line, which was started at a time or later.
    pub(super) async fn find_in_history(
        &self,
        workgroup: &str,
        line: &str,
        since: Timestamp,
    ) -> Result<Option<String>, EngineError> {
        const OPERATION: &str = "look for a query";
        let pages = self.requests.list_query_executions().work_group(workgroup);
        let mut pages = pages.max_results(MOST_OF_BATCH).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.service.failed(OPERATION, error))?;
            let ids = page.query_execution_ids.unwrap_or_default();
            if ids.is_empty() {
                continue;
            }
            let asked = self.requests.batch_get_query_execution();
            let answer = asked.set_query_execution_ids(Some(ids)).send().await;
            let answer = answer.map_err(|error| self.service.failed(OPERATION, error))?;
            let queries = answer.query_executions.unwrap_or_default();
            let is_it = |query: &&QueryExecution| {
                query.query.as_deref().is_some_and(|text| text.lines().any(|own| own == line))
            };
            if let Some(found) = queries.iter().find(is_it) {
                return Ok(found.query_execution_id.clone());
            }
            if !queries.is_empty() && queries.iter().all(|query| is_before(query, since)) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Checks that a workgroup can be used.
    pub(super) async fn probe(&self, workgroup: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "look at a workgroup";
        let answer = self.requests.get_work_group().work_group(workgroup).send().await;
        let answer = answer.map_err(|error| self.service.failed(OPERATION, error))?;
        let state = answer.work_group.and_then(|group| group.state);
        if state.is_some_and(|state| state.as_str() == "DISABLED") {
            let message = format!("the workgroup `{workgroup}` is disabled");
            return Err(self.service.error(ErrorKind::PermissionDenied, OPERATION, message));
        }
        Ok(())
    }
}

/// Returns whether a query was started before a time, by the clock of another machine.
fn is_before(query: &QueryExecution, time: Timestamp) -> bool {
    const SKEW_SECONDS: i64 = 15 * 60;
    let status = query.status.as_ref();
    let started = status.and_then(|status| status.submission_date_time.as_ref());
    started.is_some_and(|started| started.secs() + SKEW_SECONDS < time.as_second())
}
