use super::*;

fn found(text: &str) -> FoundDialect {
    find(Beginning { text, whole: true }, Stated::default())
}

fn delimiter(text: &str) -> (String, Option<usize>) {
    let found = found(text);
    assert_eq!(found.problem, None, "{text:?}");
    (found.delimiter, found.cells)
}

fn problem(text: &str) -> String {
    found(text).problem.unwrap_or_else(|| panic!("{text:?} should be a problem"))
}

#[test]
fn delimiters_are_found() {
    for (text, expected, cells) in [
        ("a,b\n1,2\n", ",", Some(2)),
        ("a\tb\tc\n1\t2,5\t3", "\t", Some(3)),
        ("a;b\n1,5;2,5\n", ";", Some(2)),
        ("a|b\n1|2\n", "|", Some(2)),
        ("a||b||c\n1||2||3\n", "||", Some(3)),
        ("a::b\n1::2\n", "::", Some(2)),
        ("a~|~b\n1~|~2\n", "~|~", Some(2)),
        ("a,b\n\"x|y;z\",2\n", ",", Some(2)),
        ("time,b\n10:20::x,2\n", ",", Some(2)),
        ("only\n1\n2\n", ",", Some(1)),
        ("a,b\n1,2\n3\n4,5\n", ",", None),
        ("a|b|c\n1||3\n4|5|6\n", "|", Some(3)),
        // Quotes that belong to another delimiter do not make a finer split.
        ("\"a,b\";\"c,d\"\n\"e,f\";\"g,h\"\n", ";", Some(2)),
    ] {
        assert_eq!(delimiter(text), (expected.to_owned(), cells), "{text:?}");
    }
    let by_name = Stated { by_name: Some("\t"), ..Stated::default() };
    let text = "a, b, c\td\n1, 2, 3\t4\n";
    assert_eq!(find(Beginning { text, whole: true }, by_name).delimiter, "\t");
}

#[test]
fn lines_before_a_table_are_never_a_table_of_one_column() {
    for (text, words) in [
        ("Report of May\nid;name;value\n1;a;2.5\n2;b;3.5\n", ["line 1 has", "skip_rows=1"]),
        ("Report\n\nby us, them\nid;name;value\n1;a;2.5\n", ["lines 1 to 3 have", "skip_rows=3"]),
        ("a\nb\nc\nd\ne\nid\tname\n1\tx\n", ["lines 1 to 5 have", "skip_rows=5"]),
        ("title,x\nid,name,n\n1,a,2\n2,b,3\n", ["line 1 has not the 3 cells", "comment"]),
        ("# by tool\nnote\nid;name\n1;a\n2;b\n", ["lines 1 to 2", "skip_rows=2"]),
    ] {
        let problem = problem(text);
        assert!(words.iter().all(|word| problem.contains(word)), "{text:?}: {problem}");
    }
    let stated = Stated { delimiter: Some(";"), skip_rows: 1, ..Stated::default() };
    let text = "one\ntwo\nid;name\n1;a\n";
    let problem = find(Beginning { text, whole: true }, stated).problem.expect("should be one");
    assert!(problem.contains("line 2 has") && problem.contains("skip_rows=2"), "{problem}");
    let stated = Stated { skip_rows: 2, ..stated };
    let found = find(Beginning { text, whole: true }, stated);
    assert_eq!((found.problem, found.cells, found.skip_rows), (None, Some(2), 2));
}

#[test]
fn comments_are_found_where_all_other_lines_are_alike() {
    for (text, prefix, delimiter, cells) in [
        ("# by tool 7\n# on 2026-01-01\nid;name;value\n1;a;2.5\n2;b;3.5\n", "#", ";", 3),
        ("##one\n##two, 2\n#id\tname\n1\ta\n", "##", "\t", 2),
        ("-- one\nid|n\n-- two\n1|2\n", "--", "|", 2),
        ("// a, b, and c\nid,n\n1,2\n", "//", ",", 2),
        ("\n% \"open\nid,n\n1,2\n", "%", ",", 2),
    ] {
        let found = found(text);
        assert_eq!(found.problem, None, "{text:?}");
        let expected = (Some(prefix), delimiter, Some(cells));
        let comment = found.comment.as_deref();
        assert_eq!((comment, found.delimiter.as_str(), found.cells), expected, "{text:?}");
        assert!(found.notes.contains(&format!("comment: detected {prefix:?}")), "{text:?}");
    }
    // What may be a header with a cell too few is not left out.
    assert!(problem("#id,name\n1,a,x\n2,b,y\n").contains("line 1"));
    let none = Stated { comment: Some(&Mark::None), ..Stated::default() };
    let text = "# one\nid;name\n1;a\n2;b\n";
    assert!(find(Beginning { text, whole: true }, none).problem.is_some());
}

#[test]
fn a_comment_with_as_many_cells_as_the_records_is_not_taken_for_names() {
    for text in ["# by;us;all\nid;name;value\n1;a;2.5\n", "# by us\nid\n1\n2\n", "# us\na\nb\n"] {
        let Header::Unsure(why) = found(text).header() else { panic!("{text:?}") };
        assert!(why.contains("line 1 begins with \"#\""), "{why}");
    }
    for text in ["#id,name\n1,a\n2,b\n", "#id\n1\n2\n"] {
        assert_eq!(found(text).header(), Header::Found, "{text:?}");
    }
}

#[test]
fn a_first_line_may_state_the_delimiter() {
    for (text, delimiter) in [
        ("sep=;\nid;name\n1;Ann\n", ";"),
        ("SEP=,\r\nid,name\r\n1,Ann\r\n", ","),
        ("\"sep=\t\"\nid\tname\n1\tAnn\n", "\t"),
        ("sep=,,,\nid,name\n1,Ann\n", ","),
        ("sep=#\nid#name\n1#Ann\n", "#"),
    ] {
        let found = found(text);
        assert_eq!((found.delimiter.as_str(), found.skip_rows), (delimiter, 1), "{text:?}");
        assert_eq!(found.cells, Some(2), "{text:?}");
        assert!(found.notes.iter().any(|note| note.contains("first line states")), "{text:?}");
    }
    assert_eq!(found("sep=arate\nx\n").skip_rows, 0);
    let after_title = Stated { skip_rows: 1, ..Stated::default() };
    let text = "title\nsep=|\na|b\n1|2\n";
    let found = find(Beginning { text, whole: true }, after_title);
    assert_eq!((found.delimiter.as_str(), found.skip_rows, found.cells), ("|", 2, Some(2)));
}

#[test]
fn quoting_is_found_by_where_quotes_stand() {
    let marks = |text| {
        let found = found(text);
        (found.quote, found.escape, found.cells)
    };
    for (text, expected) in [
        ("id,said\n1,\"say \"\"hi\"\"\"\n", (Some('"'), None, Some(2))),
        ("id,said\n1,\"say \\\"hi\\\" now\"\n2,\"x\"\n", (Some('"'), Some('\\'), Some(2))),
        ("id,path\n1,\"C:\\dir\\\"\n2,x\n", (Some('"'), None, Some(2))),
        ("id\tnote\n1\t\"Others\" includes the rest\n2\tplain\n", (None, None, Some(2))),
        // A text that ends within quotes may have been cut.
        ("id\tnote\n1\t\"never closed\n2\tplain\n", (Some('"'), None, Some(2))),
        ("id,size\n1,5\" pipe\n2,x\n", (Some('"'), None, Some(2))),
        // Some quotes enclose cells, one does not: reading it will refuse the row.
        ("id\tnote\n1\t\"Others\" includes\n2\t\"a\tb\"\n", (Some('"'), None, Some(2))),
        ("id,said\n1,\"say \\\"hi\\\" now\"\n2,\"C:\\\\dir\\\"\n", (Some('"'), None, Some(2))),
    ] {
        assert_eq!(marks(text), expected, "{text:?}");
    }
}
