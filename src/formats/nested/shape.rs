//! What nested values have in common: the type that holds every one of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};

use super::MAX_KEYS;
use super::node::Node;
use super::sorts::{self, KINDS};
use crate::formats::kinds::{Kinds, Met, NearlyTyped};

/// Whole numbers up to this size are the same as `f64`.
const EXACT_IN_FLOAT: u64 = 1 << 53;

/// What is known of the values of one place.
#[expect(clippy::struct_excessive_bools, reason = "each says that values of one sort were seen")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    bools: bool,
    ints: bool,
    floats: bool,
    inexact: bool,
    texts: bool,
    binaries: bool,
    /// The size of the largest whole number.
    largest: u64,
    list: Option<Box<Shape>>,
    object: Option<Members>,
    /// What the values are, in order, and how many there are; only of columns.
    kinds: Option<Box<Kinds<KINDS>>>,
    values: u64,
}

/// The members of objects, in the order in which they were first seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    names: Vec<String>,
    shapes: Vec<Shape>,
    index: HashMap<String, usize>,
    too_many: bool,
}

impl Members {
    fn entry(&mut self, name: &str, guess: usize) -> Option<&mut Shape> {
        if self.names.get(guess).is_some_and(|known| known == name) {
            return self.shapes.get_mut(guess);
        }
        let index = match self.index.get(name) {
            Some(index) => *index,
            None if self.names.len() >= MAX_KEYS => {
                self.too_many = true;
                return None;
            }
            None => {
                self.names.push(name.to_owned());
                self.shapes.push(Shape::default());
                self.index.insert(name.to_owned(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        self.shapes.get_mut(index)
    }

    /// Adds the members of an object.
    pub(crate) fn add(&mut self, object: &[(std::borrow::Cow<'_, str>, Node<'_>)]) {
        for (position, (name, value)) in object.iter().enumerate() {
            if let Some(shape) = self.entry(name, position) {
                shape.add(value);
            }
        }
    }

    /// Adds the columns of a row that comes after so many others.
    pub(crate) fn add_row(&mut self, object: &[(std::borrow::Cow<'_, str>, Node<'_>)], row: u64) {
        for (position, (name, value)) in object.iter().enumerate() {
            if let Some(shape) = self.entry(name, position) {
                shape.add_in_order(value, row);
            }
        }
    }

    /// Adds what other objects have, which come after so many rows.
    pub(crate) fn merge(&mut self, rows: u64, other: &Self) {
        self.too_many |= other.too_many;
        for (position, (name, shape)) in other.names.iter().zip(&other.shapes).enumerate() {
            if let Some(known) = self.entry(name, position) {
                known.merge(rows, shape);
            }
        }
    }

    /// Returns the columns of text that nearly have another type.
    pub(crate) fn nearly(&self) -> Vec<NearlyTyped> {
        let columns = self.names.iter().zip(&self.shapes);
        columns.filter_map(|(name, shape)| shape.nearly(name)).collect()
    }

    /// Whether there were more keys than become columns.
    pub(crate) fn too_many(&self) -> bool {
        self.too_many
    }

    /// Returns the fields, all of them nullable.
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.names
            .iter()
            .zip(&self.shapes)
            .map(|(name, shape)| Field::new(name, shape.data_type(), true))
            .collect()
    }
}

impl Shape {
    /// Adds a value.
    pub(crate) fn add(&mut self, node: &Node<'_>) {
        match node {
            Node::Null => {}
            Node::Bool(_) => self.bools = true,
            Node::Int(value) => {
                self.ints = true;
                self.largest = self.largest.max(value.unsigned_abs());
            }
            Node::Float(..) => self.floats = true,
            Node::Inexact(_) => self.inexact = true,
            Node::Text(_) => self.texts = true,
            Node::Binary(_) => self.binaries = true,
            Node::List(items) => {
                let shape = self.list.get_or_insert_default();
                for item in items {
                    shape.add(item);
                }
            }
            Node::Object(members) => self.object.get_or_insert_default().add(members),
        }
    }

    /// Adds a value of a column, which comes after so many rows.
    fn add_in_order(&mut self, node: &Node<'_>, row: u64) {
        self.add(node);
        let Some(sort) = sorts::of(node) else { return };
        self.values += 1;
        let kinds = self.kinds.get_or_insert_default();
        let met = || Met::new(row, &node.as_text());
        kinds.add(sort, met);
        match node {
            Node::Inexact(_) => kinds.add_unheld(sort, met),
            Node::Int(value) if value.unsigned_abs() > EXACT_IN_FLOAT => {
                kinds.add_unheld(sort, met);
            }
            _ => {}
        }
    }

    fn nearly(&self, column: &str) -> Option<NearlyTyped> {
        let is_text = self.data_type() == DataType::Utf8;
        let kinds = self.kinds.as_ref().filter(|_| is_text)?;
        sorts::nearly(kinds, self.values, column)
    }

    /// Adds what other values have, which come after so many rows.
    fn merge(&mut self, rows: u64, other: &Self) {
        self.bools |= other.bools;
        self.ints |= other.ints;
        self.floats |= other.floats;
        self.inexact |= other.inexact;
        self.texts |= other.texts;
        self.binaries |= other.binaries;
        self.largest = self.largest.max(other.largest);
        if let Some(list) = &other.list {
            self.list.get_or_insert_default().merge(rows, list);
        }
        if let Some(object) = &other.object {
            self.object.get_or_insert_default().merge(rows, object);
        }
        self.values += other.values;
        if let Some(kinds) = &other.kinds {
            self.kinds.get_or_insert_default().merge(rows, kinds, 0);
        }
    }

    /// Returns the type; `Null` without a value, `Utf8` for values of several sorts.
    pub(crate) fn data_type(&self) -> DataType {
        let numbers = self.ints || self.floats || self.inexact;
        let sorts = [
            self.bools,
            numbers,
            self.texts,
            self.binaries,
            self.list.is_some(),
            self.object.is_some(),
        ];
        match sorts.iter().filter(|sort| **sort).count() {
            0 => return DataType::Null,
            1 => {}
            _ => return DataType::Utf8,
        }
        if let Some(list) = &self.list {
            return DataType::List(Arc::new(Field::new("item", list.data_type(), true)));
        }
        if let Some(object) = &self.object {
            return object_type(object);
        }
        if numbers {
            return self.number_type();
        }
        match (self.bools, self.binaries) {
            (true, _) => DataType::Boolean,
            (_, true) => DataType::Binary,
            _ => DataType::Utf8,
        }
    }

    fn number_type(&self) -> DataType {
        match (self.inexact, self.floats, self.ints) {
            (true, ..) => DataType::Utf8,
            (_, true, true) if self.largest > EXACT_IN_FLOAT => DataType::Utf8,
            (_, true, _) => DataType::Float64,
            _ => DataType::Int64,
        }
    }
}

fn object_type(object: &Members) -> DataType {
    let fields = object.fields();
    // Few formats can write an object without members.
    if fields.is_empty() || object.too_many {
        return DataType::Utf8;
    }
    DataType::Struct(Fields::from(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_type(values: &[&str]) -> DataType {
        let mut whole = Shape::default();
        for value in values {
            let mut part = Shape::default();
            part.add(&Node::from_json(value).expect("should parse"));
            whole.merge(0, &part);
        }
        whole.data_type()
    }

    #[test]
    fn types_follow_the_table_of_rules() {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
        for (values, expected) in [
            (&["null"][..], DataType::Null),
            (&["true", "null"], DataType::Boolean),
            (&["1", "2"], DataType::Int64),
            (&["1", "2.5"], DataType::Float64),
            (&["9007199254740993", "2.5"], DataType::Utf8),
            (&["1", "12345678901234567890"], DataType::Utf8),
            (&["\"a\"", "\"2020-01-01\""], DataType::Utf8),
            (&["1", "\"a\""], DataType::Utf8),
            (&["1", "true"], DataType::Utf8),
            (&["{\"a\":1}", "1"], DataType::Utf8),
            (&["{}"], DataType::Utf8),
            (&["[]"], list(DataType::Null)),
            (&["[]", "[1]", "[2.5]"], list(DataType::Float64)),
            (
                &["{\"a\":1}", "{\"b\":\"x\"}"],
                DataType::Struct(Fields::from(vec![
                    Field::new("a", DataType::Int64, true),
                    Field::new("b", DataType::Utf8, true),
                ])),
            ),
        ] {
            assert_eq!(data_type(values), expected, "{values:?}");
        }
    }
}
