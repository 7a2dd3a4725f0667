//! Texts of stated dialects, from bytes to rows: inference and decoding read the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;

use super::decode::decode;
use super::infer::{Looking, infer};
use crate::engines::job_spec::BadRows;
use crate::engines::reading::Reading;
use crate::engines::table::{CsvDialect, Format, TextEncoding};
use crate::formats::bytes::MemoryBytes;
use crate::formats::decoding::{BadCollector, DecodeOptions};
use crate::formats::error::FormatError;
use crate::formats::sniff::{Sniffed, sniff};

/// Every row, without a type that is stated.
const ALL: Looking<'static> = Looking {
    types: &BTreeMap::new(),
    rows: None,
    bad_rows: BadRows::Fail,
    encoding_is_stated: false,
};

type Row = Vec<Option<String>>;

/// Returns the names and the rows of a text.
fn read(dialect: &CsvDialect, content: &[u8]) -> Result<(Vec<String>, Vec<Row>), FormatError> {
    let source = Arc::new(MemoryBytes::new("d/t.csv", content.to_vec()));
    let found = infer(&*source, dialect, ALL)?;
    let options = DecodeOptions {
        schema: found.schema.to_arrow(),
        batch_rows: 1000,
        threads: 2,
        bad_rows: BadRows::Fail,
        bad: Arc::default(),
        known: None,
    };
    let batches = decode(source, dialect, &options)?.collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<Row> = batches.iter().flat_map(rows_of).collect();
    assert_eq!(found.rows, rows.len() as u64, "inference and decoding count the same rows");
    Ok((found.schema.columns.into_iter().map(|column| column.name).collect(), rows))
}

/// Decodes a plain text by the types that its first rows show, and returns what was bad too.
fn decoded(
    content: &[u8],
    looked_at: u64,
    bad_rows: BadRows,
) -> Result<(Vec<Row>, Arc<BadCollector>), FormatError> {
    let source = Arc::new(MemoryBytes::new("d/t.csv", content.to_vec()));
    let looking = Looking { rows: Some(looked_at), ..ALL };
    let schema = infer(&*source, &plain(), looking).expect("should be inferred").schema;
    let bad = Arc::default();
    let options = DecodeOptions {
        schema: schema.to_arrow(),
        batch_rows: 10,
        threads: 1,
        bad_rows,
        bad: Arc::clone(&bad),
        known: None,
    };
    let batches = decode(source, &plain(), &options).expect("should open");
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    Ok((batches.iter().flat_map(rows_of).collect(), bad))
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let cell = |column: &Arc<dyn Array>, row: usize| {
        let null = column.is_null(row) || column.data_type() == &DataType::Null;
        (!null).then(|| array_value_to_string(column, row).expect("should print"))
    };
    let row = |row| batch.columns().iter().map(|column| cell(column, row)).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn row(cells: &[&str]) -> Row {
    cells.iter().map(|cell| Some((*cell).to_owned())).collect()
}

fn plain() -> CsvDialect {
    CsvDialect::default()
}

#[test]
fn lines_that_are_stated_to_be_none_are_left_out() {
    let commented = CsvDialect { comment: Some("#".to_owned()), ..plain() };
    let skipping = CsvDialect { skip_rows: 2, ..plain() };
    let both = CsvDialect { skip_rows: 1, ..commented.clone() };
    let several = CsvDialect { delimiter: "||".to_owned(), ..both.clone() };
    for (dialect, text) in [
        (&commented, "# \"one\na,b\n# two,2\n1,x\r\n#\r\n#3\n2,y\n# four"),
        (&commented, "a,b\n1,x\n\n2,y\n#"),
        (&skipping, "A title, with a comma\n\na,b\n1,x\n2,y"),
        (&skipping, "\"open\r\n\"\"\"\r\na,b\r\n1,x\r\n2,y"),
        (&both, "title\n#one\na,b\n1,x\n#two\n2,y"),
        (&several, "title\n#\"one||\na||b\n1||x\n#two||\"\n2||y"),
    ] {
        let (names, rows) = read(dialect, text.as_bytes()).expect("should be read");
        assert_eq!(names, ["a", "b"], "{text:?}");
        assert_eq!(rows, [row(&["1", "x"]), row(&["2", "y"])], "{text:?}");
    }
    let error = read(&CsvDialect { skip_rows: 5, ..plain() }, b"a,b\n1,2\n").expect_err("too few");
    assert!(error.to_string().contains("skip_rows leaves out 5 lines, but it has 2"), "{error}");
}

#[test]
fn names_that_a_declaration_gives_count_by_position() {
    let columns = vec!["a".to_owned(), "b".to_owned()];
    let dialect = CsvDialect { header: false, skip_rows: 1, columns, ..plain() };
    let (names, rows) = read(&dialect, b"x,y\n1,x\n2,y\n").expect("should be read");
    assert_eq!(
        (names, rows),
        (vec!["a".into(), "b".into()], vec![row(&["1", "x"]), row(&["2", "y"])])
    );
    let error = read(&dialect, b"x,y\n1,x,z\n").expect_err("should be ragged");
    assert!(error.to_string().contains("3 cells"), "{error}");
}

#[test]
fn rows_of_errors_are_counted_without_what_is_left_out() {
    let dialect = CsvDialect { comment: Some("#".to_owned()), skip_rows: 1, ..plain() };
    let error = read(&dialect, b"title\na,b\n#one\n1,2\n#two\n3\n").expect_err("should be ragged");
    assert!(error.to_string().contains("row 2 has 1 cell,"), "{error}");
}

#[test]
fn many_blocks_of_every_dialect_read_as_one_pass() {
    let escaping = CsvDialect { escape: Some('\\'), ..plain() };
    let commented = CsvDialect { comment: Some("--".to_owned()), ..plain() };
    let unquoted = CsvDialect { quote: None, escape: Some('\\'), ..plain() };
    let other = CsvDialect { quote: Some('\''), ..plain() };
    for dialect in [escaping, commented, unquoted, other] {
        let (quote, escaped) = match (dialect.quote, dialect.escape) {
            (Some('"'), Some(_)) => ("\"", "\"5\\\" pipe\\\\\""),
            (Some('"'), None) => ("\"", "\"5\"\" pipe\""),
            (Some(_), _) => ("'", "5\" pipe"),
            (None, _) => ("", "5\" pipe\\\\\\\n"),
        };
        let mut text = String::from("id,text,n\n");
        let mut expected = Vec::new();
        for n in 0..90_000 {
            let (cell, value) = match n % 9 {
                0 if quote.is_empty() => (escaped.to_owned(), "5\" pipe\\\n".to_owned()),
                0 if dialect.escape.is_some() => (escaped.to_owned(), "5\" pipe\\".to_owned()),
                0 => (escaped.to_owned(), "5\" pipe".to_owned()),
                1 if !quote.is_empty() => {
                    (format!("{quote}two\n-- lines, {n}{quote}"), format!("two\n-- lines, {n}"))
                }
                _ => (format!("plain {n}"), format!("plain {n}")),
            };
            if dialect.comment.is_some() && n % 5 == 0 {
                text.push_str("-- it\"s, a comment\n");
            }
            writeln!(text, "{n},{cell},{}", n * 3).expect("should write");
            expected.push(row(&[&n.to_string(), &value, &(n * 3).to_string()]));
        }
        assert!(text.len() > 2 * 1024 * 1024);
        let (_, rows) = read(&dialect, text.as_bytes()).expect("should be read");
        assert!(rows == expected, "{dialect:?}");
    }
}

#[test]
fn tokens_that_contradict_each_other_are_refused() {
    let dialect = |change: fn(&mut CsvDialect)| {
        let mut dialect = plain();
        change(&mut dialect);
        dialect
    };
    for (dialect, words) in [
        (dialect(|one| one.quote = Some('é')), "the quote 'é' is not one ASCII character"),
        (dialect(|one| one.escape = Some('\n')), "the escape '\\n' is not one ASCII"),
        (dialect(|one| one.escape = Some(',')), "the delimiter \",\" holds"),
        (dialect(|one| one.delimiter = "a\"b".to_owned()), "the delimiter \"a\\\"b\" holds"),
        (dialect(|one| one.comment = Some(String::new())), "the beginning of comments \"\""),
        (dialect(|one| one.comment = Some(",x".to_owned())), "the beginning of comments \",x\""),
    ] {
        let error = read(&dialect, b"a,b\n1,2\n").expect_err("should be refused");
        assert!(error.to_string().contains(words), "{error}");
    }
    let doubled = CsvDialect { escape: Some('"'), ..plain() };
    let (_, rows) = read(&doubled, b"a,b\n1,\"x\"\"y\"\n").expect("should be read");
    assert_eq!(rows, [row(&["1", "x\"y"])]);
}

/// Returns what a file of this name is, and its names and rows.
fn sniffed(
    name: &str,
    content: &[u8],
    reading: &Reading,
) -> Result<(Sniffed, Vec<String>, Vec<Row>), FormatError> {
    let source = MemoryBytes::new(name, content.to_vec());
    let sniffed = sniff(&source, reading)?.expect("should have content");
    assert_eq!(sniffed.format.format, Format::Csv);
    let dialect = sniffed.format.csv.as_ref().expect("should be delimited text");
    let (names, rows) = read(dialect, content)?;
    Ok((sniffed, names, rows))
}

fn detected(content: &[u8]) -> (Sniffed, Vec<String>, Vec<Row>) {
    sniffed("d/t.csv", content, &Reading::default()).expect("should be read")
}

fn refused(content: &[u8]) -> String {
    let read = sniffed("d/t.csv", content, &Reading::default());
    read.map(|(_, names, rows)| (names, rows)).expect_err("should be refused").to_string()
}

#[test]
fn commas_that_may_be_points_of_numbers_are_no_delimiter_unless_stated() {
    let comma = Reading { decimal: Some(','), ..Reading::default() };
    let read = |content: &str, reading: &Reading| sniffed("d/t.csv", content.as_bytes(), reading);
    for content in ["id,price\n1,\"1,5\"\n2,\"2,75\"\n", "1,5\n2,5\n"] {
        let error =
            read(content, &comma).map(|(_, names, _)| names).expect_err("should be refused");
        assert!(error.to_string().contains("state the delimiter"), "{error}");
    }
    let stated = Reading { delimiter: Some(",".to_owned()), ..comma.clone() };
    let (_, names, _) = read("id,price\n1,\"1,5\"\n2,\"2,75\"\n", &stated).expect("should be read");
    assert_eq!(names, ["id", "price"]);
    let (_, names, _) = read("price\n1,5\n2,75\n", &comma).expect("should be read");
    assert_eq!(names, ["price"]);
}

#[test]
fn lines_before_a_table_are_comments_or_refused_by_number() {
    let (found, names, rows) =
        detected(b"# exported by tool 7\n# on 2026-01-01\nid;name;value\n1;a;2.5\n2;b;3.5\n");
    assert_eq!(names, ["id", "name", "value"]);
    assert_eq!(rows, [row(&["1", "a", "2.5"]), row(&["2", "b", "3.5"])]);
    assert!(found.notes.contains(&"comment: detected \"#\"".to_owned()), "{:?}", found.notes);
    let error = refused(b"Report\nby us\nid;name;value\n1;a;2.5\n2;b;3.5\n");
    for words in ["`d/t.csv`", "lines 1 to 2", "3 cells", "skip_rows=2", "comment"] {
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_line_that_states_the_delimiter_is_no_record() {
    let (found, names, rows) = detected(b"sep=;\nid;name\n1;Ann\n2;Ben\n");
    assert_eq!(names, ["id", "name"]);
    assert_eq!(rows, [row(&["1", "Ann"]), row(&["2", "Ben"])]);
    assert!(found.notes.iter().any(|note| note.contains("first line states the delimiter \";\"")));
}

#[test]
fn quotes_that_do_not_enclose_cells_are_kept_or_refused() {
    let (found, _, rows) = detected(b"id\tnote\n1\t\"Others\" includes the rest\n2\tplain\n");
    assert_eq!(rows, [row(&["1", "\"Others\" includes the rest"]), row(&["2", "plain"])]);
    assert!(found.notes.iter().any(|note| note.starts_with("quote: detected none")));
    let (found, _, rows) = detected(b"id,said\n1,\"say \\\"hi\\\" now\"\n2,\"x\"\n");
    assert_eq!(rows, [row(&["1", "say \"hi\" now"]), row(&["2", "x"])]);
    assert!(found.notes.contains(&r#"escape: detected "\\""#.to_owned()), "{:?}", found.notes);
    // Both sorts of quotes in one file, and late ones.
    let mut late = String::from("id,note\n");
    (0..100_000).for_each(|n| writeln!(late, "{n},\"plain\"").expect("should write"));
    for (content, words) in [
        (
            "id,note\n1,\"a,b\"\n2,\"Others\" includes\n",
            ["row 2", "closing quote of cell 2: `\"Others\" includes`", "quote=none"],
        ),
        ("id,note\n1,\"a,b\"\n2,\"C:\\\",\"say \\\"hi\\\"\"\n", ["row 2", "cell 3", "escape"]),
        (&format!("{late}7,\"Others\" includes\n"), ["row 100001", "cell 2", "quote=none"]),
        ("\"Others\" too,\"b\"\n1,2\n", ["the first record", "cell 1", "quote=none"]),
    ] {
        let error = refused(content.as_bytes());
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    // Execution looks as closely as inference.
    for (bad_rows, blanked) in [(BadRows::Fail, None), (BadRows::Null, Some(1))] {
        match (decoded(b"a,b\n1,2\n3,\"x\" y\n", 1, bad_rows), blanked) {
            (Err(error), None) => assert!(error.to_string().contains("row 2 has text behind")),
            (Ok((rows, bad)), Some(blanked)) => {
                assert_eq!(rows, [row(&["1", "2"]), vec![None, None]]);
                assert_eq!(bad.total().blanked.count, blanked);
            }
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn first_rows_of_data_are_kept() {
    for (content, count) in [
        ("13/12/2024,paid\n14/12/2024,open\n15/12/2024,paid\n", 3),
        ("2024-01-01T00:00:00+01:00,a\n2024-01-02T00:00:00+01:00,b\n", 2),
        (".5,.7\n.1,.2\n", 2),
        ("1e-05,2e3\n2e-05,3e3\n", 2),
        ("1.510000000000000000e+02\n7.500000000000000000e+01\n", 2),
        ("01/02/2024\t5%\n01/03/2024\t6%\n", 2),
    ] {
        let (found, names, rows) = detected(content.as_bytes());
        assert_eq!((names[0].as_str(), rows.len()), ("column_1", count), "{content:?}");
        assert_eq!(found.unsure, None);
    }
}

#[test]
fn control_characters_are_text_in_delimited_text() {
    let (_, names, rows) = detected(b"id,name\r\n1,Ann\r\n2,Ben\r\n\x1a");
    assert_eq!(names, ["id", "name"]);
    assert_eq!(rows, [row(&["1", "Ann"]), row(&["2", "Ben"])]);
    let (_, _, rows) = detected(b"id,name\n1,A\x02n\x1an\n2,\x7f\n");
    assert_eq!(rows, [row(&["1", "A\u{2}n\u{1a}n"]), row(&["2", "\u{7f}"])]);
    let stated = Reading { delimiter: Some("\u{1}".to_owned()), ..Reading::default() };
    for name in ["d/t.csv", "d/000000_0"] {
        let (_, _, rows) = sniffed(name, b"1\x01x\x01y\n2\x01z\x01w\n", &stated).expect("text");
        assert_eq!(rows, [row(&["1", "x", "y"]), row(&["2", "z", "w"])]);
    }
    let stated = Reading { delimiter: Some(":".to_owned()), header: Some(false), ..stated };
    let passwd = b"root:x:0:0::/root:/bin/sh\nsync:x:4:65534::/bin:/bin/sync\n";
    assert_eq!(sniffed("passwd.txt", passwd, &stated).expect("should be text").2.len(), 2);
    let error = refused(b"id,name\n1,A\0n\n");
    assert!(error.contains("its byte 12 (in line 2) is zero"), "{error}");
}

#[test]
fn one_broken_byte_leaves_text_in_utf8() {
    let content = b"id,city\n1,Z\xc3\xbcrich\n2,K\xc3\xb6ln\n3,\xc5\x81\xc3\xb3d\xc5\xba\n4,broken \xff byte\n";
    let error = refused(content);
    for words in ["`d/t.csv`", "row 4 is not UTF-8", "broken \u{fffd} byte", "encoding"] {
        assert!(error.contains(words), "{error}");
    }
    // At execution it is an error of its cell, or a null.
    for (bad_rows, expected) in [
        (BadRows::Fail, Err("row 4, column `city`: `broken \u{fffd} byte` is not UTF-8")),
        (BadRows::Null, Ok(vec![Some("4".to_owned()), None])),
    ] {
        match (decoded(content, 3, bad_rows), expected) {
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (Ok((rows, _)), Ok(last)) => {
                assert_eq!(rows[0], row(&["1", "Zürich"]));
                assert_eq!(rows[3], last);
            }
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
    let mut late = String::from("id,city\n");
    (0..60_000).for_each(|n| writeln!(late, "{n},Zürich").expect("should write"));
    let mut late = late.into_bytes();
    late.extend_from_slice(b"60000,K\xf6ln\n");
    assert!(refused(&late).contains("row 60001 is not UTF-8"));
    let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("名前,都市\n太郎,東京\nテスト,大阪\n");
    let error = refused(&japanese);
    assert!(error.contains("neither UTF-8, UTF-16 nor Latin-1"), "{error}");
}

#[test]
fn the_encoding_of_each_file_may_be_its_own() {
    let per_file = CsvDialect { encoding: TextEncoding::PerFile, ..plain() };
    let mut utf16 = vec![];
    utf16.extend("id,city\n1,Zürich\n".encode_utf16().flat_map(u16::to_le_bytes));
    for content in ["id,city\n1,Zürich\n".as_bytes(), b"id,city\n1,Z\xfcrich\n", &utf16] {
        let (_, rows) = read(&per_file, content).expect("should be read");
        assert_eq!(rows, [row(&["1", "Zürich"])]);
    }
    let (russian, ..) = encoding_rs::WINDOWS_1251.encode("имя,город\nИван,Москва\n");
    let error = read(&per_file, &russian).expect_err("should be refused");
    assert!(error.to_string().contains("state its encoding"), "{error}");
}
