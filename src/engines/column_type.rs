//! The type of a column, as people read it and as documents keep it.
//!
//! People read Arrow's notation, `Timestamp(µs, "UTC")`, `List(Utf8)` ([`ColumnType::to_string`]). It
//! changes between versions of Arrow, and not every name or metadata in it is read back, so that the
//! documents that programs share (jobs, answers of inferences, manifests, caches) keep a structure of
//! their own instead, which holds every type of Arrow without loss:
//!
//! - a type without parameters is its word: `"Int64"`;
//! - one with parameters is an object: `{"Decimal128": {"precision": 10, "scale": 2}}`;
//! - one with types below it is the list of all of them, each before those below it:
//!   `[{"List": {"name": "item", "nullable": true}}, "Utf8"]`. A list is as deep as any other, so that
//!   no type is too deep for a parser of JSON, which stops at 128 levels.
//!
//! The words are closed: one that is not known is an error. What documents of earlier versions hold,
//! Arrow's notation, is read too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::nesting::element;

/// An Arrow type. As text it is Arrow's own notation, in documents a structure.
///
/// # Source
/// <https://docs.rs/arrow-schema/latest/arrow_schema/enum.DataType.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnType(pub DataType);

impl ColumnType {
    /// Returns why no value can have this type, if so: what Arrow allows a type to say, and refuses
    /// in an array.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        problem(&self.0)
    }
}

fn problem(data_type: &DataType) -> Option<String> {
    let own = match data_type {
        DataType::Decimal32(precision, scale) => wrong_decimal(*precision, *scale, 9),
        DataType::Decimal64(precision, scale) => wrong_decimal(*precision, *scale, 18),
        DataType::Decimal128(precision, scale) => wrong_decimal(*precision, *scale, 38),
        DataType::Decimal256(precision, scale) => wrong_decimal(*precision, *scale, 76),
        DataType::Time32(TimeUnit::Microsecond | TimeUnit::Nanosecond)
        | DataType::Time64(TimeUnit::Second | TimeUnit::Millisecond) => {
            Some("has a unit that its size does not hold".to_owned())
        }
        DataType::FixedSizeBinary(size) | DataType::FixedSizeList(_, size) if *size < 0 => {
            Some("has a negative size".to_owned())
        }
        DataType::Dictionary(keys, _) if !keys.is_dictionary_key_type() => {
            Some("has keys that are no whole numbers".to_owned())
        }
        DataType::RunEndEncoded(ends, _) if !ends.data_type().is_run_ends_type() => {
            Some("has ends that are no whole numbers of 16, 32 or 64 bits".to_owned())
        }
        DataType::Map(entries, _) if !is_pair(entries.data_type()) => {
            Some("has entries that are no pairs".to_owned())
        }
        _ => None,
    };
    own.map(|words| format!("{data_type} {words}")).or_else(|| problem_below(data_type))
}

fn wrong_decimal(precision: u8, scale: i8, most: u8) -> Option<String> {
    if precision == 0 {
        return Some("has no digit".to_owned());
    }
    if precision > most {
        return Some(format!("has more than {most} digits"));
    }
    let after = u8::try_from(scale).unwrap_or(0);
    (after > precision).then(|| "has more digits after the point than in all".to_owned())
}

fn is_pair(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(parts) if parts.len() == 2)
}

fn problem_below(data_type: &DataType) -> Option<String> {
    if let Some(element) = element(data_type) {
        return problem(element.data_type());
    }
    match data_type {
        DataType::Struct(fields) => {
            let mut names = HashSet::new();
            let twice = fields.iter().find(|field| !names.insert(field.name().as_str()));
            let twice = twice.map(|field| {
                format!("two members are named `{}`; write it with a name for each", field.name())
            });
            twice.or_else(|| fields.iter().find_map(|field| problem(field.data_type())))
        }
        DataType::Dictionary(_, values) => problem(values),
        DataType::RunEndEncoded(_, values) => problem(values.data_type()),
        DataType::Union(fields, _) => {
            fields.iter().find_map(|(_, field)| problem(field.data_type()))
        }
        _ => None,
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ColumnType {
    type Err = arrow::error::ArrowError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DataType::from_str(text).map(Self)
    }
}

/// One type of a structure, without those below it. The names of the variants are the words of
/// documents: none may ever change its meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Node {
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float16,
    Float32,
    Float64,
    Date32,
    Date64,
    Utf8,
    LargeUtf8,
    Utf8View,
    Binary,
    LargeBinary,
    BinaryView,
    FixedSizeBinary {
        bytes: i32,
    },
    Time32(Unit),
    Time64(Unit),
    Duration(Unit),
    Interval(Interval),
    Timestamp {
        unit: Unit,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
    Decimal32(Decimal),
    Decimal64(Decimal),
    Decimal128(Decimal),
    Decimal256(Decimal),
    /// Above the type of its items; so are the next four.
    List(Member),
    LargeList(Member),
    ListView(Member),
    LargeListView(Member),
    FixedSizeList {
        length: i32,
        item: Member,
    },
    /// Above the types of its members, in their order.
    Struct(Vec<Member>),
    /// Above the type of its entries, which are structs of a key and a value.
    Map {
        sorted: bool,
        entries: Member,
    },
    /// Above the type of its keys and that of its values.
    Dictionary,
    /// Above the type of its ends and that of its values.
    RunEndEncoded {
        ends: Member,
        values: Member,
    },
    /// Above the types of its members, in their order.
    Union {
        dense: bool,
        members: Vec<UnionMember>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Interval {
    YearMonth,
    DayTime,
    MonthDayNano,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decimal {
    precision: u8,
    scale: i8,
}

/// A field without its type, which follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    name: String,
    nullable: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnionMember {
    id: i8,
    member: Member,
}

impl Member {
    fn of(field: &FieldRef) -> Self {
        let metadata = field.metadata().iter();
        Self {
            name: field.name().clone(),
            nullable: field.is_nullable(),
            metadata: metadata.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }

    fn with_type(self, data_type: DataType) -> FieldRef {
        let metadata: HashMap<String, String> = self.metadata.into_iter().collect();
        let field = Field::new(self.name, data_type, self.nullable);
        Arc::new(field.with_metadata(metadata))
    }
}

impl From<TimeUnit> for Unit {
    fn from(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Self::Second,
            TimeUnit::Millisecond => Self::Millisecond,
            TimeUnit::Microsecond => Self::Microsecond,
            TimeUnit::Nanosecond => Self::Nanosecond,
        }
    }
}

impl From<Unit> for TimeUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Second => Self::Second,
            Unit::Millisecond => Self::Millisecond,
            Unit::Microsecond => Self::Microsecond,
            Unit::Nanosecond => Self::Nanosecond,
        }
    }
}

impl From<IntervalUnit> for Interval {
    fn from(unit: IntervalUnit) -> Self {
        match unit {
            IntervalUnit::YearMonth => Self::YearMonth,
            IntervalUnit::DayTime => Self::DayTime,
            IntervalUnit::MonthDayNano => Self::MonthDayNano,
        }
    }
}

impl From<Interval> for IntervalUnit {
    fn from(unit: Interval) -> Self {
        match unit {
            Interval::YearMonth => Self::YearMonth,
            Interval::DayTime => Self::DayTime,
            Interval::MonthDayNano => Self::MonthDayNano,
        }
    }
}

fn decimal(precision: u8, scale: i8) -> Decimal {
    Decimal { precision, scale }
}

/// Appends a type and all types below it, each before those below it.
fn append(nodes: &mut Vec<Node>, data_type: &DataType) {
    nodes.push(node(data_type));
    if let Some(element) = element(data_type) {
        return append(nodes, element.data_type());
    }
    match data_type {
        DataType::Struct(fields) => {
            fields.iter().for_each(|field| append(nodes, field.data_type()));
        }
        DataType::Dictionary(keys, values) => {
            append(nodes, keys);
            append(nodes, values);
        }
        DataType::RunEndEncoded(ends, values) => {
            append(nodes, ends.data_type());
            append(nodes, values.data_type());
        }
        DataType::Union(fields, _) => {
            fields.iter().for_each(|(_, field)| append(nodes, field.data_type()));
        }
        _ => {}
    }
}

/// Returns a type without those below it.
fn node(data_type: &DataType) -> Node {
    match data_type {
        DataType::Null => Node::Null,
        DataType::Boolean => Node::Boolean,
        DataType::Int8 => Node::Int8,
        DataType::Int16 => Node::Int16,
        DataType::Int32 => Node::Int32,
        DataType::Int64 => Node::Int64,
        DataType::UInt8 => Node::UInt8,
        DataType::UInt16 => Node::UInt16,
        DataType::UInt32 => Node::UInt32,
        DataType::UInt64 => Node::UInt64,
        DataType::Float16 => Node::Float16,
        DataType::Float32 => Node::Float32,
        DataType::Float64 => Node::Float64,
        DataType::Date32 => Node::Date32,
        DataType::Date64 => Node::Date64,
        DataType::Utf8 => Node::Utf8,
        DataType::LargeUtf8 => Node::LargeUtf8,
        DataType::Utf8View => Node::Utf8View,
        DataType::Binary => Node::Binary,
        DataType::LargeBinary => Node::LargeBinary,
        DataType::BinaryView => Node::BinaryView,
        DataType::FixedSizeBinary(bytes) => Node::FixedSizeBinary { bytes: *bytes },
        DataType::Time32(unit) => Node::Time32((*unit).into()),
        DataType::Time64(unit) => Node::Time64((*unit).into()),
        DataType::Duration(unit) => Node::Duration((*unit).into()),
        DataType::Interval(unit) => Node::Interval((*unit).into()),
        DataType::Timestamp(unit, zone) => {
            Node::Timestamp { unit: (*unit).into(), zone: zone.as_deref().map(str::to_owned) }
        }
        DataType::Decimal32(precision, scale) => Node::Decimal32(decimal(*precision, *scale)),
        DataType::Decimal64(precision, scale) => Node::Decimal64(decimal(*precision, *scale)),
        DataType::Decimal128(precision, scale) => Node::Decimal128(decimal(*precision, *scale)),
        DataType::Decimal256(precision, scale) => Node::Decimal256(decimal(*precision, *scale)),
        DataType::List(item) => Node::List(Member::of(item)),
        DataType::LargeList(item) => Node::LargeList(Member::of(item)),
        DataType::ListView(item) => Node::ListView(Member::of(item)),
        DataType::LargeListView(item) => Node::LargeListView(Member::of(item)),
        DataType::FixedSizeList(item, length) => {
            Node::FixedSizeList { length: *length, item: Member::of(item) }
        }
        DataType::Struct(fields) => Node::Struct(fields.iter().map(Member::of).collect()),
        DataType::Map(entries, sorted) => {
            Node::Map { sorted: *sorted, entries: Member::of(entries) }
        }
        DataType::Dictionary(..) => Node::Dictionary,
        DataType::RunEndEncoded(ends, values) => {
            Node::RunEndEncoded { ends: Member::of(ends), values: Member::of(values) }
        }
        DataType::Union(fields, mode) => {
            let member =
                |(id, field): (i8, &FieldRef)| UnionMember { id, member: Member::of(field) };
            let members = fields.iter().map(member).collect();
            Node::Union { dense: *mode == UnionMode::Dense, members }
        }
    }
}

/// Takes a type and all types below it off the beginning.
fn take(nodes: &mut impl Iterator<Item = Node>) -> Result<DataType, String> {
    let node = nodes.next().ok_or("a type below another one is missing")?;
    let mut below = |member: Member| take(nodes).map(|data_type| member.with_type(data_type));
    Ok(match node {
        Node::Null => DataType::Null,
        Node::Boolean => DataType::Boolean,
        Node::Int8 => DataType::Int8,
        Node::Int16 => DataType::Int16,
        Node::Int32 => DataType::Int32,
        Node::Int64 => DataType::Int64,
        Node::UInt8 => DataType::UInt8,
        Node::UInt16 => DataType::UInt16,
        Node::UInt32 => DataType::UInt32,
        Node::UInt64 => DataType::UInt64,
        Node::Float16 => DataType::Float16,
        Node::Float32 => DataType::Float32,
        Node::Float64 => DataType::Float64,
        Node::Date32 => DataType::Date32,
        Node::Date64 => DataType::Date64,
        Node::Utf8 => DataType::Utf8,
        Node::LargeUtf8 => DataType::LargeUtf8,
        Node::Utf8View => DataType::Utf8View,
        Node::Binary => DataType::Binary,
        Node::LargeBinary => DataType::LargeBinary,
        Node::BinaryView => DataType::BinaryView,
        Node::FixedSizeBinary { bytes } => DataType::FixedSizeBinary(bytes),
        Node::Time32(unit) => DataType::Time32(unit.into()),
        Node::Time64(unit) => DataType::Time64(unit.into()),
        Node::Duration(unit) => DataType::Duration(unit.into()),
        Node::Interval(unit) => DataType::Interval(unit.into()),
        Node::Timestamp { unit, zone } => DataType::Timestamp(unit.into(), zone.map(Into::into)),
        Node::Decimal32(Decimal { precision, scale }) => DataType::Decimal32(precision, scale),
        Node::Decimal64(Decimal { precision, scale }) => DataType::Decimal64(precision, scale),
        Node::Decimal128(Decimal { precision, scale }) => DataType::Decimal128(precision, scale),
        Node::Decimal256(Decimal { precision, scale }) => DataType::Decimal256(precision, scale),
        Node::List(item) => DataType::List(below(item)?),
        Node::LargeList(item) => DataType::LargeList(below(item)?),
        Node::ListView(item) => DataType::ListView(below(item)?),
        Node::LargeListView(item) => DataType::LargeListView(below(item)?),
        Node::FixedSizeList { length, item } => DataType::FixedSizeList(below(item)?, length),
        Node::Struct(members) => {
            let fields = members.into_iter().map(below);
            DataType::Struct(fields.collect::<Result<Vec<_>, _>>()?.into())
        }
        Node::Map { sorted, entries } => DataType::Map(below(entries)?, sorted),
        Node::Dictionary => {
            let keys = take(nodes)?;
            DataType::Dictionary(Box::new(keys), Box::new(take(nodes)?))
        }
        Node::RunEndEncoded { ends, values } => {
            let ends = below(ends)?;
            DataType::RunEndEncoded(ends, below(values)?)
        }
        Node::Union { dense, members } => {
            let ids: Vec<i8> = members.iter().map(|member| member.id).collect();
            let fields = members.into_iter().map(|member| below(member.member));
            let fields = fields.collect::<Result<Vec<_>, _>>()?;
            let fields = UnionFields::try_new(ids, fields).map_err(|error| error.to_string())?;
            DataType::Union(fields, if dense { UnionMode::Dense } else { UnionMode::Sparse })
        }
    })
}

/// Returns the type that these nodes are, if they are one whole type.
fn whole(nodes: Vec<Node>) -> Result<ColumnType, String> {
    let mut nodes = nodes.into_iter();
    let data_type = take(&mut nodes)?;
    match nodes.len() {
        0 => Ok(ColumnType(data_type)),
        left => Err(format!("{left} types stand below no other one")),
    }
}

impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut nodes = Vec::new();
        append(&mut nodes, &self.0);
        match nodes.as_slice() {
            [node] => node.serialize(serializer),
            nodes => nodes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Documented)
    }
}

/// Reads what documents hold.
struct Documented;

impl<'de> Visitor<'de> for Documented {
    type Value = ColumnType;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a type: a word, an object or a list of them")
    }

    /// Earlier versions wrote every type as Arrow's notation.
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ColumnType, E> {
        let word: Result<Node, E> = Node::deserialize(StrDeserializer::new(text));
        match word {
            Ok(node) => whole(vec![node]).map_err(E::custom),
            Err(_) => ColumnType::from_str(text).map_err(E::custom),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnType, A::Error> {
        let node = Node::deserialize(MapAccessDeserializer::new(map))?;
        whole(vec![node]).map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ColumnType, A::Error> {
        let nodes = Vec::<Node>::deserialize(SeqAccessDeserializer::new(list))?;
        whole(nodes).map_err(A::Error::custom)
    }
}

#[cfg(test)]
#[path = "column_type_tests.rs"]
mod tests;
