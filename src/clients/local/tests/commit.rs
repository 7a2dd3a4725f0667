//! Commits: at once, once per run, in the right order.

use std::fs;
use std::sync::Arc;

use super::worker_process::write_file;
use super::{new_root, owner, schema, sink, token};
use crate::clients::local::catalogue::{self, ManifestKind};
use crate::clients::local::commit::{Committer, commit};
use crate::clients::local::disk::recorder::Recorder;
use crate::clients::local::root::Root;
use crate::engines::job_spec::{FileSink, WriteMode};
use crate::engines::result::Commit;
use crate::engines::table::{StoragePath, TableVersion};
use crate::engines::{EngineError, ErrorKind};

fn orders() -> StoragePath {
    StoragePath::new("sales/orders").expect("should be a path")
}

fn commit_rows(
    root: &Root,
    sink: &FileSink,
    run: &str,
    attempt: u32,
) -> Result<Commit, EngineError> {
    let token = token(&format!("{run}-{attempt}"));
    root.make_folders(&format!(".mason/jobs/{token}")).expect("should make a job's folder");
    let written = write_file(root, &sink.location, &token.0, "1\n2\n");
    commit(root, sink, &written, Committer { owner: &owner(run, attempt), token: &token })
}

#[test]
fn everything_is_on_the_disk_before_the_manifest_gets_its_name() {
    let folder = tempfile::tempdir().expect("should make a folder");
    let recorder = Recorder::default();
    let root =
        Root::open(folder.path()).expect("should open").with_disk(Box::new(recorder.clone()));
    commit_rows(&root, &sink(WriteMode::Error, None), "r", 1).expect("should commit");
    let calls: Vec<String> = recorder
        .calls()
        .iter()
        .map(|call| match call.split_once(".new-") {
            Some((before, _)) => format!("{before}.new"),
            None => call.clone(),
        })
        .collect();
    assert_eq!(
        calls,
        [
            "sync-file sales/orders/r-1/part-0.csv",
            "sync-folder sales/orders/r-1",
            "sync-folder sales/orders",
            "sync-folder sales",
            "sync-folder ",
            "sync-folder sales/orders",
            "sync-folder sales",
            "sync-folder ",
            "write sales/orders/_mason/.new",
            "sync-file sales/orders/_mason/.new",
            "link sales/orders/_mason/00000000000000000001.json",
            "sync-folder sales/orders/_mason",
        ]
    );
}

#[test]
fn run_commits_once_whichever_attempt_does() {
    let (_folder, root) = new_root();
    let append = sink(WriteMode::Append, None);
    let first = commit_rows(&root, &append, "r", 1).expect("should commit");
    let late = commit_rows(&root, &append, "r", 2).expect("should adopt");
    assert_eq!(first, late);
    assert_eq!((late.attempt, late.version), (1, TableVersion(1)));
    assert_eq!(catalogue::history(&root, &orders()).expect("should read").len(), 1);
}

#[test]
fn append_adds_to_what_others_added_meanwhile() {
    let (_folder, root) = new_root();
    commit_rows(&root, &sink(WriteMode::Error, None), "r1", 1).expect("should commit");
    commit_rows(&root, &sink(WriteMode::Append, Some(1)), "r2", 1).expect("should commit");
    let third =
        commit_rows(&root, &sink(WriteMode::Append, Some(1)), "r3", 1).expect("should re-base");
    assert_eq!((third.version, third.files, third.rows), (TableVersion(3), 1, 2));
    let latest =
        catalogue::latest(&root, &orders()).expect("should read").expect("should be there");
    assert_eq!(latest.manifest.files.len(), 3);
    assert_eq!(latest.manifest.kind, ManifestKind::Managed);
    assert_eq!(latest.digest, third.digest);
}

#[test]
fn concurrent_appends_all_arrive() {
    let (_folder, root) = new_root();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let root = Arc::clone(&root);
            scope.spawn(move || {
                let run = format!("r{writer}");
                commit_rows(&root, &sink(WriteMode::Append, None), &run, 1).expect("should commit")
            });
        }
    });
    let latest =
        catalogue::latest(&root, &orders()).expect("should read").expect("should be there");
    assert_eq!(latest.manifest.generation, TableVersion(8));
    assert_eq!(latest.manifest.files.len(), 8);
}

#[test]
fn changed_target_is_a_conflict() {
    let (_folder, root) = new_root();
    commit_rows(&root, &sink(WriteMode::Replace, None), "r1", 1).expect("should commit");
    for (mode, expected) in
        [(WriteMode::Replace, None), (WriteMode::Replace, Some(7)), (WriteMode::Error, None)]
    {
        let error = commit_rows(
            &root,
            &sink(mode, expected),
            &format!("x{expected:?}{mode:?}").to_lowercase().replace(['(', ')'], ""),
            1,
        )
        .expect_err("should be refused");
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
        assert!(error.message.contains("sales/orders"), "{error}");
    }
    let replaced =
        commit_rows(&root, &sink(WriteMode::Replace, Some(1)), "r2", 1).expect("should replace");
    assert_eq!(replaced.version, TableVersion(2));
    let latest =
        catalogue::latest(&root, &orders()).expect("should read").expect("should be there");
    assert_eq!(latest.manifest.files.len(), 1);
}

#[test]
fn appended_files_of_another_schema_are_refused() {
    let (_folder, root) = new_root();
    commit_rows(&root, &sink(WriteMode::Error, None), "r1", 1).expect("should commit");
    let token = token("r2-1");
    let mut written = write_file(&root, "sales/orders", &token.0, "1\n");
    written.schema = schema("b");
    let append = sink(WriteMode::Append, Some(1));
    let error =
        commit(&root, &append, &written, Committer { owner: &owner("r2", 1), token: &token })
            .expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("a Int64") && error.message.contains("b Int64"), "{error}");
}

#[test]
fn folder_with_files_of_somebody_else_is_refused() {
    let (folder, root) = new_root();
    fs::create_dir_all(folder.path().join("sales/orders")).expect("should make a folder");
    fs::write(folder.path().join("sales/orders/mine.csv"), "a\n1\n").expect("should write");
    for mode in [WriteMode::Error, WriteMode::Append] {
        let run = format!("{mode:?}").to_lowercase();
        let error = commit_rows(&root, &sink(mode, None), &run, 1).expect_err("should be refused");
        assert_eq!(error.kind, ErrorKind::AlreadyExists, "{error}");
        assert!(error.message.contains("mine.csv"), "{error}");
    }
}

#[test]
fn name_that_differs_only_in_case_is_refused() {
    let (folder, root) = new_root();
    fs::create_dir_all(folder.path().join("sales/Orders")).expect("should make a folder");
    let error = commit_rows(&root, &sink(WriteMode::Error, None), "r", 1).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("Orders"), "{error}");
}

#[test]
fn manifests_of_the_first_version_are_read_and_later_ones_are_told_apart() {
    let (folder, root) = new_root();
    commit_rows(&root, &sink(WriteMode::Error, None), "r", 1).expect("should commit");
    let path = folder.path().join("sales/orders/_mason/00000000000000000001.json");
    let written = fs::read_to_string(&path).expect("should be there");
    let rewrite = |version: u32, data_type: serde_json::Value| {
        let mut document: serde_json::Value =
            serde_json::from_str(&written).expect("should be JSON");
        document["version"] = version.into();
        document["schema"][0]["type"] = data_type;
        fs::write(&path, document.to_string()).expect("should be written");
        catalogue::read(&root, &orders(), TableVersion(1))
    };
    let text = r#"Struct("a": Timestamp(µs, "UTC"), "b": non-null List(Decimal128(10, 2)))"#;
    let old = rewrite(1, text.into()).expect("should be read").manifest;
    assert_eq!(old.schema.columns[0].data_type.to_string(), text);
    let newer = rewrite(catalogue::Manifest::VERSION + 1, serde_json::json!({"Of": "tomorrow"}));
    assert_eq!(newer.expect_err("should be refused").kind, ErrorKind::Unsupported);
}
