//! Engines in memory: enough to see what an operator reads and asks for.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::Value;

use crate::api::parameters::Parameters;
use crate::engines::bad_rows::Bad;
use crate::engines::execution::Fence;
use crate::engines::job::{JobId, JobOwner, JobRequest, JobState, JobStatus, JobToken};
use crate::engines::job_spec::JobSpec;
use crate::engines::metastore::{Changes, TableEntry};
use crate::engines::partitions::{PartitionFilter, PartitionsRead};
use crate::engines::reading::Reading;
use crate::engines::result::JobOutcome;
use crate::engines::schema::{Column, Schema, SchemaFound};
use crate::engines::table::{
    Database, FileFormat, Format, PinnedFile, StoragePath, Table, TableKind, TableLookup,
    TableName, TableVersion,
};
use crate::engines::{EngineError, Engines, ErrorKind, Execution, Lookup, Metastore, Storage};
use crate::operators::{Prepared, Request, Unprepared, WorkPlan, find};

/// What the fakes hold.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) databases: Vec<String>,
    pub(super) tables: Vec<TableLookup>,
    /// Tables that are listed and whose files cannot be read.
    pub(super) broken: Vec<TableEntry>,
    pub(super) files: Vec<PinnedFile>,
    pub(super) jobs: Vec<JobStatus>,
}

impl World {
    /// Returns engines over a copy of this world.
    pub(super) fn engines(&self) -> Engines {
        let world = Arc::new(self.clone());
        let metastore: Arc<dyn Metastore> = Arc::clone(&world) as _;
        let storage: Arc<dyn Storage> = Arc::clone(&world) as _;
        let execution: Option<Arc<dyn Execution>> = Some(world);
        let (metastore, storage) = (Some(metastore), Some(storage));
        Engines { metastore, storage, execution, ..Engines::default() }
    }

    /// Runs the first part of an operator.
    pub(super) async fn prepare(
        &self,
        operator: &str,
        parameters: Value,
    ) -> Result<Prepared, Unprepared> {
        let operator = find(operator).expect("should be an operator");
        operator.prepare(&self.engines(), &request(parameters)).await
    }

    /// Returns the job an operator asks for, and its plan.
    pub(super) async fn job(&self, operator: &str, parameters: Value) -> (JobSpec, WorkPlan) {
        match self.prepare(operator, parameters).await {
            Ok(Prepared::Job { spec, plan }) => (*spec, plan),
            other => panic!("{operator} should ask for a job, and gave {other:?}"),
        }
    }

    /// Returns the error an operator fails with, and its hint.
    pub(super) async fn refusal(&self, operator: &str, parameters: Value) -> (EngineError, String) {
        let refused = self.prepare(operator, parameters).await.expect_err("should be refused");
        let Unprepared::Failed(error) = refused else { panic!("should fail: {refused:?}") };
        let hint = error.hint.clone().unwrap_or_default();
        (error, hint)
    }

    fn entries(&self) -> Vec<TableEntry> {
        let entry = |lookup: &TableLookup| match lookup {
            TableLookup::Table(table) => TableEntry {
                version: table.version,
                name: table.name.clone(),
                kind: table.kind,
                locations: table.locations.clone(),
            },
            TableLookup::Conflicting(table) => TableEntry {
                version: None,
                name: table.name.clone(),
                kind: TableKind::Discovered,
                locations: table.locations.clone(),
            },
            TableLookup::Unread(table) => TableEntry {
                version: table.version,
                name: table.name.clone(),
                kind: table.kind,
                locations: table.locations.clone(),
            },
        };
        self.tables.iter().map(entry).chain(self.broken.iter().cloned()).collect()
    }
}

pub(super) fn request(parameters: Value) -> Request {
    let parameters: Parameters =
        serde_json::from_value(parameters).expect("should be an object of parameters");
    let (statement, container) = (None, None);
    Request { parameters, allow_writing_sql: false, statement, container, answer_bytes: 64 * 1024 }
}

pub(super) fn name(text: &str) -> TableName {
    let (database, table) = text.split_once('.').expect("should be database.table");
    TableName { database: database.to_owned(), table: table.to_owned() }
}

pub(super) fn file(path: &str, size_bytes: u64) -> PinnedFile {
    PinnedFile {
        path: StoragePath::new(path).expect("should be a path"),
        size_bytes,
        modified_ns: 1,
        identity: None,
        partition_values: Vec::new(),
    }
}

pub(super) fn schema(columns: &[(&str, &str)]) -> Schema {
    let column = |(name, word): &(&str, &str)| Column {
        name: (*name).to_owned(),
        data_type: word.parse().expect("should be a type"),
        nullable: true,
        source_type: None,
    };
    Schema { columns: columns.iter().map(column).collect() }
}

/// Returns a managed table of two files with the columns `id`, `City` and `tags`.
pub(super) fn table(text: &str, kind: TableKind) -> Table {
    let name = name(text);
    let location = format!("{}/{}", name.database, name.table);
    Table {
        kind,
        files: vec![
            file(&format!("{location}/a.parquet"), 10),
            file(&format!("{location}/b.parquet"), 20),
        ],
        locations: vec![location],
        format: FileFormat::of(Format::Parquet),
        schema: schema(&[("id", "Int64"), ("City", "Utf8"), ("tags", "List(Utf8)")]),
        partition_keys: Vec::new(),
        found: SchemaFound::Footers { files: 2 },
        version: (kind != TableKind::Discovered).then_some(TableVersion(7)),
        rows: Some(100),
        bad: Bad::default(),
        notes: Vec::new(),
        partitions: None,
        unregistered: 0,
        why_text: std::collections::BTreeMap::new(),
        name,
    }
}

pub(super) fn job(id: &str, state: JobState) -> JobStatus {
    JobStatus {
        id: JobId(id.to_owned()),
        kind: "FakeJob".into(),
        url: None,
        owner: JobOwner { run_uid: "u".into(), run: "r".into(), attempt: 1 },
        operation: "query".into(),
        state,
        progress: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        error: None,
        waiting: None,
        image_id: None,
        statistics: None,
        log_tail: None,
    }
}

/// Returns an outcome with this answer.
pub(super) fn outcome(answer: Value) -> JobOutcome {
    JobOutcome {
        token: JobToken("t".into()),
        owner: JobOwner { run_uid: "u".into(), run: "r".into(), attempt: 1 },
        rows: None,
        truncated: false,
        reads: Vec::new(),
        commit: None,
        warnings: Vec::new(),
        info: Vec::new(),
        register: None,
        concluded: None,
        answer,
    }
}

fn missing(what: &str) -> EngineError {
    EngineError::new(ErrorKind::NotFound, "fake", "look", format!("there is no {what}"))
}

fn unused() -> EngineError {
    EngineError::new(ErrorKind::Unsupported, "fake", "act", "operators must not do this")
}

#[async_trait]
impl Metastore for World {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        let database =
            |name: &String| Database { name: name.clone(), location: name.clone(), tables: None };
        stream::iter(self.databases.iter().map(database).map(Ok)).boxed()
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let known = self.databases.iter().find(|known| known.eq_ignore_ascii_case(name));
        let known = known.ok_or_else(|| missing(name))?;
        Ok(Database { name: known.clone(), location: known.clone(), tables: None })
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        if !self.databases.iter().any(|known| known == database) {
            return stream::iter([Err(missing(database))]).boxed();
        }
        let entries = self.entries().into_iter();
        let entries: Vec<_> = entries.filter(|entry| entry.name.database == database).collect();
        stream::iter(entries.into_iter().map(Ok)).boxed()
    }

    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        if self.broken.iter().any(|entry| entry.name == *name) {
            let kind = ErrorKind::InvalidInput;
            return Err(EngineError::new(kind, "fake", "read the footer", "it is broken"));
        }
        let same = |lookup: &&TableLookup| {
            let known = match lookup {
                TableLookup::Table(table) => &table.name,
                TableLookup::Conflicting(table) => &table.name,
                TableLookup::Unread(table) => &table.name,
            };
            known.to_string().eq_ignore_ascii_case(&name.to_string())
        };
        let found = self.tables.iter().find(same).cloned();
        let mut found = found.ok_or_else(|| missing(&name.to_string()))?;
        if let TableLookup::Table(table) = &mut found
            && let (TableKind::Discovered, Some(text)) = (table.kind, &mut table.format.csv)
        {
            text.null_tokens.clone_from(&reading.null_tokens);
            text.delimiter = reading.delimiter.clone().unwrap_or_else(|| ",".to_owned());
        }
        Ok(found)
    }

    async fn find_partitioned(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        let TableLookup::Table(found) = self.get_table(name, reading).await? else {
            return Ok(None);
        };
        let is_partitioned = !found.partition_keys.is_empty();
        Ok(is_partitioned.then(|| Table { files: Vec::new(), rows: None, ..*found }))
    }

    async fn get_pruned(
        &self,
        name: &TableName,
        reading: &Reading,
        filter: Arc<dyn PartitionFilter>,
    ) -> Result<TableLookup, EngineError> {
        let mut found = self.get_table(name, reading).await?;
        if let TableLookup::Table(table) = &mut found {
            let total = Some(table.files.len() as u64);
            table.files.retain(|file| filter.keeps(&[&file.partition_values])[0]);
            table.partitions = Some(PartitionsRead { read: table.files.len() as u64, total });
        }
        Ok(found)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        None
    }
}

#[async_trait]
impl Storage for World {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }

    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        let below = format!("{}/", location.trim_end_matches('/'));
        let inside = move |file: &&PinnedFile| {
            file.path.as_str() == location || file.path.as_str().starts_with(&below)
        };
        let files: Vec<_> = self.files.iter().filter(inside).cloned().map(Ok).collect();
        stream::iter(files).boxed()
    }

    async fn exists(&self, location: &str) -> Result<bool, EngineError> {
        Ok(self.list_files(location).next().await.is_some())
    }
}

#[async_trait]
impl Execution for World {
    async fn create(&self, _: &JobSpec, _: &JobRequest) -> Result<JobId, EngineError> {
        Err(unused())
    }

    fn job_kind(&self) -> &'static str {
        "FakeJob"
    }

    async fn release(&self, _id: &JobId) -> Result<(), EngineError> {
        Err(unused())
    }

    async fn find(&self, _: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        Err(unused())
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        self.jobs.iter().find(|job| job.id == *id).cloned().ok_or_else(|| missing(&id.0))
    }

    fn vanished(&self, _id: &JobId, _owner: &JobOwner) -> Option<JobStatus> {
        None
    }

    async fn sweep(&self, _ended: &[JobRequest]) -> Result<(), EngineError> {
        Ok(())
    }

    async fn ended(&self, _id: &JobId) {
        std::future::pending::<()>().await;
    }

    async fn collect(&self, _id: &JobId) -> Result<JobOutcome, EngineError> {
        Ok(outcome(Value::Null))
    }

    async fn cancel(&self, _id: &JobId) -> Result<(), EngineError> {
        Err(unused())
    }

    async fn fence(&self, _: &JobRequest) -> Result<Fence, EngineError> {
        Err(unused())
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        stream::iter(self.jobs.clone().into_iter().map(Ok)).boxed()
    }

    async fn logs(&self, id: &JobId, max_lines: usize) -> Result<Vec<String>, EngineError> {
        Execution::status(self, id).await?;
        Ok((0..5).map(|line| format!("line {line}")).take(max_lines).collect())
    }
}
