//! Folders of partitions, listed where they may be wanted.

use std::io::Write as _;
use std::ops::ControlFlow;

use super::{path, with_all_files};
use crate::engines::files::Files;
use crate::engines::partitions::PartitionFilter;
use crate::lake::partition_folders::{Listed, Wanted, visit_wanted};

/// Keeps partitions that may have these values, outermost first.
#[derive(Debug)]
struct Has(&'static [Option<&'static str>]);

impl PartitionFilter for Has {
    fn keeps(&self, partitions: &[&[Option<String>]]) -> Vec<bool> {
        let fits = |values: &&[Option<String>]| {
            values.iter().zip(self.0).all(|(value, wanted)| value.as_deref() == *wanted)
        };
        partitions.iter().map(fits).collect()
    }
}

fn put(files: &dyn Files, all: &[&str]) {
    for one in all {
        let mut file = files.create(&path(one)).expect("should begin");
        file.write_all(b"1\n").expect("should write");
        file.seal().expect("should end");
    }
}

fn visited(files: &dyn Files, location: &str, filter: &Has) -> (Vec<String>, Listed) {
    let keys = ["year".to_owned(), "m".to_owned()];
    let mut found = Vec::new();
    let listed = visit_wanted(files, location, Wanted { keys: &keys, filter }, &mut |file| {
        found.push(file.path.to_string());
        ControlFlow::Continue(())
    });
    found.sort();
    (found, listed.expect("should be listed"))
}

#[test]
fn folders_are_looked_into_where_their_values_may_be_wanted() {
    with_all_files(|files| {
        put(
            files,
            &[
                "d/t/year=2023/m=1/a.csv",
                "d/t/year=2024/m=1/a.csv",
                "d/t/year=2024/m=2/b.csv",
                "d/t/year=2024/m=%32/c.csv",
                "d/t/year=2024/m=__HIVE_DEFAULT_PARTITION__/n.csv",
                "d/t/_old/year=2024/m=2/x.csv",
            ],
        );
        let second = Has(&[Some("2024"), Some("2")]);
        let expected = ["d/t/year=2024/m=%32/c.csv", "d/t/year=2024/m=2/b.csv"].map(str::to_owned);
        let (found, listed) = visited(files, "d/t", &second);
        assert_eq!((found, listed), (expected.to_vec(), Listed::Part));
        // The outer values may be on the path of the location itself.
        let (found, listed) = visited(files, "d/t/year=2024", &second);
        assert_eq!((found, listed), (expected.to_vec(), Listed::Folders(4)));
        let (found, _) = visited(files, "d/t", &Has(&[Some("2024"), None]));
        assert_eq!(found, ["d/t/year=2024/m=__HIVE_DEFAULT_PARTITION__/n.csv"]);
        let (found, listed) = visited(files, "d/t", &Has(&[]));
        assert_eq!((found.len(), listed), (5, Listed::All));
        let (found, listed) = visited(files, "d/t/*/m=1/*.csv", &second);
        assert_eq!((found.len(), listed), (2, Listed::All), "a pattern is looked for everywhere");
        assert_eq!(visited(files, "d/t", &Has(&[Some("1999")])), (Vec::new(), Listed::Part));
    });
}

#[test]
fn what_is_no_folder_of_the_next_key_is_handed_on() {
    with_all_files(|files| {
        put(
            files,
            &[
                "d/t/year=2023/m=1/a.csv",
                "d/t/year=2024/m=1/a.csv",
                "d/t/year=2024/stray.csv",
                "d/t/kind=1/x.csv",
                "d/t/plain/y.csv",
                "d/t/z.csv",
            ],
        );
        let (found, _) = visited(files, "d/t", &Has(&[Some("2024"), Some("2")]));
        let strays =
            ["d/t/kind=1/x.csv", "d/t/plain/y.csv", "d/t/year=2024/stray.csv", "d/t/z.csv"];
        assert_eq!(found, strays);
    });
}

#[test]
fn a_walk_ends_when_it_is_enough() {
    with_all_files(|files| {
        put(files, &["d/t/year=1/m=1/a.csv", "d/t/year=1/m=2/a.csv", "d/t/year=2/m=1/a.csv"]);
        let keys = ["year".to_owned(), "m".to_owned()];
        let filter = Has(&[Some("1")]);
        let mut found = 0;
        let mut take = |_| {
            found += 1;
            ControlFlow::Break(())
        };
        let wanted = Wanted { keys: &keys, filter: &filter };
        visit_wanted(files, "d/t", wanted, &mut take).expect("should be listed");
        assert_eq!(found, 1);
    });
}
