//! The client passes the suite of each of its roles, and a broken one does not.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::execution::LIMITS;
use super::worker_process::{FAILS, WAITS_FOR_CANCEL, WRITES, command};
use super::{new_root, schema, spec};
use crate::clients::local::execution::LocalExecution;
use crate::clients::local::metastore;
use crate::clients::local::storage as local_storage;
use crate::engines::execution::{Execution, Fence};
use crate::engines::job::{JobId, JobOwner, JobRequest, JobStatus};
use crate::engines::job_spec::JobSpec;
use crate::engines::metastore::{
    Author, Change, Changed, Changes, Metastore, TableDeclaration, TableEntry,
};
use crate::engines::reading::Reading;
use crate::engines::result::JobOutcome;
use crate::engines::schema::SchemaFound;
use crate::engines::table::{Database, Format, PinnedFile, TableLookup, TableName};
use crate::engines::{EngineError, Lookup, Storage};
use crate::lake::commit::written_format;
use crate::lake::metastore::LakeMetastore;
use crate::lake::storage::LakeStorage;
use crate::testing::conformance::{Report, execution, metastore, storage};

fn failures(report: &Report) -> Vec<&str> {
    report.failed.iter().map(|(rule, _)| rule.as_str()).collect()
}

async fn check_storage(subject: &dyn Storage, folder: &std::path::Path) -> Report {
    let write = |path: &str, content: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("should have a folder")).expect("should make it");
        fs::write(path, content).expect("should write");
    };
    storage::run(subject, &storage::Fixture { write: &write }).await
}

#[tokio::test]
async fn local_storage_keeps_every_rule() {
    let (folder, root) = new_root();
    let report = check_storage(&local_storage(&root), folder.path()).await;
    assert!(report.is_passed() && report.skipped.is_empty(), "{report}");
}

/// Lists files in the wrong order, and hidden ones too.
struct BrokenStorage(LakeStorage);

#[async_trait]
impl Storage for BrokenStorage {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        self.0.objects()
    }

    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        let reversed = async move {
            let mut files: Vec<_> = self.0.list_files(location).try_collect().await?;
            files.reverse();
            Ok(futures::stream::iter(files.into_iter().map(Ok)))
        };
        futures::stream::once(reversed).try_flatten().boxed()
    }

    async fn exists(&self, _location: &str) -> Result<bool, EngineError> {
        Ok(true)
    }
}

#[tokio::test]
async fn broken_storage_is_found_out() {
    let (folder, root) = new_root();
    let broken = BrokenStorage(local_storage(&root));
    let report = check_storage(&broken, folder.path()).await;
    for rule in [
        "a folder's files come by path, hidden names left out",
        "nothing outside the root is a location",
        "what is not there does not exist",
    ] {
        assert!(failures(&report).contains(&rule), "{report}");
    }
}

fn declaration(folder: &std::path::Path) -> metastore::Fixture {
    fs::create_dir_all(folder.join("files/day=1")).expect("should make a folder");
    fs::write(folder.join("files/day=1/x.csv"), "a\n1\n").expect("should write");
    let mut columns = schema("a").columns;
    columns.extend(schema("day").columns);
    metastore::Fixture {
        declaration: TableDeclaration {
            name: TableName { database: metastore::DATABASE.to_owned(), table: "days".to_owned() },
            locations: vec!["files".to_owned()],
            format: written_format(Format::Csv),
            schema: crate::engines::schema::Schema { columns },
            partition_keys: vec!["day".to_owned()],
            found: SchemaFound::Declared,
        },
    }
}

#[tokio::test]
async fn local_metastore_keeps_every_rule() {
    let (folder, root) = new_root();
    let report = metastore::run(&metastore(&root), &declaration(folder.path())).await;
    assert!(report.is_passed() && report.skipped.is_empty(), "{report}");
}

/// Compares names exactly, and makes changes without looking at the author.
struct BrokenMetastore(LakeMetastore);

#[async_trait]
impl Metastore for BrokenMetastore {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        self.0.list_databases()
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let found = self.0.get_database(name).await?;
        if found.name == name { Ok(found) } else { self.0.get_database("none").await }
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        self.0.list_tables(database)
    }

    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        self.0.get_table(name, reading).await
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Changes for BrokenMetastore {
    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        let author = Author { run_uid: uuid::Uuid::new_v4().to_string(), ..author.clone() };
        self.0.apply(change, &author).await
    }

    async fn find(&self, change: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        self.0.find(change, author).await
    }

    async fn fence(
        &self,
        change: &Change,
        author: &Author,
    ) -> Result<Lookup<Changed>, EngineError> {
        self.0.fence(change, author).await
    }
}

#[tokio::test]
async fn broken_metastore_is_found_out() {
    let (folder, root) = new_root();
    let broken = BrokenMetastore(metastore(&root));
    let report = metastore::run(&broken, &declaration(folder.path())).await;
    for rule in [
        "names are compared without regard to case",
        "a change takes place once for its author",
        "a fenced author changes nothing",
    ] {
        assert!(failures(&report).contains(&rule), "{report}");
    }
}

fn jobs() -> execution::Fixture {
    execution::Fixture {
        leaves_out: &[],
        quick: spec(WRITES, None),
        failing: Some(spec(FAILS, None)),
        endless: Some(spec(WAITS_FOR_CANCEL, None)),
        patience: Duration::from_mins(1),
    }
}

#[tokio::test]
async fn local_execution_keeps_every_rule() {
    let (_folder, root) = new_root();
    let subject = LocalExecution::new(root, LIMITS, command(None));
    let report = execution::run(&subject, &jobs()).await;
    assert!(report.is_passed() && report.skipped.is_empty(), "{report}");
}

/// Begins with the creation, and says of every token that it is down.
struct BrokenExecution(LocalExecution);

#[async_trait]
impl Execution for BrokenExecution {
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        let id = self.0.create(spec, request).await?;
        self.0.release(&id).await?;
        Ok(id)
    }

    fn job_kind(&self) -> &'static str {
        self.0.job_kind()
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        self.0.release(id).await
    }

    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        self.0.find(request).await
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        self.0.status(id).await
    }

    fn vanished(&self, id: &JobId, owner: &JobOwner) -> Option<JobStatus> {
        self.0.vanished(id, owner)
    }

    async fn sweep(&self, ended: &[JobRequest]) -> Result<(), EngineError> {
        self.0.sweep(ended).await
    }

    async fn ended(&self, id: &JobId) {
        self.0.ended(id).await;
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        self.0.collect(id).await
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        self.0.cancel(id).await
    }

    async fn fence(&self, _: &JobRequest) -> Result<Fence, EngineError> {
        Ok(Fence::Down)
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        self.0.list()
    }

    async fn logs(&self, id: &JobId, max_lines: usize) -> Result<Vec<String>, EngineError> {
        self.0.logs(id, max_lines).await
    }
}

#[tokio::test]
async fn broken_execution_is_found_out() {
    let (_folder, root) = new_root();
    let broken = BrokenExecution(LocalExecution::new(root, LIMITS, command(None)));
    let fixture = execution::Fixture { leaves_out: &[], failing: None, endless: None, ..jobs() };
    let report = execution::run(&broken, &fixture).await;
    for rule in [
        "a created job is inert until it is released",
        "a fenced token is never used again",
        "a token is fenced before it is created",
    ] {
        assert!(failures(&report).contains(&rule), "{report}");
    }
    assert_eq!(report.skipped.len(), 3, "{report}");
}
