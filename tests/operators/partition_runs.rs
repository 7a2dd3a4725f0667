//! What queries over tables of many partitions ask of a bucket and of a catalogue: no more than over tables of few.

use serde_json::{Value, json};

use crate::catalogue::Catalogue;
use crate::s3::Bucket;
use crate::world::World;

const FEW: usize = 3;
const MANY: usize = 300;

/// The day of a number, each its own.
fn day(number: usize) -> String {
    format!("20{:02}-{:02}-{:02}", number / 336, number / 28 % 12 + 1, number % 28 + 1)
}

/// Files of one row, each in the partition of a day.
fn files(folder: &str, days: usize) -> Vec<(String, String)> {
    let file =
        |number: usize| (format!("{folder}/day={}/a.csv", day(number)), format!("id\n{number}\n"));
    (0..days).map(file).collect()
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect()
}

/// Runs a query that reads one partition, and returns what was asked of the bucket meanwhile.
fn asked(bucket: &Bucket, run: impl FnOnce() -> Value, of: usize) -> Vec<String> {
    let before = bucket.requests().len();
    let run = run();
    assert_eq!(run["status"]["result"]["data"], json!([{"id": 1}]), "{run:#}");
    let told = run["status"]["messages"].to_string();
    assert!(told.contains(&format!("1 of {of} read")), "{told}");
    bucket.requests().split_off(before)
}

/// Asserts that a query of one day asks no more of a bucket with many days, and that no other day is named.
fn assert_alike(few: &[String], many: &[String]) {
    assert_eq!(few.len(), many.len(), "{few:#?}\n{many:#?}");
    let others = |request: &&String| {
        let is_other = |number: usize| number != 1 && request.contains(&day(number));
        (0..MANY).any(is_other)
    };
    // A server may answer where a folder ends by the next key.
    let named: Vec<_> = many.iter().filter(others).collect();
    assert!(named.is_empty(), "{named:#?}");
}

fn sql() -> String {
    format!("select id from days where day = '{}'", day(1))
}

#[test]
fn a_day_of_a_catalogue_costs_no_more_where_there_are_many() {
    let of = |days: usize| {
        let content = files("raw/days", days);
        let world = Catalogue::new(&borrowed(&content));
        let run = world.infer("infer", "raw/days", "days", "error");
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
        let asked = asked(&world.world.bucket, || world.query("day", &sql()), days);
        let parameters = json!({"database_name": world.database, "query_string": sql()});
        let plan = world.world.plan("plan", "table/query", &parameters);
        let expected = json!([1, days, 1]);
        let found = ["partitionsRead", "partitionsTotal", "filesRead"].map(|name| &plan[name]);
        assert_eq!(json!(found), expected, "{plan:#}");
        (asked, world.calls("GetPartitions"))
    };
    let ((few, pages_of_few), (many, pages_of_many)) = (of(FEW), of(MANY));
    assert_alike(&few, &many);
    assert_eq!(pages_of_few, pages_of_many, "a page has 1,000 partitions");
}

#[test]
fn a_day_of_declared_folders_costs_no_more_where_there_are_many() {
    let of = |days: usize| {
        let content = files("raw/days", days);
        let world = World::with(&borrowed(&content));
        let declared = json!({
            "database_name": "sales", "storage_path": "raw/days", "table_name": "days",
        });
        world.run("make-db", "database/create", &json!({"database_name": "sales"}));
        let run = world.run("infer", "table/infer", &declared);
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
        asked(&world.bucket, || world.query("day", &sql()), days)
    };
    assert_alike(&of(FEW), &of(MANY));
}

#[test]
fn a_day_of_a_written_table_costs_no_more_where_there_are_many() {
    let of = |days: usize| {
        let content: String = (0..days).fold("id,day\n".to_owned(), |text, number| {
            format!("{text}{number},{}\n", day(number))
        });
        let world = World::with(&[("sales/raw.csv", &content)]);
        let write = json!({
            "database_name": "sales", "table_name": "raw", "output_table": "days", "format": "csv",
            "partition_columns": ["day"],
        });
        let run = world.run("write", "table/format", &write);
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
        asked(&world.bucket, || world.query("day", &sql()), days)
    };
    // A list of most files is a document of its own, beside the manifest.
    let (few, many) = (of(FEW), of(MANY));
    assert!(many.len() <= few.len() + 8, "{few:#?}\n{many:#?}");
}
