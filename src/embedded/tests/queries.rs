//! Queries: names, answers and their bounds, errors, cancellation, memory.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use serde_json::json;

use super::{Lake, batch, ints, job, parquet_input, query, shop};
use crate::engines::ErrorKind;
use crate::engines::job_spec::AnswerLimits;

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
