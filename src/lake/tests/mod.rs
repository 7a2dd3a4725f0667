//! Tests of the lake: each on the disk, in memory, and over the objects of a folder.

mod commit;
mod conditions;
mod every_files;
mod files;
mod lists;
mod partitions;
mod slow;
mod staged;

use std::io::Write as _;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::commit::{Committer, commit};
use super::object_files::ObjectFiles;
use crate::clients::local::files::RootFiles;
use crate::clients::local::root::Root;
use crate::engines::EngineError;
use crate::engines::files::Files;
use crate::engines::job::{JobOwner, JobToken};
use crate::engines::job_spec::{FileSink, WriteMode};
use crate::engines::result::{Commit, Written, WrittenFile};
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::{Format, StoragePath, TableVersion};

pub(crate) fn path(text: &str) -> StoragePath {
    StoragePath::new(text).expect("should be a path")
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("should build")
}

/// Calls a test with every sort of files there is.
fn with_all_files(test: impl Fn(&dyn Files)) {
    let folder = tempfile::tempdir().expect("should make a folder");
    let root = Root::open(folder.path()).expect("should open");
    test(&RootFiles::new(Arc::new(root)));
    let folder = tempfile::tempdir().expect("should make a folder");
    let below = LocalFileSystem::new_with_prefix(folder.path()).expect("should be a store");
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(InMemory::new()), Arc::new(below)];
    for store in stores {
        let runtime = runtime();
        test(&ObjectFiles::new(store, runtime.handle().clone()));
    }
}

fn now() -> jiff::Timestamp {
    "2026-01-02T03:04:05Z".parse().expect("should be a time")
}

fn owner(run_uid: &str, attempt: u32) -> JobOwner {
    JobOwner { run_uid: run_uid.to_owned(), run: "a-run".to_owned(), attempt }
}

fn sink(mode: WriteMode, expected: Option<u64>) -> FileSink {
    FileSink {
        table: None,
        location: "sales/orders".to_owned(),
        format: Format::Csv,
        partition_by: Vec::new(),
        mode,
        target_file_size_bytes: 1 << 20,
        expected: expected.map(TableVersion),
        register: None,
    }
}

fn schema(column: &str) -> Schema {
    let data_type = ColumnType(arrow::datatypes::DataType::Int64);
    let column = Column { name: column.to_owned(), data_type, nullable: false, source_type: None };
    Schema { columns: vec![column] }
}

/// Writes one file as an engine would.
pub(crate) fn write_file(
    files: &dyn Files,
    sink: &FileSink,
    token: &JobToken,
    rows: &str,
) -> Written {
    let folder = sink.staging(token).expect("should be a path");
    let path = folder.join("part-0.csv").expect("should be a path");
    let content = format!("a\n{rows}");
    let mut file = files.create(&path).expect("should create");
    file.write_all(content.as_bytes()).expect("should write");
    file.seal().expect("should seal");
    let file = WrittenFile {
        path,
        size_bytes: content.len() as u64,
        sha256: hex::encode(Sha256::digest(content.as_bytes())),
        rows: rows.lines().count() as u64,
        partition_values: Vec::new(),
    };
    Written { files: vec![file], schema: schema("a"), partition_columns: Schema::default() }
}

/// Writes two rows and commits them.
fn commit_rows(
    files: &dyn Files,
    sink: &FileSink,
    run: &str,
    attempt: u32,
) -> Result<Commit, EngineError> {
    let token = JobToken(format!("{run}-{attempt}"));
    let written = write_file(files, sink, &token, "1\n2\n");
    let committer = Committer { owner: &owner(run, attempt), token: &token, now: now() };
    commit(files, sink, &written, committer)
}
