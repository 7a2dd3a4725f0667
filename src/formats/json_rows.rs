//! The documented JSON encoding of rows in answers.
//!
//! Whole numbers beyond 2^53 and decimals are texts, because many readers of JSON keep no more than
//! an `f64`; so are `NaN`, `inf` and `-inf`. Dates and times are ISO 8601, timestamps RFC 3339 (with
//! `Z` or an offset only when the column has a zone), binary is base64, durations are ISO 8601. What
//! no calendar or clock has is the number that it is, with its unit: every value has a form, so that no
//! error ever stands in the place of one.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, DurationFormat, FormatOptions};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Number, Value};

use super::cell::printed as printed_cell;

/// Whole numbers up to this size are exact in every reader of JSON.
const EXACT: u64 = 1 << 53;

/// Returns the rows as objects, keys in the order of the columns.
#[must_use]
pub fn json_rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    rows(batch, Form::Answer)
}

/// What rows are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Readers of all sorts: whole numbers that an `f64` does not have are texts.
    Answer,
    /// Files: whole numbers are numbers, and infinity is named as other engines read it.
    File,
}

/// Returns the rows as objects.
pub(crate) fn rows(batch: &RecordBatch, form: Form) -> Vec<Map<String, Value>> {
    let mut rows = vec![Map::with_capacity(batch.num_columns()); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        for (row, value) in rows.iter_mut().zip(values(column, form)) {
            row.insert(field.name().clone(), value);
        }
    }
    rows
}

fn whole(value: i128, form: Form) -> Value {
    if form == Form::Answer && value.unsigned_abs() > u128::from(EXACT) {
        return Value::String(value.to_string());
    }
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Value::from(value),
        (_, Ok(value)) => Value::from(value),
        _ => Value::String(value.to_string()),
    }
}

fn float(value: f64, form: Form) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if form == Form::File && value.is_infinite() => {
            Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" })
        }
        None => Value::String(value.to_string()),
    }
}

/// A single-precision number is written with the digits that it prints with, not those of its `f64`.
fn single(value: f32, form: Form) -> Value {
    match value.to_string().parse() {
        Ok(wide) => float(wide, form),
        Err(_) => Value::String(value.to_string()),
    }
}

/// Returns the values of a column, one per row.
pub(crate) fn values(array: &ArrayRef, form: Form) -> Vec<Value> {
    macro_rules! primitive {
        ($kind:ty, $convert:expr) => {
            array
                .as_primitive::<$kind>()
                .iter()
                .map(|value| value.map_or(Value::Null, $convert))
                .collect()
        };
    }
    match array.data_type() {
        DataType::Null => vec![Value::Null; array.len()],
        DataType::Boolean => {
            array.as_boolean().iter().map(|value| value.map_or(Value::Null, Value::Bool)).collect()
        }
        DataType::Int8 => primitive!(Int8Type, |value| whole(value.into(), form)),
        DataType::Int16 => primitive!(Int16Type, |value| whole(value.into(), form)),
        DataType::Int32 => primitive!(Int32Type, |value| whole(value.into(), form)),
        DataType::Int64 => primitive!(Int64Type, |value| whole(value.into(), form)),
        DataType::UInt8 => primitive!(UInt8Type, |value| whole(value.into(), form)),
        DataType::UInt16 => primitive!(UInt16Type, |value| whole(value.into(), form)),
        DataType::UInt32 => primitive!(UInt32Type, |value| whole(value.into(), form)),
        DataType::UInt64 => primitive!(UInt64Type, |value| whole(value.into(), form)),
        DataType::Float16 => primitive!(Float16Type, |value| float(f64::from(value), form)),
        DataType::Float32 => primitive!(Float32Type, |value| single(value, form)),
        DataType::Float64 => primitive!(Float64Type, |value| float(value, form)),
        DataType::Utf8 => texts(array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter()),
        DataType::Utf8View => texts(array.as_string_view().iter()),
        DataType::Binary => binaries(array.as_binary::<i32>().iter()),
        DataType::LargeBinary => binaries(array.as_binary::<i64>().iter()),
        DataType::BinaryView => binaries(array.as_binary_view().iter()),
        DataType::FixedSizeBinary(_) => binaries(array.as_fixed_size_binary().iter()),
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) | DataType::Union(..) => {
            encoded(array, form)
        }
        nested if nested.is_nested() => nested_values(array, form),
        _ => printed(array),
    }
}

fn nested_values(array: &ArrayRef, form: Form) -> Vec<Value> {
    match array.data_type() {
        DataType::List(_) => lists(array.as_list::<i32>().iter(), form),
        DataType::LargeList(_) => lists(array.as_list::<i64>().iter(), form),
        DataType::ListView(_) => lists(array.as_list_view::<i32>().iter(), form),
        DataType::LargeListView(_) => lists(array.as_list_view::<i64>().iter(), form),
        DataType::FixedSizeList(..) => lists(array.as_fixed_size_list().iter(), form),
        DataType::Map(..) => maps(array, form),
        _ => structs(array, form),
    }
}

/// Dictionaries and runs as what they stand for, unions as the value that they have.
fn encoded(array: &ArrayRef, form: Form) -> Vec<Value> {
    match array.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            if array.null_count() == array.len() {
                return vec![Value::Null; array.len()];
            }
            let known = values(dictionary.values(), form);
            let keys = dictionary.normalized_keys().into_iter().enumerate();
            keys.map(|(row, key)| if array.is_null(row) { Value::Null } else { known[key].clone() })
                .collect()
        }
        DataType::Union(..) => {
            let union = array.as_union();
            let member = |(id, _)| (id, values(union.child(id), form));
            let members: HashMap<i8, Vec<Value>> = union.fields().iter().map(member).collect();
            let value = |row| &members[&union.type_id(row)][union.value_offset(row)];
            (0..array.len()).map(|row| value(row).clone()).collect()
        }
        _ => (0..array.len())
            .map(|row| {
                let (known, place) = run_of(array.as_ref(), row);
                values(&known.slice(place, 1), form).pop().unwrap_or(Value::Null)
            })
            .collect(),
    }
}

/// Returns the values of an array of runs, and the place of a row's among them.
pub(super) fn run_of(array: &dyn Array, row: usize) -> (&ArrayRef, usize) {
    if let Some(runs) = array.as_run_opt::<Int16Type>() {
        return (runs.values(), runs.get_physical_index(row));
    }
    if let Some(runs) = array.as_run_opt::<Int32Type>() {
        return (runs.values(), runs.get_physical_index(row));
    }
    let runs = array.as_run::<Int64Type>();
    (runs.values(), runs.get_physical_index(row))
}

fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Vec<Value> {
    texts.map(|text| text.map_or(Value::Null, Value::from)).collect()
}

fn binaries<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<Value> {
    let encoded = |bytes: &[u8]| Value::String(BASE64_STANDARD.encode(bytes));
    values.map(|bytes| bytes.map_or(Value::Null, encoded)).collect()
}

fn lists(lists: impl Iterator<Item = Option<ArrayRef>>, form: Form) -> Vec<Value> {
    lists.map(|list| list.map_or(Value::Null, |list| Value::Array(values(&list, form)))).collect()
}

fn structs(array: &ArrayRef, form: Form) -> Vec<Value> {
    let object = array.as_struct();
    let mut rows = vec![Map::with_capacity(object.num_columns()); array.len()];
    for (field, column) in object.fields().iter().zip(object.columns()) {
        for (row, value) in rows.iter_mut().zip(values(column, form)) {
            row.insert(field.name().clone(), value);
        }
    }
    let null = |row: usize| array.is_null(row);
    let rows = rows.into_iter().enumerate();
    rows.map(|(row, object)| if null(row) { Value::Null } else { Value::Object(object) }).collect()
}

/// A map is a list of objects with `key` and `value`: keys need not be texts.
fn maps(array: &ArrayRef, form: Form) -> Vec<Value> {
    let map = array.as_map();
    map.iter()
        .map(|entries| match entries {
            None => Value::Null,
            Some(entries) => {
                let pairs = values(entries.column(0), form)
                    .into_iter()
                    .zip(values(entries.column(1), form));
                let object = |(key, value)| {
                    Value::Object(Map::from_iter([
                        ("key".to_owned(), key),
                        ("value".to_owned(), value),
                    ]))
                };
                Value::Array(pairs.map(object).collect())
            }
        })
        .collect()
}

/// What Arrow prints of a duration that it cannot tell.
const INVALID: &str = "<invalid>";

/// Decimals, dates, times, durations, intervals: as Arrow prints them, or as the number that they are
/// when no calendar or clock has them.
fn printed(array: &ArrayRef) -> Vec<Value> {
    let options = FormatOptions::new()
        .with_display_error(false)
        .with_duration_format(DurationFormat::ISO8601);
    // A zone that is not known prints none of its instants.
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).ok();
    let whole_days = array.data_type() == &DataType::Date64;
    let text = |row: usize| {
        let text = formatter.as_ref().and_then(|shown| shown.value(row).try_to_string().ok());
        match text.filter(|text| text != INVALID) {
            Some(text) if whole_days => text.strip_suffix("T00:00:00").unwrap_or(&text).to_owned(),
            Some(text) => text,
            None => printed_cell(array.as_ref(), row),
        }
    };
    (0..array.len())
        .map(|row| if array.is_null(row) { Value::Null } else { Value::String(text(row)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray,
        DurationSecondArray, Float32Array, Float64Array, Int32Array, Int64Array, RunArray,
        StringArray, StructArray, Time32SecondArray, Time64MicrosecondArray,
        TimestampMicrosecondArray, UInt64Array, UnionArray,
    };
    use arrow::datatypes::{Field, UnionFields};
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "calls are shorter")]
    fn encoded(array: ArrayRef) -> Vec<Value> {
        super::values(&array, Form::Answer)
    }

    #[test]
    fn numbers_that_readers_would_lose_are_texts() {
        let ints = Int64Array::from(vec![Some(1), Some(-(1 << 53)), Some((1 << 53) + 1), None]);
        let expected = vec![
            json!(1),
            json!(-9_007_199_254_740_992_i64),
            json!("9007199254740993"),
            json!(null),
        ];
        assert_eq!(encoded(Arc::new(ints)), expected);
        assert_eq!(
            encoded(Arc::new(UInt64Array::from(vec![u64::MAX]))),
            [json!("18446744073709551615")]
        );
        let floats = Float64Array::from(vec![1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(
            encoded(Arc::new(floats.clone())),
            [json!(1.5), json!("NaN"), json!("inf"), json!("-inf")]
        );
        let floats: ArrayRef = Arc::new(floats);
        assert_eq!(
            super::values(&floats, Form::File),
            [json!(1.5), json!("NaN"), json!("Infinity"), json!("-Infinity")]
        );
        assert_eq!(encoded(Arc::new(Float32Array::from(vec![0.1]))), [json!(0.1)]);
        let decimals = Decimal128Array::from(vec![150])
            .with_precision_and_scale(18, 2)
            .expect("should be a decimal");
        assert_eq!(encoded(Arc::new(decimals)), [json!("1.50")]);
    }

    #[test]
    fn times_binary_and_durations_follow_their_standards() {
        let utc = TimestampMicrosecondArray::from(vec![1_500_000]).with_timezone("UTC");
        assert_eq!(encoded(Arc::new(utc)), [json!("1970-01-01T00:00:01.500Z")]);
        let local = TimestampMicrosecondArray::from(vec![0]);
        assert_eq!(encoded(Arc::new(local)), [json!("1970-01-01T00:00:00")]);
        assert_eq!(encoded(Arc::new(Date32Array::from(vec![1]))), [json!("1970-01-02")]);
        assert_eq!(encoded(Arc::new(BinaryArray::from_vec(vec![&[0xff, 0]]))), [json!("/wA=")]);
        assert_eq!(encoded(Arc::new(DurationSecondArray::from(vec![90]))), [json!("PT90S")]);
    }

    #[test]
    fn what_no_calendar_or_clock_has_is_its_number_with_its_unit() {
        let stamps = TimestampMicrosecondArray::from(vec![i64::MAX, i64::MIN]);
        let far = ["9223372036854775807000 ns since 1970", "-9223372036854775808000 ns since 1970"];
        assert_eq!(encoded(Arc::new(stamps.clone())), far);
        assert_eq!(encoded(Arc::new(stamps.with_timezone("Europe/Berlin"))), far);
        let days = encoded(Arc::new(Date32Array::from(vec![i32::MAX, 4_000_000])));
        assert_eq!(days, ["2147483647 days since 1970", "+12921-08-18"]);
        let half_days = Date64Array::from(vec![i64::MAX, 86_400_000, 43_200_000]);
        let expected = ["9223372036854775807 ms since 1970", "1970-01-02", "1970-01-01T12:00:00"];
        assert_eq!(encoded(Arc::new(half_days)), expected);
        let times = encoded(Arc::new(Time64MicrosecondArray::from(vec![86_400_000_000, i64::MAX])));
        let expected =
            ["86400000000000 ns since midnight", "9223372036854775807000 ns since midnight"];
        assert_eq!(times, expected);
        let times = encoded(Arc::new(Time32SecondArray::from(vec![-1])));
        assert_eq!(times, ["-1000000000 ns since midnight"]);
        let long = encoded(Arc::new(DurationSecondArray::from(vec![i64::MAX])));
        assert_eq!(long, ["9223372036854775807000000000 ns"]);
        let nowhere = TimestampMicrosecondArray::from(vec![0]).with_timezone("Mars/Phobos");
        assert_eq!(encoded(Arc::new(nowhere)), ["1970-01-01T00:00:00Z"]);
    }

    #[test]
    fn dictionaries_runs_and_unions_are_their_values() {
        let words: DictionaryArray<Int8Type> =
            vec![Some("a"), None, Some("a")].into_iter().collect();
        assert_eq!(encoded(Arc::new(words)), [json!("a"), json!(null), json!("a")]);
        let none: DictionaryArray<Int8Type> = vec![None::<&str>].into_iter().collect();
        assert_eq!(encoded(Arc::new(none)), [json!(null)]);
        let values = Int64Array::from(vec![Some(7), None]);
        let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &values);
        let runs: ArrayRef = Arc::new(runs.expect("should be runs"));
        assert_eq!(encoded(Arc::clone(&runs)), [json!(7), json!(7), json!(null)]);
        assert_eq!(encoded(runs.slice(1, 2)), [json!(7), json!(null)]);
        let fields =
            [Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)];
        let fields = UnionFields::try_new([4, 2], fields).expect("should be a union");
        let columns: Vec<ArrayRef> = vec![Arc::new(values), Arc::new(StringArray::from(vec!["x"]))];
        let (ids, offsets) = (vec![2_i8, 4, 4].into(), Some(vec![0, 1, 0].into()));
        let union = UnionArray::try_new(fields, ids, offsets, columns).expect("should be a union");
        assert_eq!(encoded(Arc::new(union)), [json!("x"), json!(null), json!(7)]);
    }

    #[test]
    fn nested_values_are_nested_and_keys_keep_their_order() {
        let inner = StructArray::from(vec![
            (
                Arc::new(Field::new("z", DataType::Utf8, true)),
                Arc::new(StringArray::from(vec!["x"])) as ArrayRef,
            ),
            (
                Arc::new(Field::new("a", DataType::Int64, true)),
                Arc::new(Int64Array::from(vec![1])) as ArrayRef,
            ),
        ]);
        let batch = RecordBatch::try_from_iter([
            ("s", Arc::new(inner) as ArrayRef),
            ("b", Arc::new(Int64Array::from(vec![None::<i64>])) as ArrayRef),
        ])
        .expect("should be a batch");
        let text = serde_json::to_string(&json_rows(&batch)).expect("should print");
        assert_eq!(text, r#"[{"s":{"z":"x","a":1},"b":null}]"#);
    }
}
