//! What is found in files that were written, which is what is declared of them. Pure.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};

use super::storable::stored;
use crate::engines::table::Format;

/// Returns the schema that files have which were written with a schema: Avro has `Int8` as `Int32`, JSON has bytes as
/// text and a map as a list of objects. Values stay what they are.
#[must_use]
pub fn read_back(format: Format, schema: &Schema) -> Schema {
    let fields: Vec<FieldRef> = schema.fields().iter().map(|field| found(format, field)).collect();
    Schema::new(fields)
}

fn found(format: Format, field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), found_type(format, field.data_type()), field.is_nullable()))
}

fn found_type(format: Format, data_type: &DataType) -> DataType {
    let within = |data_type: &DataType| nested(data_type, |item| found(format, item));
    match format {
        Format::Avro => within(data_type)
            .or_else(|| stored(format, data_type))
            .unwrap_or_else(|| data_type.clone()),
        Format::Csv => in_text(data_type),
        Format::Json | Format::Jsonl => match data_type {
            // An array of objects with `key` and `value`.
            DataType::Map(entries, _) => {
                let item = found(format, entries);
                DataType::List(Arc::new(Field::new("item", item.data_type().clone(), true)))
            }
            _ => within(data_type).unwrap_or_else(|| in_json(data_type)),
        },
        _ => data_type.clone(),
    }
}

/// Returns lists, structs and maps as they are read, in which a field is found as a function says.
fn nested(data_type: &DataType, found: impl Fn(&FieldRef) -> FieldRef) -> Option<DataType> {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(DataType::List(found(item)))
        }
        DataType::Struct(members) => Some(DataType::Struct(members.iter().map(found).collect())),
        DataType::Map(entries, sorted) => Some(DataType::Map(found(entries), *sorted)),
        _ => None,
    }
}

/// Returns as what cells are read that were written with a type.
fn in_text(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => in_text(values),
        DataType::Timestamp(unit, zone) => {
            let unit = if *unit == TimeUnit::Nanosecond { *unit } else { TimeUnit::Microsecond };
            // The text says the instant in UTC.
            DataType::Timestamp(unit, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Time32(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Decimal256(..) => DataType::Utf8,
        other => other.clone(),
    }
}

/// Returns as what values of JSON are read that were written with a type.
fn in_json(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => in_json(values),
        DataType::Float16 => DataType::Float32,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Date64
        | DataType::Duration(_)
        | DataType::Interval(_) => DataType::Utf8,
        other => in_text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(format: Format, data_type: &DataType) -> DataType {
        found_type(format, data_type)
    }

    #[test]
    fn narrow_types_are_found_as_what_the_files_have() {
        let at = |unit| DataType::Timestamp(unit, None);
        let (micros, nanos) = (at(TimeUnit::Microsecond), at(TimeUnit::Nanosecond));
        assert_eq!(of(Format::Avro, &DataType::UInt16), DataType::Int32);
        assert_eq!(of(Format::Avro, &DataType::UInt32), DataType::Int64);
        assert_eq!(of(Format::Parquet, &DataType::UInt16), DataType::UInt16);
        assert_eq!(of(Format::Avro, &at(TimeUnit::Second)), at(TimeUnit::Millisecond));
        assert_eq!(of(Format::Csv, &at(TimeUnit::Millisecond)), micros);
        assert_eq!(of(Format::Jsonl, &at(TimeUnit::Second)), micros);
        assert_eq!(of(Format::Jsonl, &nanos), nanos);
        assert_eq!(of(Format::Jsonl, &DataType::FixedSizeBinary(4)), DataType::Utf8);
        let item = Arc::new(Field::new("item", DataType::Int8, true));
        let found = Arc::new(Field::new("item", DataType::Int32, true));
        assert_eq!(of(Format::Avro, &DataType::LargeList(item)), DataType::List(found));
    }

    #[test]
    fn a_map_is_found_in_json_as_a_list_of_objects() {
        let pair = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Binary, true),
        ];
        let entries = Arc::new(Field::new("entries", DataType::Struct(pair.into()), false));
        let map = DataType::Map(entries, false);
        let found = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Utf8, true),
        ];
        let item = Arc::new(Field::new("item", DataType::Struct(found.into()), true));
        assert_eq!(of(Format::Jsonl, &map), DataType::List(item));
        assert_eq!(of(Format::Parquet, &map), map);
    }
}
