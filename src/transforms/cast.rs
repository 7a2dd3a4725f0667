//! Other types for columns, with a report of every cell that did not fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::Serialize;

use super::column_index;
use super::convert::{Converted, check_convertible, convert};
use super::error::OperationError;
use crate::engines::job_spec::BadRows;
use crate::engines::schema::ColumnType;
use crate::formats::cell::Cell;

/// Cells of a column that did not fit and are shown.
const EXAMPLES: usize = 20;
/// Files with such cells that are counted one by one.
const FILES: usize = 20;
/// Characters of such a cell that are shown.
const SHOWN_CHARACTERS: usize = 100;

/// What became of the columns that were converted, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CastReport {
    /// By column.
    pub columns: BTreeMap<String, ColumnCast>,
}

/// What became of a column that was converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnCast {
    /// The type it had; several of them, in the order they were met, when files differ.
    pub from: String,
    /// The type it got.
    pub to: String,
    /// How many values were converted, nulls included.
    pub rows: u64,
    /// How many values did not fit and are null.
    pub nulled: u64,
    /// How many rows come from files without the column, and are null.
    #[serde(skip_serializing_if = "is_zero")]
    pub absent: u64,
    /// The first of them.
    pub examples: Vec<Misfit>,
    /// How many of them each file has, where files differ; of the first files that have any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nulled_in: BTreeMap<String, u64>,
}

/// A cell that did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// Its file, where files differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its row, 1 for the first of the file, or of the input.
    pub row: u64,
    /// Its value as text, cut when it is long.
    pub value: String,
}

/// Where a part of a column stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The file, where rows are counted in each.
    pub(super) file: Option<&'a str>,
    /// How many rows come before it.
    pub(super) rows_before: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl CastReport {
    /// Takes up what became of a part of a column.
    pub(super) fn record(
        &mut self,
        name: &str,
        before: &ArrayRef,
        converted: &Converted,
        place: Place<'_>,
    ) {
        let column = self.column(name, converted.array.data_type());
        column.add_source(&before.data_type().to_string());
        column.rows += before.len() as u64;
        let misfits = converted.misfits.len() as u64;
        column.nulled += misfits;
        if let Some(file) = place.file.filter(|_| misfits > 0) {
            if let Some(count) = column.nulled_in.get_mut(file) {
                *count += misfits;
            } else if column.nulled_in.len() < FILES {
                column.nulled_in.insert(file.to_owned(), misfits);
            }
        }
        let room = EXAMPLES.saturating_sub(column.examples.len());
        for row in converted.misfits.iter().take(room) {
            let mut value = String::new();
            Cell::of(before, *row).write_text(&mut value);
            let value = value.chars().take(SHOWN_CHARACTERS).collect();
            let row = place.rows_before + *row as u64 + 1;
            column.examples.push(Misfit { file: place.file.map(str::to_owned), row, value });
        }
    }

    /// Takes up a type that a column has in some files and keeps.
    pub(super) fn record_source(&mut self, name: &str, from: &DataType, to: &DataType) {
        self.column(name, to).add_source(&from.to_string());
    }

    /// Takes up rows that come from a file without the column.
    pub(super) fn record_absent(&mut self, name: &str, to: &DataType, rows: u64) {
        let column = self.column(name, to);
        column.add_source("absent");
        column.absent += rows;
    }

    fn column(&mut self, name: &str, to: &DataType) -> &mut ColumnCast {
        self.columns.entry(name.to_owned()).or_insert_with(|| ColumnCast {
            from: String::new(),
            to: to.to_string(),
            rows: 0,
            nulled: 0,
            absent: 0,
            examples: Vec::new(),
            nulled_in: BTreeMap::new(),
        })
    }

    /// Returns how many values did not fit.
    #[must_use]
    pub fn nulled(&self) -> u64 {
        self.columns.values().map(|column| column.nulled).sum()
    }

    /// Says whether what did not fit is a failure.
    ///
    /// # Errors
    /// `InvalidInput`, with counts and examples of every column, unless such values are to be null.
    pub fn verdict(&self, bad_rows: BadRows) -> Result<(), OperationError> {
        if bad_rows == BadRows::Null || self.nulled() == 0 {
            return Ok(());
        }
        Err(OperationError::InvalidInput(format!(
            "values do not fit: {}",
            self.in_words().join("; ")
        )))
    }

    /// Returns what did not fit, a sentence for each column.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        self.columns
            .iter()
            .filter(|(_, column)| column.nulled > 0)
            .map(|(name, column)| column.in_words(name))
            .collect()
    }
}

impl ColumnCast {
    fn add_source(&mut self, from: &str) {
        if self.from.is_empty() {
            self.from.push_str(from);
        } else if !self.from.split(" | ").any(|known| known == from) {
            self.from.push_str(" | ");
            self.from.push_str(from);
        }
    }

    fn in_words(&self, name: &str) -> String {
        const IN_WORDS: usize = 3;
        let example = |misfit: &Misfit| {
            let file =
                misfit.file.as_ref().map_or_else(String::new, |file| format!(" of `{file}`"));
            format!("{:?} in row {}{file}", misfit.value, misfit.row)
        };
        let examples: Vec<_> = self.examples.iter().take(IN_WORDS).map(example).collect();
        let Self { nulled, rows, to, .. } = self;
        format!("{nulled} of {rows} in `{name}` are no {to} (such as {})", examples.join(", "))
    }
}

/// Converts the columns of batches.
#[derive(Debug, Clone)]
pub struct CastPlan {
    schema: SchemaRef,
    /// The wanted type of each column that gets another.
    wanted: Vec<(usize, DataType)>,
    rows_seen: u64,
}

impl CastPlan {
    /// Plans the conversion of batches of a schema.
    ///
    /// # Errors
    /// `InvalidInput`, naming every column that does not exist or cannot become what is wanted.
    pub fn new(
        schema: &SchemaRef,
        columns: &BTreeMap<String, ColumnType>,
    ) -> Result<Self, OperationError> {
        let mut fields: Vec<_> = schema.fields().iter().map(Arc::clone).collect();
        let (mut wanted, mut problems) = (Vec::new(), Vec::new());
        for (name, ColumnType(to)) in columns {
            let checked = column_index(schema, name)
                .and_then(|index| check_column(schema.field(index), to).map(|()| index));
            match checked {
                Ok(index) => {
                    let field = schema.field(index);
                    fields[index] = Arc::new(Field::new(field.name(), to.clone(), true));
                    wanted.push((index, to.clone()));
                }
                Err(problem) => problems.push(problem.to_string()),
            }
        }
        if !problems.is_empty() {
            return Err(OperationError::InvalidInput(problems.join("; ")));
        }
        wanted.retain(|(index, to)| schema.field(*index).data_type() != to);
        Ok(Self { schema: Arc::new(Schema::new(fields)), wanted, rows_seen: 0 })
    }

    /// Returns the schema of what [`CastPlan::apply`] returns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Converts a batch; cells that do not fit are null, and reported. Batches are given in the order
    /// of the input.
    ///
    /// # Errors
    /// Whatever Arrow says; not foreseen.
    pub fn apply(
        &mut self,
        batch: &RecordBatch,
        report: &mut CastReport,
    ) -> Result<RecordBatch, OperationError> {
        let mut columns = batch.columns().to_vec();
        for (index, to) in &self.wanted {
            let converted = convert(&columns[*index], to)?;
            let name = self.schema.field(*index).name();
            let place = Place { file: None, rows_before: self.rows_seen };
            report.record(name, &columns[*index], &converted, place);
            columns[*index] = converted.array;
        }
        self.rows_seen += batch.num_rows() as u64;
        RecordBatch::try_new(self.schema(), columns)
            .map_err(OperationError::arrow("convert a batch"))
    }
}

fn check_column(field: &Field, to: &DataType) -> Result<(), OperationError> {
    check_convertible(field.data_type(), to).map_err(|error| {
        OperationError::InvalidInput(format!("column `{}`: {error}", field.name()))
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::*;
    use arrow::datatypes::{Int32Type, Int64Type, TimeUnit};
    use proptest::prelude::*;

    use super::*;

    fn batch(array: ArrayRef) -> RecordBatch {
        let field = Field::new("c", array.data_type().clone(), true);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).expect("a batch")
    }

    fn cast_to(array: ArrayRef, to: DataType) -> (ArrayRef, CastReport) {
        let batch = batch(array);
        let columns = BTreeMap::from([("c".to_owned(), ColumnType(to))]);
        let mut plan = CastPlan::new(&batch.schema(), &columns).expect("should be planned");
        let mut report = CastReport::default();
        let cast = plan.apply(&batch, &mut report).expect("should be cast");
        (Arc::clone(cast.column(0)), report)
    }

    fn misfit_rows(array: ArrayRef, to: DataType) -> Vec<u64> {
        let (_, report) = cast_to(array, to);
        report.columns["c"].examples.iter().map(|misfit| misfit.row).collect()
    }

    #[test]
    fn numbers_fit_only_when_they_come_back() {
        let floats = || -> ArrayRef {
            Arc::new(Float64Array::from(vec![1.0, 1.5, f64::NAN, 1e30, -0.0, f64::INFINITY]))
        };
        assert_eq!(misfit_rows(floats(), DataType::Int64), [2, 3, 4, 6]);
        assert_eq!(misfit_rows(floats(), DataType::Float32), [4]);
        assert_eq!(misfit_rows(floats(), DataType::Decimal128(5, 1)), [3, 4, 6]);
        let integers = || -> ArrayRef {
            Arc::new(Int64Array::from(vec![300, -1, (1 << 53) + 1, i64::MAX, 7]))
        };
        assert_eq!(misfit_rows(integers(), DataType::Int8), [1, 3, 4]);
        assert_eq!(misfit_rows(integers(), DataType::UInt64), [2]);
        assert_eq!(misfit_rows(integers(), DataType::Float64), [3, 4]);
        assert_eq!(misfit_rows(integers(), DataType::Decimal128(3, 0)), [3, 4]);
    }

    #[test]
    fn decimals_and_times_are_never_rounded() {
        let decimals = || -> ArrayRef {
            let array = Decimal128Array::from(vec![150, 151, 100]);
            Arc::new(array.with_precision_and_scale(9, 2).expect("should fit"))
        };
        assert_eq!(misfit_rows(decimals(), DataType::Decimal128(9, 1)), [2]);
        assert_eq!(misfit_rows(decimals(), DataType::Int32), [1, 2]);
        let times: ArrayRef =
            Arc::new(TimestampMillisecondArray::from(vec![86_400_000, 86_400_001]));
        assert_eq!(misfit_rows(Arc::clone(&times), DataType::Date32), [2]);
        assert_eq!(misfit_rows(times, DataType::Timestamp(TimeUnit::Second, None)), [2]);
    }

    #[test]
    fn nulls_stay_and_are_no_misfits() {
        let (array, report) =
            cast_to(Arc::new(StringArray::from(vec![Some("1"), None, Some("x")])), DataType::Int64);
        assert_eq!(
            array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(),
            [Some(1), None, None]
        );
        let column = &report.columns["c"];
        assert_eq!((column.rows, column.nulled), (3, 1));
        assert_eq!(column.examples, [Misfit { file: None, row: 3, value: "x".to_owned() }]);
        let error = report.verdict(BadRows::Fail).expect_err("should fail");
        let expected = "values do not fit: 1 of 3 in `c` are no Int64 (such as \"x\" in row 3)";
        assert_eq!(error.to_string(), expected);
        assert!(report.verdict(BadRows::Null).is_ok());
    }

    #[test]
    fn rows_are_counted_over_batches_and_examples_are_bounded() {
        let batch = batch(Arc::new(StringArray::from(vec!["x"; 15])));
        let columns = BTreeMap::from([("c".to_owned(), ColumnType(DataType::Int64))]);
        let mut plan = CastPlan::new(&batch.schema(), &columns).expect("should be planned");
        let mut report = CastReport::default();
        for _ in 0..3 {
            plan.apply(&batch, &mut report).expect("should be cast");
        }
        let column = &report.columns["c"];
        assert_eq!((column.nulled, column.examples.len()), (45, 20));
        assert_eq!(column.examples[19].row, 20);
    }

    #[test]
    fn every_impossible_cast_is_named() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        let schema = batch(Arc::new(lists)).schema();
        let columns = BTreeMap::from([
            ("c".to_owned(), ColumnType(DataType::Int64)),
            ("d".to_owned(), ColumnType(DataType::Int64)),
        ]);
        let error = CastPlan::new(&schema, &columns).expect_err("should be refused").to_string();
        assert!(error.contains("column `c`") && error.contains("no column `d`"), "{error}");
    }

    #[test]
    fn a_list_with_an_element_that_does_not_fit_is_one_misfit() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(300), Some(400)]),
        ]);
        let to = DataType::List(Arc::new(Field::new("item", DataType::Int8, true)));
        let (array, report) = cast_to(Arc::new(lists), to);
        assert_eq!(report.columns["c"].nulled, 1);
        assert_eq!(report.columns["c"].examples[0].row, 4);
        assert!(array.is_valid(0) && array.is_null(1) && array.is_valid(2) && array.is_null(3));
    }

    proptest! {
        #[test]
        fn every_number_that_fits_comes_back(values in prop::collection::vec(any::<f64>(), 1..50)) {
            let array: ArrayRef = Arc::new(Float64Array::from(values.clone()));
            for to in [DataType::Int64, DataType::Int8, DataType::Float32, DataType::Decimal128(30, 6)] {
                let (cast, _) = cast_to(Arc::clone(&array), to);
                let back = arrow::compute::cast(&cast, &DataType::Float64).expect("should come back");
                let back = back.as_primitive::<arrow::datatypes::Float64Type>();
                for (value, back) in values.iter().zip(back.iter()) {
                    let same = |back: f64| back.total_cmp(&(value + 0.0)).is_eq() || (back.is_nan() && value.is_nan());
                    prop_assert!(back.is_none_or(|back| same(back) || same(back + 0.0)));
                }
            }
        }

        #[test]
        fn integers_survive_text(values in prop::collection::vec(prop::option::of(any::<i64>()), 1..50)) {
            let (texts, _) = cast_to(Arc::new(Int64Array::from(values.clone())), DataType::Utf8);
            let (back, report) = cast_to(texts, DataType::Int64);
            prop_assert_eq!(report.nulled(), 0);
            prop_assert_eq!(back.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), values);
        }
    }
}
