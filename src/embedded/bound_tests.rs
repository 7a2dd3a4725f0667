//! The bound on an answer bounds the stream that is read, never the plan of the query.

use std::fs;

use serde_json::json;

use super::tests::{Lake, batch, csv_input, ints, job, parquet_input, query, texts};
use crate::engines::job_spec::{AnswerLimits, Input};

/// Four files of text, of which the last is gone since it was pinned: reading it fails.
fn long_text(lake: &Lake) -> Input {
    let numbers: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let rows = format!("{}\n", numbers.join("\n"));
    let files =
        (0..4).map(|at| lake.text(&format!("shop/long/{at}.csv"), &format!("n\n{rows}"))).collect();
    fs::remove_file(lake.path("shop/long/3.csv")).expect("should remove");
    csv_input("shop.long", &[("n", "Int64")], files)
}

#[test]
fn a_long_table_is_read_no_further_than_the_answer_needs() {
    let lake = Lake::new();
    let mut spec = job(vec![long_text(&lake)], query("select n from long"));
    spec.limits = AnswerLimits { rows: 10, bytes: 64 * 1024 };
    let first = lake.run(&spec).expect("should not read the last file");
    assert_eq!(first.answer.as_array().map(Vec::len), Some(10));
    assert_eq!((first.rows, first.truncated), (None, true));
    // The bytes of the answer end it too.
    spec.limits = AnswerLimits { rows: 1_000_000, bytes: 100 };
    assert!(lake.run(&spec).expect("should not read the last file").truncated);
    spec.limits = AnswerLimits { rows: 1_000_000, bytes: 1 << 30 };
    lake.run(&spec).expect_err("reads all files");
}

#[test]
fn distinct_over_a_window_function_needs_no_order() {
    let lake = Lake::new();
    let rows = batch(vec![
        ("env", texts(&[Some("prod"), Some("prod"), Some("staging")])),
        ("host", texts(&[Some("x"), Some("y"), Some("z")])),
        ("region", texts(&[Some("a"), Some("a"), Some("b")])),
        ("v", ints(&[Some(1), Some(2), Some(3)])),
    ]);
    let table = parquet_input("shop.t", &rows, vec![lake.parquet("shop/t/1.parquet", &rows)]);
    let sql = "select distinct env, region, count(*) over (partition by env, host) as n from t";
    let mut found = lake.rows(&job(vec![table], query(sql)));
    let rows = found.as_array_mut().expect("should be rows");
    rows.sort_by_key(ToString::to_string);
    assert_eq!(
        found,
        json!([
            {"env": "prod", "region": "a", "n": 1},
            {"env": "staging", "region": "b", "n": 1},
        ])
    );
}
