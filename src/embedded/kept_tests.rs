//! What differs each time it is computed is computed once in a statement, or refused by name.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use serde_json::{Value, json};

use super::tests::{Lake, batch, ints, job, parquet_input, query};
use crate::engines::job_spec::Input;
use crate::engines::{EngineError, ErrorKind};

struct Tables {
    lake: Lake,
    inputs: Vec<Input>,
}

impl Tables {
    /// `t` has 3,000 rows in three files; `x` is null in one of a hundred.
    fn new() -> Self {
        let lake = Lake::new();
        let part = |from: i64| {
            let numbers: Vec<Option<i64>> = (from..from + 1000).map(Some).collect();
            let inverse = |i: &i64| {
                let whole = u32::try_from(*i).expect("should fit");
                (i % 100 != 0).then(|| 1.0 / f64::from(whole))
            };
            let x: Float64Array = numbers.iter().flatten().map(inverse).collect();
            let x: ArrayRef = Arc::new(x);
            batch(vec![("i", ints(&numbers)), ("x", x)])
        };
        let parts: Vec<_> = (0..3).map(|part_of| part(part_of * 1000 + 1)).collect();
        let files = parts.iter().enumerate();
        let files =
            files.map(|(at, part)| lake.parquet(&format!("shop/t/{at}.parquet"), part)).collect();
        let inputs = vec![parquet_input("shop.t", &parts[0], files)];
        Self { lake, inputs }
    }

    fn run(&self, sql: &str) -> Result<Value, EngineError> {
        let spec = job(self.inputs.clone(), query(sql));
        self.lake.run_once(&spec).map(|executed| executed.answer)
    }

    fn one(&self, sql: &str) -> Value {
        let rows = self.run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let row = rows.as_array().and_then(|rows| rows.first()).expect("should have a row");
        row.as_object().and_then(|row| row.values().next()).expect("should have a column").clone()
    }

    fn fails(&self, sql: &str) -> EngineError {
        match self.run(sql) {
            Ok(rows) => panic!("{sql} should fail, and is {rows}"),
            Err(error) => error,
        }
    }
}

#[test]
fn a_query_in_with_has_the_same_rows_wherever_it_is_read() {
    let tables = Tables::new();
    for (sql, expected) in [
        ("with r as (select random() as v) select a.v = b.v from r a, r b", json!(true)),
        (
            "with r as (select uuid() as v from t) select count(*) from r a join r b using (v)",
            json!(3000),
        ),
        (
            "with r as (select random() as v from t), s as (select v as w from r) \
             select count(*) from r join s on v = w",
            json!(3000),
        ),
        (
            "with r as (select i from t limit 5) \
             select count(*) from (select i from r intersect select i from r)",
            json!(5),
        ),
        (
            "with r as (select i, random() as v from t order by v limit 7) \
             select count(*) from r where v in (select v from r)",
            json!(7),
        ),
        (
            "with r as (select i, row_number() over () as n from t) \
             select count(*) from r a join r b on a.i = b.i and a.n = b.n",
            json!(3000),
        ),
        (
            "with r as (select sum(x) as s from t) select count(*) from r where s = (select max(s) from r)",
            json!(1),
        ),
        (
            "with recursive a as (select random() as v), \
             r as (select 0 as n, v from a union all select n + 1, a.v from r, a where n < 5) \
             select count(distinct v) from r",
            json!(1),
        ),
        (
            "with recursive r as (select 0 as n, random() as v union all select n + 1, random() from r where n < 5) \
             select count(*) from r a join r b using (n, v)",
            json!(6),
        ),
        (
            "select n from (with r as (select random() as v from t) select count(*) as n from r a join r b using (v)) q",
            json!(3000),
        ),
        (
            "with r(a, b) as (select i, random() from t limit 0) select count(*) from r x, r y",
            json!(0),
        ),
    ] {
        assert_eq!(tables.one(sql), expected, "{sql}");
    }
}

#[test]
fn members_are_looked_for_among_the_same_rows() {
    let tables = Tables::new();
    for _ in 0..5 {
        // Either a null is among the rows, and nothing is known to be no member, or it is not.
        let sql = "with r as (select x from t where random() < 0.02) \
                   select (select count(*) from t where i < 0 or 2.0 not in (select x from r)) as n, \
                   (select count(*) from r where x is null) as nulls";
        let rows = tables.run(sql).unwrap_or_else(|error| panic!("{error}"));
        let row = &rows[0];
        let expected = if row["nulls"] == json!(0) { 3000 } else { 0 };
        assert_eq!(row["n"], json!(expected), "{rows}");
        let sql = "select count(*) from (select 2.0 not in (select x from t where random() < 0.02) as m) q \
                   where m is null or m";
        assert_eq!(tables.one(sql), json!(1));
    }
}

#[test]
fn equal_subqueries_of_one_value_differ_where_they_are_random() {
    let tables = Tables::new();
    let sql = "select (select random()) as a, (select random()) as b";
    let rows = tables.run(sql).unwrap_or_else(|error| panic!("{error}"));
    assert_ne!(rows[0]["a"], rows[0]["b"], "{rows}");
}

#[test]
fn what_is_random_is_computed_once_where_it_is_looked_at_twice() {
    let tables = Tables::new();
    let v = "round(random())";
    for (condition, expected) in [
        (format!("{v} in (0, 1)"), 3000),
        (format!("{v} not in (0, 1)"), 0),
        (format!("case {v} when 0 then 'a' when 1 then 'b' else 'c' end = 'c'"), 0),
        (format!("nullif({v}, 0) = 0"), 0),
        (format!("greatest({v}, {v}) not in (0, 1)"), 0),
        (format!("nvl2(nullif({v}, 0), 1, 2) is null"), 0),
    ] {
        let sql = format!("select count(*) from t where {condition}");
        assert_eq!(tables.one(&sql), json!(expected), "{sql}");
    }
    for (item, condition, expected) in [
        ("q.v", "w is null or w = 0", 0),
        ("q.v + 1", "w not in (1, 2)", 0),
        ("q.v - q.v", "w <> 0", 0),
        ("coalesce(nullif(q.v, 0), 5)", "w not in (1, 5)", 0),
        ("case when q.v = 0 then 'a' when q.v = 1 then 'b' else 'c' end", "w = 'c'", 0),
    ] {
        let inner = if item == "q.v" { "nullif(round(random()), 0)" } else { v };
        let filter = if item == "q.v" { "where q.v is not null" } else { "" };
        let sql = format!(
            "select count(*) from (select {item} as w from (select *, {inner} as v from t) q {filter}) p where {condition}"
        );
        assert_eq!(tables.one(&sql), json!(expected), "{sql}");
    }
    let averages = "select avg(nullif(round(random()), 0)), count(*) from t";
    assert_eq!(tables.one(averages), json!(1.0));
    let between =
        "select count(*) from (select *, random() as r from t) as q where q.r between 0.4 and 0.5";
    let found = tables.one(between).as_i64().expect("should be a number");
    assert!((200..400).contains(&found), "{found}");
}

#[test]
fn what_cannot_be_computed_once_is_refused() {
    let tables = Tables::new();
    for (sql, message) in [
        (
            "select * from t where i in (select u.i from t u where u.i = t.i and random() < 0.5)",
            "a subquery of `in`, `any` or `all` may differ each time it is computed",
        ),
        (
            "select (select max(random()) from t u where u.i = t.i) from t",
            "`random()` or `uuid()` in a subquery of one value",
        ),
    ] {
        let error = tables.fails(sql);
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.hint.is_some(), "{error}");
    }
    let error =
        tables.fails("with r as (select random() as v, nosuch from t) select * from r a, r b");
    assert!(error.message.contains("there is no column `nosuch`"), "{error}");
}
