//! Jobs that write files.

use std::fs;

use arrow::array::Int64Array;
use serde_json::json;

use super::{Lake, batch, csv_input, ints, job, parquet_input, query, shop, to_files};
use crate::engines::ErrorKind;
use crate::engines::bad_rows::Tally;
use crate::engines::job_spec::{Input, Operation};
use crate::engines::schema::Schema;
use crate::engines::table::{FileFormat, Format, TableName};

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
        partitions: None,
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
