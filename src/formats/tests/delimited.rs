//! Delimited text: types, encodings, delimiters, and samples of it.

use std::fmt::Write as _;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};

use super::{chain, read, read_with, texts};
use crate::engines::bad_rows::BadRows;
use crate::engines::files::ByteSource;
use crate::engines::reading::Reading;
use crate::engines::table::TextEncoding;
use crate::formats::bytes::MemoryBytes;
use crate::formats::infer::{InferredFile, infer};
use crate::formats::sniff::sniff;

#[test]
fn csv_is_read_with_the_types_it_was_inferred_with() {
    let content = "id,price,flag,day,name\n1,1.50,true,2020-01-02,\"a\nb\"\n2,,false,,\"\"\n3,2.00,,2021-01-01,\n";
    let read = read("a.csv", content.as_bytes());
    let types: Vec<String> = read.types().into_iter().map(|(_, t)| t).collect();
    assert_eq!(types, ["Int64", "Decimal128(18, 2)", "Boolean", "Date32", "Utf8"]);
    assert_eq!(read.file.rows, Some(3));
    assert!(read.file.complete && !read.file.declared);
    assert_eq!(
        read.rows(),
        texts(&[
            vec![Some("1"), Some("1.50"), Some("true"), Some("2020-01-02"), Some("a\nb")],
            vec![Some("2"), None, Some("false"), None, Some("")],
            vec![Some("3"), Some("2.00"), None, Some("2021-01-01"), None],
        ])
    );
}

#[test]
fn crlf_empty_lines_and_a_missing_last_line_end_are_fine() {
    let read = read("a.csv", b"a,b\r\n\r\n1,x\r\n\r\n2,y");
    assert_eq!(read.rows(), texts(&[vec![Some("1"), Some("x")], vec![Some("2"), Some("y")]]));
}

#[test]
fn text_of_every_encoding_and_delimiter_reads_the_same() {
    let plain = "name||city\nJos\u{e9}||K\u{f6}ln, am Rhein\nAnn||\"x||y\"\n";
    let expected = read("a.csv", plain.as_bytes()).rows();
    assert_eq!(expected[1], texts(&[vec![Some("Ann"), Some("x||y")]])[0]);
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(plain.encode_utf16().flat_map(u16::to_le_bytes));
    let latin1: Vec<u8> =
        plain.chars().map(|c| u8::try_from(u32::from(c)).expect("should be latin")).collect();
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(plain.as_bytes());
    for content in [utf16, latin1, marked] {
        let read = read("a.csv", &content);
        assert_eq!(read.rows(), expected);
        assert_eq!(read.types()[0].0, "name");
    }
}

#[test]
fn late_byte_that_is_not_utf8_makes_the_file_latin1_and_says_so() {
    let mut content = b"id,name\n".to_vec();
    (0..60_000).for_each(|n| content.extend(format!("{n},plain\n").bytes()));
    content.extend(b"60000,K\xf6ln\n");
    let read = read("a.csv", &content);
    let dialect = read.file.format.csv.as_ref().expect("should be delimited");
    assert_eq!(dialect.encoding, TextEncoding::Latin1);
    assert!(read.file.notes.iter().any(|note| note.contains("Latin-1")), "{:?}", read.file.notes);
    assert_eq!(read.rows()[60_000][1].as_deref(), Some("K\u{f6}ln"));
}

#[test]
fn many_blocks_with_stray_quotes_and_quoted_line_ends_read_as_one_pass() {
    let mut content = String::from("id,text,n\n");
    for n in 0..120_000 {
        let text = match n % 7 {
            0 => "5\" pipe".to_owned(),
            1 => "\"two\nlines, \"\"quoted\"\"\"".to_owned(),
            2 => String::new(),
            _ => format!("plain {n}"),
        };
        writeln!(content, "{n},{text},{}", n * 3).expect("should write");
    }
    assert!(content.len() > 2 * 1024 * 1024);
    let read = read("a.csv", content.as_bytes());
    assert_eq!(read.file.rows, Some(120_000));
    let batches = read.batches.as_ref().expect("should decode");
    let mut row = 0;
    for batch in batches {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let texts = batch.column(1).as_string::<i32>();
        for at in 0..batch.num_rows() {
            assert_eq!(ids.value(at), row);
            match row % 7 {
                0 => assert_eq!(texts.value(at), "5\" pipe"),
                1 => assert_eq!(texts.value(at), "two\nlines, \"quoted\""),
                2 => assert!(texts.is_null(at)),
                _ => assert_eq!(texts.value(at), format!("plain {row}")),
            }
            row += 1;
        }
    }
    assert_eq!(row, 120_000);
}

#[test]
fn null_tokens_are_null_only_without_quotes() {
    let options = Reading { null_tokens: vec!["NA".into()], ..Reading::default() };
    let content = b"n,t\n1,NA\nNA,\"NA\"\n";
    let read = read_with("a.csv", content, &options, |_| {}, BadRows::Fail).expect("should read");
    assert_eq!(read.types()[0].1, "Int64");
    assert_eq!(read.rows(), texts(&[vec![Some("1"), None], vec![None, Some("NA")]]));
}

#[test]
fn column_without_values_has_no_type_yet() {
    let read = read("a.csv", b"a,b\n1,\n2,\n");
    assert_eq!(read.file.schema.columns[1].data_type.0, DataType::Null);
    assert_eq!(read.rows()[0], texts(&[vec![Some("1"), None]])[0]);
}

#[test]
fn sample_says_that_it_is_one() {
    let mut content = String::from("n\n");
    for n in 0..500_000 {
        writeln!(content, "{n}").expect("should write");
    }
    content.push_str("x\n");
    let source = MemoryBytes::new("a.csv", content.clone().into_bytes());
    let sniffed = sniff(&source, &Reading::default()).expect("known").expect("content");
    let part = infer(&source, &sniffed, Some(10), BadRows::Fail, &|_| true).expect("should infer");
    assert_eq!((part.rows, part.complete), (Some(10), false));
    assert_eq!(part.schema.columns[0].data_type.0, DataType::Int64);
    assert!(part.bytes < source.size());
    let whole =
        infer(&source, &sniffed, Some(10_000_000), BadRows::Fail, &|_| true).expect("should infer");
    assert_eq!((whole.rows, whole.complete), (Some(500_001), true));
    assert_eq!(whole.schema.columns[0].data_type.0, DataType::Utf8);
}

#[test]
fn inference_can_be_stopped() {
    let source = MemoryBytes::new("a.csv", b"a\n1\n".to_vec());
    let sniffed = sniff(&source, &Reading::default()).expect("known").expect("content");
    let error = infer(&source, &sniffed, None, BadRows::Fail, &|_| false).expect_err("should stop");
    assert!(chain(&error).contains("stopped"), "{error}");
}

#[test]
fn wanted_columns_come_in_the_wanted_order_and_missing_ones_are_named() {
    let options = Reading::default();
    let swap = |file: &mut InferredFile| file.schema.columns = vec![file.schema.columns[1].clone()];
    let read =
        read_with("a.csv", b"a,b\n1,x\n", &options, swap, BadRows::Fail).expect("should read");
    assert_eq!(read.rows(), texts(&[vec![Some("x")]]));
    let rename = |file: &mut InferredFile| file.schema.columns[0].name = "z".into();
    let failed = read_with("a.csv", b"a,b\n1,x\n", &options, rename, BadRows::Fail);
    assert!(failed.map(|_| ()).expect_err("should fail").to_string().contains("no column `z`"));
}

#[test]
fn header_without_rows_is_a_table_without_rows() {
    let read = read("a.csv", b"a,b\n");
    assert_eq!(read.file.rows, Some(0));
    assert_eq!(read.file.schema.columns.len(), 2);
    assert!(read.rows().is_empty());
}

#[test]
fn carriage_returns_alone_end_lines() {
    let read = read("a.csv", b"a,b\r1,x\r2,y\r");
    assert_eq!(read.rows(), texts(&[vec![Some("1"), Some("x")], vec![Some("2"), Some("y")]]));
}

#[test]
fn a_decimal_comma_is_part_of_numbers_only() {
    let reading = |decimal| Reading { decimal: Some(decimal), ..Reading::default() };
    let content = b"a;b;c;d\n1,5;1.500;12:00:00.5;2,5e1\n-22,25;3;13:00:00.5;x\n";
    let read = read_with("a.csv", content, &reading(','), |_| {}, BadRows::Fail).expect("read");
    let types: Vec<String> = read.types().into_iter().map(|(_, data_type)| data_type).collect();
    assert_eq!(types[..3], ["Float64", "Utf8", "Time64(µs)"]);
    let first = [Some("1.5"), Some("1.500"), Some("12:00:00.500"), Some("2,5e1")];
    assert_eq!(read.rows()[0], first.map(|cell| cell.map(str::to_owned)).to_vec());
    let numbers = b"1,5;2,5\n3,5;4,5\n";
    let read = read_with("a.csv", numbers, &reading(','), |_| {}, BadRows::Fail).expect("read");
    assert_eq!(
        read.rows(),
        texts(&[vec![Some("1.5"), Some("2.5")], vec![Some("3.5"), Some("4.5")]])
    );
    let point = read_with("a.csv", content, &reading('.'), |_| {}, BadRows::Fail).expect("read");
    assert_eq!(point.rows()[0][0].as_deref(), Some("1,5"));
}

#[test]
fn text_of_a_stated_encoding_is_read_in_it() {
    let (content, _, _) = encoding_rs::SHIFT_JIS.encode("id,都市\n1,東京\n");
    let encoding = TextEncoding::from_label("shift_jis");
    let reading = Reading { encoding, ..Reading::default() };
    let read = read_with("a.csv", &content, &reading, |_| {}, BadRows::Fail).expect("should read");
    assert_eq!(read.rows(), texts(&[vec![Some("1"), Some("東京")]]));
    let dialect = serde_json::to_value(&read.file.format).expect("should be JSON");
    assert_eq!(dialect["csv"]["encoding"], "Shift_JIS");
    let again: crate::engines::table::FileFormat =
        serde_json::from_value(dialect).expect("should be read");
    assert_eq!(again, read.file.format);
}
