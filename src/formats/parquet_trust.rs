//! What is believed of a Parquet footer: [`trusted`] gives it back without the rest.
//!
//! A footer is the word of the program that wrote the file, and readers that leave data out by it, or
//! answer from it, repeat every mistake in it. Every footer goes through here before anything else
//! looks at it:
//!
//! - The bounds (smallest and largest value, in the footer, in page indexes, in Bloom filters) of
//!   columns that they say too little of are dropped: those of floats leave NaN out and do not tell
//!   `-0.0` from `0.0`, those of INT96 have no order, and those of old writers may be in the order of
//!   signed bytes. Other bounds are kept: data is left out by them, as it is by `DuckDB` and Spark.
//! - The rows of the file are those of its row groups, and each of these must agree with its columns.
//! - The order of rows that a row group claims is dropped.
//! - INT96 is read in microseconds, which reach the year 294246; nanoseconds end in 2262.
//! - A group without members is refused: readers leave it out, and take the next columns for one another.
//!
//! # Source
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema as ArrowSchema, TimeUnit};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::basic::{LogicalType, SortOrder, Type as PhysicalType};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataBuilder,
    RowGroupMetaData,
};
use parquet::file::statistics::Statistics;
use parquet::schema::types::{SchemaDescriptor, Type};

use crate::engines::nesting::with_fields;

/// Returns a footer with only what is believed of it. Page indexes are not kept: those that are read by
/// the footer that is returned hold the believed columns alone.
///
/// # Errors
/// When row groups and their columns have different numbers of rows, or the schema is broken or has a group
/// without members.
pub(crate) fn trusted(footer: ParquetMetaData) -> Result<ParquetMetaData> {
    let rows = rows_of_row_groups(&footer)?;
    let stated = footer.file_metadata();
    let columns = stated.schema_descr().root_schema().get_fields();
    if let Some(path) = columns.iter().find_map(|column| group_of_none(column)) {
        return Err(ParquetError::General(format!("`{path}` is a group without members")));
    }
    let file = FileMetaData::new(
        stated.version(),
        rows,
        stated.created_by().map(str::to_owned),
        key_values(stated)?,
        stated.schema_descr_ptr(),
        stated.column_orders().cloned(),
    );
    let row_groups = footer.into_builder().take_row_groups();
    let row_groups = row_groups.into_iter().map(believed).collect::<Result<Vec<_>>>()?;
    Ok(ParquetMetaDataBuilder::new(file).set_row_groups(row_groups).build())
}

/// Returns the path of a group without members at or below a field of a schema.
fn group_of_none(field: &Type) -> Option<String> {
    if field.is_primitive() {
        return None;
    }
    let members = field.get_fields();
    if members.is_empty() {
        return Some(field.name().to_owned());
    }
    let below = members.iter().find_map(|member| group_of_none(member))?;
    Some(format!("{}.{below}", field.name()))
}

fn rows_of_row_groups(footer: &ParquetMetaData) -> Result<i64> {
    let mut rows: i64 = 0;
    for (index, group) in footer.row_groups().iter().enumerate() {
        let stated = group.num_rows();
        // A column that does not repeat has one value, perhaps null, in each row.
        let differs = |column: &&ColumnChunkMetaData| {
            column.column_descr().max_rep_level() == 0 && column.num_values() != stated
        };
        if let Some(column) = group.columns().iter().find(differs) {
            return Err(ParquetError::General(format!(
                "row group {index} states {stated} rows, and its column `{}` has {} values",
                column.column_path().string(),
                column.num_values()
            )));
        }
        let sum = u64::try_from(stated).ok().and_then(|stated| rows.checked_add_unsigned(stated));
        rows = sum.ok_or_else(|| {
            ParquetError::General(format!("row group {index} states {stated} rows"))
        })?;
    }
    Ok(rows)
}

fn believed(row_group: RowGroupMetaData) -> Result<RowGroupMetaData> {
    let mut builder = row_group.into_builder().set_sorting_columns(None);
    let mut columns = builder.take_columns();
    for column in columns.iter_mut().filter(|column| !has_believed_bounds(column)) {
        *column = without_bounds(column)?;
    }
    builder.set_column_metadata(columns).build()
}

fn has_believed_bounds(column: &ColumnChunkMetaData) -> bool {
    let leaf = column.column_descr();
    let physical = leaf.physical_type();
    let is_old = column.statistics().is_some_and(Statistics::is_min_max_deprecated);
    match physical {
        PhysicalType::FLOAT | PhysicalType::DOUBLE | PhysicalType::INT96 => false,
        PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => {
            !is_old && !matches!(leaf.logical_type_ref(), Some(LogicalType::Float16))
        }
        PhysicalType::BOOLEAN | PhysicalType::INT32 | PhysicalType::INT64 => {
            !is_old || leaf.sort_order() == SortOrder::SIGNED
        }
    }
}

fn without_bounds(column: &ColumnChunkMetaData) -> Result<ColumnChunkMetaData> {
    let builder = column
        .clone()
        .into_builder()
        .set_column_index_offset(None)
        .set_column_index_length(None)
        .set_bloom_filter_offset(None)
        .set_bloom_filter_length(None);
    match column.statistics() {
        Some(statistics) => builder.set_statistics(only_nulls(statistics)).build(),
        None => builder.build(),
    }
}

/// The number of nulls is as good as that of any other column.
fn only_nulls(statistics: &Statistics) -> Statistics {
    let nulls = statistics.null_count_opt();
    match statistics.physical_type() {
        PhysicalType::BOOLEAN => Statistics::boolean(None, None, None, nulls, false),
        PhysicalType::INT32 => Statistics::int32(None, None, None, nulls, false),
        PhysicalType::INT64 => Statistics::int64(None, None, None, nulls, false),
        PhysicalType::INT96 => Statistics::int96(None, None, None, nulls, false),
        PhysicalType::FLOAT => Statistics::float(None, None, None, nulls, false),
        PhysicalType::DOUBLE => Statistics::double(None, None, None, nulls, false),
        PhysicalType::BYTE_ARRAY => Statistics::byte_array(None, None, None, nulls, false),
        PhysicalType::FIXED_LEN_BYTE_ARRAY => {
            Statistics::fixed_len_byte_array(None, None, None, nulls, false)
        }
    }
}

/// The file's own key-value pairs; with INT96, the schema in them says how it is read.
fn key_values(file: &FileMetaData) -> Result<Option<Vec<KeyValue>>> {
    let stated = file.key_value_metadata();
    let leaves = file.schema_descr();
    if !leaves.columns().iter().any(|leaf| leaf.physical_type() == PhysicalType::INT96) {
        return Ok(stated.cloned());
    }
    let schema = in_microseconds(&parquet_to_arrow_schema(leaves, stated)?, leaves);
    let mut pairs = stated.cloned().unwrap_or_default();
    pairs.retain(|pair| pair.key != ARROW_SCHEMA_META_KEY);
    pairs.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&schema)));
    Ok(Some(pairs))
}

/// A schema whose INT96 columns are in microseconds, however deep they are.
fn in_microseconds(schema: &ArrowSchema, leaves: &SchemaDescriptor) -> ArrowSchema {
    let columns = leaves.columns().iter();
    let mut is_int96 = columns.map(|leaf| leaf.physical_type() == PhysicalType::INT96);
    let fields = schema.fields().iter();
    let fields: Fields = fields.map(|field| field_in_microseconds(field, &mut is_int96)).collect();
    ArrowSchema::new(fields)
}

/// Arrow has the leaves of a file in the same order as Parquet.
fn field_in_microseconds(field: &FieldRef, is_int96: &mut impl Iterator<Item = bool>) -> FieldRef {
    let data_type = match field.data_type() {
        nested if nested.is_nested() => {
            with_fields(nested, |below| field_in_microseconds(below, is_int96))
        }
        leaf => match (is_int96.next(), leaf) {
            (Some(true), DataType::Timestamp(_, zone)) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            _ => leaf.clone(),
        },
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

#[cfg(test)]
mod tests {
    use parquet::basic::Repetition;

    use super::*;

    fn group(name: &str, members: Vec<Type>) -> Type {
        let members = members.into_iter().map(Arc::new).collect();
        let group = Type::group_type_builder(name).with_repetition(Repetition::OPTIONAL);
        group.with_fields(members).build().expect("should be a group")
    }

    fn number(name: &str) -> Type {
        let number = Type::primitive_type_builder(name, PhysicalType::INT64);
        number.with_repetition(Repetition::OPTIONAL).build().expect("should be a number")
    }

    fn footer(columns: Vec<Type>) -> ParquetMetaData {
        let columns = columns.into_iter().map(Arc::new).collect();
        let root = Type::group_type_builder("schema").with_fields(columns).build();
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(root.expect("should be a schema"))));
        ParquetMetaDataBuilder::new(FileMetaData::new(1, 0, None, None, schema, None)).build()
    }

    #[test]
    fn a_group_without_members_is_refused_by_its_path() {
        let inner = || group("inner", Vec::new());
        for (column, path) in
            [(inner(), "`inner`"), (group("nested", vec![number("n"), inner()]), "`nested.inner`")]
        {
            let refused = trusted(footer(vec![number("id"), column, number("x")]));
            let words = refused.expect_err("should be refused").to_string();
            assert!(words.contains(path), "{words}");
        }
        let whole = footer(vec![number("id"), group("nested", vec![number("n")])]);
        trusted(whole).expect("should be trusted");
        trusted(footer(Vec::new())).expect("no column is no group");
    }
}
