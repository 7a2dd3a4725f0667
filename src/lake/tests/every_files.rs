//! What [`Files`] promises, on every sort of them.

use std::ops::ControlFlow;

use super::{path, with_all_files};
use crate::engines::ErrorKind;
use crate::engines::files::{EntryKind, Files};
use crate::lake::listing::{files_below, files_of, holds_data};

fn write(files: &dyn Files, name: &str) {
    files.replace(&path(name), name.as_bytes()).expect("should write");
}

fn names(files: &dyn Files, folder: Option<&str>) -> Vec<String> {
    let folder = folder.map(path);
    let below = files_below(files, folder.as_ref()).expect("should list");
    below.iter().map(|file| file.path.to_string()).collect()
}

#[test]
fn a_name_is_given_once() {
    with_all_files(|files| {
        let name = path("a/b/c.json");
        assert!(files.publish(&name, b"1").expect("should publish"));
        assert!(!files.publish(&name, b"2").expect("is taken"));
        assert_eq!(files.read(&name).expect("should read"), b"1");
        files.replace(&name, b"3").expect("should replace");
        assert_eq!(files.read(&name).expect("should read"), b"3");
        assert!(files.remove(&name).expect("should remove"));
        let error = files.read(&name).expect_err("is gone");
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(files.publish(&name, b"4").expect("should publish"));
    });
}

#[test]
fn of_many_that_publish_one_name_at_once_one_does() {
    with_all_files(|files| {
        let name = path("a/b.json");
        let won: usize = std::thread::scope(|scope| {
            let publish = |writer: u8| {
                let name = name.clone();
                scope.spawn(move || files.publish(&name, &[writer; 100]).expect("should answer"))
            };
            let all: Vec<_> = (0..16).map(publish).collect();
            all.into_iter().map(|one| usize::from(one.join().expect("should end"))).sum()
        });
        assert_eq!(won, 1);
        let bytes = files.read(&name).expect("should read");
        assert!(bytes.len() == 100 && bytes.iter().all(|byte| *byte == bytes[0]));
    });
}

#[test]
fn data_is_listed_without_what_begins_with_a_dot_or_an_underscore() {
    with_all_files(|files| {
        for name in ["t/a.csv", "t/k=1/b.csv", "t/_mason/x.json", "t/.h/c.csv", "t/_d.csv", "u.csv"]
        {
            write(files, name);
        }
        write(files, "t/k=a%2Fb é/c.csv");
        let wanted = ["t/a.csv", "t/k=1/b.csv", "t/k=a%2Fb é/c.csv"];
        assert_eq!(names(files, Some("t")), wanted);
        assert_eq!(names(files, None).len(), 4);
        let mut seen = 0;
        let walked = files.walk(None, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        assert!(walked.is_ok() && seen == 1, "it stops when it is enough");
        let error = files.walk(Some(&path("none")), &mut |_| ControlFlow::Continue(()));
        assert_eq!(error.expect_err("is missing").kind, ErrorKind::NotFound);
        let listed = files_of(files, "t/*.csv").expect("should list");
        assert_eq!(listed.len(), 1);
        assert_eq!(files_of(files, "t/a.csv").expect("should list").len(), 1);
        assert_eq!(files_of(files, "t/k=1").expect("should list").len(), 1);
        assert_eq!(files_of(files, "x").expect_err("is missing").kind, ErrorKind::NotFound);
    });
}

#[test]
fn a_level_has_its_files_and_folders_by_name() {
    with_all_files(|files| {
        for name in ["s/t/a.csv", "s/u.csv", "s/_x", "s/v w/.y/z"] {
            write(files, name);
        }
        files.make_folder(&path("s/empty")).expect("should make");
        let level = files.level(Some(&path("s"))).expect("should list");
        let shown: Vec<_> = level.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
        let (file, folder) = (EntryKind::File, EntryKind::Folder);
        let wanted =
            [("_x", file), ("empty", folder), ("t", folder), ("u.csv", file), ("v w", folder)];
        assert_eq!(shown, wanted);
        assert!(files.level(Some(&path("s/empty"))).expect("is there").is_empty());
        let error = files.level(Some(&path("s/none"))).expect_err("is missing");
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(files.level(None).expect("should list").len(), 1);
    });
}

#[test]
fn folders_are_made_and_removed_with_all_below() {
    with_all_files(|files| {
        let database = path("sales");
        assert_eq!(files.kind(&database).expect("should look"), None);
        files.make_folder(&database).expect("should make");
        files.make_folder(&database).expect("may be asked again");
        assert_eq!(files.kind(&database).expect("should look"), Some(EntryKind::Folder));
        assert!(!holds_data(files, &database).expect("should look"));
        write(files, "sales/a/b.csv");
        write(files, "sales2/c.csv");
        assert!(holds_data(files, &database).expect("should look"));
        assert_eq!(files.kind(&path("sales/a/b.csv")).expect("looks"), Some(EntryKind::File));
        assert!(files.remove_folder(&database, "run").expect("should remove"));
        assert!(files.remove_folder(&database, "run").expect("may be asked again"));
        assert_eq!(files.kind(&database).expect("should look"), None);
        assert_eq!(files.kind(&path("sales2")).expect("should look"), Some(EntryKind::Folder));
        files.discard_folder(&path("sales2")).expect("should discard");
        files.discard_folder(&path("sales2")).expect("may be asked again");
        assert_eq!(files.kind(&path("sales2")).expect("should look"), None);
    });
}
