use std::sync::Mutex;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, ListArray, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use proptest::prelude::*;

use super::*;
use crate::engines::job_spec::BadRows;
use crate::engines::reading::Reading;
use crate::formats::bytes::MemoryBytes;
use crate::formats::decode::decode;
use crate::formats::decoding::DecodeOptions;
use crate::formats::infer::{InferredFile, infer};
use crate::formats::json_rows::json_rows;
use crate::formats::sniff::sniff;

/// Bytes that outlive the encoder that writes them.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::Error::other("poisoned"))?.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn encoded(format: Format, batches: &[RecordBatch]) -> Result<Vec<u8>, FormatError> {
    let shared = Shared::default();
    let mut encoder = encoder(format, batches[0].schema(), Box::new(shared.clone()))?;
    for batch in batches {
        encoder.write(batch)?;
    }
    let size = encoder.finish()?;
    let bytes = shared.0.lock().expect("should not be poisoned").clone();
    assert_eq!(size, size_of_buffer(bytes.len()), "{format}");
    Ok(bytes)
}

fn read(format: Format, bytes: Vec<u8>, schema: Option<SchemaRef>) -> (InferredFile, RecordBatch) {
    let source = Arc::new(MemoryBytes::new(format!("t.{format}"), bytes));
    let options = Reading { header: Some(true), delimiter: Some(",".into()), ..Default::default() };
    let sniffed = sniff(&source, &options).expect("should be known").expect("should have content");
    assert_eq!(sniffed.format.format, format);
    let file = infer(&source, &sniffed, None, BadRows::Fail, &|_| true).expect("should infer");
    let options = DecodeOptions {
        schema: schema.unwrap_or_else(|| file.schema.to_arrow()),
        batch_rows: 3,
        threads: 2,
        bad_rows: BadRows::Fail,
        bad: Arc::default(),
        known: None,
    };
    let batches: Vec<RecordBatch> = decode(source, &file.format, &options)
        .expect("should open")
        .collect::<Result<_, _>>()
        .expect("should decode");
    let batch = arrow::compute::concat_batches(&options.schema, &batches).expect("should concat");
    (file, batch)
}

const READABLE: [Format; 6] =
    [Format::Parquet, Format::Csv, Format::Json, Format::Jsonl, Format::Avro, Format::Arrow];

fn is_text(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Json | Format::Jsonl)
}

type Row =
    (Option<i64>, Option<f64>, Option<String>, Option<bool>, Option<i64>, Option<i32>, Option<i64>);

fn batch(rows: &[Row]) -> RecordBatch {
    let decimals: Decimal128Array = rows.iter().map(|row| row.4.map(i128::from)).collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("i", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()), true),
        ("f", Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>()), true),
        ("s", Arc::new(rows.iter().map(|row| row.2.clone()).collect::<StringArray>()), true),
        ("b", Arc::new(rows.iter().map(|row| row.3).collect::<BooleanArray>()), true),
        ("d", Arc::new(decimals.with_precision_and_scale(18, 2).expect("should fit")), true),
        ("day", Arc::new(rows.iter().map(|row| row.5).collect::<Date32Array>()), true),
        ("at", Arc::new(rows.iter().map(|row| row.6).collect::<TimestampMicrosecondArray>()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).expect("should be a batch")
}

fn any_row() -> impl Strategy<Value = Row> {
    let text = proptest::string::string_regex("[a-z0-9 ,\"\n\r\u{e9}\u{4e2d}\u{feff}'|.-]{0,6}")
        .expect("should be a pattern");
    // Minus zero is a text in delimited files.
    let float = any::<f64>().prop_map(|f| if f == 0.0 { 0.0 } else { f });
    (
        any::<Option<i64>>(),
        proptest::option::of(float),
        proptest::option::of(text),
        any::<Option<bool>>(),
        proptest::option::of(-10_i64.pow(17)..10_i64.pow(17)),
        proptest::option::of(-719_000..2_932_000_i32),
        proptest::option::of(-62_000_000_000_000_000..253_000_000_000_000_000_i64),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_written_is_read_back(rows in proptest::collection::vec(any_row(), 1..12)) {
        let batch = batch(&rows);
        let parts = [batch.slice(0, rows.len() / 2), batch.slice(rows.len() / 2, rows.len() - rows.len() / 2)];
        for format in READABLE {
            let bytes = encoded(format, &parts).expect("should encode");
            let schema = is_text(format).then(|| batch.schema());
            let (file, read) = read(format, bytes, schema);
            prop_assert_eq!(json_rows(&read), json_rows(&batch), "{}", format);
            let names: Vec<&str> = file.schema.columns.iter().map(|c| c.name.as_str()).collect();
            prop_assert_eq!(names, ["i", "f", "s", "b", "d", "day", "at"]);
        }
    }
}

#[test]
fn types_survive_delimited_text() {
    let row = |n: i64| -> Row {
        (Some(n), Some(0.5), Some("x".into()), Some(true), Some(150), Some(1), Some(1_500_000 + n))
    };
    let batch = batch(&[row(1), row(2)]);
    let (file, read) = read(
        Format::Csv,
        encoded(Format::Csv, std::slice::from_ref(&batch)).expect("should encode"),
        None,
    );
    // A fraction of one digit everywhere is a decimal by the rules of text.
    let types: Vec<String> =
        file.schema.columns.iter().map(|c| c.data_type.0.to_string()).collect();
    assert_eq!(
        types,
        [
            "Int64",
            "Decimal128(18, 1)",
            "Utf8",
            "Boolean",
            "Decimal128(18, 2)",
            "Date32",
            "Timestamp(µs)"
        ]
    );
    assert_eq!(read.num_rows(), 2);
}

#[test]
fn nested_columns_are_read_back() {
    let items = Arc::new(Field::new("item", DataType::Int64, true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0, 1]);
    let values = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let list =
        ListArray::new(Arc::clone(&items), offsets, values, Some(vec![true, true, false].into()));
    let object = StructArray::from(vec![
        (
            Arc::new(Field::new("a", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some("x"), None, Some("")])) as ArrayRef,
        ),
        (Arc::new(Field::new("l", DataType::List(items), true)), Arc::new(list) as ArrayRef),
    ]);
    let batch =
        RecordBatch::try_from_iter_with_nullable([("o", Arc::new(object) as ArrayRef, true)])
            .expect("should be a batch");
    for format in READABLE.into_iter().filter(|format| *format != Format::Csv) {
        let bytes = encoded(format, std::slice::from_ref(&batch)).expect("should encode");
        let (_, read) = read(format, bytes, None);
        assert_eq!(json_rows(&read), json_rows(&batch), "{format}");
    }
}

#[test]
fn every_column_that_a_format_cannot_hold_is_named() {
    let duration = DataType::Duration(TimeUnit::Second);
    let schema = Arc::new(Schema::new(vec![
        Field::new("fine", DataType::Int64, true),
        Field::new("one", DataType::Binary, true),
        Field::new("two", duration, true),
    ]));
    for format in [Format::Csv, Format::Xlsx] {
        let refused = encoder(format, Arc::clone(&schema), Box::new(io::sink()));
        let message = refused.map(|_| ()).expect_err("should be refused").to_string();
        assert!(message.contains("`one`") && message.contains("`two`"), "{message}");
        assert!(!message.contains("`fine`"), "{message}");
    }
    for format in [Format::Orc, Format::Msgpack] {
        let refused = encoder(format, Arc::clone(&schema), Box::new(io::sink()));
        let message = refused.map(|_| ()).expect_err("should be refused").to_string();
        assert!(message.contains("not written"), "{message}");
    }
    let names = Arc::new(Schema::new(vec![Field::new("a b", DataType::Int64, true)]));
    assert!(encoder(Format::Avro, names, Box::new(io::sink())).is_err());
}

#[test]
fn wider_types_stand_for_those_a_format_lacks() {
    let dictionary: DictionaryArray<Int32Type> = ["x", "y", "x"].into_iter().collect();
    let batch = RecordBatch::try_from_iter([
        ("d", Arc::new(dictionary) as ArrayRef),
        ("v", Arc::new(StringViewArray::from(vec!["a", "b", "c"])) as ArrayRef),
        ("i", Arc::new(arrow::array::Int8Array::from(vec![1, 2, 3])) as ArrayRef),
    ])
    .expect("should be a batch");
    for format in READABLE {
        let bytes = encoded(format, std::slice::from_ref(&batch)).expect("should encode");
        let (_, read) = read(format, bytes, None);
        assert_eq!(json_rows(&read), json_rows(&batch), "{format}");
    }
}

#[test]
fn single_column_with_a_null_is_refused_as_delimited_text() {
    let batch = RecordBatch::try_from_iter_with_nullable([(
        "a",
        Arc::new(StringArray::from(vec![Some(""), None])) as ArrayRef,
        true,
    )])
    .expect("should be a batch");
    let message = encoded(Format::Csv, &[batch]).expect_err("should be refused").to_string();
    assert!(message.contains("empty line"), "{message}");
}

#[test]
fn workbook_refuses_what_it_would_round_or_cut() {
    let refused = |array: ArrayRef| {
        let batch = RecordBatch::try_from_iter([("a", array)]).expect("should be a batch");
        encoded(Format::Xlsx, &[batch]).expect_err("should be refused").to_string()
    };
    assert!(refused(Arc::new(Int64Array::from(vec![(1 << 53) + 1]))).contains("2^53"));
    assert!(refused(Arc::new(Float64Array::from(vec![f64::NAN]))).contains("NaN"));
    assert!(refused(Arc::new(StringArray::from(vec!["x".repeat(32_768)]))).contains("32767"));
    let fine = RecordBatch::try_from_iter([
        ("i", Arc::new(Int64Array::from(vec![Some(1 << 53), None])) as ArrayRef),
        ("t", Arc::new(StringArray::from(vec!["=1+1", ""])) as ArrayRef),
        ("b", Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef),
        ("d", Arc::new(Date32Array::from(vec![0, 1])) as ArrayRef),
    ])
    .expect("should be a batch");
    let bytes = encoded(Format::Xlsx, &[fine]).expect("should encode");
    assert!(bytes.starts_with(b"PK\x03\x04"));
    let many = Schema::new(
        (0..16_385).map(|n| Field::new(format!("c{n}"), DataType::Int64, true)).collect::<Vec<_>>(),
    );
    let message = encoder(Format::Xlsx, Arc::new(many), Box::new(io::sink())).map(|_| ());
    assert!(message.expect_err("should be refused").to_string().contains("16384"));
}

#[test]
fn workbook_has_a_last_row() {
    let rows = Arc::new(BooleanArray::from(vec![None::<bool>; 1_048_576]));
    let batch = RecordBatch::try_from_iter_with_nullable([("a", rows as ArrayRef, true)])
        .expect("should be a batch");
    assert!(encoded(Format::Xlsx, &[batch.slice(0, 1_048_575)]).is_ok());
    let message = encoded(Format::Xlsx, &[batch]).expect_err("should be refused").to_string();
    assert!(message.contains("1048575 rows"), "{message}");
}

#[test]
fn nothing_but_a_schema_is_a_file() {
    let empty = batch(&[]);
    for format in READABLE {
        let bytes = encoded(format, std::slice::from_ref(&empty)).expect("should encode");
        let source = MemoryBytes::new(format!("t.{format}"), bytes);
        let options = Reading { header: Some(true), ..Reading::default() };
        let sniffed = sniff(&source, &options).expect("should be known");
        // JSON lines without a line are an empty file.
        assert_eq!(sniffed.is_none(), format == Format::Jsonl, "{format}");
        if let Some(sniffed) = sniffed {
            let file =
                infer(&source, &sniffed, None, BadRows::Fail, &|_| true).expect("should infer");
            let columns = if format == Format::Json { 0 } else { 7 };
            // Only the header of Arrow does not say how many rows there are.
            let rows = (format != Format::Arrow).then_some(0);
            assert_eq!((file.rows, file.schema.columns.len()), (rows, columns), "{format}");
        }
    }
}
