//! The requests to Glue: every page of an answer, and the errors of its items.

use std::collections::HashMap;

use aws_sdk_glue::Client;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_glue::types::{
    BatchUpdatePartitionRequestEntry, Database, DatabaseInput, ErrorDetail, Partition,
    PartitionInput, Table, TableInput,
};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};

use super::declaration::RUN;
use crate::aws::Service;
use crate::engines::table::TableName;
use crate::engines::{EngineError, ErrorKind};

/// Most entries of one request.
const MOST_OF_BATCH: usize = 100;
const MOST_OF_PAGE: i32 = 100;
const MOST_PARTITIONS_OF_PAGE: i32 = 1_000;

/// The Data Catalog of an account and region.
#[derive(Debug, Clone)]
pub(super) struct Catalogue {
    requests: Client,
    /// The account, where it is not that of the credentials.
    id: Option<String>,
    service: Service,
}

impl Catalogue {
    /// Makes it of what sends requests.
    pub(super) fn new(requests: Client, id: Option<String>, client: &str) -> Self {
        let client = client.to_owned();
        let service = Service { name: "Glue", policy: "docs/glue.md", client };
        Self { requests, id, service }
    }

    /// Makes an error of this client.
    pub(super) fn error(
        &self,
        kind: ErrorKind,
        operation: &str,
        message: impl Into<String>,
    ) -> EngineError {
        self.service.error(kind, operation, message)
    }

    /// Makes an error of a table that cannot be declared, with every problem.
    pub(super) fn refused(&self, operation: &str, problems: &[String]) -> EngineError {
        self.error(ErrorKind::InvalidInput, operation, problems.join("; "))
    }

    /// Streams every database, page by page.
    pub(super) fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        let pages = self.requests.get_databases().set_catalog_id(self.id.clone());
        let pages = pages.into_paginator().page_size(MOST_OF_PAGE).send();
        self.streamed("list databases", pages, |page| Some(page.database_list))
    }

    /// Streams every table of a database, page by page.
    pub(super) fn list_tables(&self, database: &str) -> BoxStream<'_, Result<Table, EngineError>> {
        let pages = self.requests.get_tables().set_catalog_id(self.id.clone());
        let pages = pages.database_name(database.to_lowercase());
        let pages = pages.into_paginator().page_size(MOST_OF_PAGE).send();
        self.streamed("list tables", pages, |page| page.table_list)
    }

    /// Streams every partition of a table, page by page.
    pub(super) fn list_partitions(
        &self,
        name: &TableName,
    ) -> BoxStream<'_, Result<Partition, EngineError>> {
        let pages = self.requests.get_partitions().set_catalog_id(self.id.clone());
        let pages =
            pages.database_name(name.database.to_lowercase()).table_name(name.table.to_lowercase());
        let pages = pages.into_paginator().page_size(MOST_PARTITIONS_OF_PAGE).send();
        self.streamed("list partitions", pages, |page| page.partitions)
    }

    fn streamed<'a, P, T, E>(
        &'a self,
        operation: &'static str,
        pages: PaginationStream<Result<P, SdkError<E>>>,
        items: fn(P) -> Option<Vec<T>>,
    ) -> BoxStream<'a, Result<T, EngineError>>
    where
        P: Send + 'a,
        T: Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        stream::unfold(pages, |mut pages| async { pages.next().await.map(|page| (page, pages)) })
            .map_err(move |error| self.service.failed(operation, error))
            .map_ok(move |page| stream::iter(items(page).unwrap_or_default()).map(Ok))
            .try_flatten()
            .boxed()
    }

    /// Returns a database, if it is there.
    pub(super) async fn fetch_database(&self, name: &str) -> Result<Option<Database>, EngineError> {
        let asked = self.requests.get_database().set_catalog_id(self.id.clone());
        let answer = asked.name(name.to_lowercase()).send().await;
        let answer = answer.map_err(|error| self.service.failed("find a database", error));
        Ok(there(answer)?.and_then(|answer| answer.database))
    }

    /// Returns a table, if it is there.
    pub(super) async fn fetch_table(&self, name: &TableName) -> Result<Option<Table>, EngineError> {
        let asked = self.requests.get_table().set_catalog_id(self.id.clone());
        let asked = asked.database_name(name.database.to_lowercase());
        let answer = asked.name(name.table.to_lowercase()).send().await;
        let answer = answer.map_err(|error| self.service.failed("find a table", error));
        Ok(there(answer)?.and_then(|answer| answer.table))
    }

    /// Returns the version of a table that a run made: as it is now, or as it was before later changes.
    pub(super) async fn fetch_made_by(
        &self,
        name: &TableName,
        run: &str,
    ) -> Result<Option<Table>, EngineError> {
        let Some(now) = self.fetch_table(name).await? else { return Ok(None) };
        if is_of(now.parameters.as_ref(), run) {
            return Ok(Some(now));
        }
        let pages = self.requests.get_table_versions().set_catalog_id(self.id.clone());
        let pages =
            pages.database_name(name.database.to_lowercase()).table_name(name.table.to_lowercase());
        let pages = pages.into_paginator().page_size(MOST_OF_PAGE).send();
        let mut versions =
            self.streamed("list versions of a table", pages, |page| page.table_versions);
        while let Some(version) = versions.try_next().await? {
            if let Some(mut table) = version.table
                && is_of(table.parameters.as_ref(), run)
            {
                table.version_id = version.version_id.or(table.version_id);
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    pub(super) async fn create_database(&self, input: DatabaseInput) -> Result<(), EngineError> {
        let asked = self.requests.create_database().set_catalog_id(self.id.clone());
        let answer = asked.database_input(input).send().await;
        answer.map(drop).map_err(|error| self.service.failed("create a database", error))
    }

    pub(super) async fn delete_database(&self, name: &str) -> Result<(), EngineError> {
        let asked = self.requests.delete_database().set_catalog_id(self.id.clone());
        let answer = asked.name(name.to_lowercase()).send().await;
        answer.map(drop).map_err(|error| self.service.failed("delete a database", error))
    }

    pub(super) async fn create_table(
        &self,
        database: &str,
        input: TableInput,
    ) -> Result<(), EngineError> {
        let asked = self.requests.create_table().set_catalog_id(self.id.clone());
        let answer = asked.database_name(database.to_lowercase()).table_input(input).send().await;
        answer.map(drop).map_err(|error| self.service.failed("create a table", error))
    }

    /// Changes a table that still has a version. The former version is kept in the catalogue's archive.
    pub(super) async fn update_table(
        &self,
        database: &str,
        input: TableInput,
        version: Option<String>,
    ) -> Result<(), EngineError> {
        let asked = self.requests.update_table().set_catalog_id(self.id.clone());
        let asked = asked.database_name(database.to_lowercase()).table_input(input);
        let answer = asked.set_version_id(version).skip_archive(false).send().await;
        answer.map(drop).map_err(|error| self.service.failed("change a table", error))
    }

    pub(super) async fn delete_table(&self, name: &TableName) -> Result<(), EngineError> {
        let asked = self.requests.delete_table().set_catalog_id(self.id.clone());
        let asked = asked.database_name(name.database.to_lowercase());
        let answer = asked.name(name.table.to_lowercase()).send().await;
        answer.map(drop).map_err(|error| self.service.failed("delete a table", error))
    }

    /// Adds partitions; one that is there already is left as it is.
    pub(super) async fn create_partitions(
        &self,
        name: &TableName,
        partitions: Vec<PartitionInput>,
    ) -> Result<(), EngineError> {
        const OPERATION: &str = "add partitions";
        for batch in partitions.chunks(MOST_OF_BATCH) {
            let asked = self.requests.batch_create_partition().set_catalog_id(self.id.clone());
            let asked = asked
                .database_name(name.database.to_lowercase())
                .table_name(name.table.to_lowercase())
                .set_partition_input_list(Some(batch.to_vec()));
            let answer = asked.send().await;
            let answer = answer.map_err(|error| self.service.failed(OPERATION, error))?;
            let refused = answer.errors.unwrap_or_default().into_iter().find_map(|item| {
                let detail = item.error_detail?;
                (detail.error_code() != Some("AlreadyExistsException"))
                    .then(|| (item.partition_values.unwrap_or_default(), detail))
            });
            self.item_refused(OPERATION, refused)?;
        }
        Ok(())
    }

    /// Changes partitions, each told by the values that it has.
    pub(super) async fn update_partitions(
        &self,
        name: &TableName,
        partitions: Vec<(Vec<String>, PartitionInput)>,
    ) -> Result<(), EngineError> {
        const OPERATION: &str = "change partitions";
        for batch in partitions.chunks(MOST_OF_BATCH) {
            let entry = |(values, input): &(Vec<String>, PartitionInput)| {
                BatchUpdatePartitionRequestEntry::builder()
                    .set_partition_value_list(Some(values.clone()))
                    .partition_input(input.clone())
                    .build()
            };
            let entries: Result<Vec<_>, _> = batch.iter().map(entry).collect();
            let entries = entries.map_err(|source| {
                self.error(ErrorKind::Unexpected, OPERATION, source.to_string())
            })?;
            let asked = self.requests.batch_update_partition().set_catalog_id(self.id.clone());
            let asked = asked
                .database_name(name.database.to_lowercase())
                .table_name(name.table.to_lowercase())
                .set_entries(Some(entries));
            let answer = asked.send().await;
            let answer = answer.map_err(|error| self.service.failed(OPERATION, error))?;
            let refused = answer.errors.unwrap_or_default().into_iter().find_map(|item| {
                Some((item.partition_value_list.unwrap_or_default(), item.error_detail?))
            });
            self.item_refused(OPERATION, refused)?;
        }
        Ok(())
    }

    fn item_refused(
        &self,
        operation: &str,
        refused: Option<(Vec<String>, ErrorDetail)>,
    ) -> Result<(), EngineError> {
        let Some((values, detail)) = refused else { return Ok(()) };
        let code = detail.error_code().unwrap_or("no code");
        let why = detail.error_message().unwrap_or("no reason is given");
        let message = format!("partition [{}]: {why} ({code})", values.join(", "));
        Err(self.error(ErrorKind::Unexpected, operation, message))
    }
}

/// Returns an answer, or nothing where what was asked for is not there.
fn there<T>(answer: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether a run made what has these parameters.
pub(super) fn is_of(parameters: Option<&HashMap<String, String>>, run: &str) -> bool {
    parameters.and_then(|all| all.get(RUN)).is_some_and(|of| of == run)
}
