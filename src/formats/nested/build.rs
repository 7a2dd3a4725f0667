//! Builds Arrow arrays from nested values; a value that does not fit is an error or becomes null.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use arrow::error::ArrowError;

use super::node::Node;
use crate::engines::bad_rows::{Bad, BadRows};
use crate::formats::csv::cells;
use crate::formats::csv::columns::Cells;
use crate::formats::csv::decode::shown;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadValue {
    /// The row, 0 for the first of these.
    pub(crate) row: usize,
    /// The column.
    pub(crate) column: String,
    /// Why.
    pub(crate) message: String,
}

/// Builds the arrays of one batch.
pub(crate) struct Builder<'a> {
    schema: &'a SchemaRef,
    bad_rows: BadRows,
    column: String,
    /// The numbers of the rows of the batch, from 1.
    numbers: Vec<u64>,
    /// Which of them are left out.
    left_out: BTreeSet<usize>,
    /// What is null or left out because it does not fit.
    pub(crate) bad: Bad,
}

/// A value with the row it belongs to.
type Placed<'n> = (usize, Option<&'n Node<'n>>);

impl<'a> Builder<'a> {
    pub(crate) fn new(schema: &'a SchemaRef, bad_rows: BadRows) -> Self {
        let (numbers, left_out) = (Vec::new(), BTreeSet::new());
        Self { schema, bad_rows, column: String::new(), numbers, left_out, bad: Bad::default() }
    }

    /// Returns which rows of the latest batch were left out.
    pub(crate) fn left_out(&self) -> &BTreeSet<usize> {
        &self.left_out
    }

    /// Returns the rows, which must be objects; keys that no column has are left out. `numbers` are
    /// those of the rows, from 1.
    pub(crate) fn batch(
        &mut self,
        rows: &[Node<'_>],
        numbers: &[u64],
    ) -> Result<RecordBatch, BadValue> {
        self.numbers = numbers.to_vec();
        self.left_out.clear();
        if let Some((row, node)) =
            rows.iter().enumerate().find(|(_, node)| !matches!(node, Node::Object(_)))
        {
            let message = format!("the row is {}, not an object", node.sort());
            return Err(BadValue { row, column: String::new(), message });
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (index, field) in self.schema.fields().iter().enumerate() {
            self.column.clone_from(field.name());
            let values: Vec<Placed<'_>> = rows
                .iter()
                .enumerate()
                .map(|(row, node)| (row, node.member(field.name(), index)))
                .collect();
            columns.push(self.array(field.data_type(), &values)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(Arc::clone(self.schema), columns, &options)
            .and_then(|batch| self.without_left_out(batch))
            .map_err(|error| self.wrong(0, &error.to_string()))
    }

    fn without_left_out(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.left_out.is_empty() {
            return Ok(batch);
        }
        let kept = (0..batch.num_rows()).map(|row| Some(!self.left_out.contains(&row)));
        filter_record_batch(&batch, &kept.collect::<BooleanArray>())
    }

    fn wrong(&self, row: usize, message: &str) -> BadValue {
        BadValue { row, column: self.column.clone(), message: message.to_owned() }
    }

    /// Takes what a value is as a type, or says that it does not fit.
    fn each<'n, T>(
        &mut self,
        values: &[Placed<'n>],
        data_type: &DataType,
        take: impl Fn(&'n Node<'n>) -> Option<T>,
    ) -> Result<Vec<Option<T>>, BadValue> {
        let mut taken = Vec::with_capacity(values.len());
        for (row, node) in values {
            let value = match node {
                None | Some(Node::Null) => None,
                Some(node) => match take(node) {
                    Some(value) => Some(value),
                    None => self.misfit(*row, node, data_type)?,
                },
            };
            taken.push(value);
        }
        Ok(taken)
    }

    fn misfit<T>(
        &mut self,
        row: usize,
        node: &Node<'_>,
        data_type: &DataType,
    ) -> Result<Option<T>, BadValue> {
        let why = || {
            let text = shown(node.as_text().as_bytes());
            format!("`{text}` is not a value of type {data_type}")
        };
        let number = self.numbers.get(row).copied().unwrap_or_default();
        match self.bad_rows {
            BadRows::Fail | BadRows::Reject => return Err(self.wrong(row, &why())),
            BadRows::Null => self.bad.add_cell(&self.column, number, why),
            BadRows::Skip => {
                if self.left_out.insert(row) {
                    let why = || format!("column `{}`: {}", self.column, why());
                    self.bad.rows.add("", number, why);
                }
            }
        }
        Ok(None)
    }

    fn array(&mut self, data_type: &DataType, values: &[Placed<'_>]) -> Result<ArrayRef, BadValue> {
        Ok(match data_type {
            DataType::Boolean => {
                Arc::new(BooleanArray::from(self.each(values, data_type, |node| {
                    if let Node::Bool(value) = node { Some(*value) } else { None }
                })?))
            }
            DataType::Int64 => {
                Arc::new(Int64Array::from(self.each(values, data_type, |node| {
                    if let Node::Int(value) = node { Some(*value) } else { None }
                })?))
            }
            DataType::Float64 => {
                Arc::new(Float64Array::from(self.each(values, data_type, as_float)?))
            }
            DataType::Utf8 => {
                let texts = self.each(values, data_type, |node| Some(node.as_text()))?;
                Arc::new(texts.into_iter().collect::<StringArray>())
            }
            DataType::Binary => {
                let bytes = self.each(values, data_type, |node| {
                    if let Node::Binary(bytes) = node { Some(bytes.as_ref()) } else { None }
                })?;
                Arc::new(bytes.into_iter().collect::<BinaryArray>())
            }
            DataType::List(item) => self.list(data_type, item, values)?,
            DataType::Struct(fields) => self.object(data_type, fields, values)?,
            other => self.scalar(other, values)?,
        })
    }

    fn list(
        &mut self,
        data_type: &DataType,
        item: &Arc<Field>,
        values: &[Placed<'_>],
    ) -> Result<ArrayRef, BadValue> {
        let lists = self.each(values, data_type, |node| {
            if let Node::List(items) = node { Some(items.as_slice()) } else { None }
        })?;
        let lengths = lists.iter().map(|list| list.map_or(0, <[Node<'_>]>::len));
        let offsets = OffsetBuffer::from_lengths(lengths);
        let nulls = lists.iter().map(Option::is_some).collect::<NullBuffer>();
        let rows = values.iter().map(|(row, _)| *row);
        let items: Vec<Placed<'_>> = rows
            .zip(&lists)
            .flat_map(|(row, list)| {
                list.unwrap_or_default().iter().map(move |item| (row, Some(item)))
            })
            .collect();
        let items = self.array(item.data_type(), &items)?;
        let array = ListArray::try_new(Arc::clone(item), offsets, items, Some(nulls));
        Ok(Arc::new(array.map_err(|error| self.wrong(0, &error.to_string()))?))
    }

    fn object(
        &mut self,
        data_type: &DataType,
        fields: &Fields,
        values: &[Placed<'_>],
    ) -> Result<ArrayRef, BadValue> {
        let known = |name: &str| fields.iter().any(|field| field.name() == name);
        let objects = self.each(values, data_type, |node| match node {
            // A key that the type lacks would be lost.
            Node::Object(members) if members.iter().all(|(name, _)| known(name)) => Some(node),
            _ => None,
        })?;
        let nulls = objects.iter().map(Option::is_some).collect::<NullBuffer>();
        let mut arrays = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            let members: Vec<Placed<'_>> = values
                .iter()
                .zip(&objects)
                .map(|((row, _), object)| {
                    (*row, object.and_then(|object| object.member(field.name(), index)))
                })
                .collect();
            arrays.push(self.array(field.data_type(), &members)?);
        }
        let array =
            StructArray::try_new_with_length(fields.clone(), arrays, Some(nulls), values.len());
        Ok(Arc::new(array.map_err(|error| self.wrong(0, &error.to_string()))?))
    }

    /// Types that a text stands for: dates, decimals and so on, by the rules of delimited text.
    fn scalar(
        &mut self,
        data_type: &DataType,
        values: &[Placed<'_>],
    ) -> Result<ArrayRef, BadValue> {
        let Some(mut cells) = Cells::new(data_type, values.len()) else {
            return Err(self.wrong(0, &format!("values are not read as {data_type}")));
        };
        for (row, node) in values {
            let node = match node {
                None | Some(Node::Null) => {
                    cells.null();
                    continue;
                }
                Some(node) => *node,
            };
            if matches!(node, Node::List(_) | Node::Object(_))
                || !cells.value(node.as_text().as_bytes())
            {
                self.misfit::<()>(*row, node, data_type)?;
                cells.null();
            }
        }
        cells.finish(data_type).map_err(|error| self.wrong(0, &error.to_string()))
    }
}

/// Returns a number that an `f64` has exactly.
fn as_float(node: &Node<'_>) -> Option<f64> {
    match node {
        Node::Float(value, _) => Some(*value),
        // JSON has no numbers for these: their texts stand for them.
        Node::Text(text) if cells::is_special_float(text.as_bytes()) => text.parse().ok(),
        Node::Int(value) if value.unsigned_abs() <= 1 << 53 => value.to_string().parse().ok(),
        _ => None,
    }
}
