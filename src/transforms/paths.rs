//! Paths into nested values: `address.city`, `items[0].sku`, also into text that holds JSON.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, UInt64Array, new_null_array};
use arrow::compute::{cast, is_null, nullif, take};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use serde_json::Value;

use super::column_names;
use super::convert::{Converted, as_lists, is_list, is_text};
use super::error::OperationError;
use crate::engines::nesting::element;

/// A way from a column to a nested value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValuePath {
    pub(super) column: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

impl ValuePath {
    /// Parses a path; the column is the longest beginning that names one.
    ///
    /// # Errors
    /// `InvalidInput` when no beginning names a column, or the rest is no path.
    pub(super) fn parse(text: &str, schema: &Schema) -> Result<Self, OperationError> {
        let is_boundary = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        let column = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| text.strip_prefix(name).is_some_and(is_boundary))
            .max_by_key(|name| name.len());
        let Some(column) = column else {
            let names = column_names(schema);
            return Err(refused(text, &format!("it begins with no column; there are {names}")));
        };
        let steps = steps(&text[column.len()..])
            .ok_or_else(|| refused(text, "expected `column.field` or `column[0]`"))?;
        Ok(Self { column: column.to_owned(), steps })
    }

    /// Returns the type of the value, or `None` where there is none.
    pub(super) fn leaf(&self, column: &DataType) -> Option<DataType> {
        let mut data_type = column;
        for step in &self.steps {
            match (step, data_type) {
                (_, text) if is_text(text) => return Some(DataType::Utf8),
                (Step::Field(name), DataType::Struct(fields)) => {
                    data_type = fields.iter().find(|field| field.name() == name)?.data_type();
                }
                (Step::Index(_), list) => data_type = element(list)?.data_type(),
                _ => return None,
            }
        }
        Some(data_type.clone())
    }

    /// Returns the value in every row; null where there is none. Text that is no JSON is named.
    pub(super) fn extract(&self, column: &ArrayRef) -> Result<Converted, ArrowError> {
        let mut array = Arc::clone(column);
        for (position, step) in self.steps.iter().enumerate() {
            if is_text(array.data_type()) {
                return extract_json(&array, &self.steps[position..]);
            }
            let next = match step {
                Step::Field(name) => field_of(&array, name)?,
                Step::Index(index) if is_list(array.data_type()) => Some(item_of(&array, *index)?),
                Step::Index(_) => None,
            };
            let Some(next) = next else {
                array = new_null_array(&DataType::Null, column.len());
                break;
            };
            array = next;
        }
        Ok(Converted { array, misfits: Vec::new() })
    }
}

fn refused(text: &str, why: &str) -> OperationError {
    OperationError::InvalidInput(format!("path `{text}`: {why}"))
}

fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Field(after[..end].to_owned()));
            rest = &after[end..];
        } else {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

/// A field of a struct that is null is null.
fn field_of(array: &ArrayRef, name: &str) -> Result<Option<ArrayRef>, ArrowError> {
    let Some(structs) = array.as_struct_opt() else { return Ok(None) };
    let Some(field) = structs.column_by_name(name) else { return Ok(None) };
    if structs.null_count() == 0 {
        return Ok(Some(Arc::clone(field)));
    }
    nullif(field, &is_null(array)?).map(Some)
}

fn item_of(array: &ArrayRef, index: usize) -> Result<ArrayRef, ArrowError> {
    let lists = as_lists(array)?;
    let offsets = lists.offsets();
    let item = |row: usize| {
        let begin = u64::try_from(offsets[row]).ok()? + index as u64;
        let within = begin < u64::try_from(offsets[row + 1]).ok()?;
        (lists.is_valid(row) && within).then_some(begin)
    };
    let indices: UInt64Array = (0..lists.len()).map(item).collect();
    take(lists.values(), &indices, None)
}

fn extract_json(array: &ArrayRef, steps: &[Step]) -> Result<Converted, ArrowError> {
    let texts = cast(array, &DataType::LargeUtf8)?;
    let texts: &LargeStringArray = texts.as_string();
    let mut misfits = Vec::new();
    let mut value = |(row, text): (usize, Option<&str>)| {
        let Ok(document) = serde_json::from_str::<Value>(text?) else {
            misfits.push(row);
            return None;
        };
        let mut found = &document;
        for step in steps {
            found = match step {
                Step::Field(name) => found.get(name)?,
                Step::Index(index) => found.get(*index)?,
            };
        }
        match found {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    };
    let values: arrow::array::StringArray = texts.iter().enumerate().map(&mut value).collect();
    Ok(Converted { array: Arc::new(values), misfits })
}

#[cfg(test)]
mod tests {
    use arrow::array::*;
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn schema(names: &[&str]) -> Schema {
        Schema::new(
            names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>(),
        )
    }

    fn texts(array: &ArrayRef) -> Vec<Option<String>> {
        let array = cast(array, &DataType::Utf8).expect("should print");
        array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn the_longest_column_that_fits_begins_the_path() {
        let schema = schema(&["a", "a.b", "ab"]);
        let path = ValuePath::parse("a.b[2].c", &schema).expect("should be a path");
        assert_eq!(path.column, "a.b");
        assert_eq!(path.steps, [Step::Index(2), Step::Field("c".to_owned())]);
        for bad in ["b.c", "abc", "a..c", "a[x]", "a[1", "a.", "a[1]x", ""] {
            assert!(ValuePath::parse(bad, &schema).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn structs_and_lists_are_walked_and_nulls_stay_nulls() {
        let cities: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), Some("y"), None]));
        let field = Arc::new(Field::new("city", DataType::Utf8, true));
        let structs = StructArray::new(
            vec![field].into(),
            vec![cities],
            Some(vec![true, false, true].into()),
        );
        let column: ArrayRef = Arc::new(structs);
        let path =
            ValuePath { column: "c".to_owned(), steps: vec![Step::Field("city".to_owned())] };
        let found = path.extract(&column).expect("should be found");
        assert_eq!(texts(&found.array), [Some("x".to_owned()), None, None]);
        assert_eq!(path.leaf(column.data_type()), Some(DataType::Utf8));

        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1), Some(2)]),
            Some(vec![Some(3)]),
            None,
            Some(vec![Some(4), None]),
        ]);
        let path = ValuePath { column: "c".to_owned(), steps: vec![Step::Index(1)] };
        let found = path.extract(&(Arc::new(lists) as ArrayRef)).expect("should be found");
        assert_eq!(texts(&found.array), [Some("2".to_owned()), None, None, None]);
    }

    #[test]
    fn json_in_text_is_walked_and_other_text_is_named() {
        let column: ArrayRef = Arc::new(StringArray::from(vec![
            Some(r#"{"items": [{"sku": "A"}]}"#),
            Some(r#"{"items": []}"#),
            Some("no json"),
            None,
            Some(r#"{"items": [{"sku": 12}]}"#),
            Some(r#"{"items": [{"sku": {"x": null}}]}"#),
        ]));
        let path = ValuePath::parse("c.items[0].sku", &schema(&["c"])).expect("should be a path");
        let found = path.extract(&column).expect("should be found");
        let expected = [Some("A"), None, None, None, Some("12"), Some(r#"{"x":null}"#)];
        assert_eq!(texts(&found.array), expected.map(|text| text.map(str::to_owned)));
        assert_eq!(found.misfits, [2]);
    }
}
