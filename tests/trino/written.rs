//! Tables that change: Trino sees what Mason replaces and merges, and partitions as they are registered; Mason reads
//! what Trino makes.

use serde_json::{Value, json};

use super::engine;
use crate::catalogue::Catalogue;
use crate::world::assert_failed;

/// Returns the rows of Trino, each value without its tag.
fn rows(world: &Catalogue, sql: &str) -> Vec<Vec<Value>> {
    let answer = engine::exact(&world.database, sql).unwrap_or_else(|why| panic!("{sql}: {why}"));
    let plain = |value: Value| match value {
        Value::Object(tagged) => tagged.into_iter().next().map_or(Value::Null, |(_, value)| value),
        other => other,
    };
    answer.rows.into_iter().map(|row| row.into_iter().map(plain).collect()).collect()
}

fn succeed(run: &Value) {
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
}

#[test]
#[ignore = "needs Trino: make test-trino"]
fn trino_sees_what_mason_writes_replaces_and_deletes() {
    let world = Catalogue::new(&[
        ("raw/orders/a.csv", "id,amount\n1,2.50\n"),
        ("raw/orders/b.csv", "id,amount\n2,4.25\n"),
    ]);
    succeed(&world.infer("infer", "raw/orders", "orders", "error"));
    let write = |name: &str, sql: &str, mode: &str| {
        let parameters = json!({"query_string": sql, "output_table": "Totals", "mode": mode});
        succeed(&world.run(name, "table/query", parameters));
    };
    write("write", "select id, amount from orders", "error");
    let totals = "select * from totals order by 1";
    assert_eq!(rows(&world, totals), [[json!("1"), json!("2.50")], [json!("2"), json!("4.25")]]);
    write("replace", "select sum(amount) as total, 'ü' as word from orders", "replace");
    assert_eq!(rows(&world, totals), [[json!("6.75"), json!("ü")]]);
    write("empty", "select id from orders where id > 5", "replace");
    assert_eq!(rows(&world, totals), Vec::<Vec<Value>>::new());
    let merged = json!({"table_name": "orders", "output_table": "totals", "mode": "replace"});
    succeed(&world.run("merge", "table/merge", merged));
    assert_eq!(rows(&world, totals), [[json!("1"), json!("2.50")], [json!("2"), json!("4.25")]]);
    let gone = world.run("delete", "table/delete", json!({"table_name": "totals"}));
    succeed(&gone);
    let told = engine::exact(&world.database, totals).expect_err("is gone");
    assert!(told.contains("TABLE_NOT_FOUND"), "{told}");
}

#[test]
#[ignore = "needs Trino: make test-trino"]
fn trino_reads_the_partitions_that_are_registered() {
    let world = Catalogue::new(&[
        ("raw/events/kind=a b/day=2024-01-01/a.csv", "id\n1\n"),
        ("raw/events/kind=ü%2Fx/day=1969-12-31/a.csv", "id\n2\n"),
        ("raw/events/kind=__HIVE_DEFAULT_PARTITION__/day=2024-01-02/a.csv", "id\n3\n"),
    ]);
    succeed(&world.infer("infer", "raw/events", "events", "error"));
    let partitions = "select * from \"events$partitions\" order by 2";
    let three = [
        [json!("ü/x"), json!("1969-12-31")],
        [json!("a b"), json!("2024-01-01")],
        [Value::Null, json!("2024-01-02")],
    ];
    assert_eq!(rows(&world, partitions), three);
    let of_day = "select id, kind from events where day = date '1969-12-31'";
    assert_eq!(rows(&world, of_day), [[json!("2"), json!("ü/x")]]);
    let of_none = "select id from events where kind is null";
    assert_eq!(rows(&world, of_none), [[json!("3")]]);
    world.world.bucket.put_content("raw/events/kind=c/day=2024-02-29/a.csv", "id\n4\n");
    let count = "select count(*) as n from events";
    assert_eq!(rows(&world, count), [[json!("3")]], "it is not registered yet");
    assert_eq!(world.rows("three", count), json!([{"n": 3}]));
    succeed(&world.run("refresh", "table/refresh", json!({"table_name": "events"})));
    assert_eq!(rows(&world, count), [[json!("4")]]);
    assert_eq!(world.rows("four", count), json!([{"n": 4}]));
}

/// What Trino writes with each format, of the types that it has.
const MADE: &str = "select 1 as id, bigint '-9223372036854775808' as large, 0.1e0 as part, \
     decimal '-1.50' as paid, true as yes, 'Grüße, \"東京\" 😀 \\ x' as text, '' as empty, \
     date '1969-12-31' as day, timestamp '1968-05-05 01:02:03.123' as at, array[1, null] as list \
     union all select 2, null, null, null, null, null, null, null, null, null";

#[test]
#[ignore = "needs Trino: make test-trino"]
fn mason_reads_the_tables_that_trino_makes() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    for format in ["PARQUET", "ORC", "AVRO"] {
        let name = format!("made_{}", format.to_lowercase());
        let place = world.world.bucket.address_of(&format!("made/{name}"));
        let sql = format!(
            "create table {name} with (format = '{format}', external_location = '{place}') as {MADE}"
        );
        engine::usual(&world.database, &sql).unwrap_or_else(|why| panic!("{format}: {why}"));
        let query = format!("select * from {name} order by id");
        // Avro has instants.
        let at = format!("1968-05-05T01:02:03.123{}", if format == "AVRO" { "Z" } else { "" });
        assert_eq!(
            world.rows(&format!("read-{}", format.to_lowercase()), &query),
            json!([
                {
                    "id": 1, "large": "-9223372036854775808", "part": 0.1, "paid": "-1.50",
                    "yes": true, "text": "Grüße, \"東京\" 😀 \\ x", "empty": "",
                    "day": "1969-12-31", "at": at, "list": [1, null],
                },
                {
                    "id": 2, "large": null, "part": null, "paid": null, "yes": null, "text": null,
                    "empty": null, "day": null, "at": null, "list": null,
                },
            ]),
            "{format}"
        );
    }
}

#[test]
#[ignore = "needs Trino: make test-trino"]
fn what_trino_makes_and_mason_does_not_read_is_refused_in_words() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    let place = world.world.bucket.address_of("made/ice");
    let database = &world.database;
    for sql in [
        "create view seen as select 1 as id".to_owned(),
        format!(
            "create table awsdatacatalog_iceberg.{database}.ice with (location = '{place}') as select 1 as id"
        ),
    ] {
        engine::usual(database, &sql).unwrap_or_else(|why| panic!("{sql}: {why}"));
    }
    assert_eq!(rows(&world, "select id from ice"), [[json!("1")]]);
    assert_failed(&world.query("view", "select * from seen"), &["is a view"]);
    assert_failed(&world.query("ice", "select * from ice"), &["is a table of Iceberg"]);
}
