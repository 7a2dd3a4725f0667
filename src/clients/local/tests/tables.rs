//! Tables: managed ones as they were committed, proven again, and what is left of old ones.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::SignedDuration;

use super::{files, metastore_in_job, new_root, owner, request, sink, spec, token};
use crate::clients::local::clock::now;
use crate::clients::local::execution::LocalExecution;
use crate::clients::local::leftovers::{Retention, collect};
use crate::clients::local::metastore;
use crate::clients::local::root::Root;
use crate::engines::ErrorKind;
use crate::engines::execution::Execution;
use crate::engines::job_spec::{Input, InputFile, WriteMode};
use crate::engines::metastore::Metastore;
use crate::engines::reading::Reading;
use crate::engines::table::{Table, TableKind, TableLookup, TableName, TableVersion};
use crate::lake::commit::{Committer, commit};
use crate::lake::retention::KeptGenerations;
use crate::lake::tests::write_file;
use crate::lake::verify::verify;

pub(crate) fn managed_table(root: &Arc<Root>, run: &str, rows: &str) {
    let token = token(run);
    let append = sink(WriteMode::Append, None);
    let written = write_file(&files(root), &append, &token, rows);
    let committer = Committer { owner: &owner(run, 1), token: &token, now: now() };
    commit(&files(root), &append, &written, committer).expect("should commit");
}

fn orders() -> TableName {
    TableName { database: "sales".to_owned(), table: "orders".to_owned() }
}

async fn get(root: &Arc<Root>, name: &TableName) -> Table {
    let found = metastore_in_job(root).get_table(name, &Reading::default()).await;
    match found.expect("should be found") {
        TableLookup::Table(table) => *table,
        other => panic!("should be read and agree: {other:?}"),
    }
}

#[tokio::test]
async fn managed_table_has_the_committed_files_and_no_others() {
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    managed_table(&root, "r2", "3\n");
    fs::write(folder.path().join("sales/orders/stray.csv"), "a\n9\n").expect("should write");
    let table = get(&root, &TableName { table: "ORDERS".to_owned(), ..orders() }).await;
    assert_eq!((table.kind, table.rows, table.files.len()), (TableKind::Managed, Some(3), 2));
    assert_eq!((table.version, &table.name), (Some(TableVersion(2)), &orders()));
}

#[tokio::test]
async fn a_table_that_mason_knows_shadows_a_file_of_its_name() {
    use futures::TryStreamExt;
    let (folder, root) = new_root();
    fs::create_dir_all(folder.path().join("sales")).expect("should make a folder");
    fs::write(folder.path().join("sales/Orders.csv"), "a\n9\n").expect("should write");
    assert_eq!(get(&root, &orders()).await.kind, TableKind::Discovered);
    managed_table(&root, "r1", "1\n2\n");
    assert_eq!(get(&root, &orders()).await.rows, Some(2));
    let metastore = metastore(&root);
    let listed: Vec<_> = metastore.list_tables("sales").try_collect().await.expect("should list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].kind, TableKind::Managed);
}

#[tokio::test]
async fn no_table_is_looked_into_but_the_one_that_is_meant() {
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    let beside = folder.path().join("sales/broken/_mason");
    fs::create_dir_all(&beside).expect("should make a folder");
    fs::write(beside.join("00000000000000000001.json"), "{").expect("should write");
    assert_eq!(get(&root, &orders()).await.rows, Some(2));
    let metastore = metastore(&root);
    let entry = metastore.find_table(&orders()).await.expect("should look").expect("is there");
    assert_eq!((entry.kind, entry.name), (TableKind::Managed, orders()));
    let missing = TableName { table: "nowhere".to_owned(), ..orders() };
    assert_eq!(metastore.find_table(&missing).await.expect("should look"), None);
    metastore.get_database("sales").await.expect("should be found");
    let broken = TableName { table: "broken".to_owned(), ..orders() };
    assert!(metastore.find_table(&broken).await.is_err(), "what is asked for is looked into");
}

#[tokio::test]
async fn managed_file_that_somebody_cut_is_named() {
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    fs::write(folder.path().join("sales/orders/mason-job-r1/part-0.csv"), "a\n1\n")
        .expect("should write");
    let error = metastore(&root)
        .get_table(&orders(), &Reading::default())
        .await
        .expect_err("should notice");
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("mason-job-r1/part-0.csv"), "{error}");
}

#[test]
fn one_flipped_byte_fails_the_proof_and_names_the_file() {
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    let path = folder.path().join("sales/orders/mason-job-r1/part-0.csv");
    let mut bytes = fs::read(&path).expect("should read");
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&path, bytes).expect("should write");
    let error = verify(&files(&root), &orders()).expect_err("should notice");
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("mason-job-r1/part-0.csv"), "{error}");
    assert!(error.message.contains("SHA-256"), "{error}");
}

#[test]
fn old_generations_go_with_the_files_that_only_they_name() {
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    let token2 = token("r2");
    let replace = sink(WriteMode::Replace, Some(1));
    let written = write_file(&files(&root), &replace, &token2, "7\n");
    let committer = Committer { owner: &owner("r2", 1), token: &token2, now: now() };
    commit(&files(&root), &replace, &written, committer).expect("should replace");
    managed_table(&root, "r3", "8\n");
    let keep = |age| Retention {
        generations: KeptGenerations { least: 1, age, most: 100 },
        ..Retention::default()
    };
    let day = Duration::from_hours(24);
    let early = collect(&root, keep(day), now()).expect("should collect");
    assert_eq!((early.generations, early.files), (0, 0));
    let later = now() + SignedDuration::from_hours(48);
    let collected = collect(&root, keep(day), later).expect("should collect");
    assert_eq!((collected.generations, collected.files, collected.bytes), (2, 1, 6));
    assert!(!folder.path().join("sales/orders/mason-job-r1").exists());
    assert!(folder.path().join("sales/orders/mason-job-r2/part-0.csv").exists());
    assert!(folder.path().join("sales/orders/mason-job-r3/part-0.csv").exists());
    let again = collect(&root, keep(day), later).expect("should collect");
    assert_eq!(again.generations, 0);
}

#[tokio::test]
async fn what_a_live_job_writes_and_reads_is_never_collected() {
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n2\n");
    let read = get(&root, &orders()).await;
    let replace = sink(WriteMode::Replace, Some(1));
    let token2 = token("r2");
    let written = write_file(&files(&root), &replace, &token2, "7\n");
    let committer = Committer { owner: &owner("r2", 1), token: &token2, now: now() };
    commit(&files(&root), &replace, &written, committer).expect("should replace");
    let limits = super::execution::LIMITS;
    let worker = super::worker_process::command(None);
    let execution = LocalExecution::new(Arc::clone(&root), limits, worker);
    let mut reading = spec(0, Some(sink(WriteMode::Append, None)));
    let file = read.files[0].clone();
    reading.inputs.push(Input {
        name: orders(),
        format: read.format,
        schemas: vec![read.schema],
        partition_columns: crate::engines::schema::Schema::default(),
        files: vec![InputFile { file, schema: 0 }],
        version: None,
        left_out: crate::engines::bad_rows::Tally::default(),
        partitions: None,
        notes: Vec::new(),
    });
    execution.create(&reading, &request("live", owner("u", 1))).await.expect("should create");
    write_file(&files(&root), &sink(WriteMode::Append, None), &token("live"), "1\n");
    let all = Retention {
        jobs: Duration::ZERO,
        generations: KeptGenerations { age: Duration::ZERO, least: 1, most: 100 },
        ..Retention::default()
    };
    let later = now() + SignedDuration::from_hours(48);
    collect(&root, all, later).expect("should collect");
    for kept in ["r1", "live", "r2"] {
        assert!(
            folder.path().join(format!("sales/orders/mason-job-{kept}/part-0.csv")).exists(),
            "{kept}"
        );
    }
    execution.fence(&request("live", owner("u", 1))).await.expect("should fence");
    let collected = collect(&root, all, later).expect("should collect");
    assert_eq!((collected.jobs, collected.files, collected.generations), (1, 2, 1));
    assert!(folder.path().join("sales/orders/mason-job-r2/part-0.csv").exists());
    for gone in ["sales/orders/mason-job-r1", "sales/orders/mason-job-live", ".mason/jobs/live"] {
        assert!(!folder.path().join(gone).exists(), "{gone}");
    }
}

#[tokio::test]
async fn of_many_jobs_the_oldest_go_and_none_of_the_last_day() {
    let (folder, root) = new_root();
    let worker = super::worker_process::command(None);
    let execution = LocalExecution::new(Arc::clone(&root), super::execution::LIMITS, worker);
    for job in ["j1", "j2", "j3"] {
        execution
            .create(&spec(0, None), &request(job, owner("u", 1)))
            .await
            .expect("should create");
        execution.fence(&request(job, owner("u", 1))).await.expect("should fence");
    }
    let few = Retention { most_jobs: 1, ..Retention::default() };
    assert_eq!(collect(&root, few, now()).expect("should collect").jobs, 0);
    let later = now() + SignedDuration::from_hours(25);
    assert_eq!(collect(&root, few, later).expect("should collect").jobs, 2);
    let there = |job: &&str| folder.path().join(".mason/jobs").join(job).exists();
    assert_eq!(["j1", "j2", "j3"].iter().filter(|job| there(job)).count(), 1);
}

#[test]
fn records_go_by_their_age() {
    let (folder, root) = new_root();
    for (path, days) in [
        ("changes/a.json", 100),
        ("changes/b.fenced.json", 80),
        ("changes/lock", 200),
        ("cache/inference/c.json", 40),
        ("cache/latest/d.json", 40),
    ] {
        let path = folder.path().join(".mason").join(path);
        fs::create_dir_all(path.parent().expect("should have one")).expect("should make");
        fs::write(&path, "{}").expect("should write");
        let then = SystemTime::now() - Duration::from_hours(24 * days);
        let file = fs::File::options().write(true).open(&path).expect("should open");
        file.set_modified(then).expect("should set");
    }
    let collected = collect(&root, Retention::default(), now()).expect("should collect");
    assert_eq!(collected.records, 3);
    for (path, stays) in [
        ("changes/a.json", false),
        ("changes/b.fenced.json", true),
        ("changes/lock", true),
        ("cache/inference/c.json", false),
        ("cache/latest/d.json", false),
    ] {
        assert_eq!(folder.path().join(".mason").join(path).exists(), stays, "{path}");
    }
}

#[tokio::test]
async fn tables_are_listed_without_what_is_not_committed() {
    use futures::TryStreamExt;
    let (folder, root) = new_root();
    managed_table(&root, "r1", "1\n");
    let below = |path: &str| folder.path().join(path);
    for path in ["sales/found.csv.gz", "sales/README.md", "sales/days/day=1/x.csv", "top.csv"] {
        fs::create_dir_all(below(path).parent().expect("should have one")).expect("should make");
        fs::write(below(path), "a\n1\n").expect("should write");
    }
    fs::create_dir_all(below("sales/staged/mason-job-t9")).expect("should make");
    fs::write(below("sales/staged/mason-job-t9/part-0.csv"), "a\n1\n").expect("should write");
    fs::create_dir_all(below("sales/empty")).expect("should make");
    let metastore = metastore(&root);
    let tables: Vec<_> = metastore.list_tables("SALES").try_collect().await.expect("should list");
    let named: Vec<_> =
        tables.iter().map(|entry| (entry.name.table.as_str(), entry.kind)).collect();
    assert_eq!(
        named,
        [
            ("days", TableKind::Discovered),
            ("found", TableKind::Discovered),
            ("orders", TableKind::Managed)
        ]
    );
    fs::write(below("sales/Found.parquet"), "x").expect("should write");
    let name = TableName { table: "found".to_owned(), ..orders() };
    let error =
        metastore.get_table(&name, &Reading::default()).await.expect_err("should be ambiguous");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("found.csv.gz") && error.message.contains("Found.parquet"));
}
