use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;

use super::*;
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::reading::Reading;
use crate::engines::schema::ColumnType;
use crate::engines::table::TextEncoding;
use crate::formats::bytes::MemoryBytes;
use crate::formats::decode::decode;
use crate::formats::decoding::DecodeOptions;
use crate::formats::sniff::sniff;

/// A file read from sniffing to batches.
struct Read {
    file: InferredFile,
    batches: Result<Vec<RecordBatch>, FormatError>,
    bad: Bad,
}

impl Read {
    fn rows(&self) -> Vec<Vec<Option<String>>> {
        let batches = self.batches.as_ref().expect("should decode");
        let cell = |batch: &RecordBatch, column: usize, row: usize| {
            let column = batch.column(column);
            let null = column.is_null(row) || column.data_type() == &DataType::Null;
            (!null).then(|| array_value_to_string(column, row).expect("should print"))
        };
        let row = |batch: &RecordBatch, row: usize| {
            (0..batch.num_columns()).map(|column| cell(batch, column, row)).collect()
        };
        batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|at| row(batch, at)).collect::<Vec<_>>())
            .collect()
    }

    fn types(&self) -> Vec<(String, String)> {
        let columns = &self.file.schema.columns;
        columns.iter().map(|c| (c.name.clone(), c.data_type.0.to_string())).collect()
    }
}

fn read_with(
    name: &str,
    content: &[u8],
    options: &Reading,
    change: impl FnOnce(&mut InferredFile),
    bad_rows: BadRows,
) -> Result<Read, FormatError> {
    let source = Arc::new(MemoryBytes::new(name, content.to_vec()));
    let sniffed = sniff(&source, options)?.expect("should have content");
    let mut file = infer(&source, &sniffed, None, options.bad_rows, &|_| true)?;
    change(&mut file);
    let options = DecodeOptions {
        schema: file.schema.to_arrow(),
        batch_rows: 1000,
        threads: 2,
        bad_rows,
        bad: Arc::default(),
        known: None,
    };
    let batches = decode(source, &file.format, &options)?.collect();
    Ok(Read { file, batches, bad: options.bad.total() })
}

fn read(name: &str, content: &[u8]) -> Read {
    let options = Reading::default();
    read_with(name, content, &options, |_| {}, BadRows::Fail).expect("should be readable")
}

fn failure(name: &str, content: &[u8]) -> String {
    let options = Reading::default();
    match read_with(name, content, &options, |_| {}, BadRows::Fail) {
        Err(error) => chain(&error),
        Ok(read) => match read.batches {
            Err(error) => chain(&error),
            Ok(batches) => panic_free(&batches),
        },
    }
}

fn panic_free(batches: &[RecordBatch]) -> String {
    format!("no failure: {batches:?}")
}

fn chain(error: &FormatError) -> String {
    use std::error::Error;
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

fn texts(rows: &[Vec<Option<&str>>]) -> Vec<Vec<Option<String>>> {
    rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect()
}

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
fn json_lines_and_arrays_read_alike() {
    let rows = [
        r#"{"a": 1, "b": {"c": [1, 2.5], "d": null}, "e": "x\ny"}"#,
        r#"{"a": null, "e": 5}"#,
        r#"{"b": {"c": []}, "f": true}"#,
    ];
    let lines = read("a.jsonl", rows.join("\n").as_bytes());
    let array = read("a.json", format!(" [\n{}\n]\n", rows.join(" ,\n")).as_bytes());
    assert_eq!(lines.types(), array.types());
    assert_eq!(lines.rows(), array.rows());
    let types: Vec<String> = lines.types().into_iter().map(|(name, _)| name).collect();
    assert_eq!(types, ["a", "b", "e", "f"]);
    assert_eq!(lines.file.schema.columns[2].data_type.0, DataType::Utf8);
    assert_eq!(lines.rows()[1][2].as_deref(), Some("5"));
    let batch = &lines.batches.as_ref().expect("should decode")[0];
    let list = batch.column(1).as_struct().column(0).as_list::<i32>().value(0);
    assert_eq!(list.as_primitive::<Float64Type>().values(), &[1.0, 2.5]);
}

#[test]
fn long_json_arrays_are_streamed() {
    let rows: Vec<String> =
        (0..100_000).map(|n| format!("{{\"n\": {n},\n \"t\": \"text {n}\"}}")).collect();
    let read = read("a.json", format!("[{}]", rows.join(",")).as_bytes());
    assert_eq!(read.file.rows, Some(100_000));
    let last = read.rows().pop().expect("should have rows");
    assert_eq!(last, texts(&[vec![Some("99999"), Some("text 99999")]])[0]);
}

#[test]
fn one_object_is_one_row() {
    let read = read("a.json", b"{\n \"data\": [{\"x\": 1}, {\"x\": 2, \"y\": \"z\"}]\n}\n");
    assert_eq!(read.file.rows, Some(1));
    assert!(read.types()[0].1.starts_with("List(Struct("), "{:?}", read.types());
}

#[test]
fn broken_json_is_named_with_its_row() {
    for (name, content, words) in [
        ("a.jsonl", &b"{\"a\":1}\n{\"a\":}\n"[..], "row 2"),
        ("a.jsonl", b"{\"a\":1}\n[1]\n", "row 2: the row is a list"),
        ("a.json", b"[{\"a\":1},{\"a\":2}", "too early"),
        ("a.json", b"[{\"a\":1} {\"a\":2}]", "expected `,`"),
        ("a.json", b"{\"a\":1", "too early"),
        ("a.json", b"[1,2]", "not an object"),
        ("a.jsonl", b"{\"a\":1}\n{\"a\":\"\xff\"}\n", "not UTF-8"),
    ] {
        let message = failure(name, content);
        assert!(message.contains(words), "{name} {words}: {message}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let message = failure("a.json", deep.as_bytes());
    assert!(message.contains("nested deeper than 128"), "{message}");
}

#[test]
fn broken_parquet_is_an_error_naming_the_file() {
    for content in [&b"PAR1"[..], b"PAR1PAR1", b"PAR1\x00\x00\x00\x10\xff\xff\xff\x7fPAR1"] {
        let message = failure("dir/a.parquet", content);
        assert!(message.contains("`dir/a.parquet` is not readable as parquet"), "{message}");
    }
}

#[test]
fn msgpack_rows_are_read() {
    let row = |n: i64| {
        rmpv::Value::Map(vec![
            ("n".into(), n.into()),
            ("t".into(), format!("t{n}").into()),
            ("b".into(), rmpv::Value::Binary(vec![1, 2])),
        ])
    };
    let mut sequence = Vec::new();
    for n in 0..3 {
        rmpv::encode::write_value(&mut sequence, &row(n)).expect("should write");
    }
    let mut array = Vec::new();
    let rows = rmpv::Value::Array((0..3).map(row).collect());
    rmpv::encode::write_value(&mut array, &rows).expect("should write");
    let (left, right) = (read("a.msgpack", &sequence), read("a", &array));
    assert_eq!(left.rows(), right.rows());
    assert_eq!(left.rows()[2][1].as_deref(), Some("t2"));
    assert_eq!(left.file.rows, Some(3));
    let message = failure("a.msgpack", &sequence[..sequence.len() - 1]);
    assert!(message.contains("row 3"), "{message}");
    array.push(0);
    assert!(failure("a.msgpack", &array).contains("bytes follow"));
}

#[test]
fn orc_is_read_with_the_schema_of_its_footer() {
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3])) as arrow::array::ArrayRef),
        ("t", Arc::new(arrow::array::StringArray::from(vec!["a", "b", ""]))),
    ])
    .expect("should be a batch");
    let mut content = Vec::new();
    let mut writer = orc_rust::ArrowWriterBuilder::new(&mut content, batch.schema())
        .try_build()
        .expect("should build");
    writer.write(&batch).expect("should write");
    writer.close().expect("should close");
    let read = read("a.orc", &content);
    assert!(read.file.declared);
    assert_eq!(read.file.rows, Some(3));
    assert_eq!(read.rows()[2], texts(&[vec![Some("3"), Some("")]])[0]);
    let only = |file: &mut InferredFile| drop(file.schema.columns.remove(0));
    let options = Reading::default();
    let part = read_with("a.orc", &content, &options, only, BadRows::Fail).expect("should read");
    assert_eq!(part.rows()[0], texts(&[vec![Some("a")]])[0]);
    let broken = failure("dir/a.orc", &content[..content.len() - 7]);
    assert!(broken.contains("`dir/a.orc`"), "{broken}");
}

#[test]
fn arrow_stream_is_read_also_when_compressed() {
    let batch = RecordBatch::try_from_iter([(
        "n",
        Arc::new(arrow::array::Int64Array::from(vec![1, 2])) as arrow::array::ArrayRef,
    )])
    .expect("should be a batch");
    let mut stream = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema())
        .expect("should begin");
    stream.write(&batch).expect("should write");
    let content = stream.into_inner().expect("should end");
    let compressed = crate::formats::compression::tests::compress(
        &content,
        crate::engines::table::Compression::Gzip,
    );
    for content in [content, compressed] {
        assert_eq!(read("a.arrows", &content).rows().len(), 2);
    }
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
fn footer_takes_one_read() {
    struct Counting(MemoryBytes, AtomicU64);
    impl ByteSource for Counting {
        fn path(&self) -> &str {
            self.0.path()
        }
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_at(buffer, offset)
        }
    }
    let batch = RecordBatch::try_from_iter([(
        "n",
        Arc::new(arrow::array::Int64Array::from((0..300_000).collect::<Vec<_>>()))
            as arrow::array::ArrayRef,
    )])
    .expect("should be a batch");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None)
        .expect("should begin");
    writer.write(&batch).expect("should write");
    let content = writer.into_inner().expect("should end");
    let source = Counting(MemoryBytes::new("a.parquet", content), AtomicU64::new(0));
    let sniffed = sniff(&source, &Reading::default()).expect("known").expect("content");
    let file = infer(&source, &sniffed, None, BadRows::Fail, &|_| true).expect("should infer");
    assert_eq!((file.rows, source.1.load(Ordering::Relaxed)), (Some(300_000), 2));
    assert!(file.bytes < source.size());
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
