//! Lists to rows, structs to columns.
//!
//! Works in rounds, because what a list holds may be a list or a struct again: all wanted columns that
//! are lists become rows together; then wanted structs become columns `column_field`, and their
//! structs in turn. Lists within structs stay unless they are wanted by their new name.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeListArray, RecordBatch, UInt64Array};
use arrow::compute::{is_null, nullif, take};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::column_index;
use super::convert::{as_lists, is_list};
use super::error::OperationError;
use crate::engines::nesting::element;

/// Rows of one batch of the outcome, unless a single row has more.
const BATCH_ROWS: usize = 16_384;

/// Explodes columns of batches.
#[derive(Debug, Clone)]
pub struct ExplodePlan {
    rounds: Vec<Round>,
    schema: SchemaRef,
    outer: bool,
    rows_seen: u64,
}

#[derive(Debug, Clone)]
enum Round {
    /// These columns become rows.
    Rows { columns: Vec<usize>, schema: SchemaRef },
    /// These columns become columns.
    Columns { columns: BTreeSet<usize>, schema: SchemaRef },
}

/// A batch on its way through the rounds, with the row of the input that each row comes from.
struct Part {
    batch: RecordBatch,
    origins: UInt64Array,
}

impl ExplodePlan {
    /// Plans for batches of a schema. Names that only an earlier column brings about are allowed.
    ///
    /// # Errors
    /// `InvalidInput`, naming every column that does not exist or is neither list nor struct, and
    /// names that would stand twice.
    pub fn new(
        schema: &SchemaRef,
        columns: &[String],
        outer: bool,
    ) -> Result<Self, OperationError> {
        let mut wanted: BTreeSet<String> = columns
            .iter()
            .map(|name| match column_index(schema, name) {
                Ok(index) => schema.field(index).name().clone(),
                Err(_) => name.clone(),
            })
            .collect();
        let mut open = wanted.clone();
        let mut plan = Self { rounds: Vec::new(), schema: Arc::clone(schema), outer, rows_seen: 0 };
        while let Some(round) = next_round(&plan.schema, &mut wanted, &mut open) {
            plan.schema = Arc::clone(round.schema());
            plan.rounds.push(round);
        }
        check_open(schema, &open)?;
        check_names(&plan.schema)?;
        Ok(plan)
    }

    /// Returns the schema of what [`ExplodePlan::apply`] returns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Explodes a batch into batches of at most 16,384 rows each, but for a row with more. Batches are
    /// given in the order of the input.
    ///
    /// # Errors
    /// `InvalidInput`, naming the row, when lists of one row have different lengths.
    pub fn apply(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperationError> {
        let rows = batch.num_rows() as u64;
        let origins = UInt64Array::from_iter_values(self.rows_seen + 1..=self.rows_seen + rows);
        self.rows_seen += rows;
        let mut parts = vec![Part { batch: batch.clone(), origins }];
        for round in &self.rounds {
            let mut next = Vec::new();
            for part in parts {
                match round {
                    Round::Rows { columns, schema } => {
                        to_rows(&part, columns, schema, self.outer, &mut next)?;
                    }
                    Round::Columns { columns, schema } => {
                        let batch = to_columns(&part.batch, columns, schema)
                            .map_err(OperationError::arrow("make columns of a struct"))?;
                        next.push(Part { batch, origins: part.origins });
                    }
                }
            }
            parts = next;
        }
        Ok(parts.into_iter().map(|part| part.batch).collect())
    }
}

impl Round {
    fn schema(&self) -> &SchemaRef {
        match self {
            Self::Rows { schema, .. } | Self::Columns { schema, .. } => schema,
        }
    }
}

/// Returns what is to be done next; takes the columns it finds from the open ones.
fn next_round(
    schema: &SchemaRef,
    wanted: &mut BTreeSet<String>,
    open: &mut BTreeSet<String>,
) -> Option<Round> {
    let is_wanted = |index: &usize| wanted.contains(schema.field(*index).name());
    let all = 0..schema.fields().len();
    let lists: Vec<usize> = all
        .clone()
        .filter(is_wanted)
        .filter(|index| is_list(schema.field(*index).data_type()))
        .collect();
    if !lists.is_empty() {
        let field = |(index, field): (usize, &FieldRef)| match element(field.data_type()) {
            Some(inner) if lists.contains(&index) => {
                open.remove(field.name());
                Arc::new(Field::new(field.name(), inner.data_type().clone(), true))
            }
            _ => Arc::clone(field),
        };
        let fields: Vec<_> = schema.fields().iter().enumerate().map(field).collect();
        return Some(Round::Rows { columns: lists, schema: Arc::new(Schema::new(fields)) });
    }
    let structs: BTreeSet<usize> = all
        .filter(is_wanted)
        .filter(|index| matches!(schema.field(*index).data_type(), DataType::Struct(_)))
        .collect();
    if structs.is_empty() {
        return None;
    }
    let schema = schema_of_columns(schema, &structs, wanted, open);
    Some(Round::Columns { columns: structs, schema })
}

fn schema_of_columns(
    schema: &Schema,
    structs: &BTreeSet<usize>,
    wanted: &mut BTreeSet<String>,
    open: &mut BTreeSet<String>,
) -> SchemaRef {
    let mut fields = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let DataType::Struct(children) = field.data_type() else {
            fields.push(Arc::clone(field));
            continue;
        };
        if !structs.contains(&index) {
            fields.push(Arc::clone(field));
            continue;
        }
        open.remove(field.name());
        wanted.remove(field.name());
        for child in children {
            let name = format!("{}_{}", field.name(), child.name());
            if matches!(child.data_type(), DataType::Struct(_)) {
                wanted.insert(name.clone());
            }
            fields.push(Arc::new(Field::new(name, child.data_type().clone(), true)));
        }
    }
    Arc::new(Schema::new(fields))
}

fn check_open(schema: &Schema, open: &BTreeSet<String>) -> Result<(), OperationError> {
    let problem = |name: &String| match column_index(schema, name) {
        Ok(index) => {
            let data_type = schema.field(index).data_type();
            format!("column `{name}` is {data_type}, neither list nor struct")
        }
        Err(error) => error.to_string(),
    };
    if open.is_empty() {
        return Ok(());
    }
    let problems: Vec<_> = open.iter().map(problem).collect();
    Err(OperationError::InvalidInput(problems.join("; ")))
}

fn check_names(schema: &Schema) -> Result<(), OperationError> {
    let mut seen = BTreeSet::new();
    match schema.fields().iter().find(|field| !seen.insert(field.name())) {
        None => Ok(()),
        Some(field) => Err(OperationError::InvalidInput(format!(
            "there would be two columns `{}`; rename one of them first",
            field.name()
        ))),
    }
}

fn to_columns(
    batch: &RecordBatch,
    structs: &BTreeSet<usize>,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (index, column) in batch.columns().iter().enumerate() {
        match column.as_struct_opt().filter(|_| structs.contains(&index)) {
            None => columns.push(Arc::clone(column)),
            Some(whole) if whole.null_count() == 0 => columns.extend_from_slice(whole.columns()),
            Some(whole) => {
                let absent = is_null(column)?;
                for child in whole.columns() {
                    columns.push(nullif(child, &absent)?);
                }
            }
        }
    }
    RecordBatch::try_new(Arc::clone(schema), columns)
}

fn to_rows(
    part: &Part,
    columns: &[usize],
    schema: &SchemaRef,
    outer: bool,
    into: &mut Vec<Part>,
) -> Result<(), OperationError> {
    let lists = columns
        .iter()
        .map(|index| as_lists(part.batch.column(*index)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(OperationError::arrow("read a list"))?;
    let lengths = lengths(part, columns, &lists)?;
    let mut begin = 0;
    while begin < lengths.len() {
        let (mut end, mut rows) = (begin, 0);
        while end < lengths.len() && (end == begin || rows + lengths[end].max(1) <= BATCH_ROWS) {
            rows += lengths[end].max(1);
            end += 1;
        }
        let picked = pick(&lists, &lengths, begin..end, outer);
        let picked = explode_picked(part, columns, &lists, schema, &picked)
            .map_err(OperationError::arrow("make rows of a list"))?;
        into.push(picked);
        begin = end;
    }
    Ok(())
}

/// Returns the length of each row's lists, which must agree; a null list has no element.
fn lengths(
    part: &Part,
    columns: &[usize],
    lists: &[LargeListArray],
) -> Result<Vec<usize>, OperationError> {
    let length = |list: &LargeListArray, row: usize| {
        if list.is_null(row) { 0 } else { usize::try_from(list.value_length(row)).unwrap_or(0) }
    };
    let row_length = |row: usize| {
        let all: Vec<usize> = lists.iter().map(|list| length(list, row)).collect();
        let first = all.first().copied().unwrap_or(0);
        if all.iter().all(|other| *other == first) {
            return Ok(first);
        }
        let schema = part.batch.schema();
        let one = |(index, length): (&usize, &usize)| {
            format!("`{}` has {length}", schema.field(*index).name())
        };
        let said: Vec<_> = columns.iter().zip(&all).map(one).collect();
        let origin = part.origins.value(row);
        let message = format!("lists of row {origin} differ in length: {}", said.join(", "));
        Err(OperationError::InvalidInput(message))
    };
    (0..part.batch.num_rows()).map(row_length).collect()
}

/// Which row each new row comes from, and for each list which of its elements it takes.
struct Picked {
    rows: UInt64Array,
    elements: Vec<UInt64Array>,
}

fn pick(
    lists: &[LargeListArray],
    lengths: &[usize],
    range: std::ops::Range<usize>,
    outer: bool,
) -> Picked {
    let mut rows = Vec::new();
    let mut elements = vec![Vec::new(); lists.len()];
    for row in range {
        let length = lengths[row];
        if length == 0 && outer {
            rows.push(row as u64);
            for elements in &mut elements {
                elements.push(None);
            }
        }
        rows.extend(std::iter::repeat_n(row as u64, length));
        for (list, elements) in lists.iter().zip(&mut elements) {
            let begin = u64::try_from(list.value_offsets()[row]).unwrap_or(0);
            elements.extend((begin..begin + length as u64).map(Some));
        }
    }
    Picked {
        rows: UInt64Array::from(rows),
        elements: elements.into_iter().map(UInt64Array::from).collect(),
    }
}

fn explode_picked(
    part: &Part,
    columns: &[usize],
    lists: &[LargeListArray],
    schema: &SchemaRef,
    picked: &Picked,
) -> Result<Part, ArrowError> {
    let column = |index: usize| match columns.iter().position(|list| *list == index) {
        Some(list) => take(lists[list].values(), &picked.elements[list], None),
        None => take(part.batch.column(index), &picked.rows, None),
    };
    let arrays = (0..part.batch.num_columns()).map(column).collect::<Result<Vec<_>, _>>()?;
    let origins = take(&part.origins, &picked.rows, None)?;
    Ok(Part {
        batch: RecordBatch::try_new(Arc::clone(schema), arrays)?,
        origins: origins.as_primitive().clone(),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::*;
    use arrow::compute::cast;
    use arrow::json::ReaderBuilder;

    use super::*;

    fn batch(data_types: &[(&str, &str)], lines: &str) -> RecordBatch {
        let field = |(name, text): &(&str, &str)| {
            Field::new(*name, text.parse::<DataType>().expect("should be a type"), true)
        };
        let schema = Arc::new(Schema::new(data_types.iter().map(field).collect::<Vec<_>>()));
        let mut reader =
            ReaderBuilder::new(schema).build(lines.as_bytes()).expect("should be a reader");
        reader.next().expect("should have rows").expect("should be JSON")
    }

    fn cell(array: &ArrayRef, row: usize) -> String {
        let text = cast(array, &DataType::Utf8).expect("should print");
        let text = text.as_string::<i32>();
        if text.is_null(row) { "null".to_owned() } else { text.value(row).to_owned() }
    }

    fn exploded(batch: &RecordBatch, columns: &[&str], outer: bool) -> Vec<String> {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let mut plan = ExplodePlan::new(&batch.schema(), &columns, outer).expect("a plan");
        let mut rows = vec![
            plan.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(","),
        ];
        for batch in plan.apply(batch).expect("should explode") {
            assert_eq!(batch.schema(), plan.schema());
            for row in 0..batch.num_rows() {
                rows.push(
                    batch
                        .columns()
                        .iter()
                        .map(|array| cell(array, row))
                        .collect::<Vec<_>>()
                        .join(","),
                );
            }
        }
        rows
    }

    fn orders() -> RecordBatch {
        batch(
            &[("id", "Int64"), ("items", r#"List(Struct("sku": Utf8, "tags": List(Utf8)))"#)],
            r#"{"id": 1, "items": [{"sku": "a", "tags": ["x", "y"]}, {"sku": "b", "tags": []}]}
               {"id": 2, "items": []}
               {"id": 3, "items": null}
               {"id": 4, "items": [null]}"#,
        )
    }

    #[test]
    fn lists_become_rows_and_structs_become_columns() {
        let rows = exploded(&orders(), &["items"], false);
        assert_eq!(rows, ["id,items_sku,items_tags", "1,a,[x, y]", "1,b,[]", "4,null,null"]);
    }

    #[test]
    fn outer_keeps_rows_without_elements() {
        let rows = exploded(&orders(), &["items"], true);
        assert_eq!(
            rows[1..],
            ["1,a,[x, y]", "1,b,[]", "2,null,null", "3,null,null", "4,null,null"]
        );
    }

    #[test]
    fn what_a_struct_holds_is_exploded_by_its_new_name() {
        let rows = exploded(&orders(), &["items", "items_tags"], false);
        assert_eq!(rows, ["id,items_sku,items_tags", "1,a,x", "1,a,y"]);
        let rows = exploded(&orders(), &["items", "items_tags"], true);
        assert_eq!(
            rows[1..],
            ["1,a,x", "1,a,y", "1,b,null", "2,null,null", "3,null,null", "4,null,null"]
        );
    }

    #[test]
    fn several_lists_go_together_and_must_be_equally_long() {
        let types = [("a", "List(Int64)"), ("b", "List(Utf8)")];
        let good = batch(&types, r#"{"a": [1, 2], "b": ["x", null]} {"a": [], "b": null}"#);
        assert_eq!(exploded(&good, &["a", "b"], false), ["a,b", "1,x", "2,null"]);
        let bad = batch(&types, r#"{"a": [1], "b": ["x"]} {"a": [1, 2], "b": ["x"]}"#);
        let columns = ["a".to_owned(), "b".to_owned()];
        let mut plan = ExplodePlan::new(&bad.schema(), &columns, false).expect("a plan");
        plan.apply(&good).expect("should explode");
        let error = plan.apply(&bad).expect_err("should be refused").to_string();
        assert_eq!(error, "lists of row 4 differ in length: `a` has 2, `b` has 1");
    }

    #[test]
    fn lists_of_lists_become_rows_of_the_innermost() {
        let nested =
            batch(&[("a", "List(List(Int64))")], r#"{"a": [[1, 2], [], [3]]} {"a": null}"#);
        assert_eq!(exploded(&nested, &["a"], false), ["a", "1", "2", "3"]);
        assert_eq!(exploded(&nested, &["a"], true), ["a", "1", "2", "null", "3", "null"]);
    }

    #[test]
    fn structs_within_structs_become_columns_too() {
        let nested = batch(
            &[("s", r#"Struct("x": Int64, "t": Struct("y": Int64))"#), ("k", "Int64")],
            r#"{"s": {"x": 1, "t": {"y": 2}}, "k": 3} {"s": null, "k": 4} {"s": {"x": 5, "t": null}, "k": 6}"#,
        );
        let rows = exploded(&nested, &["s"], false);
        assert_eq!(rows, ["s_x,s_t_y,k", "1,2,3", "null,null,4", "5,null,6"]);
    }

    #[test]
    fn columns_that_cannot_be_exploded_are_named() {
        let plain = batch(
            &[("a", "Int64"), ("s", r#"Struct("b": Int64)"#), ("s_b", "Int64")],
            r#"{"a": 1}"#,
        );
        let refused = |columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
            ExplodePlan::new(&plain.schema(), &columns, false).expect_err("refused").to_string()
        };
        let error = refused(&["a", "x"]);
        assert!(
            error.contains("`a` is Int64, neither") && error.contains("no column `x`"),
            "{error}"
        );
        assert!(refused(&["s"]).contains("two columns `s_b`"));
    }

    #[test]
    fn outcomes_are_cut_into_batches() {
        let values: ListArray = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(
            (0..100).map(|row| Some((0..1000).map(move |value| Some(row * value)))),
        );
        let field = Field::new("a", values.data_type().clone(), true);
        let whole =
            RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(values)])
                .expect("a batch");
        let mut plan = ExplodePlan::new(&whole.schema(), &["a".to_owned()], false).expect("a plan");
        let parts = plan.apply(&whole).expect("should explode");
        assert!(parts.iter().all(|part| part.num_rows() <= BATCH_ROWS));
        assert_eq!(parts.iter().map(RecordBatch::num_rows).sum::<usize>(), 100_000);
    }
}
