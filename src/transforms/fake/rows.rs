//! Makes up rows batch by batch, each column by a generator of its own.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::meaning::Meaning;
use super::values::{Generator, is_supported};
use crate::engines::schema::Schema;
use crate::transforms::error::OperationError;

/// Rows of one batch.
const BATCH_ROWS: u64 = 8192;

/// Makes up rows, batch by batch.
#[derive(Debug)]
pub struct FakeRows {
    schema: SchemaRef,
    columns: Vec<Generator>,
    rows: u64,
    done: u64,
}

impl FakeRows {
    /// Begins to make up rows.
    ///
    /// # Errors
    /// `InvalidInput`, naming every column of a type that cannot be made up.
    pub fn new(schema: &Schema, rows: u64, seed: u64) -> Result<Self, OperationError> {
        let unsupported: Vec<String> = schema
            .columns
            .iter()
            .filter(|column| !is_supported(&column.data_type.0))
            .map(|column| format!("column `{}` of type {}", column.name, column.data_type.0))
            .collect();
        if !unsupported.is_empty() {
            let message = format!("cannot make up {}", unsupported.join(", "));
            return Err(OperationError::InvalidInput(message));
        }
        let schema = schema.to_arrow();
        let generator = |(position, field): (usize, &Arc<arrow::datatypes::Field>)| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(position as u64);
            let text = matches!(
                field.data_type(),
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            );
            Generator::new(field, Meaning::of(field.name(), text), random)
        };
        let columns = schema.fields().iter().enumerate().map(generator).collect();
        Ok(Self { schema, columns, rows, done: 0 })
    }

    /// Returns the schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn make(&mut self, count: u64) -> Result<RecordBatch, OperationError> {
        let first = self.done;
        let columns = self
            .columns
            .iter_mut()
            .map(|column| column.array(first..first + count))
            .collect::<Result<Vec<_>, _>>();
        columns
            .and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns))
            .map_err(OperationError::arrow("make up rows"))
    }
}

impl Iterator for FakeRows {
    type Item = Result<RecordBatch, OperationError>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = (self.rows - self.done).min(BATCH_ROWS);
        if count == 0 {
            return None;
        }
        let batch = self.make(count);
        self.done += count;
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{Array, AsArray};
    use arrow::compute::cast;
    use arrow::datatypes::{Date32Type, Int64Type};

    use super::*;
    use crate::engines::schema::{Column, ColumnType};

    fn schema(columns: &[(&str, &str, bool)]) -> Schema {
        let column = |(name, data_type, nullable): &(&str, &str, bool)| Column {
            name: (*name).to_owned(),
            data_type: ColumnType(data_type.parse().expect("should be a type")),
            nullable: *nullable,
            source_type: None,
        };
        Schema { columns: columns.iter().map(column).collect() }
    }

    fn all(schema: &Schema, rows: u64, seed: u64) -> RecordBatch {
        let made = FakeRows::new(schema, rows, seed).expect("should begin");
        let arrow = made.schema();
        let batches: Vec<_> = made.map(|batch| batch.expect("should be made")).collect();
        arrow::compute::concat_batches(&arrow, &batches).expect("should be one schema")
    }

    fn texts(batch: &RecordBatch, column: usize) -> Vec<String> {
        let array = cast(batch.column(column), &DataType::Utf8).expect("should print");
        array.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let schema = schema(&[("email", "Utf8", true), ("price", "Decimal128(10, 2)", true)]);
        assert_eq!(all(&schema, 9000, 7), all(&schema, 9000, 7));
        assert_ne!(all(&schema, 10, 7), all(&schema, 10, 8));
        assert_eq!(all(&schema, 9000, 7).slice(0, 10), all(&schema, 10, 7));
    }

    #[test]
    fn known_values_stay_what_they_are() {
        let schema = schema(&[("first_name", "Utf8", false), ("quantity", "Int32", false)]);
        let batch = all(&schema, 3, 42);
        assert_eq!(texts(&batch, 0), ["Dan", "Marisol", "Caden"]);
        assert_eq!(texts(&batch, 1), ["15", "4", "10"]);
    }

    #[test]
    fn nulls_are_made_only_where_they_may_be() {
        let schema = schema(&[("a", "Int64", false), ("b", "Int64", true), ("c", "Utf8", true)]);
        let batch = all(&schema, 5000, 1);
        assert_eq!(batch.column(0).null_count(), 0);
        for column in 1..3 {
            assert!((100..500).contains(&batch.column(column).null_count()));
        }
    }

    #[test]
    fn names_say_what_values_look_like() {
        let schema = schema(&[
            ("id", "Int64", true),
            ("order_uuid", "Utf8", false),
            ("customerEmail", "Utf8", false),
            ("ip_address", "Utf8", false),
            ("birth_date", "Date32", false),
            ("latitude", "Float64", false),
            ("age", "Int8", false),
        ]);
        let batch = all(&schema, 2000, 5);
        let ids: Vec<i64> = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(ids, (1..=2000).collect::<Vec<_>>());
        assert_eq!(texts(&batch, 1).iter().collect::<BTreeSet<_>>().len(), 2000);
        assert!(texts(&batch, 1).iter().all(|text| uuid::Uuid::parse_str(text).is_ok()));
        assert!(texts(&batch, 2).iter().all(|text| text.contains("@example.")));
        assert!(texts(&batch, 3).iter().all(|text| text.parse::<std::net::IpAddr>().is_ok()));
        let births = batch.column(4).as_primitive::<Date32Type>();
        assert!(births.iter().flatten().all(|day| (-9200..14_000).contains(&day)));
        let near = |text: &String, most: f64| text.parse::<f64>().is_ok_and(|n| n.abs() <= most);
        assert!(texts(&batch, 5).iter().all(|text| near(text, 90.0)));
        assert!(texts(&batch, 6).iter().all(|text| near(text, 90.0)));
    }

    #[test]
    fn every_supported_type_is_made() {
        let types = [
            "Null",
            "Boolean",
            "Int8",
            "Int16",
            "Int32",
            "Int64",
            "UInt8",
            "UInt16",
            "UInt32",
            "UInt64",
            "Float16",
            "Float32",
            "Float64",
            "Decimal128(3, 2)",
            "Decimal128(38, 10)",
            "Decimal256(60, 20)",
            "Utf8",
            "LargeUtf8",
            "Utf8View",
            "Binary",
            "LargeBinary",
            "BinaryView",
            "FixedSizeBinary(16)",
            "Date32",
            "Date64",
            "Time32(s)",
            "Time32(ms)",
            "Time64(µs)",
            "Time64(ns)",
            "Timestamp(s)",
            "Timestamp(ns)",
            r#"Timestamp(µs, "Europe/Vienna")"#,
            "Duration(ms)",
            "List(Int64)",
            "LargeList(Utf8)",
            r#"Struct("email": Utf8, "n": Int64)"#,
            "Dictionary(Int32, Utf8)",
            r#"List(Struct("price": Decimal128(9, 2)))"#,
        ];
        let names: Vec<String> = (0..types.len()).map(|number| format!("c{number}")).collect();
        let columns: Vec<_> =
            names.iter().zip(types).map(|(name, text)| (name.as_str(), text, true)).collect();
        let batch = all(&schema(&columns), 100, 3);
        assert_eq!(batch.num_rows(), 100);
        for (column, text) in batch.columns().iter().zip(types) {
            let nulls = column.logical_null_count();
            assert!(text == "Null" || nulls < 50, "{text}: {nulls}");
        }
    }

    #[test]
    fn types_that_cannot_be_made_up_are_named() {
        let schema = schema(&[("x", "Interval(MonthDayNano)", true), ("y", "Int64", true)]);
        let error = FakeRows::new(&schema, 1, 0).expect_err("should be refused").to_string();
        assert_eq!(error, "cannot make up column `x` of type Interval(MonthDayNano)");
    }

    #[test]
    fn no_rows_are_no_batches() {
        assert!(
            FakeRows::new(&schema(&[("x", "Int64", true)]), 0, 0).expect("ok").next().is_none()
        );
    }
}
