//! Tables of many files and many generations: what an append costs, and what goes.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::{commit_rows, now, path, sink, with_all_files};
use crate::engines::files::Files;
use crate::engines::job_spec::WriteMode;
use crate::engines::table::{StoragePath, TableName};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::file_lists::all_files;
use crate::lake::manifest::Manifest;
use crate::lake::retention::{
    CollectedGenerations, KeptGenerations, collect_generations, folders_in_use,
};
use crate::lake::verify::verify;
use crate::lake::{catalogue, tables};

fn orders() -> StoragePath {
    path("sales/orders")
}

fn append(files: &dyn Files, runs: std::ops::RangeInclusive<u32>) {
    for run in runs {
        commit_rows(files, &sink(WriteMode::Append, None), &format!("r{run}"), 1).expect("commits");
    }
}

fn latest(files: &dyn Files) -> Manifest {
    catalogue::latest(files, &orders()).expect("should read").expect("is there").manifest
}

fn name() -> TableName {
    TableName { database: "sales".to_owned(), table: "orders".to_owned() }
}

fn collect(files: &dyn Files, keep: KeptGenerations, days: i64) -> CollectedGenerations {
    let then = now() + SignedDuration::from_hours(24 * days);
    collect_generations(files, &orders(), keep, then, &HashSet::new()).expect("should collect")
}

const FEW: KeptGenerations =
    KeptGenerations { age: Duration::from_hours(7 * 24), least: 1, most: 3 };

#[test]
fn a_manifest_has_few_files_itself_and_all_are_of_the_table_in_their_order() {
    with_all_files(|files| {
        append(files, 1..=40);
        let manifest = latest(files);
        assert!(manifest.files.len() <= 4, "{}", manifest.files.len());
        assert!(manifest.lists.len() <= 4, "{:?}", manifest.lists);
        let all = all_files(files, &manifest).expect("should read");
        let runs: Vec<String> =
            all.iter().map(|file| file.path.to_string().replace("sales/orders/", "")).collect();
        let wanted = (1..=40).map(|run| format!("mason-job-r{run}-1/part-0.csv"));
        assert_eq!(runs, wanted.collect::<Vec<_>>());
        assert_eq!((manifest.total.files, manifest.total.rows), (40, 80));
        let verified = verify(files, &name()).expect("should be as committed");
        assert_eq!((verified.files, verified.rows, verified.bytes), (40, 80, 40 * 6));
        let found = tables::table(files, &name()).expect("should be found");
        let manifest = found.manifest.as_ref().expect("has one");
        let pinned = |most| {
            let wanted = tables::WantedFiles { most, filter: None };
            tables::declared_files(files, manifest, wanted).expect("should pin")
        };
        assert_eq!(pinned(40).map(|found| found.files.len()), Some(40));
        assert!(pinned(39).is_none(), "no longer list is held than is wanted");
    });
}

#[test]
fn a_list_that_is_not_as_it_was_written_is_an_error() {
    with_all_files(|files| {
        append(files, 1..=6);
        let list = latest(files).lists[0].path.clone();
        files.replace(&list, b"[]").expect("should write");
        let error: EngineError = verify(files, &name()).expect_err("should notice");
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains(list.as_str()), "{error}");
    });
}

#[test]
fn generations_go_by_count_and_age_with_the_lists_and_records_that_only_they_need() {
    with_all_files(|files| {
        append(files, 1..=20);
        assert_eq!(collect(files, FEW, 0).generations, 0, "all are of this day");
        assert_eq!(collect(files, KeptGenerations { most: 100, ..FEW }, 2).generations, 0);
        let collected = collect(files, FEW, 2);
        assert_eq!((collected.generations, collected.files), (17, 0), "each file is still needed");
        assert!(collected.records >= 16, "{collected:?}");
        let kept = catalogue::history(files, &orders()).expect("should read");
        assert_eq!(kept.iter().map(|k| k.manifest.generation.0).collect::<Vec<_>>(), [18, 19, 20]);
        verify(files, &name()).expect("should be whole");
        append(files, 21..=30);
        verify(files, &name()).expect("should be whole");
        let names = folders_in_use(files, &orders()).expect("should read");
        assert_eq!(names.len(), 30);
        commit_rows(files, &sink(WriteMode::Replace, Some(30)), "last", 1).expect("should replace");
        let collected = collect(files, KeptGenerations { most: 1, ..FEW }, 4);
        assert_eq!((collected.generations, collected.files), (13, 30));
        verify(files, &name()).expect("should be whole");
        let lists = files.level(Some(&path("sales/orders/_mason/files")));
        assert!(lists.is_err() || lists.is_ok_and(|lists| lists.is_empty()), "no list is needed");
    });
}

#[test]
fn what_a_job_reads_stays_with_all_that_came_after() {
    with_all_files(|files| {
        append(files, 1..=6);
        commit_rows(files, &sink(WriteMode::Replace, Some(6)), "last", 1).expect("should replace");
        let in_use = HashSet::from(["sales/orders/mason-job-r2-1/part-0.csv".to_owned()]);
        let then = now() + SignedDuration::from_hours(48);
        let keep = KeptGenerations { most: 1, ..FEW };
        let collected = collect_generations(files, &orders(), keep, then, &in_use);
        assert_eq!(collected.expect("should collect").files, 1, "the first has another file only");
        let kept = catalogue::history(files, &orders()).expect("should read");
        assert_eq!(kept.len(), 6);
    });
}

#[test]
fn a_run_recorded_before_generations_were_collected_finds_its_commit_among_those_that_stay() {
    with_all_files(|files| {
        append(files, 1..=20);
        let record = path("sales/orders/_mason/runs/r19.json");
        let kept = files.read(&record).expect("should be recorded");
        let early = String::from_utf8(kept).expect("is text").replace("\"base\":18", "\"base\":2");
        collect(files, FEW, 2);
        files.replace(&record, early.as_bytes()).expect("should write");
        files.remember(&remembered(), b"3").expect("should remember");
        assert_eq!(latest(files).generation.0, 20, "what is remembered is gone, and not believed");
        let again = commit_rows(files, &sink(WriteMode::Append, None), "r19", 2);
        assert_eq!(again.expect("should adopt").version.0, 19);
        assert_eq!(latest(files).generation.0, 20);
    });
}

/// Where the highest generation of the table is remembered.
fn remembered() -> String {
    let digest = hex::encode(Sha256::digest("sales/orders"));
    format!("latest/{digest}.json")
}

#[test]
fn a_list_that_a_dead_attempt_left_in_part_or_otherwise_is_written_anew() {
    with_all_files(|files| {
        append(files, 1..=4);
        let left = path("sales/orders/_mason/files/00000000000000000005-r5-1.json");
        files.publish(&left, b"[{\"path\":").expect("should write");
        append(files, 5..=5);
        let manifest = latest(files);
        assert_eq!(manifest.lists.iter().map(|list| &list.path).collect::<Vec<_>>(), [&left]);
        assert_eq!(verify(files, &name()).expect("should be whole").files, 5);
    });
}
