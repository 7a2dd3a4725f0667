//! Mason's answer: the statement goes through the worker's engine as that of a run does (analysed, planned,
//! streamed to the sink, written as JSON), without a process of its own for each.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mason::clients::local::files::RootFiles;
use mason::clients::local::root::Root;
use mason::embedded::execute;
use mason::embedded::work::Work;
use mason::engines::job::{JobOwner, JobToken};
use mason::engines::job_spec::JobSpec;
use mason::engines::schema::Schema;
use mason::engines::table::StoragePath;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::tables::{DATABASE, Table};

/// Most rows of an answer: more than any statement has.
const MOST_ROWS: u64 = 100_000;

/// The tables as files below a root, and what is needed to query them.
pub(crate) struct Mason {
    _folder: TempDir,
    root: Arc<Root>,
    /// Each table's part of a job, by its name.
    inputs: Vec<(&'static str, Value)>,
    jobs: AtomicU64,
}

impl Mason {
    /// Writes the tables.
    pub(crate) fn new(tables: &[Table]) -> Self {
        let folder = tempfile::tempdir().expect("should make a folder");
        let root = Arc::new(Root::open(folder.path()).expect("should open"));
        let inputs = tables.iter().map(|table| (table.name, input(&root, table))).collect();
        Self { _folder: folder, root, inputs, jobs: AtomicU64::new(0) }
    }

    /// Returns the rows of a statement, or the words with which it is refused.
    pub(crate) fn rows(&self, runtime: &Runtime, sql: &str) -> Result<Vec<Vec<Value>>, String> {
        let tables = mason::sql::referenced_tables(sql, None, Some(DATABASE))
            .map_err(|problems| format!("{problems:?}"))?;
        let is_read = |name: &str| tables.iter().any(|table| table.table == name);
        let inputs: Vec<&Value> = (self.inputs.iter())
            .filter(|(name, _)| is_read(name))
            .map(|(_, input)| input)
            .collect();
        let spec: JobSpec = serde_json::from_value(json!({
            "version": JobSpec::VERSION,
            "inputs": inputs,
            "operation": {
                "kind": "query",
                "sql": sql,
                "thisTable": null,
                "defaultDatabase": DATABASE,
                "allowWriting": false,
            },
            "sink": {"kind": "answer"},
            "limits": {"rows": MOST_ROWS, "bytes": 1 << 30},
        }))
        .expect("should be a job");
        let executed = runtime
            .block_on(execute(&spec, &self.work()))
            .map_err(|error| format!("{:?}: {error}", error.kind))?;
        assert!(!executed.truncated, "more than {MOST_ROWS} rows of {sql}");
        Ok(values(executed.answer))
    }

    fn work(&self) -> Work {
        let job = self.jobs.fetch_add(1, Ordering::Relaxed);
        let token = JobToken(format!("t-{job}"));
        Work {
            files: Arc::new(RootFiles::new(Arc::clone(&self.root))),
            scratch: self.root.scratch(&token).expect("should make a folder"),
            began: jiff::Timestamp::UNIX_EPOCH,
            owner: JobOwner { run_uid: "u".into(), run: "r".into(), attempt: 1 },
            token,
            memory_limit_bytes: 256 << 20,
            disk_limit_bytes: 1 << 30,
            parallelism: 2,
            progress: Arc::default(),
            cancelled: Arc::new(AtomicBool::new(false)),
        }
    }
}

/// Writes a table and returns its part of a job.
fn input(root: &Root, table: &Table) -> Value {
    let pinned = table.write(Path::new(root.path())).into_iter().map(|path| {
        let path = StoragePath::new(&path).expect("should be a path");
        serde_json::to_value(root.pin(&path).expect("should pin")).expect("should be JSON")
    });
    json!({
        "name": {"database": DATABASE, "table": table.name},
        "format": {"format": table.format()},
        "schemas": [Schema::from_arrow(table.schema().as_ref())],
        "partitionColumns": Schema::default(),
        "files": pinned.collect::<Vec<_>>(),
    })
}

fn values(answer: Value) -> Vec<Vec<Value>> {
    let Value::Array(rows) = answer else { panic!("the answer is no list: {answer}") };
    let row = |row| match row {
        Value::Object(row) => row.into_iter().map(|(_, value)| value).collect(),
        other => panic!("a row is no object: {other}"),
    };
    rows.into_iter().map(row).collect()
}
