//! What a query answers where DataFusion alone would answer otherwise: floats, numbers that do not
//! fit, names of tables before `*`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use serde_json::{Value, json};

use super::tests::{Lake, batch, csv_input, ints, job, parquet_input, query, texts};
use crate::engines::job_spec::Input;
use crate::engines::{EngineError, ErrorKind};

pub(super) struct Tables {
    pub(super) lake: Lake,
    pub(super) inputs: Vec<Input>,
}

impl Tables {
    fn run(&self, sql: &str) -> Result<Value, EngineError> {
        self.lake.run(&job(self.inputs.clone(), query(sql))).map(|executed| executed.answer)
    }

    pub(super) fn rows(&self, sql: &str) -> Value {
        self.run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The values of the only column, in the order of the rows.
    pub(super) fn column(&self, sql: &str) -> Vec<Value> {
        let rows = self.rows(sql);
        let values =
            |row: &Value| row.as_object().expect("should be a row").values().cloned().collect();
        rows.as_array().expect("should be rows").iter().flat_map::<Vec<Value>, _>(values).collect()
    }

    pub(super) fn one(&self, sql: &str) -> Value {
        let mut column = self.column(sql);
        assert_eq!(column.len(), 1, "{sql}");
        column.remove(0)
    }

    pub(super) fn fails(&self, sql: &str) -> EngineError {
        match self.run(sql) {
            Ok(rows) => panic!("{sql} should fail, and is {rows}"),
            Err(error) => error,
        }
    }
}

/// `f` has floats that are equal though their bits are not.
fn floats() -> Tables {
    let lake = Lake::new();
    let x: ArrayRef = Arc::new(Float64Array::from(vec![
        Some(1.0),
        Some(f64::NAN),
        Some(-f64::NAN),
        Some(0.5),
        None,
        Some(-0.0),
        Some(0.0),
        Some(f64::from_bits(0x7ff0_0000_0000_0001)),
    ]));
    let i = ints(&(1..=8).map(Some).collect::<Vec<_>>());
    let f = batch(vec![("i", i), ("x", x)]);
    let inputs = vec![parquet_input("shop.f", &f, vec![lake.parquet("shop/f/1.parquet", &f)])];
    Tables { lake, inputs }
}

#[test]
fn distinct_floats_are_the_same_whatever_else_is_asked() {
    let tables = floats();
    let distinct = vec![json!(0.0), json!(0.5), json!(1.0), json!("NaN"), json!(null)];
    assert_eq!(tables.column("select distinct x from f order by x"), distinct);
    assert_eq!(tables.column("select distinct x from f order by x limit 3"), distinct[..3]);
    assert_eq!(tables.column("select x from f group by x order by x limit 4"), distinct[..4]);
    assert_eq!(tables.column("select x from f union select x from f order by x"), distinct);
    assert_eq!(tables.column("select x from f intersect select x from f order by 1"), distinct);
    assert_eq!(tables.column("select x from f except select x from f"), Vec::<Value>::new());
    let counts = tables.rows(
        "select count(distinct x) as n, count(distinct i) as m, count(*) as rows, max(x) as most from f",
    );
    assert_eq!(counts, json!([{"n": 4, "m": 8, "rows": 8, "most": "NaN"}]));
    assert_eq!(tables.one("select count(distinct x) from f"), json!(4));
    let sizes = "select count(*) as n from f group by x order by x";
    assert_eq!(tables.column(sizes), [2, 1, 1, 3, 1].map(|n| json!(n)));
    let sets = "select count(*) as n from f group by rollup(x) order by n";
    assert_eq!(tables.column(sets), [1, 1, 1, 2, 3, 8].map(|n| json!(n)));
    let windows = "select count(*) over (partition by x) as n from f order by n, i";
    assert_eq!(tables.column(windows), [1, 1, 1, 2, 2, 3, 3, 3].map(|n| json!(n)));
}

#[test]
fn floats_compare_alike_in_conditions_and_joins() {
    let tables = floats();
    let nan = "cast('NaN' as double)";
    let conditions = [
        ("x = 0.0".to_owned(), 2),
        ("x = -0.0".to_owned(), 2),
        ("x < 0.5".to_owned(), 2),
        ("x in (0.0, 7.5)".to_owned(), 2),
        ("x between 0.0 and 0.5".to_owned(), 3),
        ("x > 1e300".to_owned(), 3),
        (format!("x = {nan}"), 3),
        (format!("x <> {nan}"), 4),
        (format!("x < {nan}"), 4),
        (format!("x is not distinct from {nan}"), 3),
        (format!("case x when {nan} then true else false end"), 3),
        (format!("nullif(x, {nan}) is null"), 4),
        ("x in (select x from f where i in (2, 6))".to_owned(), 5),
        ("exists (select 1 from f g where g.x = f.x and g.i <> f.i)".to_owned(), 5),
        ("x = 0.0 / (x - x)".to_owned(), 3),
    ];
    for (condition, rows) in conditions {
        let sql = format!("select count(*) as n from f where {condition}");
        assert_eq!(tables.one(&sql), json!(rows), "{condition}");
    }
    let joined = "select count(*) as n from f join f g on f.x = g.x";
    assert_eq!(tables.one(joined), json!(4 + 9 + 1 + 1));
    let joined = "select count(*) as n from f left join f g using (x)";
    assert_eq!(tables.one(joined), json!(4 + 9 + 1 + 1 + 1));
}

#[test]
fn the_least_and_the_largest_float_do_not_depend_on_the_rows() {
    let tables = floats();
    let extremes = tables.rows("select min(x) as least, max(x) as most from f");
    assert_eq!(extremes, json!([{"least": 0.0, "most": "NaN"}]));
    let grouped = tables.rows(
        "select i % 2 as odd, min(x) as least, max(x) as most from f group by i % 2 order by 1",
    );
    assert_eq!(
        grouped,
        json!([
            {"odd": 0, "least": 0.0, "most": "NaN"},
            {"odd": 1, "least": 0.0, "most": "NaN"},
        ])
    );
    let infinite = "select min(v) as least, max(-v) as most from \
                    (values (1, cast('inf' as double)), (1, cast('inf' as double))) t(g, v) group by g";
    assert_eq!(tables.rows(infinite), json!([{"least": "inf", "most": "-inf"}]));
    let windows = "select max(x) over (order by i rows between 1 preceding and current row) as m \
                   from f order by i";
    let nan = || json!("NaN");
    assert_eq!(
        tables.column(windows),
        [json!(1.0), nan(), nan(), nan(), json!(0.5), json!(0.0), json!(0.0), nan()]
    );
    let sums = "select sum(x) over (order by i rows between 1 preceding and current row) as s \
                from f order by i";
    assert_eq!(
        tables.column(sums),
        [json!(1.0), nan(), nan(), nan(), json!(0.5), json!(0.0), json!(0.0), nan()]
    );
    let greatest =
        "select greatest(x, 0.75) as g, least(x, 0.75) as l from f where i in (3, 6) order by i";
    assert_eq!(tables.rows(greatest), json!([{"g": "NaN", "l": 0.75}, {"g": 0.75, "l": 0.0}]));
}

#[test]
fn different_values_in_a_moving_window_are_added_once() {
    let tables = Tables { lake: Lake::new(), inputs: Vec::new() };
    let sql = |kind: &str| {
        format!(
            "select sum(distinct cast(v as {kind})) over \
             (order by i rows between 2 preceding and current row) as s from \
             (values (1, 4), (2, 4), (3, null), (4, 5), (5, 5), (6, 4), (7, null), (8, null), \
             (9, null)) t(i, v) order by i"
        )
    };
    let expected = json!([4, 4, 4, 9, 5, 9, 9, 4, null]);
    assert_eq!(json!(tables.column(&sql("bigint"))), expected);
    assert_eq!(
        json!(
            tables.column(&format!("select cast(s as bigint) as s from ({})", sql("decimal(9,0)")))
        ),
        expected
    );
}

#[test]
fn the_percentile_at_an_end_is_the_least_or_the_largest() {
    let lake = Lake::new();
    let tables = Tables { lake, inputs: Vec::new() };
    let ends = |values: &str| {
        tables.rows(&format!(
            "select percentile_cont(0.0) within group (order by v) as least, \
             percentile_cont(1.0) within group (order by v) as most, \
             percentile_cont(1.0) within group (order by v desc) as last \
             from (values {values}) t(g, v) group by g"
        ))
    };
    let (infinite, nan) = ("(1, cast('inf' as double))", "(1, cast('nan' as double))");
    let alone = json!([{"least": "inf", "most": "inf", "last": "inf"}]);
    assert_eq!(ends(&format!("{infinite}, {infinite}")), alone);
    let both = json!([{"least": 5.0, "most": "NaN", "last": 5.0}]);
    assert_eq!(ends(&format!("{nan}, (1, 5.0)")), both);
    assert_eq!(ends(&format!("(1, 5.0), {nan}")), both);
}

/// `n` has integers and the texts of decimals at the ends of their types.
fn numbers() -> Tables {
    let lake = Lake::new();
    let n = batch(vec![
        ("v", ints(&[Some(i64::MAX), Some(1), Some(-1), None])),
        ("least", ints(&[Some(i64::MIN), None, None, None])),
        ("d", texts(&[Some(&"9".repeat(38)), Some(&"9".repeat(38)), Some("1"), None])),
        ("g", ints(&[Some(1), Some(1), Some(2), Some(2)])),
    ]);
    let inputs = vec![parquet_input("shop.n", &n, vec![lake.parquet("shop/n/1.parquet", &n)])];
    Tables { lake, inputs }
}

#[test]
fn a_sum_that_does_not_fit_is_an_error_that_names_it() {
    let tables = numbers();
    let decimal = "cast(d as decimal(38,0))";
    for sql in [
        format!("select sum({decimal}) as s from n"),
        format!("select g, sum({decimal}) as s from n group by g"),
        format!("select sum({decimal}) over (order by v) as s from n"),
        "select sum(v) as s from n where v > 0".to_owned(),
        "select g, sum(v) as s from n where v > 0 group by g".to_owned(),
        "select sum(distinct v) as s from n where v > 0".to_owned(),
        "select sum(v) over (order by v rows between 1 preceding and current row) as s from n"
            .to_owned(),
        "select sum(distinct v) over (order by v rows between 1 preceding and current row) as s \
         from n"
            .to_owned(),
        "select sum(least + 0) + sum(least) as s from n".to_owned(),
    ] {
        let error = tables.fails(&sql);
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{sql}: {error}");
        assert!(error.message.contains("is beyond"), "{sql}: {error}");
        assert!(error.hint.is_some(), "{sql}: {error}");
    }
    let error = tables.fails("select sum(v) as s from n where v > 0");
    assert!(error.message.contains("sum(") && error.message.contains("v)"), "{error}");
    let error = tables.fails(&format!("select sum({decimal}) as s from n"));
    assert!(error.message.contains("38 digits"), "{error}");
    // What fits is added, in whatever order.
    let sums = tables.rows("select sum(v) as s, sum(distinct v) as d, sum(g) as g from n");
    assert_eq!(sums, json!([{"s": i64::MAX.to_string(), "d": i64::MAX.to_string(), "g": 6}]));
    let sums = "select g, sum(v) as s from n where v < 2 or v is null group by g order by g";
    assert_eq!(tables.rows(sums), json!([{"g": 1, "s": 1}, {"g": 2, "s": -1}]));
    assert_eq!(tables.one("select sum(v) as s from n where v is null"), json!(null));
    assert_eq!(
        tables.one("select sum(cast(v as decimal(38,0)) * 2) as s from n"),
        json!("18446744073709551614")
    );
}

#[test]
fn arithmetic_that_does_not_fit_is_an_error_that_names_it() {
    let tables = numbers();
    let decimal = "cast(d as decimal(38,0))";
    for expression in [
        "v + 1".to_owned(),
        "least - 1".to_owned(),
        "v * 2".to_owned(),
        "-least".to_owned(),
        "abs(least)".to_owned(),
        "least / -1".to_owned(),
        "9223372036854775807 + v".to_owned(),
        format!("{decimal} + {decimal}"),
        format!("{decimal} * 10"),
        "cast(v as int)".to_owned(),
    ] {
        let error = tables.fails(&format!("select {expression} as e from n"));
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{expression}: {error}");
    }
    let error = tables.fails("select v + 1 as e from n");
    assert!(error.message.contains("`v + 1` is beyond a 64-bit integer"), "{error}");
    let error = tables.fails("select count(*) as n from n where v * 2 > 5");
    assert!(error.message.contains("v * 2"), "{error}");
    // Names and values of what fits are as before.
    let sql = "select v + 1, -v, v * 2 as twice from n where v = 1";
    let rows = tables.rows(sql);
    let row = rows[0].as_object().expect("should be a row");
    assert_eq!(row.values().cloned().collect::<Vec<_>>(), [json!(2), json!(-1), json!(2)]);
    assert_eq!(tables.one("select v + 1 as e from n where v = 1 limit 1 + 1"), json!(2));
    let grouped =
        "select v + 1 as e, count(*) as n from n where v < 2 group by v + 1 order by v + 1";
    assert_eq!(tables.rows(grouped), json!([{"e": 0, "n": 1}, {"e": 2, "n": 1}]));
}

fn orders() -> Tables {
    let lake = Lake::new();
    let inputs = vec![
        csv_input(
            "Shop.Orders",
            &[("id", "Int64"), ("Who", "Int64")],
            vec![lake.text("shop/orders.csv", "id,Who\n1,7\n2,8\n")],
        ),
        csv_input(
            "shop.people",
            &[("who", "Int64"), ("name", "Utf8")],
            vec![lake.text("shop/people.csv", "who,name\n7,Ann\n8,Ben\n")],
        ),
    ];
    Tables { lake, inputs }
}

#[test]
fn the_columns_of_one_table_are_taken_by_its_name() {
    let tables = orders();
    let both = json!([{"id": 1, "Who": 7}, {"id": 2, "Who": 8}]);
    for sql in [
        "select orders.* from orders order by id",
        "select ORDERS.* from Orders order by id",
        "select shop.orders.* from orders order by id",
        "select Shop.Orders.* from shop.orders order by id",
        "select \"Orders\".* from orders order by id",
        "select o.* from orders o order by id",
        "select O.* from orders as o order by id",
        "select \"O\".* from orders as \"O\" order by id",
        "select o.* from (select * from orders) o order by id",
        "with o as (select * from orders) select o.* from o order by id",
        "from orders order by id",
        "from orders select * order by id",
        "select * from (from orders) as o order by id",
        "select orders.* from orders join people on people.who = orders.Who order by id",
    ] {
        assert_eq!(tables.rows(sql), both, "{sql}");
    }
    let joined = "select orders.*, people.NAME from orders join people on people.who = orders.who order by id";
    let named = json!([{"id": 1, "Who": 7, "name": "Ann"}, {"id": 2, "Who": 8, "name": "Ben"}]);
    assert_eq!(tables.rows(joined), named);
    for sql in [
        "select orders.* except (who) from orders order by id",
        "select * exclude (WHO) from orders order by id",
        "select orders.* exclude who from orders order by id",
    ] {
        assert_eq!(tables.rows(sql), json!([{"id": 1}, {"id": 2}]), "{sql}");
    }
    for sql in [
        "select orders.* replace (who + 1 as WHO) from orders order by id",
        "select * replace (who + 1 as who) from orders order by id",
    ] {
        assert_eq!(tables.rows(sql), json!([{"id": 1, "Who": 8}, {"id": 2, "Who": 9}]), "{sql}");
    }
    for sql in [
        "select * replace (1 as whom) from orders",
        "select orders.* replace (1 as whom) from orders",
        "select * replace (id + 1 as whom) from (select * from orders) as o",
        "select * replace (sum(id) as whom) from orders",
        "select orders.* replace (count(*) as whom) from orders group by id, who",
        "select * replace (1 as whom) from orders group by all",
        "select * replace (1 as whom) from orders group by 1, 2",
        "select * replace (1 as whom) from orders having count(*) > 0",
        "select * replace (sum(id) over () as whom) from orders where id > 5 or id < 5",
        "select count(*) as n from (select * replace (max(id) as whom) from orders) as o",
        "with o as (select distinct * replace (max(id) as whom) from orders) select 1 as one from o",
        "select id from orders where exists (select * replace (count(*) as whom) from people)",
    ] {
        let error = tables.fails(sql);
        let is_named =
            error.message.contains("there is no column") && error.message.contains("whom");
        assert!(is_named, "{sql}: {error}");
    }
    let grouped = "select * replace (count(*) as id) from orders group by id, who order by who";
    assert_eq!(tables.rows(grouped), json!([{"id": 1, "Who": 7}, {"id": 1, "Who": 8}]));
    let by_place = "select * replace (who % 2 as id) from orders group by 2, 1 order by who";
    assert_eq!(tables.rows(by_place), json!([{"id": 1, "Who": 7}, {"id": 0, "Who": 8}]));
    let by_all = "select * replace (sum(id) as id) from orders where id < 1 or id > 1 group by all";
    assert_eq!(tables.rows(by_all), json!([{"id": 2, "Who": 8}]));
    let alone = "select * replace (sum(id) as id) from (select id from orders) as o";
    assert_eq!(
        tables.rows(alone),
        json!([{"id": 3}]),
        "one row of all, of which only a replaced column is shown"
    );
    let both = r#"select * replace (1 as "A", 2 as a) from (select 0 as "A", 0 as a) as o"#;
    assert_eq!(tables.rows(both), json!([{"A": 1, "a": 2}]), "two columns, as they are quoted");
    let error = tables.fails("select from orders");
    assert!(error.message.contains("without columns"), "{error}");
    let error = tables.fails("select orders.* from people");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
}

#[test]
fn errors_say_which_column_is_of_which_type() {
    let tables = orders();
    let cases = [
        ("select avg(name) as a from people", "`avg` needs a number; `name` is text"),
        ("select sum(p.Name) as s from people p", "`sum` needs a number; `p.name` is text"),
        (
            "select * from people where name > 71",
            "the text column `name` has the value 'Ann', which is no integer",
        ),
        ("select people.* from orders", "`from` has no table `people`"),
    ];
    for (sql, words) in cases {
        let error = tables.fails(sql);
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{sql}: {error}");
        assert_eq!(error.message, words, "{sql}");
        assert!(error.hint.is_some(), "{sql}: {error}");
    }
}

#[test]
fn an_alias_names_columns_that_have_no_names() {
    let tables = orders();
    let sql = "with recursive r(i, s) as (select 1, 1 union all select i + 1, s + i from r where i < 3) \
               select * from r order by i";
    assert_eq!(tables.rows(sql), json!([{"i": 1, "s": 1}, {"i": 2, "s": 2}, {"i": 3, "s": 4}]));
    let sql = "select * from (select 1, 1) as t(a, b)";
    assert_eq!(tables.rows(sql), json!([{"a": 1, "b": 1}]));
}

#[test]
fn a_condition_above_a_join_compares_the_columns_it_names() {
    let lake = Lake::new();
    let mark = |values: &[Option<&str>]| texts(values);
    let left =
        batch(vec![("id", ints(&[Some(1), Some(2)])), ("mark", mark(&[Some("b"), Some("a")]))]);
    let right = batch(vec![
        ("key", ints(&[Some(1), Some(2), Some(3)])),
        ("mark", mark(&[Some("a"), Some("b"), Some("c")])),
    ]);
    let files = |name: &str, rows| vec![lake.parquet(&format!("shop/{name}/1.parquet"), rows)];
    let inputs = vec![
        parquet_input("shop.l", &left, files("l", &left)),
        parquet_input("shop.r", &right, files("r", &right)),
    ];
    let tables = Tables { lake, inputs };
    for join in ["full", "right", "inner"] {
        let sql = format!(
            "select r.key from l {join} join r on l.id = r.key \
             where (l.mark <= r.mark or r.mark = 'z') and r.mark is not null"
        );
        assert_eq!(tables.column(&sql), [json!(2)], "{join}");
    }
}

/// The rows of a statement in their order, each as its values.
pub(super) fn ordered(tables: &Tables, sql: &str) -> Vec<Vec<Value>> {
    let rows = tables.rows(sql);
    let values =
        |row: &Value| row.as_object().expect("should be a row").values().cloned().collect();
    rows.as_array().expect("should be rows").iter().map(values).collect()
}

#[test]
fn a_key_of_grouping_sets_is_ordered_by_also_where_it_is_one_value() {
    let tables = floats();
    let one_value = "select g, i from (select 7 as g, i from f) where i < 3 group by cube (g, i) \
                     order by g desc nulls last, i nulls first limit 4";
    let (seven, null) = (json!(7), json!(null));
    let first = [
        vec![seven.clone(), null.clone()],
        vec![seven.clone(), json!(1)],
        vec![seven, json!(2)],
        vec![null.clone(), null],
    ];
    assert_eq!(ordered(&tables, one_value), first);
    let by_filter = "select i from f where i = 3 group by rollup (i, x) order by i desc nulls last";
    assert_eq!(tables.column(by_filter), [json!(3), json!(3), json!(null)]);
    let by_order = "select i from (select i from f order by i limit 3) group by rollup (i) \
                    order by i nulls first";
    assert_eq!(tables.column(by_order), [json!(null), json!(1), json!(2), json!(3)]);
}

#[test]
fn a_condition_without_columns_is_on_groups_and_not_on_their_rows() {
    let tables = floats();
    let none: [Value; 0] = [];
    for sql in [
        "select count(*) as n from f having not exists (select i from f)",
        "select count(*) as n from f having (select count(*) from f) = 0 and count(*) > 0",
        "select n from (select count(*) as n from f) as q where (select max(i) from f) < 0",
        "select count(*) as n from f having random() > 2.0",
        "select i from f group by rollup (i) having not exists (select i from f)",
    ] {
        assert_eq!(tables.column(sql), none, "{sql}");
    }
    let groups = "select g, count(*) as n from (select i % 2 as g, * from f) as q group by g \
                  having random() < 0.5";
    for _ in 0..20 {
        let spec = job(tables.inputs.clone(), query(groups));
        let answer = tables.lake.run_once(&spec).expect("should run").answer;
        for group in answer.as_array().expect("should be rows") {
            assert_eq!(group["n"], json!(4), "a group has all of its rows");
        }
    }
    let all = "select count(*) as n from f having exists (select i from f) and count(*) > 0";
    assert_eq!(tables.one(all), json!(8));
}

#[test]
fn grouping_sets_of_no_rows_have_one_row_for_all() {
    let tables = floats();
    let none = "select l.i from (select avg(i) as a from f) as q \
                left join f as l on cast(null as boolean) \
                where not exists (select i from f) group by rollup (l.i, l.x)";
    assert_eq!(tables.column(none), [json!(null)]);
    let none = "select i, count(*) as n from f where i > 100 group by rollup (i, x)";
    assert_eq!(tables.rows(none), json!([{"i": null, "n": 0}]));
}

#[test]
fn a_key_of_grouping_sets_may_compare_floats() {
    let tables = floats();
    let compares = "select i, case when x = 0.0 then 'zero' else 'other' end as k, count(*) as n \
                    from f where i in (6, 4) \
                    group by rollup (case when x = 0.0 then 'zero' else 'other' end, i) \
                    order by k nulls first, i nulls first";
    let null = json!(null);
    let rows = [
        vec![null.clone(), null.clone(), json!(2)],
        vec![null.clone(), json!("other"), json!(1)],
        vec![json!(4), json!("other"), json!(1)],
        vec![null, json!("zero"), json!(1)],
        vec![json!(6), json!("zero"), json!(1)],
    ];
    assert_eq!(ordered(&tables, compares), rows);
}

#[test]
fn a_list_as_text_has_no_words_of_an_error() {
    let tables = floats();
    let far = "make_array(arrow_cast(9223372036854775807, 'Timestamp(Second, None)'))";
    for cast in ["cast({} as varchar)", "arrow_cast({}, 'Utf8')", "{}::text || 'x'"] {
        let error = tables.fails(&format!("select {} as c", cast.replace("{}", far)));
        assert!(error.to_string().contains("cannot be written as text"), "{error}");
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(tables.one(&format!("select try_cast({far} as varchar) as c")), json!(null));
    let plain = "select cast(make_array(1, null, i) as varchar) as c from f where i = 2";
    assert_eq!(tables.one(plain), json!("[1, , 2]"));
}

#[test]
fn a_condition_may_compare_numbers_as_texts() {
    let lake = Lake::new();
    let far = [Some(i64::MIN), Some(-1), Some(9), Some(10), Some(i64::MAX)];
    let near = [Some(5), Some(10), Some(10), Some(9), Some(0)];
    let t = batch(vec![("a", ints(&far)), ("b", ints(&near))]);
    let inputs = vec![parquet_input("shop.t", &t, vec![lake.parquet("shop/t/1.parquet", &t)])];
    let tables = Tables { lake, inputs };
    let as_texts = "select a from t where cast(a as varchar) < cast(b as varchar) order by a";
    assert_eq!(tables.column(as_texts), [json!("-9223372036854775808"), json!(-1), json!(10)]);
    let joined = "select count(*) as n from t join t u on cast(t.a as varchar) > cast(u.b as varchar) \
                  left join t v on cast(null as boolean)";
    assert_eq!(tables.one(joined), json!(4 + 1 + 5));
    let numbers = "select a from t where cast(cast(b as varchar) as bigint) > 9 order by a";
    assert_eq!(tables.column(numbers), [json!(-1), json!(9)]);
}

#[test]
fn an_order_by_what_is_equal_to_something_else_is_planned() {
    let tables = floats();
    let equal = "select i from f where i + i % 2 = i order by i";
    assert_eq!(tables.column(equal), [2, 4, 6, 8].map(|i| json!(i)));
    let twice = "select distinct x, i as a, i as b from f where i + 0 = i \
                 union all select cast(null as double), 7, 7 order by 1 nulls first, 2 desc, 3";
    assert_eq!(tables.rows(twice).as_array().map(Vec::len), Some(9));
}
