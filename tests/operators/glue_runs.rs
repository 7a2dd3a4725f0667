//! Runs on the tables of a catalogue: an emulated Glue behind a front that has the rules which the emulator lacks.

use serde_json::{Value, json};

use crate::catalogue::{Catalogue, merge};
use crate::world::{World, assert_failed, text};

fn parquet(columns: &[(&str, &str)]) -> Value {
    let columns: Vec<Value> =
        columns.iter().map(|(name, word)| json!({"Name": name, "Type": word})).collect();
    json!({"StorageDescriptor": {
        "Columns": columns,
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        },
    }})
}

fn csv(columns: &[(&str, &str)], library: &str, settings: &Value) -> Value {
    let columns: Vec<Value> =
        columns.iter().map(|(name, word)| json!({"Name": name, "Type": word})).collect();
    json!({"StorageDescriptor": {
        "Columns": columns,
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {
            "SerializationLibrary": format!("org.apache.hadoop.hive.serde2.{library}"),
            "Parameters": settings,
        },
    }})
}

#[test]
fn files_are_inferred_registered_and_queried() {
    let world = Catalogue::new(&[
        ("raw/orders/a.csv", "Id,amount\n1,2.5\n"),
        ("raw/orders/b.csv", "Id,amount\n2,4.5\n"),
    ]);
    let run = world.infer("infer", "raw/orders", "Orders", "error");
    assert_eq!(run["status"]["result"]["data"]["registered"], true, "{run:#}");
    assert_eq!(
        world.rows("sum", "select sum(\"Id\") as ids, sum(amount) as amount from orders"),
        json!([{"ids": 3, "amount": "7.0"}])
    );
    let kept = world.table("orders");
    let descriptor = &kept["StorageDescriptor"];
    assert_eq!(descriptor["Location"], world.world.bucket.address_of("raw/orders/"), "{kept:#}");
    assert_eq!(descriptor["Columns"][0], json!({"Name": "id", "Type": "string"}), "{kept:#}");
    assert_eq!(kept["Parameters"]["skip.header.line.count"], "1");
    assert_eq!(kept["Parameters"]["mason.run"], run["metadata"]["uid"]);
    let listed = world.run("list", "table/list", json!({}));
    assert_eq!(listed["status"]["result"]["data"][0]["table"], "orders", "{listed:#}");
    let again = world.infer("again", "raw/orders", "orders", "error");
    assert_failed(&again, &["it is declared already", "mode=replace"]);
    let replaced = world.infer("replace", "raw/orders", "orders", "replace");
    assert_eq!(replaced["status"]["phase"], "Succeeded", "{replaced:#}");
    assert_eq!(world.calls("UpdateTable"), 1);
    assert_eq!(world.table("orders")["VersionId"], "1");
    let gone = world.run("delete", "table/delete", json!({"table_name": "orders"}));
    assert_eq!(gone["status"]["phase"], "Succeeded", "{gone:#}");
    assert_eq!(world.table("orders"), Value::Null);
    let missing = world.query("missing", "select * from orders");
    assert_failed(&missing, &["catalogue: ", "there is no table"]);
    let gone = world.run("delete-db", "database/delete", json!({}));
    assert_eq!(gone["status"]["phase"], "Succeeded", "{gone:#}");
}

#[test]
fn tables_of_other_programs_are_read_by_their_words() {
    let world = Catalogue::new(&[
        ("ext/tabs/a.tsv", "1\tx, y\t\\N\n2\tz\t2024-01-02\n"),
        ("ext/quoted/a.csv", "title\n\"1\";\"a;\"\"b\"\n\"2\";c\n"),
    ]);
    let columns = [("id", "bigint"), ("name", "string"), ("day", "date")];
    let settings = json!({"field.delim": "\t", "serialization.format": "\t"});
    world.declare("tabs", "ext/tabs/", &csv(&columns, "lazy.LazySimpleSerDe", &settings));
    assert_eq!(
        world.rows("tabs", "select id, name, day from tabs order by id"),
        json!([
            {"id": 1, "name": "x, y", "day": null}, {"id": 2, "name": "z", "day": "2024-01-02"},
        ])
    );
    let columns = [("id", "string"), ("name", "string")];
    let mut quoted =
        csv(&columns, "OpenCSVSerde", &json!({"separatorChar": ";", "escapeChar": "\""}));
    quoted["Parameters"] = json!({"skip.header.line.count": "1"});
    world.declare("quoted", "ext/quoted", &quoted);
    assert_eq!(
        world.rows("quoted", "select id, name from quoted order by id"),
        json!([{"id": "1", "name": "a;\"b"}, {"id": "2", "name": "c"}])
    );
}

#[test]
fn what_is_not_read_here_is_refused_in_words() {
    let world = Catalogue::new(&[("ext/orders/a.csv", "1\n")]);
    let plain = parquet(&[("id", "bigint")]);
    let with = |more: Value| {
        let mut table = plain.clone();
        merge(&mut table, &more);
        table
    };
    world.declare("ice", "ext/orders/", &with(json!({"Parameters": {"table_type": "ICEBERG"}})));
    world.declare(
        "elsewhere",
        "",
        &with(json!({"StorageDescriptor": {"Location": "s3://other/x/"}})),
    );
    world.declare("s3a", "", &with(json!({"StorageDescriptor": {"Location": "s3a://other/x/"}})));
    world.declare("gone", "ext/gone/", &plain);
    world.declare("odd", "ext/orders/", &parquet(&[("id", "uniontype<int,string>")]));
    let json = json!({"StorageDescriptor": {
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
    }});
    world.declare("json", "ext/orders/", &with(json));
    for (table, parts) in [
        ("ice", ["is a table of Iceberg", "the engine that made it"]),
        ("elsewhere", ["`s3://other/x/` is not below", "the root of the files"]),
        ("s3a", ["`s3a://other/x/`", "to `s3://…`"]),
        ("gone", ["there is nothing at `ext/gone`", "has its files"]),
        ("odd", ["column `id` has the type `uniontype<int,string>`", "is not read"]),
        ("json", ["ignores the case of names", "mode=replace"]),
    ] {
        let run = world.query(table, &format!("select * from {table}"));
        assert_failed(&run, &["catalogue: ", parts[0], parts[1]]);
    }
    let run = world.infer("infer-ice", "ext/orders", "ice", "replace");
    assert_failed(&run, &["is a table of Iceberg"]);
    let run = world.run("delete-db", "database/delete", json!({"cascade": true}));
    assert_failed(&run, &["it has tables: `ice`", "delete each of them first"]);
}

#[test]
fn only_registered_partitions_are_read_and_infer_registers_them() {
    let world = Catalogue::new(&[
        ("raw/events/day=2024-01-01/a.csv", "id\n1\n"),
        ("raw/events/day=2024-01-02/a.csv", "id\n2\n"),
    ]);
    let run = world.infer("infer", "raw/events", "events", "error");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    let partitions = world.ask("GetPartitions", json!({"TableName": "events"}));
    let partitions = partitions["Partitions"].as_array().expect("is a list").clone();
    assert_eq!(partitions.len(), 2, "{partitions:#?}");
    assert_eq!(partitions[0]["Values"], json!(["2024-01-01"]));
    let sql = "select id, day from events order by id";
    let both = json!([{"id": 1, "day": "2024-01-01"}, {"id": 2, "day": "2024-01-02"}]);
    assert_eq!(world.rows("both", sql), both);
    world.world.bucket.put_content("raw/events/day=2024-01-03/a.csv", "id\n3\n");
    let run = world.query("unregistered", sql);
    assert_eq!(run["status"]["result"]["data"], both, "{run:#}");
    let told = run["status"]["messages"].to_string();
    assert!(told.contains("left out: 1 file below the table's folder"), "{told}");
    let run = world.run("refresh", "table/refresh", json!({"table_name": "events"}));
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(world.rows("three", "select count(*) as n from events"), json!([{"n": 3}]));
}

#[test]
fn partitions_are_read_as_they_are_registered_or_refused() {
    let world =
        Catalogue::new(&[("ext/parts/k=1/a.csv", "a,b|c\n"), ("ext/parts/k=2/a.csv", "d,e|f\n")]);
    let columns = [("x", "string"), ("y", "string")];
    let mut table = csv(&columns, "lazy.LazySimpleSerDe", &json!({"field.delim": ","}));
    table["PartitionKeys"] = json!([{"Name": "k", "Type": "int"}]);
    world.declare("parts", "ext/parts/", &table);
    let sql = "select x, y, k from parts order by k";
    let run = world.query("none", sql);
    assert_eq!(run["status"]["result"]["data"], json!([]), "{run:#}");
    let told = run["status"]["messages"].to_string();
    assert!(told.contains("left out: 2 files below the table's folder"), "{told}");
    let run = world.run("refresh", "table/refresh", json!({"table_name": "parts"}));
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    let rows = json!([{"x": "a", "y": "b|c", "k": 1}, {"x": "d", "y": "e|f", "k": 2}]);
    assert_eq!(world.rows("both", sql), rows, "names and types are those that were declared");
    let kept = world.table("parts");
    assert_eq!(kept["StorageDescriptor"]["Columns"][0]["Name"], "x", "{kept:#}");
    let partitions = world.ask("GetPartitions", json!({"TableName": "parts"}));
    let mut odd = partitions["Partitions"][0].clone();
    odd["StorageDescriptor"]["SerdeInfo"]["Parameters"]["field.delim"] = json!("|");
    let values = odd["Values"].clone();
    let input = json!({"Values": values, "StorageDescriptor": odd["StorageDescriptor"]});
    let asked =
        json!({"TableName": "parts", "PartitionValueList": values, "PartitionInput": input});
    world.ask("UpdatePartition", asked);
    assert_failed(&world.query("odd", sql), &["partition [1]", "read in another way"]);
}

#[test]
fn what_other_engines_would_read_otherwise_is_not_registered() {
    let world = Catalogue::new(&[
        (
            "raw/deep/a.json",
            "{\"Id\": 1, \"cust\": {\"id\": 5}}\n{\"Id\": 2, \"cust\": {\"id\": 6}}\n",
        ),
        ("raw/orders/a.csv", "id\n1\n"),
    ]);
    let run = world.infer("deep", "raw/deep", "deep", "error");
    assert_failed(&run, &["`id` within the column `cust`", "because of the case of names"]);
    let write = |name: &str| {
        let query = json!({"query_string": "select 1 as n", "output_path": "out/one"});
        world.run(name, "table/query", query)
    };
    assert_eq!(write("write")["status"]["phase"], "Succeeded");
    let run = world.infer("outputs", "out/one", "outputs", "error");
    assert_failed(&run, &["all that jobs wrote to `out/one`", "output_table"]);
}

#[test]
fn a_copy_of_a_written_table_is_not_masons_to_delete() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    let output = json!({"query_string": "select 7 as n", "output_table": "Made"});
    assert_eq!(world.run("write", "table/query", output)["status"]["phase"], "Succeeded");
    let again = json!({"query_string": "select 8 as n", "output_table": "made", "mode": "replace"});
    assert_eq!(world.run("replace", "table/query", again)["status"]["phase"], "Succeeded");
    let mut copy = world.table("made");
    let fields = copy.as_object_mut().expect("is an object");
    let kept = ["TableType", "Parameters", "PartitionKeys", "StorageDescriptor"];
    fields.retain(|field, _| kept.contains(&field.as_str()));
    copy["Name"] = json!("copied");
    assert_eq!(world.ask("CreateTable", json!({"TableInput": copy})), json!({}));
    let gone = world.run("delete", "table/delete", json!({"table_name": "copied"}));
    assert_eq!(gone["status"]["phase"], "Succeeded", "{gone:#}");
    assert_eq!(world.rows("stays", "select n from made"), json!([{"n": 8}]));
}

#[test]
fn a_change_whose_answer_is_lost_is_made_once() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    for (name, action, mode) in
        [("create", "CreateTable", "error"), ("update", "UpdateTable", "replace")]
    {
        world.fail(action, "after", "InternalServiceException");
        let run = world.infer(name, "raw/orders", "orders", mode);
        assert_eq!(run["status"]["phase"], "Succeeded", "{name}: {run:#}");
    }
    assert_eq!(world.table("orders")["VersionId"], "1");
}

#[test]
fn a_change_whose_process_dies_at_any_point_is_made_once() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    for (index, point) in
        ["change.recorded", "change.made", "apply.before-write", "apply.after-write"]
            .into_iter()
            .enumerate()
    {
        let name = format!("declared{index}");
        let file = world.world.run_of(
            &name,
            "table/infer",
            &json!({
                "database_name": world.database, "storage_path": "raw/orders", "table_name": name,
            }),
        );
        world.world.run_that_dies_at(point, &name, &file);
        assert_eq!(world.table(&name)["VersionId"], "0", "{point}");
    }
    assert_eq!(world.calls("CreateTable"), 4);
    assert_eq!(world.calls("UpdateTable"), 0);
}

#[test]
fn what_a_job_writes_is_registered_and_replaced_at_once() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n2\n")]);
    world.infer("infer", "raw/orders", "orders", "error");
    let write = |name: &str, sql: &str, more: Value| {
        let mut parameters = json!({"query_string": sql, "output_table": "Totals"});
        merge(&mut parameters, &more);
        world.run(name, "table/query", parameters)
    };
    let run = write("write", "select sum(id) as total from orders", json!({}));
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    let first = world.table("totals");
    let place = first["StorageDescriptor"]["Location"].as_str().expect("has one").to_owned();
    assert!(place.contains(&format!("/{}/totals/mason-job-", world.database)), "{place}");
    assert_eq!(first["StorageDescriptor"]["Columns"], json!([{"Name": "total", "Type": "bigint"}]));
    assert_eq!(world.rows("one", "select total from totals"), json!([{"total": 3}]));
    assert_failed(
        &write("again", "select 1 as total", json!({})),
        &["there is a table", "mode=replace"],
    );
    let run = write("append", "select 1 as total", json!({"mode": "append"}));
    assert_failed(&run, &["rows are not added to", "replaced as a whole"]);
    let run = write("replace", "select max(id) as most from orders", json!({"mode": "replace"}));
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(world.table("totals")["VersionId"], "1");
    assert_eq!(world.rows("two", "select most from totals"), json!([{"most": 2}]));
    let zoned = "select cast(now() as timestamp) at time zone 'Europe/Vienna' as at, 1 as n";
    let run = write("zoned", zoned, json!({"mode": "replace"}));
    assert_failed(&run, &["column `at` is Timestamp", "which the catalogue lacks"]);
    let run = write("json", "select 1 as n", json!({"mode": "replace", "format": "json"}));
    assert_failed(&run, &["files of json are read by no engine of the catalogue"]);
    assert_eq!(world.table("totals")["VersionId"], "1", "nothing was changed");
    let parts = json!({"output_table": "parts", "partition_columns": ["id"]});
    let run = write("parts", "select id, 'x' as word from orders", parts);
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    let sql = "select id, word from parts order by id";
    assert_eq!(world.rows("three", sql), json!([{"id": 1, "word": "x"}, {"id": 2, "word": "x"}]));
    let empty = json!({"output_table": "empty_parts", "partition_columns": ["id"]});
    let run = write("empty", "select id, 'x' as word from orders where id > 5", empty);
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(world.rows("none-of-them", "select id, word from empty_parts"), json!([]));
    let none = json!({"output_table": "none"});
    let run = write("none", "select id from orders where id > 5", none);
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(world.rows("four", "select id from none"), json!([]));
    let gone = world.run("delete", "table/delete", json!({"table_name": "totals"}));
    assert_eq!(gone["status"]["phase"], "Succeeded", "{gone:#}");
    assert_eq!(world.table("totals"), Value::Null);
}

#[test]
fn a_write_whose_process_dies_at_any_point_is_registered_once() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n2\n")]);
    world.infer("infer", "raw/orders", "orders", "error");
    let points = [
        "worker.prepared",
        "worker.committed",
        "worker.proven",
        "collect.before-write",
        "change.recorded",
        "change.made",
        "apply.before-write",
    ];
    for (index, point) in points.into_iter().enumerate() {
        let name = format!("totals{index}");
        let file = world.world.run_of(
            &name,
            "table/query",
            &json!({
                "database_name": world.database,
                "query_string": "select sum(id) as total from orders",
                "output_table": name,
            }),
        );
        world.world.run_that_dies_at(point, &name, &file);
        assert_eq!(world.table(&name)["VersionId"], "0", "{point}");
        let sql = format!("select total from {name}");
        assert_eq!(world.rows(&format!("look{index}"), &sql), json!([{"total": 3}]), "{point}");
    }
    assert_eq!(world.calls("CreateTable"), 1 + points.len());
}

#[test]
fn what_another_program_changed_meanwhile_is_not_lost() {
    let world = Catalogue::new(&[("raw/orders/a.csv", "id\n1\n")]);
    let run = world.infer("infer", "raw/orders", "orders", "error");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    let mut input = world.table("orders");
    let fields = input.as_object_mut().expect("is an object");
    let kept = ["Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor"];
    fields.retain(|field, _| kept.contains(&field.as_str()));
    input["Description"] = json!("orders of the shop");
    input["StorageDescriptor"]["Columns"] =
        json!([{"Name": "id", "Type": "string", "Comment": "the key"}]);
    assert_eq!(world.ask("UpdateTable", json!({"TableInput": input})), json!({}));
    world.fail("UpdateTable", "before", "ConcurrentModificationException");
    let run = world.infer("stale", "raw/orders", "orders", "replace");
    assert_failed(&run, &["ConcurrentModificationException", "changed meanwhile"]);
    let run = world.infer("replace", "raw/orders", "orders", "replace");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    let kept = world.table("orders");
    assert_eq!(kept["Description"], "orders of the shop");
    assert_eq!(kept["StorageDescriptor"]["Columns"][0]["Comment"], "the key", "{kept:#}");
}

#[test]
fn settings_of_a_catalogue_are_checked_with_every_problem() {
    let world = World::catalogued(&[("raw/a.csv", "id\n1\n")]);
    let told = |config: &Value| {
        let file = world.path("wrong.json");
        std::fs::write(&file, config.to_string()).expect("should write");
        let refused = world.call(&["validate", "-f", &text(&file)], &[]);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        (String::from_utf8_lossy(&refused.stderr) + String::from_utf8_lossy(&refused.stdout))
            .into_owned()
    };
    let mut config = world.config();
    let glue = json!({"region": "EU", "catalogId": "12", "endpoint": "ftp://x"});
    config["spec"]["clients"][2]["glue"] = glue;
    let shown = told(&config);
    for part in ["glue.region", "glue.catalogId", "glue.endpoint"] {
        assert!(shown.contains(part), "{part:?} is no part of {shown}");
    }
    let mut config = world.config();
    config["spec"]["engines"]["storage"] = json!([]);
    let shown = told(&config);
    assert!(shown.contains("no client `s3` comes first in `storage`"), "{shown}");
    let mut config = world.config();
    config["spec"]["clients"][2]["glue"]["credentials"] = json!({"secretRef": {"name": "aws"}});
    let shown = told(&config);
    assert!(shown.contains("is not the Secret of `bucket`"), "{shown}");
}
