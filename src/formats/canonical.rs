//! What a type says, apart from how it is written down.
//!
//! Two questions have their answers here and nowhere else: which types are the same for the values of
//! a column ([`same_type`]), and in which type rows leave the engine ([`canonical_schema`]).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema as ArrowSchema, SchemaRef};

use crate::engines::nesting::with_fields;

/// Returns the schema in which rows leave the engine: canonical types, no metadata.
pub(crate) fn canonical_schema(schema: &ArrowSchema) -> SchemaRef {
    let field = |field: &FieldRef| -> FieldRef {
        let canonical = canonical_type(field.data_type());
        Arc::new(Field::new(field.name(), canonical, field.is_nullable()))
    };
    Arc::new(ArrowSchema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// Returns a type without the forms that only an engine or a file uses: views, dictionaries and runs
/// become what they stand for.
pub(crate) fn canonical_type(data_type: &DataType) -> DataType {
    let field = |field: &FieldRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(canonical_type(field.data_type())))
    };
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => canonical_type(values),
        DataType::RunEndEncoded(_, values) => canonical_type(values.data_type()),
        DataType::ListView(item) => DataType::List(field(item)),
        DataType::LargeListView(item) => DataType::LargeList(field(item)),
        other => with_fields(other, field),
    }
}

/// Returns a type without what does not count when files are compared: metadata, nullability within,
/// and the names of the items of lists and of the parts of maps. Types that it makes equal hold the
/// same values.
pub(crate) fn same_type(data_type: &DataType) -> DataType {
    let plain = |field: &FieldRef, name: &str| {
        Arc::new(Field::new(name, same_type(field.data_type()), true))
    };
    match data_type {
        DataType::Struct(_) => with_fields(data_type, |field| plain(field, field.name())),
        DataType::Map(entries, sorted) => DataType::Map(plain_entries(entries), *sorted),
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(same_type(values)))
        }
        DataType::RunEndEncoded(ends, values) => DataType::RunEndEncoded(
            Arc::new(Field::new("run_ends", ends.data_type().clone(), false)),
            plain(values, "values"),
        ),
        other => with_fields(other, |item| plain(item, "item")),
    }
}

/// Keys are never null, and neither is an entry.
fn plain_entries(entries: &FieldRef) -> FieldRef {
    let DataType::Struct(parts) = entries.data_type() else { return Arc::clone(entries) };
    let part = |field: &FieldRef, name: &str, nullable: bool| {
        Field::new(name, same_type(field.data_type()), nullable)
    };
    let parts: Fields = match parts.as_ref() {
        [key, value] => vec![part(key, "key", false), part(value, "value", true)].into(),
        _ => parts.clone(),
    };
    Arc::new(Field::new("entries", DataType::Struct(parts), false))
}

/// Returns a type whose members are sorted by name, so that their order does not count.
pub(crate) fn unordered(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| {
        Arc::new(field.as_ref().clone().with_data_type(unordered(field.data_type())))
    };
    match data_type {
        DataType::Struct(fields) => {
            let mut fields: Vec<FieldRef> = fields.iter().map(inner).collect();
            fields.sort_by(|left, right| left.name().cmp(right.name()));
            DataType::Struct(fields.into())
        }
        DataType::Map(entries, sorted) => DataType::Map(unordered_entries(entries), *sorted),
        other => with_fields(other, inner),
    }
}

/// The first part of an entry is its key, whatever its name.
fn unordered_entries(entries: &FieldRef) -> FieldRef {
    let inner = |field: &FieldRef| {
        Arc::new(field.as_ref().clone().with_data_type(unordered(field.data_type())))
    };
    Arc::new(entries.as_ref().clone().with_data_type(with_fields(entries.data_type(), inner)))
}
