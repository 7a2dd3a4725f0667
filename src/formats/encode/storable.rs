//! Which types a format holds, and as which type.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use super::encoder::{read_only, unwritable, write_error};
use crate::engines::table::Format;
use crate::formats::error::FormatError;

/// A schema as a format stores it.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) format: Format,
    pub(super) schema: SchemaRef,
}

impl Stored {
    /// Widens a batch to the stored types.
    pub(super) fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, FormatError> {
        if batch.schema_ref().fields() == self.schema.fields() {
            return Ok(batch.clone());
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (column, field) in batch.columns().iter().zip(self.schema.fields()) {
            let stored = if column.data_type() == field.data_type() {
                Arc::clone(column)
            } else {
                cast_with_options(column, field.data_type(), &strict).map_err(|error| {
                    unwritable(self.format, format!("column `{}`: {error}", field.name()))
                })?
            };
            columns.push(stored);
        }
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| write_error(self.format, error))
    }
}

/// Returns the schema as the format stores it.
pub(super) fn check(format: Format, schema: &SchemaRef) -> Result<Stored, FormatError> {
    if matches!(format, Format::Orc | Format::Msgpack) {
        return Err(read_only(format));
    }
    let mut problems = Vec::new();
    let mut fields = Vec::with_capacity(schema.fields().len());
    let mut names = HashSet::new();
    for field in schema.fields() {
        let name = field.name();
        if !names.insert(name) {
            problems.push(format!("two columns are named `{name}`"));
        }
        problems.extend(wrong_name(format, field));
        match stored(format, field.data_type()) {
            Some(data_type) => fields.push(Field::new(name, data_type, field.is_nullable())),
            None => problems.push(format!("column `{name}` is of type {}", field.data_type())),
        }
    }
    if schema.fields().is_empty() && format != Format::Arrow {
        problems.push("there is no column".to_owned());
    }
    if problems.is_empty() {
        return Ok(Stored { format, schema: Arc::new(Schema::new(fields)) });
    }
    Err(unwritable(format, problems.join("; ")))
}

/// Names that would be read back as others.
fn wrong_name(format: Format, field: &FieldRef) -> Option<String> {
    let name = field.name();
    match format {
        Format::Avro => wrong_avro_names(field),
        Format::Csv if name.trim().is_empty() => {
            Some("a column has no name, which a header of delimited text cannot say".to_owned())
        }
        Format::Csv if name.trim() != name => {
            Some(format!("the name of column `{name}` begins or ends with white space"))
        }
        _ => None,
    }
}

fn is_avro_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

fn wrong_avro_names(field: &FieldRef) -> Option<String> {
    if !is_avro_name(field.name()) {
        let name = field.name();
        return Some(format!("the name `{name}` is not one of letters, digits and `_`"));
    }
    match field.data_type() {
        DataType::Struct(fields) => fields.iter().find_map(wrong_avro_names),
        DataType::List(item) | DataType::LargeList(item) => match item.data_type() {
            DataType::Struct(fields) => fields.iter().find_map(wrong_avro_names),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the type under which a format stores a type.
pub(super) fn stored(format: Format, data_type: &DataType) -> Option<DataType> {
    if let DataType::Dictionary(_, values) = data_type {
        return stored(format, values);
    }
    let inner = |inner: &DataType| stored(format, inner);
    match format {
        Format::Parquet => parquet(data_type).or_else(|| nested(data_type, inner)),
        Format::Arrow => arrow(data_type).or_else(|| nested(data_type, inner)),
        Format::Avro => avro(data_type).or_else(|| nested(data_type, inner)),
        Format::Json | Format::Jsonl => json(data_type).or_else(|| nested(data_type, inner)),
        Format::Csv | Format::Xlsx => text(data_type),
        Format::Orc | Format::Msgpack => None,
    }
}

/// Lists, structs and maps of what the format holds.
fn nested(data_type: &DataType, inner: impl Fn(&DataType) -> Option<DataType>) -> Option<DataType> {
    let of = |field: &FieldRef| {
        let stored = inner(field.data_type())?;
        Some(Arc::new(Field::new(field.name(), stored, field.is_nullable())))
    };
    match data_type {
        DataType::List(item) => Some(DataType::List(of(item)?)),
        DataType::LargeList(item) => Some(DataType::LargeList(of(item)?)),
        DataType::FixedSizeList(item, length) => Some(DataType::FixedSizeList(of(item)?, *length)),
        DataType::Struct(fields) if !fields.is_empty() => {
            Some(DataType::Struct(fields.iter().map(of).collect::<Option<Vec<_>>>()?.into()))
        }
        DataType::Map(entries, sorted) => Some(DataType::Map(of(entries)?, *sorted)),
        _ => None,
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Float32 | DataType::Float64)
}

fn parquet(data_type: &DataType) -> Option<DataType> {
    use DataType::{
        Binary, BinaryView, Boolean, Date32, Date64, Decimal128, Decimal256, Duration,
        FixedSizeBinary, Float16, LargeBinary, LargeUtf8, Null, Time32, Time64, Timestamp, Utf8,
        Utf8View,
    };
    let held = is_number(data_type)
        || matches!(
            data_type,
            Null | Boolean
                | Float16
                | Utf8
                | LargeUtf8
                | Utf8View
                | Binary
                | LargeBinary
                | BinaryView
                | FixedSizeBinary(_)
                | Date32
                | Date64
                | Time32(_)
                | Time64(_)
                | Timestamp(..)
                | Duration(_)
                | Decimal128(..)
                | Decimal256(..)
        );
    held.then(|| data_type.clone())
}

fn arrow(data_type: &DataType) -> Option<DataType> {
    let odd = matches!(data_type, DataType::RunEndEncoded(..) | DataType::Union(..));
    (!data_type.is_nested() && !odd).then(|| data_type.clone())
}

fn avro(data_type: &DataType) -> Option<DataType> {
    use DataType::{
        Binary, BinaryView, Boolean, Date32, Decimal128, Float16, Float32, Float64, Int8, Int16,
        Int32, Int64, LargeBinary, LargeUtf8, Time64, Timestamp, UInt8, UInt16, UInt32, Utf8,
        Utf8View,
    };
    Some(match data_type {
        Int8 | Int16 | UInt8 | UInt16 => Int32,
        UInt32 => Int64,
        Float16 => Float32,
        Utf8 | LargeUtf8 | Utf8View => Utf8,
        Binary | LargeBinary | BinaryView => Binary,
        Timestamp(TimeUnit::Second, zone) => {
            Timestamp(TimeUnit::Millisecond, zone.as_ref().map(|_| "+00:00".into()))
        }
        // Avro's timestamps with a zone are instants in UTC.
        Timestamp(unit, zone) => Timestamp(*unit, zone.as_ref().map(|_| "+00:00".into())),
        Boolean
        | Int32
        | Int64
        | Float32
        | Float64
        | Date32
        | Decimal128(..)
        | Time64(TimeUnit::Microsecond) => data_type.clone(),
        _ => return None,
    })
}

/// Delimited text and cells of a workbook.
fn text(data_type: &DataType) -> Option<DataType> {
    use DataType::{
        Boolean, Date32, Decimal128, Decimal256, LargeUtf8, Null, Time32, Time64, Timestamp, Utf8,
        Utf8View,
    };
    Some(match data_type {
        // The text says the instant in UTC.
        Timestamp(unit, Some(_)) => Timestamp(*unit, Some("UTC".into())),
        other if is_number(other) => other.clone(),
        Null
        | Boolean
        | Utf8
        | LargeUtf8
        | Utf8View
        | Date32
        | Time32(_)
        | Time64(_)
        | Timestamp(_, None)
        | Decimal128(..)
        | Decimal256(..) => data_type.clone(),
        _ => return None,
    })
}

fn json(data_type: &DataType) -> Option<DataType> {
    let odd = matches!(data_type, DataType::RunEndEncoded(..) | DataType::Union(..));
    (!data_type.is_nested() && !odd).then(|| data_type.clone())
}
