//! Input files that changed, are broken, or do not fit their table.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use serde_json::json;

use super::{Lake, batch, csv_input, ints, job, parquet_input, query, shop, texts};
use crate::engines::ErrorKind;
use crate::engines::job_spec::{BadRows, InputFile, JobSpec, Operation};
use crate::engines::table::{FileFormat, Format};

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
fn files_that_disagree_are_refused_outside_of_merge() {
    let (lake, mut inputs) = shop();
    let second = inputs[1].schemas[0].clone();
    inputs[0].schemas.push(second);
    let error = lake.run(&job(inputs, query("select 1 from Sales"))).expect_err("should fail");
    assert!(error.message.contains("2 different schemas"), "{error}");
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
