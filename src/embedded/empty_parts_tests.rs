//! What a query answers where a part of it is known to have no rows before it runs: a side of a union,
//! or the matches of a join whose condition is a constant.

use serde_json::{Value, json};

use super::sql_tests::{Tables, ordered};
use super::tests::{Lake, batch, ints, parquet_input};

/// Conditions that no row fulfils, known before any is read.
const NEVER: [&str; 5] =
    ["null", "false", "1 = 2", "cast(null as boolean)", "coalesce(cast(null as boolean), false)"];

/// `l` has three rows and `r` two, of columns whose names are the same in another order; `s` has one.
fn tables() -> Tables {
    let lake = Lake::new();
    let numbers = |values: &[i64]| ints(&values.iter().copied().map(Some).collect::<Vec<_>>());
    let l = batch(vec![("a", numbers(&[1, 2, 3])), ("b", numbers(&[10, 20, 30]))]);
    let r = batch(vec![("b", numbers(&[7, 8])), ("a", numbers(&[70, 80]))]);
    let s = batch(vec![("n", numbers(&[5]))]);
    let input = |name: &str, rows| {
        let file = lake.parquet(&format!("shop/{name}/1.parquet"), rows);
        parquet_input(&format!("shop.{name}"), rows, vec![file])
    };
    let inputs = vec![input("l", &l), input("r", &r), input("s", &s)];
    Tables { lake, inputs }
}

fn rows(rows: &[&[i64]]) -> Vec<Vec<Value>> {
    rows.iter().map(|row| row.iter().map(|value| json!(value)).collect()).collect()
}

#[test]
fn a_union_of_which_one_part_is_left_takes_columns_by_their_places() {
    let tables = tables();
    let mut conditions = NEVER.into_iter().cycle();
    for part in [
        "select b as y, a as x from r",
        "select distinct b as y, a as x from r",
        "select b as v, a as w from r group by b, a",
        "select distinct * from r",
        "select * from (select distinct b as y, a as x from r) as q",
        "(select b as y, a as x from r order by a limit 2)",
        "(values (7, 70), (8, 80) limit 2)",
    ] {
        for union in [
            "EMPTY union all PART order by 1",
            "EMPTY union all PART order by x, y",
            "EMPTY union PART order by 1",
            "EMPTY union all PART union all EMPTY order by y",
            "select x, y from (EMPTY union all PART) as q where x > 0 order by x",
            "select distinct x, y from (EMPTY union all PART) as q order by x",
            "select max(x), y from (EMPTY union all PART) as q group by y order by 1",
            "select q.x, q.y from (EMPTY union all PART) as q, s order by x limit 9",
            "with q as (EMPTY union all PART) select x, y from q order by x",
        ] {
            let never = conditions.next().expect("should go on");
            let empty = format!("select a as x, b as y from l where {never}");
            let union = union.replace("EMPTY", &empty).replace("PART", part);
            assert_eq!(ordered(&tables, &union), rows(&[&[7, 70], &[8, 80]]), "{union}");
        }
    }
}

#[test]
fn a_union_within_a_condition_takes_columns_by_their_places() {
    let tables = tables();
    let union =
        "select a as x, b as y from l where 1 = 2 union all select distinct a as y, b as x from l";
    let exists =
        format!("select a from l where exists (select 1 from ({union}) q where q.y = l.b - 10)");
    assert_eq!(tables.column(&format!("{exists} order by a")), [json!(2), json!(3)]);
    let found = "select a from l where a in (select b from r where 1 = 2 union all select distinct a from l) \
                 order by a";
    assert_eq!(tables.column(found), [json!(1), json!(2), json!(3)]);
}

#[test]
fn a_union_of_unions_takes_columns_by_their_places() {
    let tables = tables();
    let inner = "select distinct b as y, a as x from r union all select distinct a, b from l";
    let all = rows(&[&[1, 10], &[2, 20], &[3, 30], &[7, 70], &[8, 80]]);
    for union in [
        format!("select a as x, b as y from l where 1 = 2 union all ({inner}) order by 1"),
        format!("({inner}) union all select a as x, b as y from l where false order by 1"),
        format!(
            "select * from ({inner}) as q union all (select 0 as z, 1 as y limit 0) order by 1"
        ),
        format!(
            "select y as x, x as y from ({inner}) union all (select n, n + 1 as m from s limit 0) order by x"
        ),
    ] {
        assert_eq!(ordered(&tables, &union), all, "{union}");
    }
}

/// How many rows a join has of `l`, `r` and both.
fn counted(tables: &Tables, joined: &str) -> Vec<Vec<Value>> {
    ordered(tables, &format!("select count(l.a), count(r.a), count(*) from {joined}"))
}

/// How many rows each join has of `l`, `r` and both when nothing matches.
const WITHOUT_MATCHES: [(&str, [i64; 3]); 4] = [
    ("join", [0, 0, 0]),
    ("left join", [3, 0, 3]),
    ("right join", [0, 2, 2]),
    ("full join", [3, 2, 5]),
];

#[test]
fn a_join_that_never_matches_keeps_the_rows_of_its_outer_sides() {
    let tables = tables();
    for never in NEVER {
        for (join, expected) in WITHOUT_MATCHES {
            for joined in [
                format!("l {join} r on {never}"),
                format!("l {join} r on l.a < r.a and {never}"),
                format!("l {join} r on {never} or l.a = r.a"),
                format!("l {join} r on {never} join s on s.n > 0"),
                format!("s join (l {join} r on {never}) on true"),
                format!("l {join} r on {never} left join s on {never}"),
            ] {
                assert_eq!(counted(&tables, &joined), rows(&[&expected]), "{joined}");
            }
            let none = format!("l {join} r on {never} join s on {never}");
            assert_eq!(counted(&tables, &none), rows(&[&[0, 0, 0]]), "{none}");
        }
    }
}

#[test]
fn what_stands_above_a_join_that_never_matches_sees_its_rows() {
    let tables = tables();
    for never in NEVER {
        let right = format!("select l.a as x, r.b as y from l right join r on {never}");
        let (null, seven, eight) = (json!(null), json!(7), json!(8));
        let both = [vec![null.clone(), seven.clone()], vec![null.clone(), eight.clone()]];
        for sql in [
            format!("{right} order by y"),
            format!("{right} order by 2 limit 5"),
            format!("select distinct x, y from ({right}) as q order by y"),
            format!("select x, y from ({right}) as q where x is null order by y"),
            format!("select x, max(y) as y from ({right}) as q group by x, y order by 2"),
            format!("{right} union all select a, b from l where {never} order by y"),
            format!("select a as x, b as y from l where {never} union all {right} order by y"),
            format!("select distinct a as x, b as y from l where {never} union {right} order by y"),
        ] {
            assert_eq!(ordered(&tables, &sql), both, "{sql}");
        }
        for (condition, found) in [
            (format!("exists (select 1 from r where {never})"), 0),
            (format!("not exists (select 1 from r where r.b = l.a or {never})"), 3),
            (format!("a in (select l2.a from l as l2 join r on {never})"), 0),
            (format!("a not in (select l2.a from l as l2 join r on {never})"), 3),
            (format!("a in (select l2.a from l as l2 left join r on {never})"), 3),
        ] {
            let sql = format!("select count(*) as n from l where {condition}");
            assert_eq!(tables.one(&sql), json!(found), "{sql}");
        }
    }
}
