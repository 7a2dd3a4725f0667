//! What an append costs by the number of generations that a table has, on the disk and in memory, in one run.
//!
//! `cargo bench --bench append --features test-support [-- <generations>]`; each append is one small file.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mason::clients::local::files::RootFiles;
use mason::clients::local::root::Root;
use mason::engines::files::Files;
use mason::engines::job::{JobOwner, JobToken};
use mason::engines::job_spec::{FileSink, WriteMode};
use mason::engines::result::{Written, WrittenFile};
use mason::engines::schema::{Column, ColumnType, Schema};
use mason::engines::table::Format;
use mason::lake::commit::{Committer, commit};
use mason::lake::object_files::ObjectFiles;
use object_store::memory::InMemory;

/// Appends that a figure is the median of.
const MEASURED: u64 = 101;

fn main() -> Result<(), Box<dyn Error>> {
    let most: u64 =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir()?;
    let disk = RootFiles::new(Arc::new(Root::open(folder.path())?));
    let runtime = tokio::runtime::Runtime::new()?;
    let memory = ObjectFiles::new(Arc::new(InMemory::new()), runtime.handle().clone());
    measure("disk", &disk, most)?;
    measure("memory", &memory, most)
}

fn measure(name: &str, files: &dyn Files, most: u64) -> Result<(), Box<dyn Error>> {
    let first = median(files, 0)?;
    println!("{name}: the first {MEASURED} appends take {first:?} each");
    let mut made = MEASURED;
    while made + MEASURED < most {
        append(files, made)?;
        made += 1;
    }
    let last = median(files, made)?;
    let ratio = last.as_secs_f64() / first.as_secs_f64();
    println!("{name}: after {made} generations {last:?} each, {ratio:.2} times as long");
    Ok(())
}

fn median(files: &dyn Files, from: u64) -> Result<Duration, Box<dyn Error>> {
    let mut took = Vec::new();
    for run in from..from + MEASURED {
        let started = Instant::now();
        append(files, run)?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

fn append(files: &dyn Files, run: u64) -> Result<(), Box<dyn Error>> {
    let sink = FileSink {
        table: None,
        location: "sales/orders".to_owned(),
        format: Format::Csv,
        partition_by: Vec::new(),
        mode: WriteMode::Append,
        target_file_size_bytes: 1 << 20,
        expected: None,
        register: None,
    };
    let token = JobToken(format!("r{run}"));
    let path = sink.staging(&token)?.join("part-0.csv")?;
    let mut file = files.create(&path)?;
    file.write_all(b"a\n1\n")?;
    file.seal()?;
    let data_type = ColumnType(arrow::datatypes::DataType::Int64);
    let column = Column { name: "a".to_owned(), data_type, nullable: false, source_type: None };
    let written = Written {
        files: vec![WrittenFile {
            path,
            size_bytes: 4,
            sha256: "0".repeat(64),
            rows: 1,
            partition_values: Vec::new(),
        }],
        schema: Schema { columns: vec![column] },
        partition_columns: Schema::default(),
    };
    let owner = JobOwner { run_uid: format!("r{run}"), run: "bench".to_owned(), attempt: 1 };
    let committer = Committer { owner: &owner, token: &token, now: jiff::Timestamp::UNIX_EPOCH };
    commit(files, &sink, &written, committer)?;
    Ok(())
}
