//! Tests of the client as a whole, with real worker processes: this test program runs itself.

mod changes;
mod conformance;
mod creator_process;
mod discovered;
mod execution;
mod inference;
mod tables;
pub(crate) mod worker_process;

use std::sync::Arc;

use super::files::RootFiles;
use super::root::Root;
use crate::engines::job::{JobOwner, JobRequest, JobToken};
use crate::engines::job_spec::{
    AnswerLimits, BadRows, FileSink, JobSpec, Operation, Sink, WriteMode,
};
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::{Format, TableVersion};
use crate::lake::discovery::Discovery;
use crate::lake::metastore::LakeMetastore;

pub(crate) fn new_root() -> (tempfile::TempDir, Arc<Root>) {
    let folder = tempfile::tempdir().expect("should make a folder");
    let root = Root::open(folder.path()).expect("should open");
    (folder, Arc::new(root))
}

/// Returns the metastore of a root as a job has it: it reads.
pub(crate) fn metastore_in_job(root: &Arc<Root>) -> LakeMetastore {
    super::metastore(root).in_job(Discovery::new(2, Arc::new(|_, _| {}), Arc::default()))
}

/// Returns the files of a root.
pub(crate) fn files(root: &Arc<Root>) -> RootFiles {
    RootFiles::new(Arc::clone(root))
}

pub(crate) fn owner(run_uid: &str, attempt: u32) -> JobOwner {
    JobOwner { run_uid: run_uid.to_owned(), run: "a-run".to_owned(), attempt }
}

/// Returns what an attempt asks for that has recorded no job.
pub(crate) fn request(token: &str, owner: JobOwner) -> JobRequest {
    JobRequest { token: JobToken(token.to_owned()), owner, recorded: None }
}

pub(crate) fn token(text: &str) -> JobToken {
    JobToken(text.to_owned())
}

pub(crate) fn sink(mode: WriteMode, expected: Option<u64>) -> FileSink {
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

pub(crate) fn schema(column: &str) -> Schema {
    let data_type = ColumnType(arrow::datatypes::DataType::Int64);
    let column = Column { name: column.to_owned(), data_type, nullable: false, source_type: None };
    Schema { columns: vec![column] }
}

/// A job whose behaviour its seed says: see [`worker_process`].
pub(crate) fn spec(behaviour: u64, sink: Option<FileSink>) -> JobSpec {
    JobSpec {
        version: JobSpec::VERSION,
        inputs: Vec::new(),
        operation: Operation::Fake { schema: schema("a"), rows: 2, seed: behaviour },
        sink: sink.map_or(Sink::Answer, |sink| Sink::Files(Box::new(sink))),
        bad_rows: BadRows::default(),
        limits: AnswerLimits::default(),
    }
}
