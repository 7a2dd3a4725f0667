//! Texts of stated dialects, from bytes to rows: inference and decoding read the same.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;

use super::decode::decode;
use super::infer::infer;
use crate::engines::job_spec::BadRows;
use crate::engines::table::CsvDialect;
use crate::formats::bytes::MemoryBytes;
use crate::formats::decoding::DecodeOptions;
use crate::formats::error::FormatError;

type Row = Vec<Option<String>>;

/// Returns the names and the rows of a text.
fn read(dialect: &CsvDialect, content: &[u8]) -> Result<(Vec<String>, Vec<Row>), FormatError> {
    let source = Arc::new(MemoryBytes::new("d/t.csv", content.to_vec()));
    let found = infer(&*source, dialect, None)?;
    let options = DecodeOptions {
        schema: found.schema.to_arrow(),
        batch_rows: 1000,
        threads: 2,
        bad_rows: BadRows::Fail,
        nulled: Arc::default(),
    };
    let batches = decode(source, dialect, &options)?.collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<Row> = batches.iter().flat_map(rows_of).collect();
    assert_eq!(found.rows, rows.len() as u64, "inference and decoding count the same rows");
    Ok((found.schema.columns.into_iter().map(|column| column.name).collect(), rows))
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
