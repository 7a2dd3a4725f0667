use proptest::prelude::*;
use serde_json::json;

use super::*;

fn written(data_type: &DataType) -> serde_json::Value {
    let text = serde_json::to_string(&ColumnType(data_type.clone())).expect("should be written");
    serde_json::from_str(&text).expect("should be JSON")
}

fn read(document: &serde_json::Value) -> Result<DataType, serde_json::Error> {
    serde_json::from_str::<ColumnType>(&document.to_string()).map(|read| read.0)
}

#[test]
fn documents_keep_words_objects_and_lists() {
    let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into()));
    let tag = HashMap::from([("avro.name".to_owned(), "it".to_owned())]);
    let item = Field::new("item", zoned.clone(), false).with_metadata(tag);
    for (data_type, document) in [
        (DataType::Int64, json!("Int64")),
        (DataType::Decimal128(10, -2), json!({"Decimal128": {"precision": 10, "scale": -2}})),
        (DataType::Interval(IntervalUnit::DayTime), json!({"Interval": "dayTime"})),
        (DataType::Time64(TimeUnit::Nanosecond), json!({"Time64": "nanosecond"})),
        (DataType::Timestamp(TimeUnit::Second, None), json!({"Timestamp": {"unit": "second"}})),
        (
            DataType::List(Arc::new(item)),
            json!([
                {"List": {"name": "item", "nullable": false, "metadata": {"avro.name": "it"}}},
                {"Timestamp": {"unit": "microsecond", "zone": "Europe/Berlin"}},
            ]),
        ),
        (
            DataType::Struct(vec![Field::new("5\" disk", DataType::Utf8, true)].into()),
            json!([{"Struct": [{"name": "5\" disk", "nullable": true}]}, "Utf8"]),
        ),
    ] {
        assert_eq!(written(&data_type), document);
        assert_eq!(read(&document).expect("should be read"), data_type);
    }
}

#[test]
fn arrows_notation_of_earlier_documents_is_read() {
    let fields = vec![
        Field::new("a b", DataType::Int64, false),
        Field::new("c", DataType::new_list(DataType::Utf8, true), true),
    ];
    for data_type in [
        DataType::Int64,
        DataType::Decimal128(10, 2),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Struct(fields.into()),
        DataType::Date32,
        DataType::Time64(TimeUnit::Microsecond),
    ] {
        let document = json!(data_type.to_string());
        assert_eq!(read(&document).expect("should be read"), data_type, "{document}");
    }
}

#[test]
fn what_is_no_whole_type_is_refused() {
    let item = json!({"List": {"name": "item", "nullable": true}});
    for bad in [
        json!("Int65"),
        json!({"Int65": {}}),
        json!({"Decimal128": {"precision": 10}}),
        json!({"Decimal128": {"precision": 10, "scale": 2, "sign": true}}),
        json!([]),
        json!([item]),
        json!([item, "Int64", "Int64"]),
        json!(["Int64", "Int64"]),
        json!([{"Union": {"dense": true, "members": [
            {"id": 1, "member": {"name": "a", "nullable": true}},
            {"id": 1, "member": {"name": "b", "nullable": true}},
        ]}}, "Int64", "Utf8"]),
        json!(64),
        json!(null),
    ] {
        assert!(read(&bad).is_err(), "{bad} should be refused");
    }
}

#[test]
fn a_type_as_deep_as_any_value_is_read_back() {
    let deep = (0..130).fold(DataType::Utf8, |inner, depth| {
        let member = Field::new(format!("member {depth}"), inner, true);
        if depth % 2 == 0 {
            DataType::Struct(vec![member].into())
        } else {
            DataType::List(Arc::new(member))
        }
    });
    assert_eq!(read(&written(&deep)).expect("should be read"), deep);
}

fn any_unit() -> impl Strategy<Value = TimeUnit> {
    prop_oneof![
        Just(TimeUnit::Second),
        Just(TimeUnit::Millisecond),
        Just(TimeUnit::Microsecond),
        Just(TimeUnit::Nanosecond),
    ]
}

fn any_flat() -> impl Strategy<Value = DataType> {
    let word = prop::sample::select(vec![
        DataType::Null,
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float16,
        DataType::Float32,
        DataType::Float64,
        DataType::Date32,
        DataType::Date64,
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::Interval(IntervalUnit::YearMonth),
        DataType::Interval(IntervalUnit::DayTime),
        DataType::Interval(IntervalUnit::MonthDayNano),
    ]);
    prop_oneof![
        4 => word,
        1 => any::<i32>().prop_map(DataType::FixedSizeBinary),
        1 => any_unit().prop_map(DataType::Time32),
        1 => any_unit().prop_map(DataType::Time64),
        1 => any_unit().prop_map(DataType::Duration),
        2 => (any_unit(), any::<Option<String>>())
            .prop_map(|(unit, zone)| DataType::Timestamp(unit, zone.map(Into::into))),
        1 => any::<(u8, i8)>().prop_map(|(digits, scale)| DataType::Decimal32(digits, scale)),
        1 => any::<(u8, i8)>().prop_map(|(digits, scale)| DataType::Decimal64(digits, scale)),
        1 => any::<(u8, i8)>().prop_map(|(digits, scale)| DataType::Decimal128(digits, scale)),
        1 => any::<(u8, i8)>().prop_map(|(digits, scale)| DataType::Decimal256(digits, scale)),
    ]
}

fn any_name() -> impl Strategy<Value = String> {
    let odd = ["", "\"", "\\", "\0", "\n", "'", ", metadata: {\"a\": \"b\"}", "é中🦀", "item", " "];
    prop_oneof![prop::sample::select(odd.to_vec()).prop_map(str::to_owned), any::<String>()]
}

fn any_field(inner: impl Strategy<Value = DataType>) -> impl Strategy<Value = FieldRef> {
    let metadata = prop::collection::hash_map(any_name(), any_name(), 0..3);
    (any_name(), inner, any::<bool>(), metadata).prop_map(|(name, inner, nullable, metadata)| {
        Arc::new(Field::new(name, inner, nullable).with_metadata(metadata))
    })
}

fn any_type() -> impl Strategy<Value = DataType> {
    any_flat().prop_recursive(5, 40, 4, |inner| {
        let field = || any_field(inner.clone());
        let fields = || prop::collection::vec(field(), 0..4);
        prop_oneof![
            field().prop_map(DataType::List),
            field().prop_map(DataType::LargeList),
            field().prop_map(DataType::ListView),
            field().prop_map(DataType::LargeListView),
            (field(), any::<i32>()).prop_map(|(item, size)| DataType::FixedSizeList(item, size)),
            fields().prop_map(|fields| DataType::Struct(fields.into())),
            (field(), any::<bool>()).prop_map(|(entries, sorted)| DataType::Map(entries, sorted)),
            (inner.clone(), inner.clone())
                .prop_map(|(keys, values)| DataType::Dictionary(Box::new(keys), Box::new(values))),
            (field(), field()).prop_map(|(ends, values)| DataType::RunEndEncoded(ends, values)),
            (fields(), any::<bool>()).prop_map(|(fields, dense)| {
                let ids: Vec<i8> = (0..4).map(|at| at * 7 + 3).take(fields.len()).collect();
                let mode = if dense { UnionMode::Dense } else { UnionMode::Sparse };
                match UnionFields::try_new(ids, fields) {
                    Ok(fields) => DataType::Union(fields, mode),
                    Err(_) => DataType::Null,
                }
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_type_is_read_back_as_it_was_written(data_type in any_type()) {
        prop_assert_eq!(read(&written(&data_type)).expect("should be read"), data_type);
    }
}
