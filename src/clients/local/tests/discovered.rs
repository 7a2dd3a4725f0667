//! Undeclared tables: found in the files, remembered per file.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::datatypes::DataType;

use super::tables::managed_table;
use super::{metastore_in_job, new_root};
use crate::clients::local::metastore;
use crate::clients::local::root::Root;
use crate::engines::metastore::Metastore;
use crate::engines::reading::Reading;
use crate::engines::schema::SchemaFound;
use crate::engines::table::{TableKind, TableLookup, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::verify::{Verified, verify};

async fn look_up(root: &Arc<Root>) -> Result<TableLookup, EngineError> {
    let name = TableName { database: "sales".to_owned(), table: "orders".to_owned() };
    metastore_in_job(root).get_table(&name, &Reading::default()).await
}

fn write(folder: &tempfile::TempDir, path: &str, content: &[u8]) {
    let path = folder.path().join("sales/orders").join(path);
    fs::create_dir_all(path.parent().expect("should have one")).expect("should make a folder");
    fs::write(&path, content).expect("should write");
    // Older than what the cache distrusts.
    let file = fs::File::options().write(true).open(&path).expect("should open");
    file.set_modified(SystemTime::now() - Duration::from_mins(1)).expect("should set");
}

#[tokio::test]
async fn files_that_agree_are_a_table_with_its_partitions() {
    let (folder, root) = new_root();
    write(&folder, "code=01/a.csv", b"id,name\n1,x\n2,y\n");
    write(&folder, "code=2/b.csv", b"id,name\n3,z\n");
    write(&folder, "code=2/empty.csv", b"");
    write(&folder, "_log.csv", b"nothing\n");
    let TableLookup::Table(table) = look_up(&root).await.expect("should be found") else {
        panic!("should agree");
    };
    let types: Vec<_> =
        table.schema.columns.iter().map(|c| (c.name.as_str(), c.data_type.0.clone())).collect();
    assert_eq!(
        types,
        [("id", DataType::Int64), ("name", DataType::Utf8), ("code", DataType::Utf8)]
    );
    assert_eq!(table.partition_keys, ["code"]);
    assert_eq!(table.files[0].partition_values, [Some("01".to_owned())]);
    assert_eq!((table.rows, table.files.len()), (Some(3), 2));
    assert_eq!(table.found, SchemaFound::AllRows { files: 2, rows: 3 });
    assert!(table.notes.iter().any(|note| note.contains("empty.csv")), "{:?}", table.notes);
}

#[tokio::test]
async fn files_that_disagree_are_a_value() {
    let (folder, root) = new_root();
    write(&folder, "a.csv", b"id,name\n1,x\n");
    write(&folder, "b.csv", b"id,place\n1,x\n");
    let TableLookup::Conflicting(table) = look_up(&root).await.expect("should be found") else {
        panic!("should disagree");
    };
    assert_eq!(table.conflict.schemas.len(), 2);
    assert_eq!(table.files.len(), 2);
    assert_ne!(table.files[0].1, table.files[1].1);
}

#[tokio::test]
async fn every_broken_file_is_named() {
    let (folder, root) = new_root();
    write(&folder, "good.parquet", b"PAR1 but no footer PAR1");
    write(&folder, "cut.parquet", b"PAR1");
    let error = look_up(&root).await.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    for file in ["good.parquet", "cut.parquet"] {
        assert!(error.message.contains(file), "{error}");
    }
}

#[tokio::test]
async fn files_of_several_formats_are_refused() {
    let (folder, root) = new_root();
    write(&folder, "a.csv", b"id,name\n1,x\n");
    write(&folder, "b.jsonl", b"{\"id\": 1, \"name\": \"x\"}\n");
    let error = look_up(&root).await.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("csv") && error.message.contains("jsonl"), "{error}");
}

fn cache_file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let cache = folder.path().join(".mason/cache/inference");
    let mut entries = fs::read_dir(cache).expect("should be there");
    entries.next().expect("should have a file").expect("should be readable").path()
}

#[tokio::test]
async fn inference_is_remembered_and_a_broken_memory_is_written_anew() {
    let (folder, root) = new_root();
    write(&folder, "a.csv", b"id,name\n1,x\n");
    let first = look_up(&root).await.expect("should be found");
    let cache = cache_file(&folder);
    let remembered = fs::read_to_string(&cache).expect("should be readable");
    let changed = remembered.replace("\"name\":\"name\"", "\"name\":\"remembered\"");
    assert_ne!(remembered, changed);
    fs::write(&cache, changed).expect("should write");
    let TableLookup::Table(table) = look_up(&root).await.expect("should be found") else {
        panic!("should agree");
    };
    assert_eq!(table.schema.columns[1].name, "remembered");
    fs::write(&cache, "{ broken").expect("should write");
    assert_eq!(look_up(&root).await.expect("should be found"), first);
    assert_eq!(fs::read_to_string(&cache).expect("should be readable"), remembered);
    write(&folder, "a.csv", b"id,other\n1,x\n");
    let TableLookup::Table(table) = look_up(&root).await.expect("should be found") else {
        panic!("should agree");
    };
    assert_eq!(table.schema.columns[1].name, "other");
}

#[tokio::test]
async fn proof_reads_every_file_again() {
    let (_folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    managed_table(&root, "r2", "3\n");
    let name = TableName { database: "sales".to_owned(), table: "orders".to_owned() };
    let verified = verify(&super::files(&root), &name).expect("should be as committed");
    assert_eq!(verified, Verified { version: TableVersion(2), files: 2, bytes: 10, rows: 3 });
}

#[tokio::test]
async fn outside_a_job_only_the_place_of_a_table_is_told_and_no_file_is_opened() {
    let (folder, root) = new_root();
    // Nothing could be made of it by reading.
    write(&folder, "broken.parquet", b"PAR1");
    let name = TableName { database: "sales".to_owned(), table: "ORDERS".to_owned() };
    let found = metastore(&root).get_table(&name, &Reading::default()).await;
    let TableLookup::Unread(table) = found.expect("should be found") else {
        panic!("should not be read");
    };
    assert_eq!(table.name.to_string(), "sales.orders", "as it is spelled there");
    assert_eq!((table.kind, table.version), (TableKind::Discovered, None));
    assert_eq!(table.locations, ["sales/orders"]);
    assert_eq!(look_up(&root).await.expect_err("is broken").kind, ErrorKind::InvalidInput);
}
