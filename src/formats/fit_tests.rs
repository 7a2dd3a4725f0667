use arrow::array::{DictionaryArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Field, Int8Type, UnionFields};
use serde_json::{Value, json};

use super::super::declared::read_type;
use super::*;
use crate::formats::json_rows::json_rows;

/// Fits a column to the type in which its files are compared, and returns its values.
fn fitted(array: &ArrayRef) -> (DataType, Vec<Value>) {
    let wanted = same_type(&read_type(array.data_type()));
    let fitted = fit(array, &wanted).expect("should fit");
    assert_eq!(fitted.data_type(), &wanted);
    let values = shown(&fitted);
    (wanted, values)
}

fn shown(array: &ArrayRef) -> Vec<Value> {
    let batch = RecordBatch::try_from_iter_with_nullable([("c", Arc::clone(array), true)]);
    let rows = json_rows(&batch.expect("should be a batch"));
    rows.into_iter().map(|mut row| row.remove("c").expect("should be there")).collect()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn required(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, false))
}

#[test]
fn what_is_required_within_a_file_is_read_as_if_it_were_not() {
    let city = StructArray::from(vec![(required("city", DataType::Utf8), texts(&[Some("Graz")]))]);
    let (data_type, values) = fitted(&(Arc::new(city.clone()) as ArrayRef));
    let member = Field::new("city", DataType::Utf8, true);
    assert_eq!(data_type, DataType::Struct(vec![member].into()));
    assert_eq!(values, [json!({"city": "Graz"})]);

    let item = Field::new("it", city.data_type().clone(), false)
        .with_metadata([("avro.name".to_owned(), "it".to_owned())].into());
    let offsets = OffsetBuffer::from_lengths([1, 0]);
    let list = ListArray::new(Arc::new(item), offsets, Arc::new(city), None);
    let (data_type, values) = fitted(&(Arc::new(list) as ArrayRef));
    assert!(!data_type.to_string().contains("metadata"), "{data_type}");
    assert_eq!(values, [json!([{"city": "Graz"}]), json!([])]);
}

#[test]
fn parts_of_maps_are_told_by_their_place() {
    let map = |key: &str, value: &str, entries: &str| -> ArrayRef {
        let record = StructArray::from(vec![(
            required("q", DataType::Int32),
            Arc::new(Int32Array::from(vec![5])) as ArrayRef,
        )]);
        let values: ArrayRef = Arc::new(record);
        let pairs = StructArray::from(vec![
            (required(key, DataType::Utf8), texts(&[Some("k")])),
            (required(value, values.data_type().clone()), values),
        ]);
        let entries = required(entries, pairs.data_type().clone());
        let offsets = OffsetBuffer::from_lengths([1]);
        Arc::new(MapArray::new(entries, offsets, pairs, None, false))
    };
    let one = fitted(&map("key", "value", "entries"));
    assert_eq!(one.1, [json!([{"key": "k", "value": {"q": 5}}])]);
    assert_eq!(one, fitted(&map("keys", "values", "key_value")), "they are the same");
}

#[test]
fn members_of_structs_are_told_by_their_names() {
    let array: ArrayRef = Arc::new(StructArray::from(vec![
        (required("a", DataType::Utf8), texts(&[Some("x")])),
        (required("b", DataType::Int32), Arc::new(Int32Array::from(vec![1])) as ArrayRef),
    ]));
    let wanted = |names: [(&str, DataType); 2]| {
        let fields = names.map(|(name, data_type)| Field::new(name, data_type, true));
        DataType::Struct(fields.to_vec().into())
    };
    let swapped = wanted([("b", DataType::Int32), ("a", DataType::Utf8)]);
    assert_eq!(shown(&fit(&array, &swapped).expect("should fit")), [json!({"b": 1, "a": "x"})]);
    for other in [
        wanted([("a", DataType::Utf8), ("c", DataType::Int32)]),
        wanted([("a", DataType::Utf8), ("b", DataType::Utf8)]),
        DataType::Utf8,
    ] {
        let misfit = fit(&array, &other).expect_err("should not fit").to_string();
        assert!(misfit.contains("as it was when it was inferred"), "{misfit}");
    }
}

#[test]
fn other_forms_of_the_same_values_are_read_as_these() {
    let words: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let array: ArrayRef = Arc::new(words);
    let plain = fit(&array, &DataType::Utf8).expect("should fit");
    assert_eq!(shown(&plain), [json!("a"), json!(null), json!("a")]);
    let view = fit(&plain, &DataType::Utf8View).expect("should fit");
    assert_eq!(shown(&view), shown(&plain));
    let nulls: ArrayRef = Arc::new(NullArray::new(2));
    assert_eq!(
        shown(&fit(&nulls, &DataType::Utf8).expect("should fit")),
        [json!(null), json!(null)]
    );
}

#[test]
fn a_null_where_none_may_be_is_no_value() {
    let member = Arc::new(Field::new("a", DataType::Utf8, true));
    let array: ArrayRef = Arc::new(StructArray::from(vec![(member, texts(&[None]))]));
    let wanted = DataType::Struct(vec![Field::new("a", DataType::Utf8, false)].into());
    let misfit = fit(&array, &wanted).expect_err("should not fit").to_string();
    assert!(misfit.contains("non-nullable"), "{misfit}");
}

fn union(dense: bool) -> ArrayRef {
    let members = [
        Field::new("null", DataType::Null, true),
        Field::new("int", DataType::Int64, true),
        Field::new("string", DataType::Utf8, true),
    ];
    let fields = UnionFields::try_new([3, 5, 7], members).expect("should be a union");
    let ids = ScalarBuffer::from(vec![3_i8, 5, 7, 5]);
    let (offsets, columns): (_, Vec<ArrayRef>) = if dense {
        let integers = Int64Array::from(vec![Some(5), None]);
        let columns: Vec<ArrayRef> =
            vec![Arc::new(NullArray::new(1)), Arc::new(integers), texts(&[Some("x")])];
        (Some(ScalarBuffer::from(vec![0, 0, 0, 1])), columns)
    } else {
        let integers = Int64Array::from(vec![Some(1), Some(5), Some(2), None]);
        let texts = texts(&[Some("no"), Some("no"), Some("x"), Some("no")]);
        (None, vec![Arc::new(NullArray::new(4)), Arc::new(integers), texts])
    };
    Arc::new(UnionArray::try_new(fields, ids, offsets, columns).expect("should be an array"))
}

#[test]
fn a_union_is_a_struct_in_which_one_member_has_a_value() {
    for dense in [true, false] {
        let array = union(dense);
        let expected = [
            json!(null),
            json!({"int": 5, "string": null}),
            json!({"int": null, "string": "x"}),
            json!(null),
        ];
        assert_eq!(fitted(&array).1, expected, "dense: {dense}");
        assert_eq!(fitted(&array.slice(1, 2)).1, expected[1..3], "dense: {dense}");
        let list = ListArray::new(
            Arc::new(Field::new("item", array.data_type().clone(), true)),
            OffsetBuffer::from_lengths([2, 2]),
            array,
            None,
        );
        let lists = [json!(expected[..2]), json!(expected[2..])];
        assert_eq!(fitted(&(Arc::new(list) as ArrayRef)).1, lists, "dense: {dense}");
    }
}

#[test]
fn a_union_of_one_type_and_null_is_that_type() {
    let members = [Field::new("a", DataType::Null, true), Field::new("b", DataType::Int64, true)];
    let fields = UnionFields::try_new([0, 1], members).expect("should be a union");
    let ids = ScalarBuffer::from(vec![1_i8, 0]);
    let offsets = Some(ScalarBuffer::from(vec![0, 0]));
    let columns: Vec<ArrayRef> =
        vec![Arc::new(NullArray::new(1)), Arc::new(Int64Array::from(vec![7]))];
    let array = UnionArray::try_new(fields, ids, offsets, columns).expect("should be an array");
    let (data_type, values) = fitted(&(Arc::new(array) as ArrayRef));
    assert_eq!((data_type, values), (DataType::Int64, vec![json!(7), json!(null)]));
}
