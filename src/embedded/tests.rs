//! Whole jobs over small files below a temporary root; values are compared.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use super::*;
use crate::clients::local::files::RootFiles;
use crate::clients::local::root::Root;
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

#[test]
fn query_reads_parquet_and_text_by_name() {
    let (lake, inputs) = shop();
    let sql = "select s.city, sum(S.AMOUNT) as total, max(people) as people \
               from Sales s left join shop.CITIES c on s.City = c.city group by s.city order by 1";
    let rows = lake.rows(&job(inputs, query(sql)));
    let expected = json!([
        {"City": "Linz", "total": 15, "people": 210},
        {"City": "Wien", "total": null, "people": null},
        {"City": null, "total": 30, "people": null},
    ]);
    assert_eq!(rows, expected);
}

#[test]
fn this_table_stands_for_the_runs_own() {
    let (lake, inputs) = shop();
    let rows = lake.rows(&job(inputs, query("select count(*) as n, '$table' as t from $table")));
    assert_eq!(rows, json!([{"n": 4, "t": "$table"}]));
}

#[test]
fn counting_text_needs_no_column() {
    let (lake, inputs) = shop();
    let rows = lake.rows(&job(inputs, query("select count(*) as n from cities")));
    assert_eq!(rows, json!([{"n": 3}]));
}

#[test]
fn answer_is_bounded_in_rows_and_bytes_and_says_so() {
    let (lake, inputs) = shop();
    let mut spec = job(inputs, query("select Id from Sales order by Id"));
    spec.limits.rows = 4;
    let all = lake.run(&spec).expect("should run");
    assert_eq!((all.rows, all.truncated), (Some(4), false));
    spec.limits.rows = 2;
    let some = lake.run(&spec).expect("should run");
    assert_eq!(some.answer, json!([{"Id": 1}, {"Id": 2}]));
    assert_eq!((some.rows, some.truncated), (None, true));
    spec.limits = AnswerLimits { rows: 100, bytes: 25 };
    let some = lake.run(&spec).expect("should run");
    assert_eq!(some.answer, json!([{"Id": 1}, {"Id": 2}]));
    assert!(some.truncated);
}

#[test]
fn what_is_wrong_with_a_query_is_said_in_its_words() {
    let (lake, inputs) = shop();
    let fail = |sql: &str| lake.run(&job(inputs.clone(), query(sql))).expect_err("should fail");
    let error = fail("select amuont from Sales");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    assert!(error.message.contains("`amuont`"), "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("`amount`")), "{error:?}");
    let error = fail("select * from citys");
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("shop.cities")), "{error:?}");
    let error = fail("delete from Sales");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    let error = fail("select a.City, b.City from Sales a, Sales b");
    assert!(error.message.contains("several columns"), "{error}");
    let error = fail("select no_such_function(Id) from Sales");
    assert!(error.message.contains("no_such_function"), "{error}");
    let error = fail("select 1 / 0 from Sales");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    let error = fail("select * from information_schema.tables");
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

#[test]
fn a_file_that_changes_after_it_was_pinned_is_named() {
    let (lake, inputs) = shop();
    fs::write(lake.folder.path().join("shop/cities/2.csv"), "city,people\nGraz,1\nWels,2\n")
        .expect("should write");
    let error = lake.run(&job(inputs.clone(), query("select * from cities"))).expect_err("changed");
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("shop/cities/2.csv"), "{error}");
    fs::remove_file(lake.folder.path().join("Shop/Sales/ü.parquet")).expect("should remove");
    let error = lake.run(&job(inputs, query("select * from Sales"))).expect_err("gone");
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("ü.parquet"), "{error}");
}

/// A Parquet file whose footer is whole and whose last page is not.
fn broken_page(lake: &Lake, path: &str, batch: &RecordBatch) -> InputFile {
    lake.parquet(path, batch);
    let whole = lake.path(path);
    let mut bytes = fs::read(&whole).expect("should read");
    let footer = bytes.len() - 8;
    let length = bytes[footer..].first_chunk::<4>().expect("should be a length");
    let footer = footer - u32::from_le_bytes(*length) as usize;
    bytes[4..footer].fill(0xff);
    fs::write(&whole, bytes).expect("should write");
    lake.pin(path)
}

#[test]
fn a_broken_page_names_the_file_in_queries_and_streams() {
    let lake = Lake::new();
    let rows = batch(vec![("Id", ints(&[Some(1), Some(2)]))]);
    let files =
        vec![lake.parquet("d/t/a.parquet", &rows), broken_page(&lake, "d/t/ö.parquet", &rows)];
    let input = parquet_input("d.t", &rows, files);
    for operation in [
        query("select * from d.t"),
        query("select sum(\"Id\") from d.t where \"Id\" > 0"),
        Operation::Preview { rows: 10 },
        Operation::Deduplicate { keys: vec![], order_by: vec![] },
    ] {
        let error = lake.run(&job(vec![input.clone()], operation)).expect_err("should be broken");
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
        let named = "`d/t/ö.parquet` is not readable as parquet: ";
        assert!(error.message.starts_with(named), "{error}");
        assert!(error.hint.is_some(), "{error:?}");
    }
}

#[test]
fn files_are_written_under_the_token_with_their_checksums() {
    use sha2::{Digest, Sha256};
    let (lake, inputs) = shop();
    let spec = to_files(
        job(inputs, query("select Id, city, amount from Sales order by Id")),
        Format::Parquet,
        &["City"],
    );
    let executed = lake.run(&spec).expect("should run");
    let written = executed.written.expect("should be written");
    let paths: Vec<&str> = written.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "out/table/mason-job-t-1/City=Linz/part-00000.parquet",
            "out/table/mason-job-t-1/City=Wien/part-00000.parquet",
            "out/table/mason-job-t-1/City=__HIVE_DEFAULT_PARTITION__/part-00000.parquet",
        ]
    );
    let names = |schema: &Schema| {
        schema.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&written.schema), names(&written.partition_columns)),
        (vec!["Id".into(), "amount".into()], vec!["City".to_owned()])
    );
    for file in &written.files {
        let bytes = fs::read(lake.folder.path().join(file.path.as_str())).expect("should read");
        assert_eq!(file.size_bytes, bytes.len() as u64);
        assert_eq!(file.sha256, hex::encode(Sha256::digest(&bytes)));
    }
    assert_eq!(written.files[2].partition_values, [None]);
    assert_eq!(executed.rows, Some(4));
    // What was written reads back, keys from the path.
    let files = written.files.iter().map(|file| {
        let mut pinned = lake.pin(file.path.as_str());
        pinned.file.partition_values.clone_from(&file.partition_values);
        pinned
    });
    let back = Input {
        name: TableName { database: "out".into(), table: "table".into() },
        format: FileFormat::of(Format::Parquet),
        schemas: vec![written.schema.clone()],
        partition_columns: written.partition_columns.clone(),
        files: files.collect(),
        version: None,
        left_out: Tally::default(),
        notes: Vec::new(),
    };
    let sql = "select City, Id from out.table where City = 'Linz' or city is null order by id";
    let rows = lake.rows(&job(vec![back], query(sql)));
    assert_eq!(
        rows,
        json!([{"City": "Linz", "Id": 1}, {"City": null, "Id": 3}, {"City": "Linz", "Id": 4}])
    );
}

#[test]
fn a_job_without_rows_leaves_one_file_without_rows() {
    let (lake, inputs) = shop();
    let spec =
        to_files(job(inputs, query("select * from Sales where false")), Format::Parquet, &[]);
    let written = lake.run(&spec).expect("should run").written.expect("should be written");
    assert_eq!(written.files.len(), 1);
    assert_eq!(written.files[0].rows, 0);
}

#[test]
fn nothing_is_left_after_an_error() {
    let (lake, inputs) = shop();
    let cities = csv_input(
        "shop.cities",
        &[("city", "Utf8"), ("people", "Int64")],
        vec![lake.text("shop/c.csv", &format!("city,people\n{}x,y\n", "a,1\n".repeat(100_000)))],
    );
    let spec = to_files(
        job(vec![cities], Operation::Format { columns: vec![], sample_rows: None }),
        Format::Parquet,
        &[],
    );
    lake.run(&spec).expect_err("should fail");
    let left = fs::read_dir(lake.folder.path().join("out/table/t-1"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
    let mut small = Lake::new();
    small.work.disk_limit_bytes = 1_000;
    drop(inputs);
    let numbers = batch(vec![("n", ints(&(0..10_000).map(|n| Some(n * n)).collect::<Vec<_>>()))]);
    let file = small.parquet("a.parquet", &numbers);
    let input = parquet_input("shop.n", &numbers, vec![file]);
    let format = Operation::Format { columns: vec![], sample_rows: None };
    let error =
        small.run(&to_files(job(vec![input], format), Format::Parquet, &[])).expect_err("full");
    assert_eq!(error.kind, ErrorKind::OutOfDisk, "{error}");
    let left = fs::read_dir(small.folder.path().join("out/table/t-1"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[test]
fn format_keeps_the_order_and_the_columns_asked_for() {
    let lake = Lake::new();
    let numbers = |from: i64| {
        let values: Vec<Option<i64>> = (from..from + 30_000).map(Some).collect();
        batch(vec![("n", ints(&values)), ("m", ints(&values))])
    };
    let files = (0..3).map(|at| lake.parquet(&format!("s/n/{at}.parquet"), &numbers(at * 30_000)));
    let input = parquet_input("s.n", &numbers(0), files.collect());
    let format = Operation::Format { columns: vec!["M".into()], sample_rows: Some(70_000) };
    let spec = to_files(job(vec![input], format), Format::Parquet, &[]);
    let written = lake.run(&spec).expect("should run").written.expect("should be written");
    assert_eq!(written.files.iter().map(|file| file.rows).sum::<u64>(), 70_000);
    let file =
        fs::File::open(lake.folder.path().join(written.files[0].path.as_str())).expect("open");
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1 << 20)
        .expect("should read");
    let mut next = 0;
    for batch in reader {
        let batch = batch.expect("should read");
        assert_eq!(batch.num_columns(), 1);
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>().expect("integers");
        for value in column.values() {
            assert_eq!(*value, next);
            next += 1;
        }
    }
}

#[test]
fn preview_gives_the_first_rows_in_the_order_of_files() {
    let (lake, mut inputs) = shop();
    let cities = inputs.remove(1);
    let rows = lake.rows(&job(vec![cities], Operation::Preview { rows: 2 }));
    assert_eq!(rows, json!([{"city": "Linz", "people": 210}, {"city": null, "people": 7}]));
}

#[test]
fn deduplicate_keeps_the_first_whatever_the_files() {
    let lake = Lake::new();
    let rows = batch(vec![
        ("k", ints(&[Some(1), Some(1), None, None, Some(2)])),
        ("Day", ints(&[Some(5), Some(7), Some(1), None, Some(1)])),
        ("x", texts(&[Some("b"), Some("a"), Some("z"), Some("y"), Some("c")])),
    ]);
    let reversed = batch(vec![
        ("k", ints(&[Some(1), Some(2)])),
        ("Day", ints(&[Some(7), Some(1)])),
        ("x", texts(&[Some("A"), Some("d")])),
    ]);
    let files = vec![lake.parquet("a.parquet", &rows), lake.parquet("b.parquet", &reversed)];
    let input = parquet_input("s.t", &rows, files);
    let operation =
        Operation::Deduplicate { keys: vec!["K".into()], order_by: vec!["-day".into()] };
    let Value::Array(mut rows) = lake.rows(&job(vec![input.clone()], operation)) else {
        panic!("should be rows")
    };
    rows.sort_by_key(ToString::to_string);
    assert_eq!(
        rows,
        [
            json!({"k": 1, "Day": 7, "x": "A"}),
            json!({"k": 2, "Day": 1, "x": "c"}),
            json!({"k": null, "Day": 1, "x": "z"}),
        ]
    );
    let twice = Input { files: [input.files.clone(), input.files.clone()].concat(), ..input };
    let operation = Operation::Deduplicate { keys: vec![], order_by: vec![] };
    let executed = lake.run(&job(vec![twice], operation)).expect("should run");
    assert_eq!(executed.rows, Some(7));
}

fn joined(kind: JoinKind) -> Value {
    let lake = Lake::new();
    let left = batch(vec![
        ("id", ints(&[Some(1), Some(2), None])),
        ("v", texts(&[Some("a"), Some("b"), Some("c")])),
    ]);
    let right = batch(vec![
        ("ID", ints(&[Some(2), Some(3), None])),
        ("V", texts(&[Some("x"), Some("y"), Some("z")])),
    ]);
    let inputs = vec![
        parquet_input("s.l", &left, vec![lake.parquet("l.parquet", &left)]),
        parquet_input("s.r", &right, vec![lake.parquet("r.parquet", &right)]),
    ];
    let on = vec![("id".into(), "id".into())];
    let Value::Array(mut rows) =
        lake.rows(&job(inputs, Operation::Join { join: kind, on, suffix: "_right".into() }))
    else {
        panic!("should be rows")
    };
    rows.sort_by_key(ToString::to_string);
    Value::Array(rows)
}

#[test]
fn joins_never_match_nulls_and_name_every_column() {
    assert_eq!(joined(JoinKind::Inner), json!([{"id": 2, "v": "b", "V_right": "x"}]));
    assert_eq!(
        joined(JoinKind::Left),
        json!([
            {"id": 1, "v": "a", "V_right": null},
            {"id": 2, "v": "b", "V_right": "x"},
            {"id": null, "v": "c", "V_right": null},
        ])
    );
    assert_eq!(
        joined(JoinKind::Full),
        json!([
            {"id": 1, "v": "a", "V_right": null},
            {"id": 2, "v": "b", "V_right": "x"},
            {"id": 3, "v": null, "V_right": "y"},
            {"id": null, "v": "c", "V_right": null},
            {"id": null, "v": null, "V_right": "z"},
        ])
    );
    assert_eq!(
        joined(JoinKind::Right),
        json!([
            {"id": 2, "v": "b", "V_right": "x"},
            {"id": 3, "v": null, "V_right": "y"},
            {"id": null, "v": null, "V_right": "z"},
        ])
    );
    assert_eq!(joined(JoinKind::Semi), json!([{"id": 2, "v": "b"}]));
    assert_eq!(joined(JoinKind::Anti), json!([{"id": 1, "v": "a"}, {"id": null, "v": "c"}]));
}

#[test]
fn files_that_disagree_are_refused_outside_of_merge() {
    let (lake, mut inputs) = shop();
    let second = inputs[1].schemas[0].clone();
    inputs[0].schemas.push(second);
    let error = lake.run(&job(inputs, query("select 1 from Sales"))).expect_err("should fail");
    assert!(error.message.contains("2 different schemas"), "{error}");
}

#[test]
fn a_job_that_is_cancelled_ends_at_once() {
    let (lake, inputs) = shop();
    let cancelled = Arc::clone(&lake.work.cancelled);
    let stop = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let begun = std::time::Instant::now();
    let sql = "select count(*) from range(1, 100000000) a, range(1, 100000000) b";
    let error = lake.run(&job(inputs, query(sql))).expect_err("should be cancelled");
    assert!(error.message.contains("cancelled"), "{error}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    stop.join().expect("should end");
}

#[test]
fn values_are_compared_and_computed_as_the_docs_say() {
    let (lake, inputs) = shop();
    let sql = "select cast('NaN' as double) = cast('NaN' as double) as same, \
               cast('NaN' as double) > 1e300 as largest, \
               0.1 + 0.2 as float, \
               cast('0.1' as decimal(10, 2)) + cast('0.2' as decimal(10, 2)) as exact";
    let rows = lake.rows(&job(inputs.clone(), query(sql)));
    let expected = json!([{
        "same": true, "largest": true,
        "float": 0.300_000_000_000_000_04, "exact": "0.30",
    }]);
    assert_eq!(rows, expected);
    let rows =
        lake.rows(&job(inputs, query("select amount from Sales order by amount desc limit 1")));
    assert_eq!(rows, json!([{"amount": null}]));
}

#[test]
fn a_plan_that_is_too_large_is_run_again_with_less_or_fails_in_words() {
    let mut lake = Lake::new();
    lake.work.memory_limit_bytes = 48 << 20;
    let numbers: Vec<Option<i64>> = (0..400_000).map(Some).collect();
    let long: Vec<Option<String>> = numbers
        .iter()
        .map(|n| n.map(|n| format!("a rather long text of number {n:>20}")))
        .collect();
    let long: ArrayRef = Arc::new(StringArray::from(long));
    let rows = batch(vec![("n", ints(&numbers)), ("text", long)]);
    let inputs = vec![
        parquet_input("s.l", &rows, vec![lake.parquet("l.parquet", &rows)]),
        parquet_input("s.r", &rows, vec![lake.parquet("r.parquet", &rows)]),
    ];
    let sql =
        "select count(*) as n, max(r.text) as t from s.l join s.r on l.n = r.n and l.text = r.text";
    let executed = lake.run(&job(inputs, query(sql))).expect("should run the second time");
    assert_eq!(
        executed.answer,
        json!([{"n": 400_000, "t": format!("a rather long text of number {:>20}", 399_999)}])
    );
    assert!(
        executed.warnings.iter().any(|words| words.contains("joins by sorting")),
        "{executed:?}"
    );
}

fn summary(quantiles: &[f64]) -> Operation {
    Operation::Summarize {
        columns: Vec::new(),
        method: SummaryMethod::Exact,
        quantiles: quantiles.to_vec(),
        top: 4,
    }
}

#[test]
fn exact_statistics_that_do_not_fit_into_memory_are_those_that_do() {
    let mut lake = Lake::new();
    let numbers: Vec<Option<i64>> = (0..60_000).map(|n| (n % 11 > 0).then_some(n / 3)).collect();
    let long: ArrayRef = Arc::new(
        numbers
            .iter()
            .map(|n| n.map(|n| format!("{} a rather long text", n * 7919 % 50_000)))
            .collect::<StringArray>(),
    );
    let rows =
        batch(vec![("N", ints(&numbers)), ("a text", long), ("few", ints(&[Some(7); 60_000]))]);
    let files = (0..3)
        .map(|at| lake.parquet(&format!("s/t/{at}.parquet"), &rows.slice(at * 20_000, 20_000)));
    let input = parquet_input("s.t", &rows, files.collect());
    let spec = job(vec![input], summary(&[0.0, 0.3, 0.5, 1.0]));
    // Both limits have batches of the same size, which sums of floats depend on.
    lake.work.memory_limit_bytes = 128 << 20;
    let fits = lake.rows(&spec);
    assert_eq!(fits["columns"][0]["distinct"]["count"], 20_000);
    lake.work.memory_limit_bytes = 8 << 20;
    assert_eq!(lake.rows(&spec), fits);
    assert_eq!(
        lake.work.progress.get().map(|progress| progress.phase),
        Some("sorting `a text`".into())
    );
}

#[test]
fn cells_that_became_null_are_counted_once_when_a_column_is_read_again() {
    let mut lake = Lake::new();
    lake.work.memory_limit_bytes = 8 << 20;
    let lines = (0..50_000).map(|n| if n == 9 { "x\n".into() } else { format!("{n}\n") });
    let file = lake.text("s/t.csv", &format!("n\n{}", lines.collect::<String>()));
    let mut spec = job(vec![csv_input("s.t", &[("n", "Int64")], vec![file])], summary(&[0.5]));
    spec.bad_rows = BadRows::Null;
    let executed = lake.run(&spec).expect("should run");
    let column = &executed.answer["columns"][0];
    assert_eq!((&column["nulls"], &column["distinct"]["count"]), (&json!(1), &json!(49_999)));
    assert_eq!(column["quantiles"]["values"], json!([{"quantile": 0.5, "value": 25_000}]));
    assert_eq!(
        executed.warnings,
        ["1 cell did not fit and is null: 1 in column `n`, `s/t.csv` row 10 \
             (`x` is not a value of type Int64)"]
    );
    assert!(lake.work.progress.get().is_some_and(|progress| progress.phase.starts_with("sorting")));
}

/// A table of three Parquet files, of which the second is as `second` makes it.
fn with_second(second: impl FnOnce(&Lake) -> InputFile) -> (Lake, JobSpec) {
    let lake = Lake::new();
    let rows = |from: i64| {
        let numbers: Vec<Option<i64>> = (from..from + 3).map(Some).collect();
        batch(vec![("n", ints(&numbers)), ("m", ints(&numbers))])
    };
    let files = vec![
        lake.parquet("s/t/1.parquet", &rows(1)),
        second(&lake),
        lake.parquet("s/t/3.parquet", &rows(30)),
    ];
    let input = parquet_input("s.t", &rows(1), files);
    (lake, job(vec![input], query("select n from s.t order by n")))
}

#[test]
fn parquet_files_that_no_longer_fit_their_table_fail_the_job_or_are_left_out_whole() {
    let floats: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![1.5]));
    let n = || ints(&[Some(7)]);
    for (columns, words) in [
        (vec![("n", Arc::clone(&floats)), ("m", n())], "`n` is Float64, not Int64"),
        (vec![("n", texts(&[Some("7")])), ("m", n())], "`n` is Utf8, not Int64"),
        (vec![("n", n()), ("x", n())], "`m` is missing"),
    ] {
        let rows = batch(columns);
        let (lake, mut spec) = with_second(|lake| lake.parquet("s/t/2.parquet", &rows));
        for bad_rows in [BadRows::Fail, BadRows::Null] {
            spec.bad_rows = bad_rows;
            let error = lake.run(&spec).expect_err("should fail");
            assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
            assert!(error.message.contains(words), "{error}");
        }
        spec.bad_rows = BadRows::Reject;
        let executed = lake.run(&spec).expect("should run");
        let left = [1, 2, 3, 30, 31, 32].map(|n| json!({"n": n}));
        assert_eq!(executed.answer, json!(left), "{words}");
        assert!(executed.warnings[0].starts_with("1 file was left out"), "{executed:?}");
    }
}

#[test]
fn parquet_files_may_have_their_columns_in_another_order_and_more_of_them() {
    let n = || ints(&[Some(7)]);
    let rows = batch(vec![("x", n()), ("m", n()), ("n", n())]);
    let (lake, mut spec) = with_second(|lake| lake.parquet("s/t/2.parquet", &rows));
    for bad_rows in [BadRows::Fail, BadRows::Reject] {
        spec.bad_rows = bad_rows;
        assert_eq!(lake.rows(&spec), json!([1, 2, 3, 7, 30, 31, 32].map(|n| json!({"n": n}))));
    }
}

#[test]
fn a_broken_parquet_file_fails_the_job_or_is_left_out_whole() {
    let numbers: Vec<Option<i64>> = (0..5000).map(|n| Some(n * n)).collect();
    let rows = batch(vec![("n", ints(&numbers)), ("m", ints(&numbers))]);
    let (lake, mut spec) = with_second(|lake| {
        lake.parquet("s/t/2.parquet", &rows);
        let path = lake.folder.path().join("s/t/2.parquet");
        let mut bytes = fs::read(&path).expect("should read");
        bytes[4..4000].fill(0xff);
        fs::write(path, bytes).expect("should write");
        lake.pin("s/t/2.parquet")
    });
    lake.run(&spec).expect_err("should fail");
    spec.bad_rows = BadRows::Reject;
    let executed = lake.run(&spec).expect("should run");
    assert_eq!(executed.rows, Some(6));
    assert!(executed.warnings[0].starts_with("1 file was left out"), "{executed:?}");
}

#[test]
fn rows_that_are_left_out_are_the_same_for_every_statement_and_count_once() {
    let lake = Lake::new();
    let file = lake.text("s/t.csv", "a,b\n1,1\n2\n3,x\n4,4\n");
    let columns = [("a", "Int64"), ("b", "Int64")];
    let run = |sql: &str| {
        let mut spec = job(vec![csv_input("s.t", &columns, vec![file.clone()])], query(sql));
        spec.bad_rows = BadRows::Skip;
        lake.run(&spec).expect("should run")
    };
    for sql in [
        "select count(*) as n from s.t",
        "select count(a) as n from s.t",
        "select count(*) as n from s.t l join s.t r on l.a = r.a",
    ] {
        let executed = run(sql);
        assert_eq!(executed.answer, json!([{"n": 2}]), "{sql}");
        let expected = "2 rows were left out: `s/t.csv` row 2 (1 cell, not 2), \
                        `s/t.csv` row 3 (column `b`: `x` is not a value of type Int64)";
        assert_eq!(executed.warnings, [expected], "{sql}");
    }
}

#[test]
fn columns_that_a_declared_table_does_not_have_are_told_whatever_the_format() {
    let lake = Lake::new();
    let old = batch(vec![("a", ints(&[Some(1)]))]);
    let new = batch(vec![("c", ints(&[Some(7)])), ("a", ints(&[Some(3)]))]);
    let parquet = ["1", "2"].map(|file| format!("shop/t/{file}.parquet"));
    let files = vec![lake.parquet(&parquet[0], &old), lake.parquet(&parquet[1], &new)];
    let scanned = parquet_input("shop.t", &old, files);
    let lines = "{\"a\": 3, \"c\": 7}\n".repeat(3);
    let files =
        vec![lake.text("shop/j/1.jsonl", "{\"a\": 1}\n"), lake.text("shop/j/2.jsonl", &lines)];
    let mut json = csv_input("shop.t", &[("a", "Int64")], files);
    json.format = FileFormat::of(Format::Jsonl);
    let packed = [0x82, 0xa1, b'a', 3, 0xa1, b'c', 7];
    let mut msgpack =
        csv_input("shop.t", &[("a", "Int64")], vec![lake.file("shop/m/2.msgpack", &packed)]);
    msgpack.format = FileFormat::of(Format::Msgpack);
    for (input, path, bad_rows) in [
        (scanned.clone(), "shop/t/2.parquet", BadRows::Fail),
        (scanned, "shop/t/2.parquet", BadRows::Reject),
        (json, "shop/j/2.jsonl", BadRows::Fail),
        (msgpack, "shop/m/2.msgpack", BadRows::Fail),
    ] {
        for sql in ["select sum(a) as n from t", "select l.a from t l join t r on l.a = r.a"] {
            let mut spec = job(vec![input.clone()], query(sql));
            spec.bad_rows = bad_rows;
            let executed = lake.run(&spec).expect("should run");
            let words = format!(
                "columns that the table does not have were not read: `c` in `{path}`; `table/merge`"
            );
            assert!(
                executed.warnings.iter().any(|one| one.starts_with(&words)),
                "{path}: {executed:?}"
            );
        }
    }
}

#[test]
fn columns_that_a_declared_table_does_not_have_are_told_with_their_files() {
    let lake = Lake::new();
    let old = lake.text("shop/t/1.csv", "a,b\n1,2\n");
    let new = lake.text("shop/t/2.csv", "a,c,b,d\n3,x,4,y\n");
    let inputs = vec![csv_input("shop.t", &[("a", "Int64"), ("b", "Int64")], vec![old, new])];
    for sql in ["select sum(a) as n from t", "select t.a + 0 as n from t where b = 4"] {
        let executed = lake.run(&job(inputs.clone(), query(sql))).expect("should run");
        let words = "columns that the table does not have were not read: `c` in `shop/t/2.csv`; \
                     `d` in `shop/t/2.csv`";
        assert!(executed.warnings.iter().any(|one| one.starts_with(words)), "{executed:?}");
    }
}
