//! Changes that die at any durable operation are completed, once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::tables::managed_table;
use super::{new_root, schema};
use crate::clients::local::disk::recorder::FailsFrom;
use crate::clients::local::metastore;
use crate::clients::local::root::Root;
use crate::engines::metastore::{Author, Change, Changes, Metastore, TableDeclaration};
use crate::engines::reading::Reading;
use crate::engines::schema::SchemaFound;
use crate::engines::table::{Format, TableName, TableVersion};
use crate::engines::{ErrorKind, Retry};
use crate::lake::commit::written_format;

fn name() -> TableName {
    TableName { database: "sales".to_owned(), table: "orders".to_owned() }
}

fn author() -> Author {
    Author { run_uid: "change".to_owned(), attempt: 1 }
}

fn put() -> Change {
    Change::PutTable {
        table: Box::new(TableDeclaration {
            name: TableName { table: "days".to_owned(), ..name() },
            locations: vec!["files".to_owned()],
            format: written_format(Format::Csv),
            schema: schema("a"),
            partition_keys: Vec::new(),
            found: SchemaFound::Declared,
        }),
        expected: None,
    }
}

fn changes() -> Vec<Change> {
    vec![
        Change::CreateDatabase { name: "new".to_owned(), if_not_exists: false },
        put(),
        Change::DeleteTable {
            name: name(),
            expected: Some(TableVersion(1)),
            delete_external_files: false,
        },
        Change::DeleteDatabase { name: "sales".to_owned(), cascade: true },
    ]
}

fn prepared(folder: &Path) -> Arc<Root> {
    fs::create_dir_all(folder.join("files")).expect("should make a folder");
    fs::write(folder.join("files/x.csv"), "a\n1\n").expect("should write");
    let root = Arc::new(Root::open(folder).expect("should open"));
    managed_table(&root, "r1", "1\n2\n");
    root
}

/// What can be seen of a root but Mason's own records.
fn visible(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![folder.to_owned()];
    while let Some(next) = rest.pop() {
        for entry in fs::read_dir(&next).expect("should list") {
            let path = entry.expect("should list").path();
            let below = path.strip_prefix(folder).expect("should be below").display().to_string();
            if below == ".mason" {
                continue;
            }
            if path.is_dir() {
                rest.push(path);
            }
            found.push(below);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn change_that_dies_at_any_step_is_completed_once() {
    for change in changes() {
        let (whole, _) = new_root();
        let root = prepared(whole.path());
        let wanted = metastore(&root).apply(&change, &author()).await.expect("should change");
        let mut died = 0;
        for step in 1.. {
            let (folder, _) = new_root();
            let root = prepared(folder.path());
            drop(root);
            let dying = Root::open(folder.path()).expect("should open");
            let dying = dying.with_disk(Box::new(FailsFrom::step(step)));
            let first = metastore(&Arc::new(dying)).apply(&change, &author()).await;
            let next = Root::open(folder.path()).expect("should open");
            let next = metastore(&Arc::new(next));
            let found = next.find(&change, &author()).await.expect("should look").found();
            let late = Author { attempt: 2, ..author() };
            let again = next.apply(&change, &late).await.expect("should complete");
            if let Some(found) = found {
                assert_eq!(found, again, "{change:?}, step {step}");
            }
            assert_eq!(again.what, wanted.what);
            assert_eq!(again.version, wanted.version, "{change:?}, step {step}");
            assert_eq!(again.files_deleted, wanted.files_deleted, "{change:?}, step {step}");
            let seen: Vec<_> =
                visible(folder.path()).into_iter().filter(|path| !path.contains(".new-")).collect();
            assert_eq!(seen, visible(whole.path()), "{change:?}, step {step}");
            if first.is_ok() {
                break;
            }
            died += 1;
        }
        assert!(died >= 4, "{change:?} has {died} steps");
    }
}

#[tokio::test]
async fn a_change_is_made_once_for_its_run() {
    let (folder, _) = new_root();
    let metastore = metastore(&prepared(folder.path()));
    let first = metastore.apply(&put(), &author()).await.expect("should change");
    let late = Author { attempt: 2, ..author() };
    assert_eq!(metastore.apply(&put(), &late).await.expect("should be the same"), first);
    let generations = fs::read_dir(folder.path().join("sales/days/_mason"));
    assert_eq!(generations.expect("should be there").count(), 1);
}

#[tokio::test]
async fn a_lock_that_is_held_for_ever_delays_and_does_not_stop() {
    let (folder, _) = new_root();
    let metastore = metastore(&prepared(folder.path()));
    metastore.apply(&put(), &author()).await.expect("should change");
    let lock = fs::File::open(folder.path().join(".mason/changes/lock")).expect("should open");
    lock.lock().expect("should lock");
    let error = metastore.find(&put(), &author()).await.expect_err("should not wait for ever");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unavailable, Retry::Later), "{error}");
    drop(lock);
    let found = metastore.find(&put(), &author()).await.expect("should look");
    assert!(found.found().is_some());
}

#[tokio::test]
async fn a_pipe_or_a_huge_file_in_place_of_a_manifest_is_refused_at_once() {
    let (folder, _) = new_root();
    let metastore = metastore(&prepared(folder.path()));
    let manifest = folder.path().join("sales/orders/_mason/00000000000000000002.json");
    let huge = fs::File::create(&manifest).expect("should create");
    huge.set_len(5 << 30).expect("should be sparse");
    let error = metastore.get_table(&name(), &Reading::default()).await.expect_err("too large");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
    assert!(error.message.contains("256 MiB"), "{error}");
    fs::remove_file(&manifest).expect("should remove");
    rustix::fs::mkfifoat(rustix::fs::CWD, &manifest, 0o600.into()).expect("should make a pipe");
    let error = metastore.get_table(&name(), &Reading::default()).await.expect_err("a pipe");
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
}

#[tokio::test]
async fn deleted_database_with_foreign_files_stays() {
    let (folder, _) = new_root();
    let metastore = metastore(&prepared(folder.path()));
    fs::write(folder.path().join("sales/mine.csv"), "a\n1\n").expect("should write");
    let delete = Change::DeleteDatabase { name: "sales".to_owned(), cascade: true };
    let error = metastore.apply(&delete, &author()).await.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(folder.path().join("sales/mine.csv").exists());
    assert!(metastore.get_table(&name(), &Reading::default()).await.is_ok());
}

#[tokio::test]
async fn external_files_go_only_when_asked() {
    let (folder, _) = new_root();
    let metastore = metastore(&prepared(folder.path()));
    metastore.apply(&put(), &author()).await.expect("should declare");
    let delete = |delete_external_files| Change::DeleteTable {
        name: TableName { table: "days".to_owned(), ..name() },
        expected: None,
        delete_external_files,
    };
    let other = |run: &str| Author { run_uid: run.to_owned(), attempt: 1 };
    metastore.apply(&delete(false), &other("d1")).await.expect("should delete");
    assert!(folder.path().join("files/x.csv").exists());
    metastore.apply(&put(), &other("p2")).await.expect("should declare again");
    let changed = metastore.apply(&delete(true), &other("d2")).await.expect("should delete");
    assert_eq!((changed.files_deleted, changed.bytes_deleted), (1, 4));
    assert!(!folder.path().join("files/x.csv").exists());
}

#[tokio::test]
async fn declaration_over_a_name_that_is_taken_is_refused() {
    let (folder, _) = new_root();
    let metastore = metastore(&prepared(folder.path()));
    fs::write(folder.path().join("sales/Days.csv"), "a\n1\n").expect("should write");
    let error = metastore.apply(&put(), &author()).await.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert!(error.message.contains("Days.csv"), "{error}");
}
