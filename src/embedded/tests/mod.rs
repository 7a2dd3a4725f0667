//! Whole jobs over small files below a temporary root; values are compared. What these tests and those of
//! the files beside them share is here.

mod inputs;
mod queries;
mod rows;
mod summaries;
mod written;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;

use super::execute;
use super::work::{Executed, Work};
use crate::clients::local::files::RootFiles;
use crate::clients::local::root::Root;
use crate::engines::EngineError;
use crate::engines::bad_rows::Tally;
use crate::engines::files::Files as _;
use crate::engines::job::{JobOwner, JobToken};
use crate::engines::job_spec::*;
use crate::engines::schema::{Column, Schema};
use crate::engines::table::*;
use crate::lake::object_files::ObjectFiles;
use crate::lake::object_path::object_path;

pub(super) struct Lake {
    folder: tempfile::TempDir,
    pub(super) root: Arc<Root>,
    pub(super) work: Work,
}

impl Lake {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("should make a folder");
        let root = Arc::new(Root::open(folder.path()).expect("should open"));
        let owner = JobOwner { run_uid: "u".into(), run: "r".into(), attempt: 1 };
        let work = Work {
            files: Arc::new(RootFiles::new(Arc::clone(&root))),
            scratch: root.scratch(&JobToken("t-1".into())).expect("should make a folder"),
            began: jiff::Timestamp::UNIX_EPOCH,
            owner,
            token: JobToken("t-1".into()),
            memory_limit_bytes: 256 << 20,
            disk_limit_bytes: 1 << 30,
            parallelism: 2,
            progress: Arc::default(),
            cancelled: Arc::new(AtomicBool::new(false)),
        };
        Self { folder, root, work }
    }

    pub(super) fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn pin(&self, path: &str) -> InputFile {
        let path = StoragePath::new(path).expect("should be a path");
        InputFile { file: self.root.pin(&path).expect("should pin"), schema: 0 }
    }

    pub(super) fn parquet(&self, path: &str, batch: &RecordBatch) -> InputFile {
        let whole = self.folder.path().join(path);
        fs::create_dir_all(whole.parent().expect("should have a folder")).expect("should make");
        let file = fs::File::create(&whole).expect("should create");
        let mut writer = ::parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None)
            .expect("should begin");
        writer.write(batch).expect("should write");
        writer.close().expect("should end");
        self.pin(path)
    }

    pub(super) fn text(&self, path: &str, text: &str) -> InputFile {
        self.file(path, text.as_bytes())
    }

    pub(super) fn file(&self, path: &str, content: &[u8]) -> InputFile {
        let whole = self.folder.path().join(path);
        fs::create_dir_all(whole.parent().expect("should have a folder")).expect("should make");
        fs::write(whole, content).expect("should write");
        self.pin(path)
    }

    /// Runs a job over the files on the disk, and once more over the same ones in memory, which has to come to
    /// the same.
    pub(super) fn run(&self, spec: &JobSpec) -> Result<Executed, EngineError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("should build");
        let inputs = self.in_memory(spec, &runtime);
        let executed = runtime.block_on(execute(spec, &self.work));
        if let Some((files, spec)) = inputs {
            let work = Work { files, ..self.work.clone() };
            let again = runtime.block_on(execute(&spec, &work));
            assert_same(&executed, &again);
        }
        executed
    }

    /// Returns the pinned files of a job in memory; nothing when one is no longer as it was pinned.
    fn in_memory(
        &self,
        spec: &JobSpec,
        runtime: &tokio::runtime::Runtime,
    ) -> Option<(Arc<dyn crate::engines::files::Files>, JobSpec)> {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let files = ObjectFiles::new(Arc::clone(&store), runtime.handle().clone());
        let mut spec = spec.clone();
        for file in spec.inputs.iter_mut().flat_map(|input| &mut input.files) {
            let pinned = &mut file.file;
            let now = self.root.pin(&pinned.path).ok()?;
            let is_same = (now.size_bytes, now.modified_ns, &now.identity)
                == (pinned.size_bytes, pinned.modified_ns, &pinned.identity);
            let content = fs::read(self.path(pinned.path.as_str())).ok().filter(|_| is_same)?;
            let object = object_path(&pinned.path);
            runtime.block_on(store.put(&object, content.into())).expect("should put");
            let kept = files.pin(&pinned.path).expect("should pin");
            (pinned.modified_ns, pinned.identity) = (kept.modified_ns, kept.identity);
        }
        Some((Arc::new(files), spec))
    }

    /// Runs a job that comes to something else each time.
    pub(super) fn run_once(&self, spec: &JobSpec) -> Result<Executed, EngineError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().expect("should build");
        runtime.block_on(execute(spec, &self.work))
    }

    pub(super) fn rows(&self, spec: &JobSpec) -> Value {
        self.run(spec).unwrap_or_else(|error| panic!("{error}")).answer
    }
}

/// Rows in any order, and what was written of them.
fn come_to(executed: &Executed) -> (Vec<String>, Option<u64>, bool, Vec<String>, Option<u64>) {
    let mut rows: Vec<String> = match &executed.answer {
        Value::Array(rows) => rows.iter().map(Value::to_string).collect(),
        one => vec![without_pins(one.clone()).to_string()],
    };
    rows.sort_unstable();
    let written = executed.written.as_ref();
    let written = written.map(|written| written.files.iter().map(|file| file.rows).sum());
    if written.is_some() {
        // Where rows come in another order, files have other sizes.
        rows.clear();
    }
    (rows, executed.rows, executed.truncated, executed.warnings.clone(), written)
}

/// An answer without what tells the files of one storage from the same ones of another.
fn without_pins(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(object) => {
            object.retain(|name, _| name != "identity" && name != "modifiedNs");
            for value in object.values_mut() {
                *value = without_pins(value.take());
            }
        }
        Value::Array(items) => {
            for value in items {
                *value = without_pins(value.take());
            }
        }
        _ => {}
    }
    answer
}

fn assert_same(one: &Result<Executed, EngineError>, other: &Result<Executed, EngineError>) {
    match (one, other) {
        (Ok(one), Ok(other)) if one.truncated => assert!(other.truncated, "{other:?}"),
        (Ok(one), Ok(other)) => {
            assert_eq!(come_to(one), come_to(other), "on the disk and in memory");
        }
        (Err(one), Err(other)) => assert_eq!(one.kind, other.kind, "{one}\n{other}"),
        _ => panic!("on the disk {one:?}\nin memory {other:?}"),
    }
}

pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).expect("should be a batch")
}

pub(super) fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(super) fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(super) fn parquet_input(name: &str, schema: &RecordBatch, files: Vec<InputFile>) -> Input {
    let (database, table) = name.split_once('.').expect("should have two parts");
    Input {
        name: TableName { database: database.into(), table: table.into() },
        format: FileFormat::of(Format::Parquet),
        schemas: vec![Schema::from_arrow(schema.schema().as_ref())],
        partition_columns: Schema::default(),
        files,
        version: None,
        left_out: Tally::default(),
        partitions: None,
        notes: Vec::new(),
    }
}

pub(super) fn csv_input(name: &str, columns: &[(&str, &str)], files: Vec<InputFile>) -> Input {
    let (database, table) = name.split_once('.').expect("should have two parts");
    let column = |(name, data_type): &(&str, &str)| Column {
        name: (*name).to_owned(),
        data_type: data_type.parse().expect("should be a type"),
        nullable: true,
        source_type: None,
    };
    let csv = CsvDialect::default();
    Input {
        name: TableName { database: database.into(), table: table.into() },
        format: FileFormat { csv: Some(csv), ..FileFormat::of(Format::Csv) },
        schemas: vec![Schema { columns: columns.iter().map(column).collect() }],
        partition_columns: Schema::default(),
        files,
        version: None,
        left_out: Tally::default(),
        partitions: None,
        notes: Vec::new(),
    }
}

pub(super) fn job(inputs: Vec<Input>, operation: Operation) -> JobSpec {
    JobSpec {
        version: JobSpec::VERSION,
        inputs,
        operation,
        sink: Sink::Answer,
        bad_rows: BadRows::Fail,
        limits: AnswerLimits { rows: 100, bytes: 64 * 1024 },
    }
}

pub(super) fn query(sql: &str) -> Operation {
    Operation::Query {
        sql: sql.to_owned(),
        this_table: Some(TableName { database: "Shop".into(), table: "Sales".into() }),
        default_database: Some("shop".into()),
        allow_writing: false,
        bindings: std::collections::BTreeMap::new(),
    }
}

pub(super) fn to_files(mut spec: JobSpec, format: Format, partition_by: &[&str]) -> JobSpec {
    spec.sink = Sink::Files(Box::new(FileSink {
        table: None,
        location: "out/table".into(),
        format,
        partition_by: partition_by.iter().map(ToString::to_string).collect(),
        mode: WriteMode::Error,
        target_file_size_bytes: 128 << 20,
        expected: None,
        register: None,
    }));
    spec
}

/// Two files of sales and one table of cities in text.
fn shop() -> (Lake, Vec<Input>) {
    let lake = Lake::new();
    let first = batch(vec![
        ("Id", ints(&[Some(1), Some(2), Some(3)])),
        ("City", texts(&[Some("Linz"), Some("Wien"), None])),
        ("amount", ints(&[Some(10), None, Some(30)])),
    ]);
    let second = batch(vec![
        ("Id", ints(&[Some(4)])),
        ("City", texts(&[Some("Linz")])),
        ("amount", ints(&[Some(5)])),
    ]);
    let files = vec![
        lake.parquet("Shop/Sales/a b.parquet", &first),
        lake.parquet("Shop/Sales/ü.parquet", &second),
    ];
    let sales = parquet_input("Shop.Sales", &first, files);
    let cities = csv_input(
        "shop.cities",
        &[("city", "Utf8"), ("people", "Int64")],
        vec![
            lake.text("shop/cities/1.csv", "city,people\nLinz,210\n,7\n"),
            lake.text("shop/cities/2.csv", "city,people\nGraz,300\n"),
        ],
    );
    (lake, vec![sales, cities])
}
