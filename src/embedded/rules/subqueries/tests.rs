//! Subqueries with nulls on every side, in every place: what is expected is what DuckDB answers, and
//! another database too.

use serde_json::{Value, json};

use crate::embedded::tests::{Lake, batch, ints, job, parquet_input, query};
use crate::engines::job_spec::Input;
use crate::engines::{EngineError, ErrorKind};

/// A predicate over the rows of `a`, and its value for those with the ids 1, 2, 4 and null: true,
/// false or unknown.
const PREDICATES: &[(&str, &str)] = &[
    ("3 not in (select id from b)", "????"),
    ("3 in (select id from b)", "????"),
    ("1 in (select id from b)", "TTTT"),
    ("1 not in (select id from b)", "FFFF"),
    ("null in (select id from b)", "????"),
    ("id in (select id from b)", "T???"),
    ("id not in (select id from b)", "F???"),
    ("id not in (select id from b where id is not null)", "FTT?"),
    ("id in (select id from b where false)", "FFFF"),
    ("id not in (select id from b where false)", "TTTT"),
    ("id + 1 not in (select id from b where id is not null)", "TTF?"),
    ("id in (select id from b order by id nulls last limit 1)", "TFF?"),
    ("id not in (select id from b where id > 0 order by id limit 1 offset 1)", "TTT?"),
    ("id in (select v from (values (1), (4)) as s(v))", "TFT?"),
    ("id not in (select v from (values (1), (null)) as s(v))", "F???"),
    ("3 not in (select b.id from b where b.g = a.g)", "T?T?"),
    ("id in (select b.id from b where b.g = a.g)", "T?F?"),
    ("id not in (select b.id from b where b.g = a.g)", "F?T?"),
    ("id not in (select b.id from b where b.id = a.id)", "FTTT"),
    ("id not in (select b.id from b where b.g = a.g + 5)", "TTTT"),
    ("id not in (select b.id from b where b.g > a.g)", "?T?T"),
    ("id in (select b.id from b where b.g = a.g or b.id = 5)", "T?F?"),
    ("id in (select distinct b.id from b where b.g = a.g)", "T?F?"),
    ("id in (select b.id + a.g - 1 from b)", "TT??"),
    ("id in (select b.id from b where b.g = a.g union all select 4)", "T?T?"),
    ("id not in (select b.id from b where b.g = a.g union select null)", "F???"),
    ("id in (select max(b.id) from b where b.g = a.g)", "F?F?"),
    ("id not in (select max(b.id) from b where b.g = a.g)", "T?T?"),
    ("0 in (select count(*) from b where b.g = a.g + 1)", "FTFT"),
    ("0 not in (select count(*) from b where b.g = a.g + 1)", "TFTF"),
    ("2 in (select count(*) from b where b.g = a.g having count(*) > 1)", "TFTF"),
    ("1 in (select count(*) from b where b.g = a.g having count(*) < a.id)", "FTFF"),
    ("2 in (select count(*) from b where b.g = a.g group by b.g)", "TFTF"),
    ("0 in (select count(*) from b where b.g = a.g + 1 group by b.g)", "FFFF"),
    ("0 in (select count(*) from b where id = 77)", "TTTT"),
    ("exists (select 1 from b where b.g = a.g + 1)", "TFTF"),
    ("exists (select count(*) from b where b.g = a.g + 1)", "TTTT"),
    ("not exists (select count(*) from b where b.g = a.g + 1)", "FFFF"),
    ("exists (select count(*) from b where b.g = a.g having count(*) > 1)", "TFTF"),
    ("exists (select count(*) from b where b.g = a.g + 5 having count(*) = 0)", "TTTT"),
    ("exists (select b.g from b where b.g = a.g + 1 group by b.g)", "TFTF"),
    ("exists (select b.g from b where b.g = a.g group by b.g having count(*) > 1)", "TFTF"),
    ("exists (select 1 from b where b.g = a.g limit 1)", "TTTT"),
    ("exists (select 1 from b where b.g = a.g limit 0)", "FFFF"),
    ("exists (select 1 from b limit 1 offset 5)", "FFFF"),
    ("exists (select 1 from b limit 1 offset 2)", "TTTT"),
    ("exists (select sum(id) from b where false)", "TTTT"),
    ("exists (select row_number() over (order by b.id) from b where b.g = a.g + 1)", "TFTF"),
    ("exists (select * from (select b.id from b where b.g = a.g) s where s.id = 1)", "TFTF"),
    (
        "exists (select 1 from b where b.g = a.g and exists (select 1 from b c where c.id = b.id and c.id > 1))",
        "TFTF",
    ),
    ("exists (select 1 from b join a c on c.id = b.id where b.g = a.g)", "TFTF"),
    (
        "exists (select 1 from b left join a c on c.id = b.id where b.g = a.g and c.id is null)",
        "TTTT",
    ),
    (
        "exists (select 1 from b where b.g = a.g union all select 1 from b where b.id = a.id)",
        "TTTT",
    ),
    ("exists (select 6 from b where a.id in (select count(*) - 1 from b c))", "FTFF"),
    ("exists (select 1 from b where b.g = a.g and b.id in (select count(*) - 2 from b c))", "TFTF"),
    ("exists (select 1 from b where a.id in (select 2))", "FTFF"),
    ("id = any (select id from b)", "T???"),
    ("id <> all (select id from b)", "F???"),
    ("id > all (select id from b where id is not null)", "FFF?"),
    ("id > all (select id from b)", "FFF?"),
    ("id < any (select id from b)", "TTT?"),
    ("id >= all (select b.id from b where b.g = a.g)", "F?F?"),
    ("(select count(*) from b where b.g = a.g + 1) = 0", "FTFT"),
    ("(select max(b.id) from b where b.g = a.g) = id", "F?F?"),
    ("(select sum(b.id) from b where b.g = a.g) > 1", "T?T?"),
    ("(select count(*) from b where b.g = a.g having count(*) > 1) = 2", "T?T?"),
    ("(select b.id from b where b.g = a.g order by b.id nulls last limit 1) = 1", "T?T?"),
    ("(select b.id from b where b.g = a.g order by b.id desc nulls last limit 1) = 5", "T?T?"),
    ("id in (select b.id from b where b.g = a.g) and g in (select g from b)", "T?F?"),
    ("id not in (select id from b) or g in (select g from b)", "TTTT"),
    ("case when id in (select id from b) then true else false end", "TFFF"),
    ("(id in (select id from b)) = (id = 1)", "T???"),
    ("coalesce(id in (select id from b), true)", "TTTT"),
    ("(id not in (select b.id from b where b.g = a.g)) is null", "FTFT"),
    ("id in (select id from a where g = 1)", "TFT?"),
    ("id not in (select id from a)", "FFF?"),
    ("id + 1 in (select id + 1 from a where g = 1)", "TFT?"),
    ("id in (select b.id from a b where b.g = a.g)", "TTT?"),
    ("exists (select 1 from (select id, g from a) s where s.g = a.g + 1)", "TFTF"),
    ("coalesce((select count(*) from b where b.g = a.g + 1 group by b.g), 7) = 7", "FTFT"),
    ("(select count(*) from b where b.id = 77 group by b.g) is null", "TTTT"),
    ("(select count(*) from b having count(*) > 9) is null", "TTTT"),
];

/// `a` has (1, 1), (2, 2), (null, 2), (4, 1); `b` has (1, 1), (null, 2), (5, 1).
fn tables() -> (Lake, Vec<Input>) {
    let lake = Lake::new();
    let a = batch(vec![
        ("id", ints(&[Some(1), Some(2), None, Some(4)])),
        ("g", ints(&[Some(1), Some(2), Some(2), Some(1)])),
    ]);
    let b = batch(vec![
        ("id", ints(&[Some(1), None, Some(5)])),
        ("g", ints(&[Some(1), Some(2), Some(1)])),
    ]);
    let inputs = vec![
        parquet_input("shop.a", &a, vec![lake.parquet("shop/a/1.parquet", &a)]),
        parquet_input("shop.b", &b, vec![lake.parquet("shop/b/1.parquet", &b)]),
    ];
    (lake, inputs)
}

/// Which letters are kept, by their place.
type Wanted = fn(usize, char) -> bool;

/// Rows as one letter each.
fn letters(answer: Result<Value, EngineError>, letter: impl Fn(&Value) -> char) -> String {
    match answer {
        Ok(rows) => rows.as_array().expect("should be rows").iter().map(letter).collect(),
        Err(error) => format!("{:?}: {}", error.kind, error.message),
    }
}

fn truth(row: &Value) -> char {
    match row["p"] {
        Value::Bool(true) => 'T',
        Value::Bool(false) => 'F',
        _ => '?',
    }
}

fn id(row: &Value) -> char {
    row["id"]
        .as_i64()
        .map_or('n', |id| char::from_digit(u32::try_from(id).unwrap_or(0), 10).unwrap_or('x'))
}

/// The ids of the rows whose letter is wanted.
fn ids(expected: &str, wanted: impl Fn(usize, char) -> bool) -> String {
    let letters = expected.chars().zip("124n".chars()).enumerate();
    letters.filter(|(at, (letter, _))| wanted(*at, *letter)).map(|(_, (_, id))| id).collect()
}

#[test]
fn a_subquery_has_the_three_values_of_sql_wherever_it_stands() {
    let (lake, inputs) = tables();
    let run = |sql: &str| {
        let spec = job(inputs.clone(), query(&format!("{sql} order by id nulls last")));
        lake.run(&spec).map(|executed| executed.answer)
    };
    let mut wrong = Vec::new();
    for (predicate, expected) in PREDICATES {
        let mut check = |sql: String, found: String, expected: String| {
            if found != expected {
                wrong.push(format!("{sql}\n  is {found}, not {expected}"));
            }
        };
        let sql = format!("select id, {predicate} as p from a");
        let found = letters(run(&sql), truth);
        check(sql, found, (*expected).to_owned());
        let filters: [(&str, Wanted); 5] = [
            ("P", |_, letter| letter == 'T'),
            ("not (P)", |_, letter| letter == 'F'),
            ("(P) is null", |_, letter| letter == '?'),
            ("P or id = 2", |at, letter| letter == 'T' || at == 1),
            ("not (P) and (id < 4 or id is null)", |at, letter| letter == 'F' && at != 2),
        ];
        for (filter, wanted) in filters {
            let sql = format!("select id from a where {}", filter.replace('P', predicate));
            let found = letters(run(&sql), id);
            check(sql, found, ids(expected, wanted));
        }
        let sql = format!("select count(case when {predicate} then 1 end) as n from a");
        let found = lake.run(&job(inputs.clone(), query(&sql))).map(|executed| executed.answer);
        let number = expected.chars().filter(|letter| *letter == 'T').count();
        let found = letters(found, |row| {
            char::from_digit(u32::try_from(row["n"].as_u64().unwrap_or(99)).unwrap_or(0), 10)
                .unwrap_or('x')
        });
        check(sql, found, number.to_string());
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_cannot_be_computed_for_each_row_is_refused_by_name() {
    let (lake, inputs) = tables();
    let cases = [
        ("exists (select 1 from b where b.g = a.g limit 1 offset 1)", "`limit` or `offset`"),
        ("id in (select b.id from b where b.g = a.g limit 1)", "`limit` or `offset`"),
        (
            "id in (select row_number() over (order by b.id) from b where b.g = a.g)",
            "a window function",
        ),
        ("(select sum(b.id) from b where b.g > a.g) > 1", "other than `column = value`"),
        ("(select b.id from b where b.g = a.g) > 1", "is no aggregate"),
        ("(select max(id) from b where b.g = a.g) in (select id from b)", "on the left of `in`"),
        (
            "coalesce(case when exists (select 1 from b where b.g = a.g) then 1 end in (select id from b), true)",
            "on the left of `in`",
        ),
        (
            "exists (select 1 from b where exists (select 1 from b c where c.g = a.g))",
            "not directly around",
        ),
    ];
    for (predicate, words) in cases {
        let spec = job(inputs.clone(), query(&format!("select id from a where {predicate}")));
        let error = lake.run(&spec).expect_err(predicate);
        assert!(error.message.contains(words), "{predicate}: {error}");
        assert_eq!(error.kind, ErrorKind::Unsupported, "{predicate}: {error}");
        assert!(error.hint.is_some(), "{predicate}");
    }
    let sql = "select a.id from a left join b on a.id in (select id from b) where false";
    let error = lake.run(&job(inputs.clone(), query(sql))).expect_err("should be refused");
    assert!(error.message.contains("`on` of an outer join"), "{error}");
    assert_eq!(json!(error.hint.is_some()), json!(true));
}
