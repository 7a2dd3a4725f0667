//! Files that jobs wrote are data as far as a manifest names them, in every listing.

use std::ops::ControlFlow;

use super::{now, owner, path, with_all_files, write_file};
use crate::engines::files::Files;
use crate::engines::job::JobToken;
use crate::engines::job_spec::{FileSink, WriteMode};
use crate::lake::commit::{Committer, commit};
use crate::lake::listing::{files_of, holds_data, visit};

fn sink(mode: WriteMode, expected: Option<u64>) -> FileSink {
    FileSink { location: "sales/deep/orders".to_owned(), ..super::sink(mode, expected) }
}

fn written(files: &dyn Files, run: &str, mode: WriteMode, expected: Option<u64>, commits: bool) {
    let (sink, token, owner) = (sink(mode, expected), JobToken(run.to_owned()), owner(run, 1));
    let written = write_file(files, &sink, &token, "1\n2\n");
    if commits {
        let committer = Committer { owner: &owner, token: &token, now: now() };
        commit(files, &sink, &written, committer).expect("should commit");
    }
}

fn listed(files: &dyn Files, location: &str) -> Vec<String> {
    let found = files_of(files, location).expect("should list");
    found.into_iter().map(|file| file.path.to_string()).collect()
}

#[test]
fn what_was_replaced_or_never_committed_is_no_data_of_a_folder_above() {
    with_all_files(|files| {
        written(files, "lost", WriteMode::Append, None, false);
        let above = path("sales/deep");
        assert!(!holds_data(files, &above).expect("should look"), "nothing is committed");
        assert!(listed(files, "sales/deep").is_empty());
        written(files, "first", WriteMode::Append, None, true);
        written(files, "second", WriteMode::Replace, Some(1), true);
        let expected = ["sales/deep/orders/mason-job-second/part-0.csv"];
        for location in ["sales/deep", "sales/deep/orders", "sales/deep/**/*.csv", "sales"] {
            assert_eq!(listed(files, location), expected, "{location}");
        }
        let mut seen = 0;
        let first = visit(files, "sales", &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        first.expect("should end");
        assert_eq!(seen, 1);
    });
}
