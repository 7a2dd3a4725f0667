//! Rows that are bad: an error, left out or null, by inference and execution alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;

use super::{Read, chain, failure, read_with, texts};
use crate::engines::bad_rows::BadRows;
use crate::engines::reading::Reading;
use crate::engines::schema::ColumnType;
use crate::engines::table::TextEncoding;
use crate::formats::bytes::MemoryBytes;
use crate::formats::decode::decode;
use crate::formats::decoding::DecodeOptions;
use crate::formats::infer::{InferredFile, infer};
use crate::formats::sniff::sniff;

#[test]
fn ragged_row_is_named_with_its_counts() {
    let message = failure("dir/a.csv", b"a,b\n1,2\n3\n");
    for words in ["dir/a.csv", "row 2", "has 1 cell,", "not 2"] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn open_quote_and_endless_row_are_errors_with_a_bound() {
    assert!(failure("a.csv", b"a,b\n1,\"2\n3,4\n").contains("opened in row 1 is never closed"));
    let mut endless = b"a,b\n1,\"".to_vec();
    endless.resize(20 * 1024 * 1024, b'x');
    let message = failure("a.csv", &endless);
    assert!(
        message.contains("row 1 is longer than 16 MiB") || message.contains("never closed"),
        "{message}"
    );
}

#[test]
fn cell_that_does_not_fit_at_execution_is_an_error_or_null() {
    let content = b"id,n\n1,1\n2,x\n";
    let as_int = |file: &mut InferredFile| {
        file.schema.columns[1].data_type.0 = DataType::Int64;
    };
    let options = Reading::default();
    let failed =
        read_with("a.csv", content, &options, as_int, BadRows::Fail).expect("should infer");
    let message = chain(&failed.batches.expect_err("should fail"));
    assert!(message.contains("row 2, column `n`") && message.contains("`x`"), "{message}");
    let nulled =
        read_with("a.csv", content, &options, as_int, BadRows::Null).expect("should infer");
    let said = nulled.bad.warnings();
    let expected = "1 cell did not fit and is null: 1 in column `n`, `a.csv` row 2 \
                    (`x` is not a value of type Int64)";
    assert_eq!(said, [expected]);
    assert_eq!(nulled.rows()[1], texts(&[vec![Some("2"), None]])[0]);
}

#[test]
fn ragged_row_becomes_counted_nulls_when_asked_for() {
    let options = Reading::default();
    let source = Arc::new(MemoryBytes::new("a.csv", b"a,b\n1,2\n3\n".to_vec()));
    let sniffed = sniff(&source, &options).expect("known").expect("content");
    let part = infer(&source, &sniffed, Some(1), BadRows::Fail, &|_| true).expect("should infer");
    let options = DecodeOptions {
        schema: part.schema.to_arrow(),
        batch_rows: 10,
        threads: 1,
        bad_rows: BadRows::Null,
        bad: Arc::default(),
        known: None,
    };
    let batches: Vec<_> = decode(source, &part.format, &options).expect("should open").collect();
    assert_eq!(batches.len(), 1);
    assert_eq!(
        options.bad.total().warnings(),
        ["1 row was broken and null in every column: `a.csv` row 2 (1 cell, not 2)"]
    );
}

/// What inference and execution find in the same content.
fn both(name: &str, content: &[u8], reading: &Reading) -> Read {
    let read = read_with(name, content, reading, |_| {}, reading.bad_rows).expect("should read");
    let rows = read.batches.as_ref().expect("should decode").iter().map(RecordBatch::num_rows);
    assert_eq!(read.file.rows, u64::try_from(rows.sum::<usize>()).ok(), "{name}");
    assert_eq!(read.file.bad, read.bad, "{name}");
    read
}

fn with_bad_rows(bad_rows: BadRows) -> Reading {
    Reading { bad_rows, ..Reading::default() }
}

#[test]
fn broken_rows_are_left_out_or_null_by_inference_and_execution_alike() {
    let msgpack =
        [&b"\x81\xa1a\x01"[..], b"\x07", b"\x82\xa1a\x01\xa1a\x02", b"\x81\xa1a\x03"].concat();
    for (name, content) in [
        ("a.csv", &b"a,b\n1,x\n2\n2,y,z\n3,y\n"[..]),
        ("a.jsonl", b"{\"a\":1}\n{\"a\":\n[2]\n{\"a\":3}\n"),
        ("a.jsonl", b"{\"a\":1}\n{\"a\":2,\"a\":2}\n{\"a\":\"\xff\"}\n{\"a\":3}\n"),
        ("a.json", b"[{\"a\":1},2,{\"a\":2,\"a\":2},{\"a\":3}]"),
        ("a.msgpack", &msgpack),
    ] {
        let skipped = both(name, content, &with_bad_rows(BadRows::Skip));
        let column = |read: &Read| -> Vec<Option<String>> {
            read.rows().into_iter().map(|mut row| row.remove(0)).collect()
        };
        let value = |text: &str| Some(text.to_owned());
        assert_eq!(column(&skipped), [value("1"), value("3")], "{name}");
        let places = &skipped.bad.rows.first;
        let rows: Vec<_> = places.iter().map(|one| (one.path.as_str(), one.row)).collect();
        assert_eq!((skipped.bad.rows.count, rows), (2, vec![(name, 2), (name, 3)]));
        let nulled = both(name, content, &with_bad_rows(BadRows::Null));
        assert_eq!(column(&nulled), [value("1"), None, None, value("3")], "{name}");
        assert_eq!(nulled.bad.blanked.count, 2, "{name}");
        for bad_rows in [BadRows::Fail, BadRows::Reject] {
            let reading = with_bad_rows(bad_rows);
            let failed = read_with(name, content, &reading, |_| {}, bad_rows).map(|_| ());
            let message = failed.expect_err("should fail").to_string();
            assert!(message.contains("row 2"), "{message}");
        }
    }
}

#[test]
fn bad_rows_are_numbered_and_counted_across_blocks() {
    let stated = BTreeMap::from([("n".to_owned(), ColumnType(DataType::Int64))]);
    let reading = Reading { types: stated, ..with_bad_rows(BadRows::Skip) };
    let mut text = String::from("n,t\n");
    let mut lines = String::new();
    let mut bad = Vec::new();
    for n in 1..200_000_u64 {
        // Quotes around line ends make blocks that are parsed again.
        match n % 50_021 {
            0 => writeln!(text, "{n}").expect("should write"),
            7 => writeln!(text, "x,{n}").expect("should write"),
            _ => writeln!(text, "{n},\"a\n{n}\"").expect("should write"),
        }
        match n % 50_021 {
            0 => writeln!(lines, "{{\"n\": {n}").expect("should write"),
            7 => writeln!(lines, "{{\"n\": \"x\"}}").expect("should write"),
            _ => writeln!(lines, "{{\"n\": {n}, \"t\": \"{n}\"}}").expect("should write"),
        }
        if matches!(n % 50_021, 0 | 7) {
            bad.push(n);
        }
    }
    for (name, content) in [("a.csv", text), ("a.jsonl", lines)] {
        let read = both(name, content.as_bytes(), &reading);
        assert_eq!(read.types()[0], ("n".to_owned(), "Int64".to_owned()));
        let first: Vec<u64> = read.bad.rows.first.iter().map(|place| place.row).collect();
        assert_eq!(first, bad[..3], "{name}");
        assert_eq!(read.bad.rows.count, u64::try_from(bad.len()).expect("few"), "{name}");
        assert_eq!(read.file.rows, Some(199_999 - read.bad.rows.count), "{name}");
    }
}

#[test]
fn a_row_that_is_left_out_says_nothing_of_the_types_of_its_other_columns() {
    let stated = BTreeMap::from([("n".to_owned(), ColumnType(DataType::Int64))]);
    let content = b"m,n\n1,2\nword,x\n";
    for (bad_rows, other) in [(BadRows::Skip, "Int64"), (BadRows::Null, "Utf8")] {
        let reading = Reading { types: stated.clone(), ..with_bad_rows(bad_rows) };
        let lines = b"{\"m\":1,\"n\":2}\n{\"m\":\"word\",\"n\":\"x\"}\n";
        for (name, content) in [("a.csv", &content[..]), ("a.jsonl", lines)] {
            let read = read_with(name, content, &reading, |_| {}, bad_rows).expect("should read");
            assert_eq!(read.types()[0].1, other, "{name}");
            assert_eq!(read.file.rows, u64::try_from(read.rows().len()).ok(), "{name}");
        }
    }
}

#[test]
fn a_file_that_is_broken_beyond_its_rows_fails_whatever_is_asked_for() {
    for bad_rows in [BadRows::Fail, BadRows::Skip, BadRows::Null] {
        for (name, content, why) in [
            ("a.csv", &b"a,b\n1,\"x\n2,y\n"[..], "never closed"),
            ("a.json", b"[{\"a\":1},{\"a\":]", "row 2"),
            ("a.msgpack", b"\x81\xa1a\x01\x82\xa1a", "row 2"),
        ] {
            let failed = read_with(name, content, &with_bad_rows(bad_rows), |_| {}, bad_rows);
            let message = failed.map(|_| ()).expect_err("should fail").to_string();
            assert!(message.contains(why), "{message}");
        }
    }
}

#[test]
fn bytes_that_are_of_no_encoding_are_a_bad_row() {
    let utf8 = "id,city\n1,Z\u{fc}rich\n2,K\u{f6}ln\n".as_bytes();
    let utf8 = [utf8, b"3,bro\xffken\n4,Graz\n"].concat();
    let japanese = [&b"id,city\n1,\x93\x8c\x8b\x9e\n2,x\n3,\x93\xff\n4,y\n"[..]].concat();
    for (content, encoding, name) in
        [(utf8, None, "UTF-8"), (japanese, TextEncoding::from_label("sjis"), "Shift_JIS")]
    {
        let stated = |bad_rows| Reading { encoding, ..with_bad_rows(bad_rows) };
        let skipped = both("a.csv", &content, &stated(BadRows::Skip));
        assert_eq!((skipped.file.rows, skipped.bad.rows.first[0].row), (Some(3), 3));
        assert!(skipped.bad.rows.first[0].why.contains(&format!("is not {name}")));
        let nulled = both("a.csv", &content, &stated(BadRows::Null));
        assert_eq!(nulled.rows()[2], texts(&[vec![Some("3"), None]])[0]);
        let failed = read_with("a.csv", &content, &stated(BadRows::Fail), |_| {}, BadRows::Fail);
        let message = failed.map(|_| ()).expect_err("should fail").to_string();
        assert!(message.contains(&format!("row 3 is not {name}")), "{message}");
    }
}
