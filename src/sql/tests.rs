//! Which queries are taken, which are refused and why, and which tables they name.

use rstest::rstest;

use super::*;
use crate::sql::{MAX_BYTES, MAX_OPERATORS};

fn name(database: &str, table: &str) -> TableName {
    TableName { database: database.to_owned(), table: table.to_owned() }
}

fn tables(sql: &str) -> Vec<String> {
    let this = name("Lake House", "my \"table\"");
    referenced_tables(sql, Some(&this), Some("main"))
        .unwrap_or_else(|problems| panic!("{sql}: {problems:?}"))
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn problems(sql: &str) -> Vec<String> {
    match analyse(sql, Scope { default_database: Some("main"), ..Scope::default() }) {
        Ok(analysed) => panic!("{sql} should be refused, and reads {:?}", analysed.tables()),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Columns are `table.column`, of the database `main`.
fn spelled(sql: &str, columns: &[&str]) -> String {
    let mut spellings = Spellings::default();
    for column in columns {
        let (table, column) = column.split_once('.').expect("should have a table");
        spellings.insert(&name("Main", table), column);
    }
    let scope = Scope { default_database: Some("main"), ..Scope::default() };
    analyse(sql, scope).expect("should be a query").into_statement(&spellings).to_string()
}

#[rstest]
#[case("select 1", &[])]
#[case("select * from T join b.U using (id) join main.t x on true", &["main.T", "b.U"])]
#[case("with t as (select * from t) select * from t", &["main.t"])]
#[case("with recursive t as (select 1 as n union all select n + 1 from t where n < 9) select * from t", &[])]
#[case("select (select max(a) from u) from t where exists (select 1 from \"V\")", &["main.u", "main.t", "main.V"])]
#[case("with a as (select 1), b as (select * from a) select * from b union all select * from c", &["main.c"])]
#[case("values (1, 'x'), (2, 'y')", &[])]
#[case("select sum(a) over () from t where a in (select row_number() over () from t) qualify rank() over (order by a) = 1", &["main.t"])]
#[case("select coalesce(a, random()), nvl2(random(), 1, 2) from t where a between random() and 1", &["main.t"])]
#[case("select coalesce((select random()), 1), random() in (1, 2) from t", &["main.t"])]
#[case("select * from (select * from t) as d, generate_series(1, 3), unnest([1, 2]) as u", &["main.t"])]
#[case("select * from (with t as (select 1) select * from t) as d join t on true", &["main.t"])]
#[case("select '; drop table t -- $table' -- ; delete from t\n from t;", &["main.t"])]
#[case("select $table.a from $table", &["Lake House.my \"table\""])]
fn tables_of_a_query_are_those_it_reads(#[case] sql: &str, #[case] expected: &[&str]) {
    assert_eq!(tables(sql), expected, "{sql}");
}

#[rstest]
#[case("select 1; select 2", "2 statements")]
#[case("select 1; drop table t", "2 statements")]
#[case("select from t", "without columns")]
#[case("select * ilike '%a%' from t", "ilike")]
#[case("select * replace (1 as a, 2 as b, 3 as A) from t", "replaces `A` twice")]
#[case("select * from a full join b using (id)", "`using`")]
#[case("select * from (a natural right join b)", "`natural`")]
#[case("", "no statement")]
#[case("-- only a comment", "no statement")]
#[case("drop table t", "`DROP` is not allowed")]
#[case("insert into t select 1", "`INSERT` is not allowed")]
#[case("update t set a = 1", "`UPDATE` is not allowed")]
#[case("delete from t", "`DELETE` is not allowed")]
#[case("create table x as select 1", "`CREATE` is not allowed")]
#[case("copy t to 'x.csv'", "`COPY` is not allowed")]
#[case("set datafusion.execution.batch_size = 1", "`SET` is not allowed")]
#[case("explain analyze select 1", "`EXPLAIN` is not allowed")]
#[case("with x as (delete from t returning *) select * from x", "`DELETE` is not allowed")]
#[case("with x as (insert into t select 1) select * from x", "`INSERT` is not allowed")]
#[case("select * into x from t", "must not write a table")]
#[case("select * from t for update", "`FOR UPDATE`")]
#[case("select * from 'a.parquet'", "not read by their path")]
#[case("select * from read_csv('/etc/passwd')", "`read_csv` is not allowed")]
#[case("select * from lateral read_csv('/etc/passwd')", "`read_csv` is not allowed")]
#[case("select * from table(read_csv('/etc/passwd'))", "is not allowed in `from`")]
#[case("select * from a.b.c", "has 3 parts")]
#[case("select * from t where a = $1", "placeholder `$1`")]
#[case("select * from $table", "names none")]
#[case("select * from t |> drop a", "pipe operator")]
#[case("select 1 union table t", "`TABLE name`")]
#[case("select * from t tablesample (10 percent)", "`TABLESAMPLE`")]
#[case("select a from t intersect all select a from u", "`intersect all` is not allowed")]
#[case("select a from t except all select a from u", "`except all` is not allowed")]
#[case("select * from (select 1 union select 2 except all select 3)", "`except all`")]
#[case("select * from t where random() between 0.2 and 0.3", "`random()` before `between`")]
#[case("select coalesce(nullif(round(RANDOM()), 0), 5) from t", "`random()` in `coalesce`")]
#[case("select ifnull(uuid(), 'x') from t", "`uuid()` in `ifnull`")]
#[case("select \"coalesce\"(\"random\"(), 5) from t", "`random()` in `coalesce`")]
#[case("select `nvl`(`uuid`(), 'x') from t", "`uuid()` in `nvl`")]
#[case(
    "select * from t where round(random()) in (select x from u)",
    "`random()` before `in (select …)`"
)]
#[case(
    "select * from t where random() >= all (select x from u)",
    "`random()` before `any` or `all`"
)]
#[case("select * from t where row_number() over () = 1", "`row_number` in `where`")]
#[case("select a from t group by a, rank() over (order by a)", "`rank` in `group by`")]
#[case("select a from t group by a having sum(a) over () > 1", "`sum` in `having`")]
#[case("select * from t where", "found: the end of the query")]
#[case("selec 1", "syntax error: expected")]
#[case("select 'open", "syntax error")]
fn what_may_do_more_than_read_is_refused(#[case] sql: &str, #[case] expected: &str) {
    let found = problems(sql);
    assert!(found.iter().any(|problem| problem.contains(expected)), "{sql}: {found:?}");
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let found = problems("select *\nfrom 'x.csv', read_json('y'), a.b.c\nwhere z = $2");
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[1].contains("(line 2, column 15)"), "{found:?}");
}

#[test]
fn writing_is_unsupported_where_the_definition_allows_it() {
    let scope = Scope { allow_writing: true, ..Scope::default() };
    let problems = analyse("delete from a.t", scope).expect_err("should be refused");
    assert!(problems[0].is_unsupported(), "{problems:?}");
    assert!(analyse("select 1; select 2", scope).is_err());
}

#[test]
fn a_table_without_a_database_needs_a_default() {
    let problems = referenced_tables("select * from t", None, None).expect_err("should fail");
    assert_eq!(problems[0].to_string(), "the table `t` has no database (line 1, column 15)");
}

#[rstest]
#[case("select name from t", &["T.Name"], r#"SELECT "Name" FROM "main"."t""#)]
#[case("select NAME, \"NAME\" from T", &["T.Name"], r#"SELECT "Name", "NAME" FROM "main"."t""#)]
#[case("select Id, ID from t", &["t.id", "t.ID"], r#"SELECT "id", "ID" FROM "main"."t""#)]
#[case("select t.Total, T.x from t", &["T.total", "T.T", "T.X"], r#"SELECT t."total", t."X" FROM "main"."t""#)]
#[case("select a.name as name from Sales a join b using (name) order by name", &["sales.Name", "b.Name"],
    r#"SELECT a."Name" AS "Name" FROM "main"."sales" a JOIN "main"."b" USING("Name") ORDER BY "Name""#)]
#[case("select a.city, b.City from a, b where a.CITY = b.city order by a.city", &["a.City", "b.city"],
    r#"SELECT a."City", b."city" FROM "main"."a", "main"."b" WHERE a."City" = b."city" ORDER BY a."City""#)]
#[case("select city from a where city in (select city from b) order by city", &["a.City", "b.city"],
    r#"SELECT "City" FROM "main"."a" WHERE "City" IN (SELECT "city" FROM "main"."b") ORDER BY "City""#)]
#[case("select main.\"T\".x from Main.\"T\"", &["t.X"], r#"SELECT main."t"."X" FROM "main"."t""#)]
#[case("select Address.city from t", &["t.Address", "t.City"], r#"SELECT "Address"."City" FROM "main"."t""#)]
#[case("select year(year), cast(Date as date) from t", &["t.Date", "t.Year"],
    r#"SELECT year("Year"), CAST("Date" AS DATE) FROM "main"."t""#)]
#[case("with c as (select Name from t) select name, c.NAME from c", &["t.Name"],
    r#"WITH c AS (SELECT "Name" FROM "main"."t") SELECT "Name", c."Name" FROM c"#)]
fn unquoted_columns_are_spelled_as_the_tables_do(
    #[case] sql: &str,
    #[case] columns: &[&str],
    #[case] expected: &str,
) {
    assert_eq!(spelled(sql, columns), expected);
}

#[test]
fn nesting_and_length_are_bounded() {
    let deep = format!("select {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(problems(&deep)[0].contains("nested more than 50 levels"));
    let long = format!("select 1{}", " + 1".repeat(MAX_OPERATORS));
    assert!(analyse(&long, Scope::default()).is_ok());
    let longer = format!("select 1{}", " union all select 1".repeat(MAX_OPERATORS + 1));
    assert!(problems(&longer)[0].contains("operators"));
    let large = format!("select '{}'", "x".repeat(MAX_BYTES));
    assert!(problems(&large)[0].contains("bytes"));
    let nested = "with a as (".repeat(30) + "select 1" + &") select * from a".repeat(30);
    assert!(analyse(&nested, Scope::default()).is_ok(), "each level is visited once");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = analyse(&text, Scope::default());
    }

    #[test]
    fn this_table_is_replaced_whatever_its_name(database in "[^\\x00]{1,20}", table in "[^\\x00]{1,20}") {
        let this = name(&database, &table);
        let found = referenced_tables("select '$table' from $table", Some(&this), None);
        proptest::prop_assert_eq!(found, Ok(vec![this]));
    }
}
