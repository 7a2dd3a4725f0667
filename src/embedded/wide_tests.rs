//! Tables of thousands of columns.

use std::fmt::Write;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;

use super::tests::{Lake, batch, csv_input, ints, job, parquet_input, query};
use crate::engines::job_spec::{AnswerLimits, Input};

const STATEMENTS: [&str; 2] =
    ["select * from wide", "select * from wide as w where c0 >= 0 order by W.c1 desc limit 2"];

fn named(columns: usize) -> Vec<String> {
    (0..columns).map(|column| format!("c{column}")).collect()
}

fn wide(columns: usize) -> RecordBatch {
    let numbers = |column: usize| {
        let column = i64::try_from(column).expect("should fit");
        ints(&[Some(column), Some(-column), None])
    };
    let names = named(columns);
    batch(names.iter().enumerate().map(|(at, name)| (name.as_str(), numbers(at))).collect())
}

fn parquet(lake: &Lake, columns: usize) -> Input {
    let rows = wide(columns);
    parquet_input("shop.wide", &rows, vec![lake.parquet("shop/wide/1.parquet", &rows)])
}

fn csv(lake: &Lake, columns: usize) -> Input {
    let names = named(columns);
    let mut text = names.join(",");
    for sign in ["", "-"] {
        text.push('\n');
        for column in 0..columns {
            let comma = if column == 0 { "" } else { "," };
            let sign = if column == 0 { "" } else { sign };
            write!(text, "{comma}{sign}{column}").expect("should write");
        }
    }
    text.push('\n');
    let typed: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "Int64")).collect();
    csv_input("shop.wide", &typed, vec![lake.text("shop/wide/1.csv", &text)])
}

fn timed(lake: &Lake, input: &Input, sql: &str, columns: usize) -> Duration {
    let mut spec = job(vec![input.clone()], query(sql));
    spec.limits = AnswerLimits { rows: 100, bytes: 64 << 20 };
    let started = Instant::now();
    let rows = lake.rows(&spec);
    let took = started.elapsed();
    assert_eq!(rows[0].as_object().map(serde_json::Map::len), Some(columns), "{sql}");
    took
}

#[test]
fn all_columns_are_read_without_comparing_each_with_all_others() {
    const COLUMNS: usize = 2_000;
    let lake = Lake::new();
    let inputs = [parquet(&lake, COLUMNS), csv(&lake, COLUMNS)];
    // A select list that has more than the columns is planned so.
    let compared = timed(&lake, &inputs[1], "select *, 1 as one from wide", COLUMNS + 1);
    for input in &inputs {
        for sql in STATEMENTS {
            // Tests beside this one may hold it up: one quick try of some is enough.
            let mut tries = (0..4).map(|_| timed(&lake, input, sql, COLUMNS));
            assert!(tries.any(|took| took * 3 < compared), "{sql}: never below {compared:?} / 3");
        }
    }
}
