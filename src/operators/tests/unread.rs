//! What operators leave to a job: tables that have to be read, and long lists of files.

use serde_json::json;

use super::fakes::request;
use super::reading::world;
use crate::engines::table::{
    PinnedFile, StoragePath, TableKind, TableLookup, TableName, UnreadTable,
};
use crate::engines::{Engines, ErrorKind};
use crate::operators::{Prepared, Unprepared, find};

#[tokio::test]
async fn what_only_a_job_can_read_is_left_to_one() {
    let mut world = world();
    world.tables.push(TableLookup::Unread(UnreadTable {
        name: TableName { database: "sales".to_owned(), table: "new".to_owned() },
        kind: TableKind::Discovered,
        locations: vec!["sales/new".to_owned()],
        version: None,
    }));
    let parameters = json!({
        "database_name": "sales", "table_name": "new", "output_table": "out", "format": "csv",
        "columns": {"id": "bigint"}, "right_table_name": "raw", "on": ["id"], "preview_rows": 1,
        "query_string": "select * from sales.raw join sales.new using (id)",
    });
    let is_unread = |prepared: &Result<Prepared, Unprepared>, what: &str| matches!(prepared, Err(Unprepared::Unread(place)) if place == what);
    for operator in [
        "table.get",
        "table.query",
        "table.merge",
        "table.format",
        "table.summarize",
        "table.deduplicate",
        "table.join",
        "table.explode",
        "table.cast",
    ] {
        let mut parameters = parameters.clone();
        if operator == "table.explode" {
            parameters["columns"] = json!(["id"]);
        }
        let prepared = world.prepare(operator, parameters).await;
        assert!(is_unread(&prepared, "`sales.new`"), "{operator}: {prepared:?}");
    }
    // What is wrong without a look at the table is said at once.
    let there = json!({"database_name": "sales", "table_name": "new", "output_table": "orders"});
    assert_eq!(world.refusal("table.merge", there).await.0.kind, ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn no_longer_list_of_files_is_held_outside_a_job_than_may_be() {
    let mut world = world();
    let file = world.files[0].clone();
    let numbered = |number: usize| {
        let path = StoragePath::new(&format!("sales/raw/{number}")).expect("should be a path");
        PinnedFile { path, ..file.clone() }
    };
    let infer = json!({"database_name": "sales", "table_name": "t", "storage_path": "sales/raw"});
    world.files = (0..Engines::MOST_FILES).map(numbered).collect();
    let (spec, _) = world.job("table.infer", infer.clone()).await;
    assert_eq!(spec.inputs[0].files.len(), 10_000);
    world.files.push(numbered(Engines::MOST_FILES));
    let prepared = world.prepare("table.infer", infer.clone()).await;
    let Err(Unprepared::Unread(what)) = prepared else { panic!("is too long: {prepared:?}") };
    assert_eq!(what, "`sales/raw`");
    let engines = Engines { in_job: true, ..world.engines() };
    let operator = find("table.infer").expect("should exist");
    let prepared = operator.prepare(&engines, &request(infer)).await;
    assert!(matches!(prepared, Ok(Prepared::Job { .. })), "a job may hold it: {prepared:?}");
}
