//! Schemas as every client understands them: Arrow types, with the source's own type kept beside.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use serde::{Deserialize, Serialize};

pub use super::column_type::ColumnType;

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
    /// It was declared.
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
