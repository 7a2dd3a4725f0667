//! Commits: at once, once per run, in the right order, on every sort of files.

use std::sync::Arc;

use super::{commit_rows, now, owner, path, schema, sink, with_all_files, write_file};
use crate::clients::local::disk::recorder::Recorder;
use crate::clients::local::files::RootFiles;
use crate::clients::local::root::Root;
use crate::engines::ErrorKind;
use crate::engines::files::Files;
use crate::engines::job::JobToken;
use crate::engines::job_spec::WriteMode;
use crate::engines::table::{StoragePath, TableVersion};
use crate::lake::commit::{Committer, commit, find_commit};
use crate::lake::manifest::{Manifest, ManifestKind};
use crate::lake::{catalogue, run_record};

fn orders() -> StoragePath {
    StoragePath::new("sales/orders").expect("should be a path")
}

#[test]
fn everything_is_on_the_disk_before_the_manifest_gets_its_name() {
    let folder = tempfile::tempdir().expect("should make a folder");
    let recorder = Recorder::default();
    let root = Root::open(folder.path()).expect("should open");
    let root = Arc::new(root.with_disk(Box::new(recorder.clone())));
    commit_rows(&RootFiles::new(root), &sink(WriteMode::Error, None), "r", 1)
        .expect("should commit");
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
            "sync-file sales/orders/mason-job-r-1/part-0.csv",
            "sync-folder sales/orders/mason-job-r-1",
            "sync-folder sales/orders",
            "sync-folder sales",
            "sync-folder ",
            "sync-folder sales/orders/_mason",
            "sync-folder sales/orders",
            "sync-folder sales",
            "sync-folder ",
            "write sales/orders/_mason/runs/.new",
            "sync-file sales/orders/_mason/runs/.new",
            "link sales/orders/_mason/runs/r.json",
            "sync-folder sales/orders/_mason/runs",
            "write sales/orders/_mason/.new",
            "sync-file sales/orders/_mason/.new",
            "link sales/orders/_mason/00000000000000000001.json",
            "sync-folder sales/orders/_mason",
        ]
    );
}

#[test]
fn run_commits_once_whichever_attempt_does() {
    with_all_files(|files| {
        let append = sink(WriteMode::Append, None);
        let first = commit_rows(files, &append, "r", 1).expect("should commit");
        commit_rows(files, &append, "other", 1).expect("should commit");
        let late = commit_rows(files, &append, "r", 2).expect("should adopt");
        assert_eq!(first, late);
        assert_eq!((late.attempt, late.version), (1, TableVersion(1)));
        assert_eq!(catalogue::history(files, &orders()).expect("should read").len(), 2);
    });
}

#[test]
fn append_adds_to_what_others_added_meanwhile() {
    with_all_files(|files| {
        commit_rows(files, &sink(WriteMode::Error, None), "r1", 1).expect("should commit");
        commit_rows(files, &sink(WriteMode::Append, Some(1)), "r2", 1).expect("should commit");
        let third = commit_rows(files, &sink(WriteMode::Append, Some(1)), "r3", 1);
        let third = third.expect("should re-base");
        assert_eq!((third.version, third.files, third.rows), (TableVersion(3), 1, 2));
        let latest = catalogue::latest(files, &orders()).expect("should read").expect("is there");
        assert_eq!(latest.manifest.files.len(), 3);
        assert_eq!(latest.manifest.kind, ManifestKind::Managed);
        assert_eq!(latest.digest, third.digest);
    });
}

#[test]
fn concurrent_appends_all_arrive() {
    with_all_files(|files| {
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    let run = format!("r{writer}");
                    commit_rows(files, &sink(WriteMode::Append, None), &run, 1).expect("commits")
                });
            }
        });
        let latest = catalogue::latest(files, &orders()).expect("should read").expect("is there");
        assert_eq!(latest.manifest.generation, TableVersion(8));
        assert_eq!(latest.manifest.total().files, 8);
    });
}

#[test]
fn attempts_of_one_run_at_once_commit_once() {
    with_all_files(|files| {
        let append = sink(WriteMode::Append, None);
        std::thread::scope(|scope| {
            for attempt in 1..=6 {
                let append = &append;
                scope.spawn(move || commit_rows(files, append, "r", attempt).expect("commits"));
            }
        });
        assert_eq!(catalogue::history(files, &orders()).expect("should read").len(), 1);
    });
}

#[test]
fn a_run_that_recorded_itself_and_died_commits_once_and_reads_no_older_generation() {
    with_all_files(|files| {
        let append = sink(WriteMode::Append, None);
        commit_rows(files, &append, "r1", 1).expect("should commit");
        let dead = run_record::RunRecord {
            run_uid: "r".to_owned(),
            attempt: 1,
            token: JobToken("r-1".to_owned()),
            base: TableVersion(1),
        };
        run_record::publish(files, &orders(), dead).expect("should record");
        assert_eq!(find_commit(files, &append, &owner("r", 2)).expect("should look"), None);
        commit_rows(files, &append, "r2", 1).expect("should commit");
        let first = catalogue::manifest_path(&orders(), TableVersion(1)).expect("is a path");
        files.replace(&first, b"no manifest").expect("should write");
        let commit = commit_rows(files, &append, "r", 2).map_err(|error| error.message);
        // The base itself is read, to see that no generation after it was collected.
        assert!(commit.is_err_and(|message| message.contains("00000000000000000001.json")));
        files.remove(&first).expect("should remove");
        let commit = commit_rows(files, &append, "r", 3).expect("should commit");
        assert_eq!((commit.version, commit.attempt), (TableVersion(3), 3));
        let found = find_commit(files, &append, &owner("r", 4)).expect("should look");
        assert_eq!(found, Some(commit));
    });
}

#[test]
fn a_commit_of_a_mason_that_recorded_no_runs_is_found() {
    with_all_files(|files| {
        let append = sink(WriteMode::Append, None);
        let first = commit_rows(files, &append, "r", 1).expect("should commit");
        let record = path("sales/orders/_mason/runs/r.json");
        assert!(files.remove(&record).expect("should remove"));
        let manifest = catalogue::manifest_path(&orders(), first.version).expect("is a path");
        rewrite(files, &manifest, |document| document["version"] = 2.into());
        let late = commit_rows(files, &append, "r", 2).expect("should adopt");
        assert_eq!((late.version, late.attempt), (first.version, 1));
        assert_eq!(catalogue::history(files, &orders()).expect("should read").len(), 1);
    });
}

#[test]
fn changed_target_is_a_conflict() {
    with_all_files(|files| {
        commit_rows(files, &sink(WriteMode::Replace, None), "r1", 1).expect("should commit");
        let others =
            [(WriteMode::Replace, None), (WriteMode::Replace, Some(7)), (WriteMode::Error, None)];
        for (index, (mode, expected)) in others.into_iter().enumerate() {
            let run = format!("x{index}");
            let error = commit_rows(files, &sink(mode, expected), &run, 1).expect_err("refused");
            assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
            assert!(error.message.contains("sales/orders"), "{error}");
        }
        let replaced = commit_rows(files, &sink(WriteMode::Replace, Some(1)), "r2", 1);
        assert_eq!(replaced.expect("should replace").version, TableVersion(2));
        let latest = catalogue::latest(files, &orders()).expect("should read").expect("is there");
        assert_eq!(latest.manifest.files.len(), 1);
    });
}

#[test]
fn appended_files_of_another_schema_are_refused() {
    with_all_files(|files| {
        commit_rows(files, &sink(WriteMode::Error, None), "r1", 1).expect("should commit");
        let (token, append) = (JobToken("r2-1".to_owned()), sink(WriteMode::Append, Some(1)));
        let mut written = write_file(files, &append, &token, "1\n");
        written.schema = schema("b");
        let committer = Committer { owner: &owner("r2", 1), token: &token, now: now() };
        let error = commit(files, &append, &written, committer).expect_err("should be refused");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert!(error.message.contains("a Int64") && error.message.contains("b Int64"), "{error}");
    });
}

#[test]
fn folder_with_files_of_another_origin_is_refused() {
    with_all_files(|files| {
        files.replace(&path("sales/orders/mine.csv"), b"a\n1\n").expect("should write");
        for mode in [WriteMode::Error, WriteMode::Append] {
            let run = format!("{mode:?}").to_lowercase();
            let error = commit_rows(files, &sink(mode, None), &run, 1).expect_err("refused");
            assert_eq!(error.kind, ErrorKind::AlreadyExists, "{error}");
            assert!(error.message.contains("mine.csv"), "{error}");
        }
    });
}

#[test]
fn name_that_differs_only_in_case_is_refused() {
    with_all_files(|files| {
        files.make_folder(&path("sales/Orders")).expect("should make a folder");
        let error = commit_rows(files, &sink(WriteMode::Error, None), "r", 1).expect_err("refused");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert!(error.message.contains("Orders"), "{error}");
    });
}

fn rewrite(files: &dyn Files, path: &StoragePath, change: impl Fn(&mut serde_json::Value)) {
    let written = files.read(path).expect("should be there");
    let mut document = serde_json::from_slice(&written).expect("should be JSON");
    change(&mut document);
    files.replace(path, document.to_string().as_bytes()).expect("should be written");
}

#[test]
fn manifests_of_earlier_versions_are_read_and_later_ones_are_told_apart() {
    with_all_files(|files| {
        commit_rows(files, &sink(WriteMode::Error, None), "r", 1).expect("should commit");
        let manifest = catalogue::manifest_path(&orders(), TableVersion(1)).expect("is a path");
        let text = r#"Struct("a": Timestamp(µs, "UTC"), "b": non-null List(Decimal128(10, 2)))"#;
        let as_version = |version: u32, data_type: serde_json::Value| {
            rewrite(files, &manifest, |document| {
                document["version"] = version.into();
                document["schema"][0]["type"] = data_type.clone();
                document.as_object_mut().expect("should be an object").remove("total");
            });
            catalogue::read(files, &orders(), TableVersion(1))
        };
        let old = as_version(1, text.into()).expect("should be read").manifest;
        assert_eq!(old.schema.columns[0].data_type.to_string(), text);
        assert_eq!(old.total().rows, 2, "it is summed up");
        let newer = as_version(Manifest::VERSION + 1, serde_json::json!({"Of": "tomorrow"}));
        assert_eq!(newer.expect_err("should be refused").kind, ErrorKind::Unsupported);
    });
}
