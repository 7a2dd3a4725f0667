use arrow::array::{Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;
use orc_rust::ArrowWriterBuilder;
use serde_json::{Value, json};

use super::*;
use crate::engines::job_spec::BadRows;
use crate::engines::table::{FileFormat, Format};
use crate::formats::bytes::MemoryBytes;
use crate::formats::decode::decode;
use crate::formats::decoding::DecodeOptions;
use crate::formats::error::FormatError;
use crate::formats::json_rows::json_rows;
use crate::formats::orc::footer;

fn nanoseconds(text: &str) -> i64 {
    let time: Timestamp = text.parse().expect("should be a time");
    i64::try_from(time.as_nanosecond()).expect("should fit")
}

fn times(texts: &[&str]) -> ArrayRef {
    let values: Vec<i64> = texts.iter().map(|text| nanoseconds(text)).collect();
    Arc::new(TimestampNanosecondArray::from(values))
}

/// Returns a file whose writer says that it is of a zone with a name of three letters.
fn file(columns: Vec<(&str, ArrayRef)>, zone: &str) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let batch = batch.expect("should be a batch");
    let mut bytes = Vec::new();
    let writer = ArrowWriterBuilder::new(&mut bytes, batch.schema());
    let mut writer = writer.try_build().expect("should be writable");
    writer.write(&batch).expect("should be written");
    writer.close().expect("should be whole");
    let place = bytes.windows(3).rposition(|three| three == b"UTC").expect("should say UTC");
    bytes[place..place + 3].copy_from_slice(zone.as_bytes());
    bytes
}

fn read(bytes: Vec<u8>) -> Result<Vec<Value>, String> {
    let source = Arc::new(MemoryBytes::new("d/t.orc", bytes));
    let (schema, _) = footer(&source).map_err(|error| error.to_string())?;
    let options = DecodeOptions {
        schema: schema.to_arrow(),
        batch_rows: 100,
        threads: 1,
        bad_rows: BadRows::Fail,
        bad: Arc::default(),
        known: None,
    };
    let format = FileFormat::of(Format::Orc);
    let batches = decode(source, &format, &options).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| error.to_string())?;
        rows.extend(json_rows(&batch).into_iter().map(Value::Object));
    }
    Ok(rows)
}

/// The clock is an hour ahead of UTC in winter, which stored times are based on, and two in summer.
#[test]
fn times_are_those_of_the_writers_clock_in_every_year() {
    let stored = [
        "2020-01-15T12:00:00Z",
        "2020-07-15T12:00:00Z",
        "2038-07-15T12:00:00.1Z",
        "2099-07-15T12:00:00Z",
        "2100-01-15T12:00:00Z",
        "2100-07-15T12:00:00Z",
        "2150-07-15T12:00:00.123456789Z",
        "2249-12-15T12:00:00Z",
    ];
    let shown = [
        "2020-01-15T12:00:00",
        "2020-07-15T13:00:00",
        "2038-07-15T13:00:00.100",
        "2099-07-15T13:00:00",
        "2100-01-15T12:00:00",
        "2100-07-15T13:00:00",
        "2150-07-15T13:00:00.123456789",
        "2249-12-15T12:00:00",
    ];
    let expected: Vec<Value> = shown.iter().map(|time| json!({"t": time})).collect();
    assert_eq!(read(file(vec![("t", times(&stored))], "CET")).expect("should be read"), expected);
    let unchanged: Vec<Value> =
        stored.iter().map(|time| json!(time.trim_end_matches('Z'))).collect();
    let utc = read(file(vec![("t", times(&stored[..2]))], "GMT")).expect("should be read");
    assert_eq!(utc, [json!({"t": unchanged[0]}), json!({"t": unchanged[1]})]);
}

#[test]
fn times_within_other_values_are_those_of_the_writers_clock() {
    let list = ListArray::new(
        Arc::new(Field::new("item", DataType::Timestamp(TimeUnit::Nanosecond, None), true)),
        OffsetBuffer::from_lengths([1, 2]),
        times(&["2120-07-15T12:00:00Z", "2120-01-15T12:00:00Z", "1999-07-15T13:00:00Z"]),
        None,
    );
    let list: ArrayRef = Arc::new(list);
    let member = Arc::new(Field::new("m", list.data_type().clone(), true));
    let array: ArrayRef = Arc::new(StructArray::from(vec![(member, list)]));
    let read = RecordBatch::try_from_iter([("s", array)]).expect("should be a batch");
    let clock = Clock::of(&BTreeSet::from(["CET".to_owned()]));
    let rows = json_rows(&clock.correct(read).expect("should be right"));
    let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
    assert_eq!(
        rows,
        [
            json!({"s": {"m": ["2120-07-15T13:00:00"]}}),
            json!({"s": {"m": ["2120-01-15T12:00:00", "1999-07-15T13:00:00"]}}),
        ]
    );
}

#[test]
fn zones_that_are_not_known_are_refused_by_name() {
    let file = file(vec![("t", times(&["2020-01-15T12:00:00Z"]))], "XYZ");
    let refused = read(file).expect_err("should be refused");
    assert_eq!(
        refused,
        "`d/t.orc` is not readable as orc: its times are of the time zone `XYZ`, which is not known; \
         write it with those of UTC"
    );
    let several = BTreeSet::from(["CET".to_owned(), "UTC".to_owned()]);
    let batch = |text: &str| {
        let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        RecordBatch::try_from_iter([("n", number), ("t", times(&[text]))]).expect("should be one")
    };
    let early = batch("2099-01-01T00:00:00Z");
    assert_eq!(Clock::of(&several).correct(early.clone()).expect("should be right"), early);
    let refused = Clock::of(&several).correct(batch("2100-01-01T00:00:00Z"));
    let refused = refused.expect_err("should be refused").to_string();
    assert!(refused.contains("column `t` has a time after the year 2099 of several"), "{refused}");
}

#[test]
fn file_without_its_beginning_is_broken_and_not_a_fault_of_the_disk() {
    let numbers: Vec<i64> = (0..10_000).map(|n| n * n * 7_919).collect();
    let columns: [(&str, ArrayRef); 2] = [
        ("t", Arc::new(TimestampNanosecondArray::from(numbers.clone()))),
        ("n", Arc::new(Int64Array::from(numbers))),
    ];
    let whole = file(columns.to_vec(), "UTC");
    let place = whole.windows(3).rposition(|three| three == b"UTC").expect("should say UTC");
    let source = Arc::new(MemoryBytes::new("d/t.orc", whole[place..].to_vec()));
    let error = footer(&source).expect_err("should be refused");
    assert!(matches!(error, FormatError::Broken { .. }), "{error:?}");
    assert!(error.to_string().contains("it ends within a stripe"), "{error}");
}
