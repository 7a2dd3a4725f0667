//! The bounds of what is written: sizes of files, files open at once, folders.

use std::fs;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::files::{FileWriter, MOST_OPEN, MOST_PARTITIONS};
use super::tests::{Lake, batch, ints, job, parquet_input, texts, to_files};
use crate::engines::ErrorKind;
use crate::engines::job_spec::{FileSink, JobSpec, MergeRule, Operation, Sink};
use crate::engines::result::Written;
use crate::engines::table::{Format, PinnedFile};
use crate::lake::partitions;

/// Rows whose numbers do not compress well.
fn numbers(from: i64, count: i64) -> RecordBatch {
    let keys: Vec<Option<i64>> = (from..from + count).map(Some).collect();
    let noise: Vec<Option<i64>> = (from..from + count)
        .map(|n| Some(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())))
        .collect();
    batch(vec![("k", ints(&keys)), ("noise", ints(&noise))])
}

fn sink_of(spec: &mut JobSpec) -> &mut FileSink {
    match &mut spec.sink {
        Sink::Files(sink) => sink,
        Sink::Answer => panic!("should write files"),
    }
}

/// The values of the first column of all files, in the order of the files.
fn first_column(lake: &Lake, written: &Written) -> Vec<i64> {
    let mut all = Vec::new();
    for file in &written.files {
        let file = fs::File::open(lake.path(file.path.as_str())).expect("should open");
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 4096);
        for batch in reader.expect("should read") {
            let batch = batch.expect("should read");
            all.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
        }
    }
    all
}

#[test]
fn a_file_that_has_reached_its_size_is_followed_by_another() {
    const TARGET: u64 = 200_000;
    let merge = Operation::Merge {
        on_conflict: MergeRule::Fail,
        extract_paths: std::collections::BTreeMap::new(),
    };
    for operation in [Operation::Format { columns: vec![], sample_rows: None }, merge] {
        let lake = Lake::new();
        let files = (0..3)
            .map(|at| lake.parquet(&format!("s/t/{at}.parquet"), &numbers(at * 30_000, 30_000)));
        let input = parquet_input("s.t", &numbers(0, 1), files.collect());
        let mut spec = to_files(job(vec![input], operation), Format::Parquet, &[]);
        sink_of(&mut spec).target_file_size_bytes = TARGET;
        let written = lake.run(&spec).expect("should run").written.expect("should be written");
        let (last, others) = written.files.split_last().expect("should be several");
        assert!(others.len() > 2, "{written:?}");
        // A file is ended after the batch that fills it.
        let batch_bytes = 8192 * 16;
        for file in others {
            assert!(file.size_bytes > TARGET / 2, "{file:?}");
            assert!(file.size_bytes < TARGET + batch_bytes, "{file:?}");
        }
        assert!(last.size_bytes < TARGET + batch_bytes, "{last:?}");
        assert_eq!(first_column(&lake, &written), (0..90_000).collect::<Vec<_>>());
    }
}

fn partitioned(lake: &Lake) -> FileWriter {
    let mut spec = to_files(
        job(vec![], Operation::Format { columns: vec![], sample_rows: None }),
        Format::Csv,
        &["k"],
    );
    FileWriter::new(sink_of(&mut spec), &lake.work, &numbers(0, 1).schema()).expect("should begin")
}

#[test]
fn no_more_files_are_open_than_may_be_and_no_row_is_lost() {
    let lake = Lake::new();
    let mut writer = partitioned(&lake);
    let folders = i64::try_from(MOST_OPEN).expect("should fit") + 6;
    for _ in 0..2 {
        for key in 0..folders {
            writer.write(&numbers(key, 1)).expect("should write");
            assert!(writer.open_files() <= MOST_OPEN);
        }
    }
    assert_eq!(writer.open_files(), MOST_OPEN);
    let written = writer.finish().expect("should end");
    // The least recently used was closed each time, so every folder has a second part.
    assert_eq!(written.files.len(), 2 * usize::try_from(folders).expect("should fit"));
    assert!(written.files.iter().all(|file| file.rows == 1));
    for (at, parts) in written.files.chunks(2).enumerate() {
        assert!(parts[0].path.as_str().ends_with("/part-00000.csv"), "{at}: {parts:?}");
        assert!(parts[1].path.as_str().ends_with("/part-00001.csv"), "{at}: {parts:?}");
        assert_eq!(parts[0].partition_values, parts[1].partition_values);
    }
}

#[test]
fn more_folders_than_may_be_are_refused_and_nothing_is_left() {
    let lake = Lake::new();
    let mut writer = partitioned(&lake);
    writer.pretend_folders(MOST_PARTITIONS - 1);
    writer.write(&numbers(1, 1)).expect("should be the last folder");
    writer.write(&numbers(1, 1)).expect("should be in the same folder");
    let error = writer.write(&numbers(2, 1)).expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    assert!(error.message.contains("more than 10000 values"), "{error}");
    drop(writer);
    assert!(!lake.path("out/table/t-1/k=1/part-00000.csv").exists());
}

#[test]
fn every_value_of_a_partition_key_reads_back_from_its_folder() {
    let values = [
        Some("__HIVE_DEFAULT_PARTITION__"),
        None,
        Some(""),
        Some("%"),
        Some("%2F"),
        Some("a/b"),
        Some("k=v"),
        Some("."),
        Some(".."),
        Some("_x"),
        Some("ü ä"),
        Some("line\nbreak"),
        Some("null"),
    ];
    for name in ["k", "_k", ".k", "k=k", "k/k"] {
        let lake = Lake::new();
        let rows = batch(vec![(name, texts(&values)), ("n", ints(&[Some(1); 13]))]);
        let format = Operation::Format { columns: vec![], sample_rows: None };
        let mut spec = to_files(job(vec![], format), Format::Csv, &[name]);
        let mut writer =
            FileWriter::new(sink_of(&mut spec), &lake.work, &rows.schema()).expect("should begin");
        writer.write(&rows).expect("should write");
        let written = writer.finish().expect("should end");
        let mut pinned: Vec<PinnedFile> = written
            .files
            .iter()
            .map(|file| lake.root.pin(&file.path).expect("should be there"))
            .collect();
        assert_eq!(partitions::assign(&mut pinned).expect("should agree"), [name]);
        for (file, read) in written.files.iter().zip(&pinned) {
            assert_eq!(file.partition_values, read.partition_values, "{name}: {}", file.path);
            let folders = file.path.as_str().trim_start_matches("out/table/");
            let hidden = |part: &str| part.starts_with('_') || part.starts_with('.');
            assert!(!folders.split('/').any(hidden), "{}", file.path);
        }
        let mut read: Vec<Option<&str>> =
            pinned.iter().map(|file| file.partition_values[0].as_deref()).collect();
        let mut wanted = values.to_vec();
        read.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(read, wanted, "{name}");
    }
}

#[test]
fn rows_without_columns_are_refused_as_what_they_are() {
    let lake = Lake::new();
    let format = Operation::Format { columns: vec![], sample_rows: None };
    let mut spec = to_files(job(vec![], format), Format::Jsonl, &[]);
    let none = Arc::new(Schema::empty());
    let begun = FileWriter::new(sink_of(&mut spec), &lake.work, &none);
    let error = begun.map(|_| ()).expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    assert!(error.message.contains("no columns"), "{error}");
}

#[test]
fn fewer_wide_files_are_open_at_once_and_too_wide_ones_are_refused() {
    let mut lake = Lake::new();
    let format = Operation::Format { columns: vec![], sample_rows: None };
    let open = |lake: &Lake, columns: usize| {
        let mut fields = vec![Field::new("k", DataType::Int64, true)];
        fields.extend((0..columns).map(|at| Field::new(format!("c{at}"), DataType::Int64, true)));
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let mut spec = to_files(job(vec![], format.clone()), Format::Parquet, &["k"]);
        let writer = FileWriter::new(sink_of(&mut spec), &lake.work, &schema);
        writer.map(|writer| writer.most_open())
    };
    assert_eq!(open(&lake, 2).expect("should begin"), MOST_OPEN);
    let some = open(&lake, 200).expect("should begin");
    assert!((2..MOST_OPEN).contains(&some), "{some}");
    lake.work.memory_limit_bytes = 32 << 20;
    assert_eq!(open(&lake, 150).expect("should begin"), 1);
    let error = open(&lake, 5_000).expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::OutOfMemory, "{error}");
    assert!(error.message.contains("5000 columns"), "{error}");
}
