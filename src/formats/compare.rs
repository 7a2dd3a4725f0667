//! Compares and merges the schemas of files.
//!
//! Two schemas are equal when they have the same column names, compared exactly, with the same types;
//! order, nullability and metadata do not count. A column without any value (`Null`) agrees with
//! every type, so an empty file or column makes no conflict.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use super::canonical::{same_type, unordered};
use crate::engines::schema::{
    Column, ColumnType, ConflictingSchema, DifferingColumn, Schema, SchemaConflict,
};
use crate::engines::table::Format;

/// Most example files of a schema.
const EXAMPLES: usize = 5;

/// What the schemas of a table's files amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// All files have this schema (nullable where any file's column is).
    Same(Schema),
    /// They differ; the second part is each file's index into the conflict's schemas.
    Conflict(Box<SchemaConflict>, Vec<u32>),
}

/// Files of one schema.
struct Group<'a> {
    schema: Schema,
    files: Vec<(usize, &'a str)>,
}

/// Compares the schemas of files, given with their paths in the order of the files.
///
/// A column without a value in any file is `Utf8` where types come from values (delimited text,
/// JSON, `MessagePack`).
#[must_use]
pub fn compare(files: &[(&str, &Schema)], format: Format) -> Compared {
    let text_format = types_come_from_values(format);
    let (schemas, of_file) = distinct(files);
    let types = value_types(&schemas);
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut by_key: HashMap<Vec<(String, DataType)>, usize> = HashMap::new();
    let mut group_of = Vec::with_capacity(schemas.len());
    for schema in schemas {
        let schema = settle(schema, &types, text_format);
        let group = *by_key.entry(key(&schema)).or_insert_with(|| {
            groups.push(Group { schema: schema.clone(), files: Vec::new() });
            groups.len() - 1
        });
        widen_nullability(&mut groups[group].schema, &schema);
        group_of.push(group);
    }
    for (index, (path, _)) in files.iter().enumerate() {
        groups[group_of[of_file[index]]].files.push((index, path));
    }
    if groups.len() <= 1 {
        return Compared::Same(groups.pop().map(|group| group.schema).unwrap_or_default());
    }
    conflict(groups, files.len())
}

/// Returns the schemas that are not the same in everything, in the order in which they are first seen,
/// and the index of each file's.
fn distinct<'s>(files: &[(&str, &'s Schema)]) -> (Vec<&'s Schema>, Vec<usize>) {
    let mut schemas = Vec::new();
    let mut known: HashMap<&Schema, usize> = HashMap::new();
    let mut index = |schema: &'s Schema| {
        *known.entry(schema).or_insert_with(|| {
            schemas.push(schema);
            schemas.len() - 1
        })
    };
    let of_file = files.iter().map(|(_, schema)| index(schema)).collect();
    (schemas, of_file)
}

/// Whether the types of a format's columns are found from values, whose text every `Utf8` holds.
pub(crate) fn types_come_from_values(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Json | Format::Jsonl | Format::Msgpack)
}

/// The types that files have of one column.
struct ValueTypes {
    /// The type of all files, if those with values agree on one.
    agreed: Option<DataType>,
    /// The type of the first file with a value.
    first: DataType,
}

/// Returns the types of each column that has values.
fn value_types<'s>(schemas: &[&'s Schema]) -> HashMap<&'s str, ValueTypes> {
    let mut types: HashMap<&str, ValueTypes> = HashMap::new();
    for column in schemas.iter().flat_map(|schema| &schema.columns) {
        let found = same_type(&column.data_type.0);
        types
            .entry(&column.name)
            .and_modify(|known| {
                known.agreed = known.agreed.take().and_then(|agreed| fill_nulls(&agreed, &found));
                if known.first == DataType::Null {
                    known.first = found.clone();
                }
            })
            .or_insert_with(|| ValueTypes { agreed: Some(found.clone()), first: found });
    }
    types
}

/// Gives columns without values the type that the other files have; the first of them, if those
/// disagree.
fn settle(schema: &Schema, types: &HashMap<&str, ValueTypes>, text_format: bool) -> Schema {
    let mut settled = schema.clone();
    for column in &mut settled.columns {
        match types.get(column.name.as_str()) {
            Some(ValueTypes { agreed: Some(agreed), .. }) => column.data_type.0 = agreed.clone(),
            Some(ValueTypes { first, .. }) if column.data_type.0 == DataType::Null => {
                column.data_type.0 = first.clone();
            }
            _ => {}
        }
        if text_format {
            column.data_type.0 = nulls_as_text(&column.data_type.0);
        }
    }
    settled
}

/// Returns the type of both, if they differ only where one has no values.
fn fill_nulls(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (left, right) if left == right => Some(left.clone()),
        (DataType::List(left), DataType::List(right)) => {
            let item = fill_nulls(left.data_type(), right.data_type())?;
            Some(DataType::List(Arc::new(left.as_ref().clone().with_data_type(item))))
        }
        (DataType::Struct(left), DataType::Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().zip(right).map(|(left, right)| {
                let filled = fill_nulls(left.data_type(), right.data_type())?;
                (left.name() == right.name())
                    .then(|| Arc::new(left.as_ref().clone().with_data_type(filled)))
            });
            Some(DataType::Struct(fields.collect::<Option<Vec<FieldRef>>>()?.into()))
        }
        _ => None,
    }
}

/// Returns the type with text where no value is known.
fn nulls_as_text(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => {
            let inner = nulls_as_text(item.data_type());
            DataType::List(Arc::new(item.as_ref().clone().with_data_type(inner)))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| {
                    let inner = nulls_as_text(field.data_type());
                    Arc::new(field.as_ref().clone().with_data_type(inner))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Returns what equal schemas have in common.
fn key(schema: &Schema) -> Vec<(String, DataType)> {
    let mut key: Vec<(String, DataType)> = schema
        .columns
        .iter()
        .map(|column| (column.name.clone(), unordered(&same_type(&column.data_type.0))))
        .collect();
    key.sort_by(|left, right| left.0.cmp(&right.0));
    key
}

fn widen_nullability(into: &mut Schema, other: &Schema) {
    for column in &mut into.columns {
        column.nullable |= other.column(&column.name).is_none_or(|column| column.nullable);
    }
}

fn conflict(mut groups: Vec<Group<'_>>, files: usize) -> Compared {
    // The order of files decides between schemas of as many files: the sort is stable.
    groups.sort_by_key(|group| std::cmp::Reverse(group.files.len()));
    let mut of_file = vec![0; files];
    for (index, group) in groups.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        group.files.iter().for_each(|(file, _)| of_file[*file] = index);
    }
    let common = common_schema(&groups);
    let conflict = SchemaConflict {
        differing_columns: differing_columns(&groups),
        lossless_common: common.is_some(),
        common,
        schemas: groups
            .into_iter()
            .map(|group| ConflictingSchema {
                files: count(group.files.len()),
                examples: group
                    .files
                    .iter()
                    .take(EXAMPLES)
                    .map(|(_, path)| (*path).to_owned())
                    .collect(),
                schema: group.schema,
            })
            .collect(),
    };
    Compared::Conflict(Box::new(conflict), of_file)
}

fn count(length: usize) -> u64 {
    super::bytes::size_of_buffer(length)
}

/// Returns the names of all columns, in the order in which they are first seen.
fn names<'g>(groups: &'g [Group<'_>]) -> Vec<&'g str> {
    let mut names = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for column in groups.iter().flat_map(|group| &group.schema.columns) {
        if seen.insert(column.name.as_str()) {
            names.push(column.name.as_str());
        }
    }
    names
}

fn exactly<'s>(schema: &'s Schema, name: &str) -> Option<&'s Column> {
    schema.columns.iter().find(|column| column.name == name)
}

fn common_of(groups: &[Group<'_>], name: &str) -> Option<DataType> {
    let columns = groups.iter().filter_map(|group| exactly(&group.schema, name));
    lossless_common_of(columns.map(|column| &column.data_type.0), false)
}

fn common_schema(groups: &[Group<'_>]) -> Option<Schema> {
    let mut columns = Vec::new();
    for name in names(groups) {
        let data_type = common_of(groups, name)?;
        let nullable = groups
            .iter()
            .any(|group| exactly(&group.schema, name).is_none_or(|column| column.nullable));
        columns.push(Column {
            name: name.to_owned(),
            data_type: ColumnType(data_type),
            nullable,
            source_type: None,
        });
    }
    Some(Schema { columns })
}

/// Returns the columns that not every schema has with the same type.
fn differing_columns(groups: &[Group<'_>]) -> Vec<DifferingColumn> {
    let mut differing = Vec::new();
    for name in names(groups) {
        let mut types: BTreeMap<String, u64> = BTreeMap::new();
        for group in groups {
            let text = exactly(&group.schema, name).map_or_else(
                || "absent".to_owned(),
                |column| unordered(&same_type(&column.data_type.0)).to_string(),
            );
            *types.entry(text).or_default() += count(group.files.len());
        }
        if types.len() > 1 {
            let common = common_of(groups, name).map(ColumnType);
            differing.push(DifferingColumn { name: name.to_owned(), types, common });
        }
    }
    differing.sort_by(|left, right| left.name.cmp(&right.name));
    differing
}

/// Returns the type that holds every value of all of these without loss, if there is one. Their
/// order does not matter.
///
/// With `or_text`, what has no such type is `Utf8`: each column, item of a list or member of a struct
/// by itself.
#[must_use]
pub fn lossless_common_of<'t>(
    types: impl IntoIterator<Item = &'t DataType>,
    or_text: bool,
) -> Option<DataType> {
    let mut distinct: Vec<DataType> = Vec::new();
    for data_type in types {
        let data_type = same_type(data_type);
        if data_type != DataType::Null && !distinct.contains(&data_type) {
            distinct.push(data_type);
        }
    }
    match distinct.as_slice() {
        [] => Some(DataType::Null),
        [one] => Some(one.clone()),
        several => {
            let common = lists(several, or_text)
                .or_else(|| structs(several, or_text))
                .or_else(|| numbers(several))
                .or_else(|| others(several));
            common.or_else(|| or_text.then_some(DataType::Utf8))
        }
    }
}

/// Returns one from each, if each gives one.
fn each<'t, T>(types: &'t [DataType], take: impl Fn(&'t DataType) -> Option<T>) -> Option<Vec<T>> {
    types.iter().map(take).collect()
}

fn lists(types: &[DataType], or_text: bool) -> Option<DataType> {
    let items = each(types, |data_type| match data_type {
        DataType::List(item) | DataType::LargeList(item) => Some(item.data_type()),
        _ => None,
    })?;
    let item = Arc::new(Field::new("item", lossless_common_of(items, or_text)?, true));
    let large = types.iter().any(|data_type| matches!(data_type, DataType::LargeList(_)));
    Some(if large { DataType::LargeList(item) } else { DataType::List(item) })
}

/// Members of any, sorted by name, because order does not count.
fn structs(types: &[DataType], or_text: bool) -> Option<DataType> {
    let members = each(types, |data_type| match data_type {
        DataType::Struct(fields) => Some(fields),
        _ => None,
    })?;
    let mut by_name: BTreeMap<&str, Vec<&DataType>> = BTreeMap::new();
    for field in members.into_iter().flatten() {
        by_name.entry(field.name()).or_default().push(field.data_type());
    }
    let fields = by_name
        .into_iter()
        .map(|(name, types)| Some(Field::new(name, lossless_common_of(types, or_text)?, true)));
    Some(DataType::Struct(fields.collect::<Option<Vec<_>>>()?.into()))
}

fn others(types: &[DataType]) -> Option<DataType> {
    use DataType::{
        Binary, BinaryView, Date32, Date64, LargeBinary, LargeUtf8, Time32, Time64, Timestamp,
        Utf8, Utf8View,
    };
    let all = |is: fn(&DataType) -> bool| types.iter().all(is);
    if all(|one| matches!(one, Utf8 | Utf8View | LargeUtf8)) {
        return Some(LargeUtf8);
    }
    if all(|one| matches!(one, Binary | BinaryView | LargeBinary)) {
        return Some(LargeBinary);
    }
    if all(|one| matches!(one, Date32 | Date64)) {
        return Some(Date64);
    }
    let times = each(types, |one| match one {
        Time32(unit) | Time64(unit) => Some(*unit),
        _ => None,
    });
    if let Some(unit) = times.and_then(|units| units.into_iter().max()) {
        let short = matches!(unit, TimeUnit::Second | TimeUnit::Millisecond);
        return Some(if short { Time32(unit) } else { Time64(unit) });
    }
    let stamps = each(types, |one| match one {
        Timestamp(unit, zone) => Some((*unit, zone.clone())),
        _ => None,
    })?;
    let zone = stamps.first().map(|(_, zone)| zone.clone())?;
    let unit = stamps.iter().map(|(unit, _)| *unit).max()?;
    // Nanoseconds hold fewer years than the coarser units do.
    let fits = unit != TimeUnit::Nanosecond && stamps.iter().all(|(_, other)| *other == zone);
    fits.then_some(Timestamp(unit, zone))
}

/// What values a numeric type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numeric {
    /// Whole numbers: signed or not, and how many bits.
    Whole { signed: bool, bits: u8 },
    /// Binary fractions with so many bits of precision.
    Float { bits: u8 },
    /// Decimals: digits before and after the point.
    Decimal { whole: i16, scale: i16 },
}

impl Numeric {
    fn of(data_type: &DataType) -> Option<Self> {
        let whole = |signed, bits| Some(Self::Whole { signed, bits });
        match data_type {
            DataType::Int8 => whole(true, 8),
            DataType::Int16 => whole(true, 16),
            DataType::Int32 => whole(true, 32),
            DataType::Int64 => whole(true, 64),
            DataType::UInt8 => whole(false, 8),
            DataType::UInt16 => whole(false, 16),
            DataType::UInt32 => whole(false, 32),
            DataType::UInt64 => whole(false, 64),
            DataType::Float16 => Some(Self::Float { bits: 16 }),
            DataType::Float32 => Some(Self::Float { bits: 32 }),
            DataType::Float64 => Some(Self::Float { bits: 64 }),
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => {
                let scale = i16::from(*scale);
                Some(Self::Decimal { whole: i16::from(*precision) - scale, scale })
            }
            _ => None,
        }
    }
}

fn numbers(types: &[DataType]) -> Option<DataType> {
    let numbers = each(types, Numeric::of)?;
    let float_bits = numbers.iter().filter_map(|number| match number {
        Numeric::Float { bits } => Some(*bits),
        _ => None,
    });
    let is_decimal = |number: &Numeric| matches!(number, Numeric::Decimal { .. });
    if let Some(bits) = float_bits.max() {
        return floats(&numbers, bits);
    }
    if numbers.iter().any(is_decimal) {
        return decimals(&numbers);
    }
    wholes(&numbers)
}

/// Floats hold whole numbers up to the size of their fraction: 11, 24, 53 bits.
fn floats(numbers: &[Numeric], widest: u8) -> Option<DataType> {
    let mut needed = widest;
    for number in numbers {
        needed = needed.max(match number {
            Numeric::Float { bits } => *bits,
            Numeric::Whole { bits: 8, .. } => 16,
            Numeric::Whole { bits: 16, .. } => 32,
            Numeric::Whole { bits: 32, .. } => 64,
            Numeric::Whole { .. } | Numeric::Decimal { .. } => return None,
        });
    }
    match needed {
        16 => Some(DataType::Float16),
        32 => Some(DataType::Float32),
        _ => Some(DataType::Float64),
    }
}

fn decimals(numbers: &[Numeric]) -> Option<DataType> {
    let (mut before, mut after) = (0, 0);
    for number in numbers {
        let (whole, scale) = match number {
            Numeric::Decimal { whole, scale } => (*whole, *scale),
            Numeric::Whole { signed, bits } => (digits(*signed, *bits), 0),
            Numeric::Float { .. } => return None,
        };
        (before, after) = (before.max(whole), after.max(scale));
    }
    decimal(before, after)
}

fn wholes(numbers: &[Numeric]) -> Option<DataType> {
    let bits_of = |wanted: bool| {
        numbers.iter().filter_map(move |number| match number {
            Numeric::Whole { signed, bits } if *signed == wanted => Some(*bits),
            _ => None,
        })
    };
    match (bits_of(true).max(), bits_of(false).max()) {
        (Some(signed), None) => whole_type(true, signed),
        (None, Some(unsigned)) => whole_type(false, unsigned),
        (Some(_), Some(64)) => decimal(20, 0),
        (Some(signed), Some(unsigned)) => whole_type(true, signed.max(unsigned * 2)),
        (None, None) => None,
    }
}

fn whole_type(signed: bool, bits: u8) -> Option<DataType> {
    Some(match (signed, bits) {
        (true, 8) => DataType::Int8,
        (true, 16) => DataType::Int16,
        (true, 32) => DataType::Int32,
        (true, 64) => DataType::Int64,
        (false, 8) => DataType::UInt8,
        (false, 16) => DataType::UInt16,
        (false, 32) => DataType::UInt32,
        (false, 64) => DataType::UInt64,
        _ => return None,
    })
}

/// Digits that the largest whole number has.
fn digits(signed: bool, bits: u8) -> i16 {
    match (signed, bits) {
        (_, 8) => 3,
        (_, 16) => 5,
        (_, 32) => 10,
        (true, _) => 19,
        (false, _) => 20,
    }
}

fn decimal(whole: i16, scale: i16) -> Option<DataType> {
    let precision = u8::try_from(whole + scale).ok()?.max(1);
    let scale = i8::try_from(scale).ok()?;
    match precision {
        1..=38 => Some(DataType::Decimal128(precision, scale)),
        39..=76 => Some(DataType::Decimal256(precision, scale)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
