//! Work that is larger than the memory a job may use, in a worker that the system holds to its limit.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use crate::{CONFIG, Mason};

const ROWS: i64 = 200_000;
const BATCH_ROWS: i64 = 1_000;
const TEXT_BYTES: usize = 1_300;

/// Texts in no order, each once; together larger than the limit and what is beside it.
fn text(row: i64) -> String {
    format!("{:0width$}", row * 7_919 % ROWS, width = TEXT_BYTES)
}

fn write_table(mason: &Mason) -> u64 {
    let path = mason.write("data/sales/large.arrow", "");
    let batch = |from: i64| {
        let rows = from..from + BATCH_ROWS;
        let texts: ArrayRef =
            Arc::new(rows.clone().map(|row| Some(text(row))).collect::<StringArray>());
        let numbers: ArrayRef =
            Arc::new(rows.map(|row| (row % 2 == 0).then_some(row)).collect::<Int64Array>());
        RecordBatch::try_from_iter([("text", texts), ("n", numbers)]).unwrap()
    };
    let file = File::create(&path).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(file, &batch(0).schema()).unwrap();
    for from in (0..ROWS).step_by(usize::try_from(BATCH_ROWS).unwrap()) {
        writer.write(&batch(from)).unwrap();
    }
    writer.finish().unwrap();
    path.metadata().unwrap().len()
}

/// Runs an operator that succeeds, and returns the run.
fn run(mason: &Mason, operator: &str, parameters: &[&str]) -> Value {
    let parameters = parameters.iter().flat_map(|parameter| ["-p", parameter]);
    let words = ["run", operator, "--config", "lake", "-q", "-o", "json"].into_iter();
    let called = mason.call(words.chain(parameters));
    assert_eq!(called.code, 0, "{called:?}");
    serde_json::from_str(&called.out).unwrap()
}

#[test]
fn exact_statistics_of_a_table_larger_than_the_limit_are_found_within_it() {
    let mason = Mason::new();
    let bytes = write_table(&mason);
    // The worker may have 64 MiB beside its limit for the program itself.
    assert!(bytes > (128 + 64) << 20, "{bytes}");
    let limits = "root: data, memoryLimit: 128Mi, parallelism: 2";
    mason.write("config.yaml", &CONFIG.replace("root: data", limits));
    assert_eq!(mason.call(["apply", "-f", "config.yaml"]).code, 0);
    let run = run(
        &mason,
        "table/summarize",
        &["database_name=sales", "table_name=large", "method=exact", "top=2"],
    );
    let columns = &run["status"]["result"]["data"]["columns"];
    let shown = |row: usize| format!("{}…", &format!("{row:0TEXT_BYTES$}")[..256]);
    let exact = |count: i64| json!({"count": count, "exact": true, "standardError": 0.0});
    assert_eq!((&columns[0]["count"], &columns[0]["distinct"]), (&json!(ROWS), &exact(ROWS)));
    let top = json!([{"value": shown(0), "count": 1}, {"value": shown(1), "count": 1}]);
    assert_eq!(columns[0]["top"]["values"], top);
    assert_eq!(columns[1]["distinct"], exact(ROWS / 2));
    assert_eq!(
        columns[1]["quantiles"]["values"][1],
        json!({"quantile": 0.5, "value": ROWS / 2 - 2})
    );
}

#[test]
fn thousands_of_columns_are_written_as_parquet_within_the_limit() {
    const COLUMNS: usize = 10_000;
    let mason = Mason::new();
    let names: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
    let row = vec!["1"; COLUMNS].join(",");
    mason.write("data/sales/wide.csv", &format!("{}\n{row}\n", names.join(",")));
    mason.write("config.yaml", &CONFIG.replace("root: data", "root: data, memoryLimit: 1Gi"));
    assert_eq!(mason.call(["apply", "-f", "config.yaml"]).code, 0);
    run(
        &mason,
        "table/format",
        &["database_name=sales", "table_name=wide", "output_path=sales/out", "format=parquet"],
    );
    let run = run(
        &mason,
        "table/query",
        &["database_name=sales", "query_string=select c0 + c9999 as two from out"],
    );
    assert_eq!(run["status"]["result"]["data"], json!([{"two": 2}]));
}
