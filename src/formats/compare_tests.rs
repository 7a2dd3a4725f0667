use proptest::prelude::*;

use super::*;

fn schema(columns: &[(&str, DataType)]) -> Schema {
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).to_owned(),
        data_type: ColumnType(data_type.clone()),
        nullable: true,
        source_type: None,
    };
    Schema { columns: columns.iter().map(column).collect() }
}

fn compared(schemas: &[Schema], format: Format) -> Compared {
    let names: Vec<String> = (0..schemas.len()).map(|index| format!("f{index}")).collect();
    let files: Vec<_> = names.iter().map(String::as_str).zip(schemas).collect();
    compare(&files, format)
}

fn conflict(schemas: &[Schema], format: Format) -> (SchemaConflict, Vec<u32>) {
    match compared(schemas, format) {
        Compared::Conflict(conflict, of_file) => (*conflict, of_file),
        Compared::Same(schema) => (
            SchemaConflict {
                schemas: Vec::new(),
                differing_columns: Vec::new(),
                lossless_common: true,
                common: Some(schema),
            },
            Vec::new(),
        ),
    }
}

use DataType::{Float32, Float64, Int32, Int64, Null, Utf8};

#[test]
fn order_nullability_and_empty_columns_do_not_count() {
    let mut strict = schema(&[("b", Utf8), ("a", Int64)]);
    strict.columns.iter_mut().for_each(|column| column.nullable = false);
    let same = compared(&[strict, schema(&[("a", Int64), ("b", Null)])], Format::Csv);
    assert_eq!(same, Compared::Same(schema(&[("b", Utf8), ("a", Int64)])));
    let nothing = compared(&[schema(&[("a", Null)])], Format::Csv);
    assert_eq!(nothing, Compared::Same(schema(&[("a", Utf8)])));
}

#[test]
fn column_of_two_among_three_schemas_is_said_to_differ() {
    let (conflict, of_file) = conflict(
        &[
            schema(&[("a", Int64)]),
            schema(&[("a", Int64), ("b", Utf8)]),
            schema(&[("a", Int64), ("b", Utf8), ("c", Utf8)]),
            schema(&[("b", Utf8), ("a", Int64)]),
        ],
        Format::Parquet,
    );
    assert_eq!(conflict.schemas.len(), 3);
    assert_eq!(conflict.schemas[0].files, 2);
    assert_eq!(conflict.schemas[0].examples, ["f1", "f3"]);
    assert_eq!(of_file, [1, 0, 2, 0]);
    let differing: Vec<&str> = conflict.differing_columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(differing, ["b", "c"]);
    let counts = [("Utf8".to_owned(), 3), ("absent".to_owned(), 1)];
    assert_eq!(conflict.differing_columns[0].types, BTreeMap::from(counts));
    let common = conflict.common.expect("should be lossless");
    assert_eq!(common.columns.len(), 3);
}

#[test]
fn text_is_no_lossless_type_of_what_is_written_as_text() {
    for format in [Format::Parquet, Format::Csv, Format::Jsonl, Format::Msgpack] {
        for other in [Float64, Utf8] {
            let (conflict, _) =
                conflict(&[schema(&[("a", Int64)]), schema(&[("a", other)])], format);
            assert!(!conflict.lossless_common && conflict.common.is_none(), "{format}");
        }
    }
}

#[test]
fn a_file_without_values_of_a_column_takes_no_part_in_a_conflict() {
    let types = [Null, Int64, DataType::Decimal128(18, 2)];
    let schemas = types.map(|data_type| schema(&[("a", data_type)]));
    let (conflict, of_file) = conflict(&schemas, Format::Csv);
    assert_eq!(of_file, [0, 0, 1]);
    assert_eq!(conflict.common, Some(schema(&[("a", DataType::Decimal128(21, 2))])));
}

#[test]
fn at_most_five_examples_are_kept() {
    let mut schemas = vec![schema(&[("a", Int64)]); 9];
    schemas.push(schema(&[("a", Utf8)]));
    let (conflict, _) = conflict(&schemas, Format::Parquet);
    assert_eq!(conflict.schemas[0].files, 9);
    assert_eq!(conflict.schemas[0].examples.len(), 5);
}

#[test]
fn lossless_types_follow_the_table_of_rules() {
    let decimal = DataType::Decimal128;
    let stamp = |unit| DataType::Timestamp(unit, None);
    for (left, right, common) in [
        (Int32, Int64, Some(Int64)),
        (Float32, Float64, Some(Float64)),
        (Int32, Float64, Some(Float64)),
        (Int32, Float32, Some(Float64)),
        (Int64, Float64, None),
        (DataType::UInt32, Int32, Some(Int64)),
        (DataType::UInt64, Int64, Some(decimal(20, 0))),
        (decimal(10, 2), decimal(5, 4), Some(decimal(12, 4))),
        (decimal(18, 2), Int64, Some(decimal(21, 2))),
        (decimal(38, 0), decimal(38, 10), Some(DataType::Decimal256(48, 10))),
        (decimal(10, 2), Float64, None),
        (DataType::Date32, stamp(TimeUnit::Microsecond), None),
        (stamp(TimeUnit::Second), stamp(TimeUnit::Microsecond), Some(stamp(TimeUnit::Microsecond))),
        (stamp(TimeUnit::Microsecond), stamp(TimeUnit::Nanosecond), None),
        (Int64, Utf8, None),
        (DataType::Boolean, Int64, None),
        (Null, Int64, Some(Int64)),
    ] {
        assert_eq!(lossless_common_of([&left, &right], false), common, "{left} and {right}");
    }
    assert_eq!(lossless_common_of([&Int64, &DataType::Boolean], true), Some(Utf8));
}

#[test]
fn nested_types_are_combined_member_by_member() {
    let list = |item| DataType::List(Arc::new(Field::new("element", item, false)));
    let object = |fields: Vec<Field>| DataType::Struct(fields.into());
    let left = list(object(vec![Field::new("x", Int32, false), Field::new("y", Utf8, true)]));
    let right = list(object(vec![Field::new("z", Utf8, true), Field::new("x", Int64, true)]));
    let expected = DataType::List(Arc::new(Field::new(
        "item",
        object(vec![
            Field::new("x", Int64, true),
            Field::new("y", Utf8, true),
            Field::new("z", Utf8, true),
        ]),
        true,
    )));
    assert_eq!(lossless_common_of([&left, &right], false), Some(expected));
    // Three types are not two by two: each of these is held by a Float64.
    let three = [Int32, DataType::UInt32, Float64];
    assert_eq!(lossless_common_of(&three, false), Some(Float64));
}

fn any_type() -> impl Strategy<Value = DataType> {
    let scalar = proptest::sample::select(vec![
        Null,
        DataType::Boolean,
        DataType::Int8,
        Int32,
        Int64,
        DataType::UInt8,
        DataType::UInt32,
        DataType::UInt64,
        Float32,
        Float64,
        DataType::Decimal128(10, 2),
        DataType::Decimal128(38, 10),
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        Utf8,
    ]);
    scalar.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|item| DataType::List(Arc::new(Field::new("item", item, true)))),
            proptest::collection::btree_map("[a-c]", inner, 1..3).prop_map(|members| {
                let field = |(name, data_type)| Field::new(name, data_type, true);
                DataType::Struct(members.into_iter().map(field).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn order_of_types_does_not_matter(
        types in proptest::collection::vec(any_type(), 1..4),
        text: bool,
    ) {
        let mut reversed = types.clone();
        reversed.reverse();
        prop_assert_eq!(lossless_common_of(&types, text), lossless_common_of(&reversed, text));
    }

    #[test]
    fn common_type_takes_in_each_of_its_types(
        types in proptest::collection::vec(any_type(), 1..4),
        text: bool,
    ) {
        if let Some(common) = lossless_common_of(&types, text) {
            for data_type in &types {
                let with = lossless_common_of([&common, data_type], text);
                prop_assert_eq!(with.map(|t| unordered(&t)), Some(unordered(&common)));
            }
        }
    }

    #[test]
    fn every_file_belongs_to_a_schema_equal_to_its_own(
        types in proptest::collection::vec((any_type(), any_type()), 1..6),
    ) {
        let schemas: Vec<Schema> =
            types.iter().map(|(a, b)| schema(&[("a", a.clone()), ("b", b.clone())])).collect();
        if let Compared::Conflict(conflict, of_file) = compared(&schemas, Format::Parquet) {
            let files: u64 = conflict.schemas.iter().map(|schema| schema.files).sum();
            prop_assert_eq!(files, count(schemas.len()));
            prop_assert!(!conflict.differing_columns.is_empty());
            for (file, group) in of_file.iter().enumerate() {
                let group = usize::try_from(*group).expect("should fit");
                let theirs = &conflict.schemas[group].schema;
                let settled = lossless_common_of(
                    [&schemas[file].columns[0].data_type.0, &theirs.columns[0].data_type.0], false);
                prop_assert_eq!(settled.map(|t| unordered(&t)), Some(unordered(&same_type(&theirs.columns[0].data_type.0))));
            }
        }
    }
}
