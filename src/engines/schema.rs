//! Schemas as every client understands them: Arrow types, with the source's own type kept beside.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use serde::{Deserialize, Serialize};

/// An Arrow type; as text it is Arrow's own notation, `Int64`, `Timestamp(µs, "UTC")`, `List(Utf8)`.
///
/// # Source
/// <https://docs.rs/arrow-schema/latest/arrow_schema/enum.DataType.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnType(pub DataType);

impl TryFrom<String> for ColumnType {
    type Error = arrow::error::ArrowError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        DataType::from_str(&text).map(Self)
    }
}

impl From<ColumnType> for String {
    fn from(column_type: ColumnType) -> Self {
        column_type.0.to_string()
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its name, as the source spells it.
    pub name: String,
    /// Its canonical type.
    #[serde(rename = "type")]
    pub data_type: ColumnType,
    /// Whether it may hold nulls.
    pub nullable: bool,
    /// The source's own word for the type where it says more, for example `decimal(10,2)` or `INT96`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
}

/// The columns of a table, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    /// The columns.
    pub columns: Vec<Column>,
}

impl Schema {
    /// Returns the schema as Arrow has it, without metadata.
    #[must_use]
    pub fn to_arrow(&self) -> SchemaRef {
        let field =
            |column: &Column| Field::new(&column.name, column.data_type.0.clone(), column.nullable);
        Arc::new(ArrowSchema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// Returns an Arrow schema's columns; metadata is dropped.
    #[must_use]
    pub fn from_arrow(schema: &ArrowSchema) -> Self {
        let column = |field: &Arc<Field>| Column {
            name: field.name().clone(),
            data_type: ColumnType(field.data_type().clone()),
            nullable: field.is_nullable(),
            source_type: None,
        };
        Self { columns: schema.fields().iter().map(column).collect() }
    }

    /// Returns the column of this name, compared without regard to ASCII case when none is exact.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name == name)
            .or_else(|| self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }
}

/// How a table's schema was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "how")]
pub enum SchemaFound {
    /// Somebody declared it.
    Declared,
    /// From the footer or header of every file.
    Footers {
        /// How many files were read.
        files: u64,
    },
    /// From every row of every file.
    AllRows {
        /// How many files were read.
        files: u64,
        /// How many rows were read.
        rows: u64,
    },
    /// From a stated part of the data.
    #[serde(rename_all = "camelCase")]
    Sampled {
        /// How many files were read.
        files: u64,
        /// How many rows were read.
        rows: u64,
        /// How many bytes were read.
        bytes: u64,
        /// How many bytes there are.
        of_bytes: u64,
        /// How many files there are.
        of_files: u64,
    },
}

/// Files of one table that disagree: a value, not a failure.
///
/// Two schemas are equal when they have the same column names (compared exactly) with the same types;
/// order, nullability and metadata do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaConflict {
    /// The distinct schemas, the one with the most files first.
    pub schemas: Vec<ConflictingSchema>,
    /// The columns that not every schema has with the same type, by name.
    pub differing_columns: Vec<DifferingColumn>,
    /// Whether a schema exists that holds every value of every file without loss.
    pub lossless_common: bool,
    /// That schema, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common: Option<Schema>,
}

/// One of the schemas of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictingSchema {
    /// Its columns.
    pub schema: Schema,
    /// How many files have it.
    pub files: u64,
    /// Paths of at most five of those files.
    pub examples: Vec<String>,
}

/// A column on which schemas disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DifferingColumn {
    /// The column's name.
    pub name: String,
    /// Type as text to the number of files that have it; `absent` for files without the column.
    pub types: BTreeMap<String, u64>,
    /// The type that holds every value without loss, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common: Option<ColumnType>,
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Fields, TimeUnit};

    use super::*;

    #[test]
    fn column_types_survive_their_text() {
        let fields = Fields::from(vec![
            Field::new("a b", DataType::Int64, false),
            Field::new(
                "c",
                DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
                true,
            ),
        ]);
        for data_type in [
            DataType::Int64,
            DataType::Decimal128(10, 2),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::Timestamp(TimeUnit::Nanosecond, None),
            DataType::Struct(fields),
            DataType::Date32,
            DataType::Time64(TimeUnit::Microsecond),
        ] {
            let text = String::from(ColumnType(data_type.clone()));
            assert_eq!(
                ColumnType::try_from(text.clone()).expect("should parse").0,
                data_type,
                "{text}"
            );
        }
    }
}
