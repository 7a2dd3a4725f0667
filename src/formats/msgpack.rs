//! `MessagePack`: a sequence of maps, or one array of maps, read one row after the other.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rmpv::Value;

use super::blocks::MAX_ROW_BYTES;
use super::bytes::size_of_buffer;
use super::compression;
use super::decoding::{BadCollector, Batches, DecodeOptions};
use super::error::FormatError;
use super::json::{Found, StatedTypes, add_unknown};
use super::nested::build::{BadValue, Builder};
use super::nested::node::Node;
use super::nested::shape::Members;
use super::nested::{MAX_DEPTH, MAX_KEYS};
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::files::ByteSource;
use crate::engines::table::FileFormat;

/// Most bytes of the rows of one batch.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

fn broken(path: &str, message: impl Into<String>) -> FormatError {
    FormatError::Broken {
        path: path.to_owned(),
        format: "msgpack".to_owned(),
        message: message.into(),
    }
}

fn is_map(marker: u8) -> bool {
    matches!(marker, 0x80..=0x8f | 0xde | 0xdf)
}

/// Bytes of the marker of an array, if it is one.
fn array_marker(marker: u8) -> Option<usize> {
    match marker {
        0x90..=0x9f => Some(1),
        0xdc => Some(3),
        0xdd => Some(5),
        _ => None,
    }
}

/// Whether the beginning of a file is that of rows.
pub(crate) fn is_rows(start: &[u8], whole: bool) -> bool {
    let Some(marker) = start.first() else { return false };
    let skipped = match array_marker(*marker) {
        Some(length) => length,
        None if is_map(*marker) => 0,
        None => return false,
    };
    let Some(mut rest) = start.get(skipped..) else { return false };
    if rest.is_empty() {
        return *marker == 0x90;
    }
    match rmpv::decode::read_value_with_max_depth(&mut rest, MAX_DEPTH) {
        Ok(Value::Map(members)) => members.iter().all(|(key, _)| key.as_str().is_some()),
        Ok(_) => false,
        Err(error) => !whole && error.kind() == io::ErrorKind::UnexpectedEof,
    }
}

/// The rows of one file.
struct Rows<'a> {
    reader: BufReader<Box<dyn Read + Send + 'a>>,
    path: String,
    /// Rows that an array still has; `None` for a sequence without a count.
    left: Option<u64>,
    row: u64,
    row_bytes: usize,
    done: bool,
}

impl<'a> Rows<'a> {
    fn open<S: ByteSource + 'a>(source: S) -> Result<Self, FormatError> {
        let path = source.path().to_owned();
        let (_, reader) = compression::open(source)?;
        let mut rows = Self {
            reader: BufReader::with_capacity(64 * 1024, reader),
            path,
            left: None,
            row: 0,
            row_bytes: 0,
            done: false,
        };
        rows.left = rows.array_length()?;
        Ok(rows)
    }

    fn failed(&self, source: io::Error) -> FormatError {
        FormatError::reading(&self.path, source)
    }

    fn array_length(&mut self) -> Result<Option<u64>, FormatError> {
        let first = self.reader.fill_buf().map(|buffer| buffer.first().copied());
        let first = first.map_err(|error| self.failed(error))?;
        let Some(length) = first.and_then(array_marker) else { return Ok(None) };
        let mut marker = [0; 5];
        self.reader
            .read_exact(&mut marker[..length])
            .map_err(|_| broken(&self.path, "it ends within its first value"))?;
        let [first, a, b, c, d] = marker;
        Ok(Some(match length {
            1 => u64::from(first & 0x0f),
            3 => u64::from(u16::from_be_bytes([a, b])),
            _ => u64::from(u32::from_be_bytes([a, b, c, d])),
        }))
    }

    fn ended(&mut self) -> Result<bool, FormatError> {
        let ended = self.reader.fill_buf().map(<[u8]>::is_empty);
        ended.map_err(|error| self.failed(error))
    }

    fn read_row(&mut self) -> Result<Option<Value>, FormatError> {
        let ended = self.ended()?;
        match self.left {
            Some(0) | None if ended => return Ok(None),
            Some(0) => return Err(broken(&self.path, "bytes follow after its array")),
            _ => {}
        }
        self.row += 1;
        let limit = size_of_buffer(MAX_ROW_BYTES);
        let mut limited = (&mut self.reader).take(limit);
        let value = rmpv::decode::read_value_with_max_depth(&mut limited, MAX_DEPTH);
        let left = limited.limit();
        self.row_bytes = MAX_ROW_BYTES.saturating_sub(usize::try_from(left).unwrap_or(0));
        self.left = self.left.map(|left| left - 1);
        match value {
            Ok(value) => Ok(Some(value)),
            Err(_) if left == 0 => {
                Err(broken(&self.path, format!("row {} is longer than 16 MiB", self.row)))
            }
            Err(error) => {
                let message = match error {
                    rmpv::decode::Error::DepthLimitExceeded => {
                        format!("it is nested deeper than {MAX_DEPTH}")
                    }
                    other => other.to_string(),
                };
                Err(broken(&self.path, format!("row {}: {message}", self.row)))
            }
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Value, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read_row().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}

/// Returns a value as a node.
fn node(value: &Value) -> Result<Node<'_>, String> {
    Ok(match value {
        Value::Nil => Node::Null,
        Value::Boolean(value) => Node::Bool(*value),
        Value::Integer(number) => match number.as_i64() {
            Some(value) => Node::Int(value),
            None => Node::Inexact(number.to_string().into()),
        },
        Value::F32(value) => Node::Float((*value).into(), None),
        Value::F64(value) => Node::Float(*value, None),
        Value::String(text) => Node::Text(text.as_str().ok_or("a text is not UTF-8")?.into()),
        Value::Binary(bytes) => Node::Binary(bytes.into()),
        Value::Array(items) => Node::List(items.iter().map(node).collect::<Result<_, _>>()?),
        Value::Map(members) => {
            let mut object = Vec::with_capacity(members.len());
            for (key, value) in members {
                let key = key.as_str().ok_or("a key is not a text")?;
                if object.len() <= 64 && object.iter().any(|(known, _)| known == key) {
                    return Err(format!("the key {key:?} is there twice in one map"));
                }
                object.push((key.into(), node(value)?));
            }
            Node::Object(object)
        }
        Value::Ext(kind, _) => return Err(format!("values of extension type {kind} are not read")),
    })
}

/// Returns a row, or why a value is none.
fn row_node(value: &Value) -> Result<Node<'_>, String> {
    match node(value)? {
        node @ Node::Object(_) => Ok(node),
        other => Err(format!("the row is {}, not a map", other.sort())),
    }
}

/// Returns a row whose number is `row`; nothing when it is left out because it is none.
fn checked<'v>(
    value: &'v Value,
    (path, row): (&str, u64),
    bad_rows: BadRows,
    bad: &mut Bad,
) -> Result<Option<Node<'v>>, FormatError> {
    match (row_node(value), bad_rows) {
        (Ok(node), _) => Ok(Some(node)),
        (Err(why), BadRows::Skip) => {
            bad.rows.add(path, row, || why);
            Ok(None)
        }
        (Err(why), BadRows::Null) => {
            bad.blanked.add(path, row, || why);
            Ok(Some(Node::Object(Vec::new())))
        }
        (Err(why), BadRows::Fail | BadRows::Reject) => {
            Err(broken(path, format!("row {row}: {why}")))
        }
    }
}

fn misfit(path: &str, numbers: &[u64], bad: BadValue) -> FormatError {
    FormatError::Value {
        path: path.to_owned(),
        row: numbers.get(bad.row).copied().unwrap_or_default(),
        column: bad.column,
        message: bad.message,
    }
}

/// Looks at every row, or at the first `rows`.
pub(crate) fn infer(
    source: &dyn ByteSource,
    format: &FileFormat,
    most: Option<u64>,
    bad_rows: BadRows,
) -> Result<Found, FormatError> {
    let mut rows = Rows::open(source)?;
    let stated = StatedTypes::new(&format.types);
    let (mut members, mut bad) = (Members::default(), Bad::default());
    let mut complete = true;
    while let Some(value) = rows.next() {
        let (value, row) = (value?, rows.row);
        if let Some(node) = checked(&value, (&rows.path, row), bad_rows, &mut bad)? {
            let node = [node];
            let (left_out, part) = stated
                .check(&node, &[row], bad_rows)
                .map_err(|wrong| misfit(&rows.path, &[row], wrong))?;
            bad.add_part(part, &rows.path, 0);
            if let ([Node::Object(object)], true) = (&node, left_out.is_empty()) {
                members.add_row(object, row - 1);
            }
        }
        if most.is_some_and(|most| rows.row >= most) {
            complete = rows.next().is_none();
            break;
        }
    }
    if members.too_many() {
        let message = format!("its rows have more than {MAX_KEYS} different keys");
        return Err(broken(&rows.path, message));
    }
    let seen = most.map_or(rows.row, |most| most.min(rows.row));
    let (schema, nearly) = (stated.applied_to(members.fields()), members.nearly());
    Ok(Found { schema, rows: seen - bad.rows.count, complete, bad, nearly })
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    Ok(Box::new(Decoder {
        rows: Rows::open(source)?,
        schema: Arc::clone(&options.schema),
        batch_rows: options.batch_rows.max(1),
        bad_rows: options.bad_rows,
        bad: Bad::default(),
        collector: Arc::clone(&options.bad),
        known: options.known_columns(),
        done: false,
    }))
}

struct Decoder {
    rows: Rows<'static>,
    schema: SchemaRef,
    batch_rows: usize,
    bad_rows: BadRows,
    /// What was bad in the rows so far.
    bad: Bad,
    collector: Arc<BadCollector>,
    /// All columns of the table.
    known: Option<Arc<HashSet<String>>>,
    done: bool,
}

impl Decoder {
    fn batch(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        let before = self.rows.row;
        let mut values = Vec::new();
        let mut bytes = 0;
        while values.len() < self.batch_rows && bytes < BATCH_BYTES {
            let Some(value) = self.rows.next() else { break };
            values.push(value?);
            bytes += self.rows.row_bytes;
        }
        if values.is_empty() {
            return Ok(None);
        }
        let path = &self.rows.path;
        let (mut nodes, mut numbers) = (Vec::new(), Vec::new());
        for (value, row) in values.iter().zip(before + 1..) {
            if let Some(node) = checked(value, (path, row), self.bad_rows, &mut self.bad)? {
                nodes.push(node);
                numbers.push(row);
            }
        }
        let mut builder = Builder::new(&self.schema, self.bad_rows);
        let batch = builder.batch(&nodes, &numbers).map_err(|bad| misfit(path, &numbers, bad))?;
        let mut bad = std::mem::take(&mut builder.bad);
        if let Some(known) = &self.known {
            add_unknown(&mut bad, &nodes, known);
        }
        self.bad.add_part(bad, path, 0);
        if !self.bad.is_none() {
            self.collector.take(path, &self.bad);
        }
        Ok(Some(batch))
    }
}

impl Iterator for Decoder {
    type Item = Result<RecordBatch, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.batch().transpose();
        self.done = !matches!(batch, Some(Ok(_)));
        batch
    }
}
