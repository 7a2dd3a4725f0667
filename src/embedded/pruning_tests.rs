//! Pruned partitions have no row that a query uses: answers are those over all partitions.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;

use super::pruning::QueryPruner;
use super::tests::{Lake, csv_input, job, query};
use crate::engines::job_spec::{AnswerLimits, Input, Operation};
use crate::engines::partitions::{PartitionFilter, PartitionPruner as _};
use crate::engines::schema::{Column, Schema};

const KEYS: [(&str, &str); 3] = [("y", "Int32"), ("code", "Utf8"), ("day", "Date32")];

type Values = Vec<Option<String>>;

/// A table with a file of two rows in each of these partitions.
fn partitioned(lake: &Lake, name: &str, partitions: &[Values]) -> Input {
    let file = |(at, values): (usize, &Values)| {
        let path = format!("{}/{at}.csv", name.replace('.', "/"));
        let mut file = lake.text(&path, &format!("v,w\n{},1\n{at},2\n", at + 100));
        file.file.partition_values.clone_from(values);
        file
    };
    let files = partitions.iter().enumerate().map(file).collect();
    let column = |(name, word): &(&str, &str)| Column {
        name: (*name).to_owned(),
        data_type: word.parse().expect("should be a type"),
        nullable: true,
        source_type: None,
    };
    let partition_columns = Schema { columns: KEYS.iter().map(column).collect() };
    Input { partition_columns, ..csv_input(name, &[("v", "Int64"), ("w", "Int64")], files) }
}

fn filters(
    lake: &Lake,
    operation: &Operation,
    inputs: &[Input],
) -> Vec<Option<Arc<dyn PartitionFilter>>> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("should build");
    let unlisted: Vec<Input> = inputs.iter().map(Input::without_files).collect();
    runtime.block_on(QueryPruner::of(&lake.work).filters(operation, &unlisted))
}

fn values_of(input: &Input) -> Vec<&[Option<String>]> {
    input.files.iter().map(|file| file.file.partition_values.as_slice()).collect()
}

/// The same inputs without what their filters leave out.
fn pruned(inputs: &[Input], filters: &[Option<Arc<dyn PartitionFilter>>]) -> Vec<Input> {
    let prune = |(input, filter): (&Input, &Option<Arc<dyn PartitionFilter>>)| {
        let Some(filter) = filter else { return input.clone() };
        let kept = filter.keeps(&values_of(input));
        let files = input.files.iter().zip(kept).filter(|(_, kept)| *kept);
        Input { files: files.map(|(file, _)| file.clone()).collect(), ..input.clone() }
    };
    inputs.iter().zip(filters).map(prune).collect()
}

fn answer(lake: &Lake, inputs: Vec<Input>, operation: &Operation) -> Result<Vec<String>, String> {
    let mut spec = job(inputs, operation.clone());
    spec.limits = AnswerLimits { rows: 100_000, bytes: 1 << 30 };
    let executed = lake.run_once(&spec).map_err(|error| error.to_string())?;
    let Value::Array(rows) = executed.answer else { panic!("should be rows") };
    let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.sort_unstable();
    Ok(rows)
}

fn texts(values: &[&str]) -> Values {
    let value = |text: &&str| (*text != "null").then(|| (*text).to_owned());
    values.iter().map(value).collect()
}

/// Partitions as they are told by their values: `2024 01 2024-01-01`.
fn partitions(all: &[&str]) -> Vec<Values> {
    all.iter().map(|one| texts(&one.split(' ').collect::<Vec<_>>())).collect()
}

fn example() -> Vec<Values> {
    partitions(&[
        "2023 01 2023-12-31",
        "2024 01 2024-01-01",
        "2024 1 2024-01-02",
        "2024 x null",
        "null null 2024-01-03",
    ])
}

/// The indices of the partitions that a query over `t` and `u` reads of `t`.
fn kept(lake: &Lake, sql: &str) -> Vec<usize> {
    let inputs = [partitioned(lake, "shop.t", &example()), partitioned(lake, "shop.u", &example())];
    let filters = filters(lake, &query(sql), &inputs);
    let kept = match &filters[0] {
        Some(filter) => filter.keeps(&values_of(&inputs[0])),
        None => vec![true; inputs[0].files.len()],
    };
    kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(at, _)| at).collect()
}

#[rstest]
#[case::equal("select v from t where y = 2023", &[0])]
#[case::text_is_no_number("select v from t where code = '01'", &[0, 1])]
#[case::number_as_text("select v from t where y = '2023'", &[0])]
#[case::date_as_text("select v from t where day = '2024-01-01'", &[1])]
#[case::range("select v from t where day >= date '2024-01-01' and day < '2024-01-03'", &[1, 2])]
#[case::between("select v from t where day between '2023-01-01' and '2024-01-01'", &[0, 1])]
#[case::members("select v from t where code in ('1', 'x')", &[2, 3])]
#[case::no_members("select v from t where code not in ('1', 'x')", &[0, 1])]
#[case::null("select v from t where day is null", &[3])]
#[case::no_null("select v from t where y is not null and v > 1", &[0, 1, 2, 3])]
#[case::one_or_other("select v from t where y = 2023 or code = 'x'", &[0, 3])]
#[case::with_other_columns("select v from t where (y = 2023 and v = 1) or (code = 'x' and w = 2)", &[0, 3])]
#[case::or_another_column("select v from t where y = 2023 or v = 1", &[0, 1, 2, 3, 4])]
#[case::computed("select v from t where y + 1 = 2024", &[0])]
#[case::casts("select v from t where try_cast(code as int) = 1", &[0, 1, 2])]
#[case::function("select v from t where extract(year from day) = 2023", &[0])]
#[case::like("select v from t where code like '0%'", &[0, 1])]
#[case::in_a_with("with r as (select * from t where y = 2023) select v from r where code = '01'", &[0])]
#[case::renamed("select d from (select day as d, v from t) q where d = '2024-01-01'", &[1])]
#[case::by_position("select a from t as x (a, b, c, d, e) where c = 2023", &[0])]
#[case::in_a_subquery("select v from u where v in (select v from t where y = 2023)", &[0])]
#[case::in_a_value("select v from u where v > (select min(v) from t where y = 2023)", &[0])]
#[case::on_of_a_join("select u.v from u left join t on u.v = t.v and t.y = 2023", &[0])]
#[case::on_that_keeps_rows("select u.v from t left join u on u.v = t.v and t.y = 2023", &[0, 1, 2, 3, 4])]
#[case::equal_to_another("select u.v from u join t on u.y = t.y where u.y = 2023", &[0])]
#[case::groups("select y, count(*) from t group by y having y = 2023", &[0])]
#[case::above_a_limit("select v from (select * from t limit 3) q where y = 2023", &[0, 1, 2, 3, 4])]
#[case::above_a_window("select n from (select v, y, row_number() over (order by v) n from t) q where y = 2023", &[0, 1, 2, 3, 4])]
#[case::within_partitions("select n from (select v, y, row_number() over (partition by y order by v) n from t) q where y = 2023", &[0])]
#[case::of_several_references("select a.v from t a join t b on a.v = b.v where a.y = 2023 and b.code = 'x'", &[0, 3])]
#[case::of_one_reference("select a.v from t a join t b on a.v = b.v where a.y = 2023", &[0, 1, 2, 3, 4])]
#[case::of_a_union("select v from t where y = 2023 union all select v from t where code = 'x'", &[0, 3])]
#[case::volatile("select v from t where y = 2023 + cast(random() as int)", &[0, 1, 2, 3, 4])]
#[case::of_no_value("select v from t where y = null", &[0, 1, 2, 3, 4])]
#[case::of_none("select v from t where day = '1999-01-01'", &[])]
#[case::now("select v from t where day > current_date", &[0, 1, 2, 4])]
#[case::random_in_a_with("with r as (select *, random() x from t) select a.v from r a, r b where a.y = 2023 and b.y = 2023", &[0])]
fn partitions_that_a_query_cannot_use_are_left_out(#[case] sql: &str, #[case] expected: &[usize]) {
    assert_eq!(kept(&Lake::new(), sql), expected, "{sql}");
}

#[test]
fn values_of_another_type_and_casts_that_fail_keep_their_partition() {
    let lake = Lake::new();
    let odd = partitions(&["new 01 2024-01-01", "2023 01 2024-01-01", "2024 z 2024-01-01"]);
    let input = [partitioned(&lake, "shop.t", &odd)];
    let keeps = |sql: &str| {
        let filters = filters(&lake, &query(sql), &input);
        filters[0].as_ref().expect("should be one").keeps(&values_of(&input[0]))
    };
    assert_eq!(keeps("select v from t where y = 2023"), [true, true, false]);
    // `z` is no number: the query over it fails, and goes on to.
    assert_eq!(keeps("select v from t where cast(code as int) = 7"), [true, false, true]);
    let sql = query("select v from t where y > 2000 and cast(code as int) = 1");
    let whole = [partitioned(&lake, "shop.t", &odd[1..])];
    let pruned = pruned(&whole, &filters(&lake, &sql, &whole));
    assert!(answer(&lake, whole.to_vec(), &sql).is_err());
    assert!(answer(&lake, pruned, &sql).is_err());
}

#[test]
fn outer_keys_alone_keep_what_inner_keys_may_have() {
    let lake = Lake::new();
    let input = [partitioned(&lake, "shop.t", &example())];
    let sql = query("select v from t where (y = 2023 or y is null) and code = '01'");
    let filter = filters(&lake, &sql, &input).remove(0).expect("should be one");
    let outer = [texts(&["2023"]), texts(&["2024"]), texts(&["null"])];
    let outer: Vec<&[Option<String>]> = outer.iter().map(Vec::as_slice).collect();
    assert_eq!(filter.keeps(&outer), [true, false, true]);
    let (both, none) = (texts(&["2023", "1"]), texts(&[]));
    assert_eq!(filter.keeps(&[both.as_slice()]), [false]);
    assert_eq!(filter.keeps(&[none.as_slice()]), [true]);
    assert_eq!(filter.keeps(&[]), Vec::<bool>::new());
}

#[test]
fn bound_values_are_conditions_too() {
    let lake = Lake::new();
    let input = [partitioned(&lake, "shop.t", &example())];
    let Operation::Query { sql: _, this_table, default_database, allow_writing, .. } = query("")
    else {
        panic!("should be a query")
    };
    let bindings = serde_json::from_value(serde_json::json!({
        "code": {"type": "list", "value": ["x", "01"]}, "year": {"type": "integer", "value": 2023},
    }));
    let sql = "select v from t where code in ($code) and y = $year".to_owned();
    let bindings = bindings.expect("should be bindings");
    let bound = Operation::Query { sql, this_table, default_database, allow_writing, bindings };
    let filter = filters(&lake, &bound, &input).remove(0).expect("should be one");
    assert_eq!(filter.keeps(&values_of(&input[0])), [true, false, false, false, false]);
}

#[test]
fn what_cannot_be_planned_prunes_nothing() {
    let lake = Lake::new();
    assert_eq!(kept(&lake, "select nothing from t where y = 2023"), [0, 1, 2, 3, 4]);
}

fn some_of(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(values).prop_map(str::to_owned)
}

/// A condition; `#` stands for the table's alias.
fn condition() -> impl Strategy<Value = String> {
    let number = || some_of(&["2021", "2022", "2023", "'02022'", "null", "2022.0", "2021 + 1"]);
    let text = || some_of(&["'1'", "'01'", "'001'", "'x'", "''", "null", "1", "'é'"]);
    let date = || some_of(&["'2024-01-01'", "date '2024-01-02'", "'2024-02-29'", "null"]);
    let compare = || some_of(&["=", "<", "<=", ">", ">=", "<>", "is distinct from"]);
    let of = |column: &'static str, value: BoxedStrategy<String>| {
        let pair = (compare(), value.clone(), value.clone(), 0..6_u8);
        pair.prop_map(move |(word, one, other, form)| match form {
            0 | 1 => format!("#.{column} {word} {one}"),
            2 => format!("{one} {word} #.{column}"),
            3 => format!("#.{column} between {one} and {other}"),
            4 => format!("#.{column} in ({one}, {other})"),
            _ => format!("#.{column} not in ({one}, {other})"),
        })
    };
    let leaf = prop_oneof![
        of("y", number().boxed()),
        of("code", text().boxed()),
        of("day", date().boxed()),
        some_of(&[
            "#.y is null",
            "#.code is not null",
            "#.day is null",
            "#.v > 101",
            "#.w = 1",
            "#.y = #.v",
            "try_cast(#.code as bigint) = 1",
            "coalesce(#.code, 'x') = 'x'",
            "case when #.y = 2022 then #.code = '01' else #.w = 2 end",
            "#.y % 2 = 0",
            "upper(#.code) like '0%'",
            "#.day + interval '1 day' > '2024-01-02'",
            "cast(#.code as int) = 1",
            "true",
            "false",
        ]),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} and {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} or {other})")),
            inner.prop_map(|one| format!("not ({one})")),
        ]
    })
}

/// A query with two conditions, of one of the shapes in which tables are read.
fn shaped(shape: u8, one: &str, other: &str) -> String {
    let on = |condition: &str, alias: &str| condition.replace('#', alias);
    let (a, b) = (on(one, "a"), on(other, "b"));
    let joined =
        |kind: &str| format!("select a.v, b.v as bv, b.y from t a {kind} u b on a.w = b.w");
    match shape {
        0 => format!("select a.v, a.y, a.code, a.day from t a where {a}"),
        1 => format!("{} and {b} where {a}", joined("join")),
        2 => format!("{} and {a} and {b}", joined("left join")),
        3 => format!("{} and {a} where {b}", joined("left join")),
        4 => format!("{} and {b} where {a} and b.v is null", joined("full join")),
        5 => format!("select v from t a where {a} and v in (select v from u b where {b})"),
        6 => format!("select v from t a where {a} and v not in (select v from u b where {b})"),
        7 => format!("select v from t a where exists (select 1 from u b where b.v = a.v and {b})"),
        8 => format!("select v, y from t a where {a} union select v, y from t b where {b}"),
        9 => format!("select v, y from t a where {a} except all select v, y from u b where {b}"),
        10 => format!(
            "with r as (select * from t a where {a}) select b.v from r b join r c on b.v = c.v where {b}"
        ),
        11 => format!("select y, code, count(*) as n from t a where {a} group by y, code"),
        12 => format!(
            "select q.v from (select b.*, sum(v) over (partition by y) s from t b where {b}) q where {}",
            on(one, "q")
        ),
        13 => format!(
            "select a.v, (select max(b.v) from u b where b.y = a.y and {b}) as m from t a where {a}"
        ),
        _ => format!("select count(*) as n, min(v) as l from t a where {a}"),
    }
}

/// The partitions of a table, each once.
fn some_partitions() -> impl Strategy<Value = Vec<Values>> {
    let or_null = |values: &'static [&'static str]| proptest::sample::select(values);
    let one = (
        or_null(&["2021", "2022", "2023", "null"]),
        or_null(&["1", "01", "001", "x", "", "é", "null"]),
        or_null(&["2024-01-01", "2024-01-02", "2024-02-29", "null"]),
    );
    let one = one.prop_map(|(y, code, day)| texts(&[y, code, day]));
    proptest::collection::btree_set(one, 0..7)
        .prop_map(|all: BTreeSet<Values>| all.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn a_pruned_answer_is_the_whole_one(
        (of_t, of_u) in (some_partitions(), some_partitions()),
        (one, other) in (condition(), condition()),
        shape in 0..15_u8,
    ) {
        let lake = Lake::new();
        let sql = shaped(shape, &one, &other);
        let inputs = vec![
            partitioned(&lake, "shop.t", &of_t),
            partitioned(&lake, "shop.u", &of_u),
        ];
        let operation = query(&sql);
        let filters = filters(&lake, &operation, &inputs);
        let left = pruned(&inputs, &filters);
        for (filter, input) in filters.iter().zip(&left) {
            let Some(filter) = filter else { continue };
            for depth in 1..KEYS.len() {
                let outer: Vec<_> =
                    values_of(input).into_iter().map(|values| &values[..depth]).collect();
                prop_assert!(filter.keeps(&outer).iter().all(|kept| *kept), "{} at {}", sql, depth);
            }
        }
        let mut read = String::new();
        for input in &left {
            let _ = writeln!(read, "{:?}", values_of(input));
        }
        // A query that fails may succeed without the partitions that it need not look at, not the other way round.
        if let Ok(whole) = answer(&lake, inputs, &operation) {
            prop_assert_eq!(answer(&lake, left, &operation), Ok(whole), "{}\n{}", sql, read);
        }
    }
}
