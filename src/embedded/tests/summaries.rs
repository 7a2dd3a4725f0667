//! Statistics of columns that are read once more.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use serde_json::json;

use super::{Lake, batch, csv_input, ints, job, parquet_input};
use crate::engines::job_spec::{BadRows, Operation, SummaryMethod};

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
