//! JSON documents and JSON lines, as rows of nested values.
//!
//! A document's rows, the elements of its array or the one object, are passed on as lines, so that
//! both are read alike: in blocks, by several threads, in the order of the file.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Read};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};

use super::batches::{self, BlockBatches};
use super::blocks::{BlockCutter, InOrder, MAX_ROW_BYTES, ParseBlock, Parsed};
use super::compression;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::kinds::NearlyTyped;
use super::nested::MAX_KEYS;
use super::nested::build::{BadValue, Builder};
use super::nested::extent::value_end;
use super::nested::node::Node;
use super::nested::shape::Members;
use super::pipeline::{self, Emit};
use super::{text_detection, text_encoding};
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::files::ByteSource;
use crate::engines::schema::{ColumnType, Schema};
use crate::engines::table::{FileFormat, Format, TextEncoding};

/// How many threads look at the rows.
const THREADS: usize = 2;

fn broken(path: &str, format: Format, message: impl Into<String>) -> FormatError {
    FormatError::Broken {
        path: path.to_owned(),
        format: format.as_str().to_owned(),
        message: message.into(),
    }
}

/// Returns the text as UTF-8.
fn text<'a, S: ByteSource + 'a>(source: S) -> Result<Box<dyn Read + Send + 'a>, FormatError> {
    let path = source.path().to_owned();
    let (_, mut reader) = compression::open(source)?;
    let failed = |source| FormatError::reading(&path, source);
    let mut start = [0; 512];
    let count = text_encoding::fill(&mut reader, &mut start).map_err(failed)?;
    // JSON is UTF-8 by its standard; UTF-16 is told by its mark or its zeros.
    let encoding = text_detection::utf16_or_mark(&start[..count]).unwrap_or(TextEncoding::Utf8);
    let whole = io::Cursor::new(start[..count].to_vec()).chain(reader);
    text_encoding::to_utf8(Box::new(whole), encoding).map_err(failed)
}

/// Cuts the rows out of a document.
struct Document<'a> {
    text: Box<dyn Read + Send + 'a>,
    path: String,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
    row: u64,
}

impl<'a> Document<'a> {
    fn new(text: Box<dyn Read + Send + 'a>, path: String) -> Self {
        Self { text, path, buffer: Vec::new(), at: 0, ended: false, row: 0 }
    }

    fn broken(&self, message: &str) -> FormatError {
        broken(&self.path, Format::Json, format!("row {}: {message}", self.row))
    }

    /// Reads on; false at the end.
    fn refill(&mut self) -> Result<bool, FormatError> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.len() > MAX_ROW_BYTES {
            return Err(self.broken("it is longer than 16 MiB"));
        }
        // Twice as much each time, so that a long row is looked at few times.
        let kept = self.buffer.len();
        let wanted = kept.max(BlockCutter::BLOCK_BYTES);
        self.buffer.resize(kept + wanted, 0);
        let count = text_encoding::fill(&mut self.text, &mut self.buffer[kept..])
            .map_err(|source| FormatError::reading(&self.path, source))?;
        self.buffer.truncate(kept + count);
        self.ended = count < wanted;
        Ok(count > 0)
    }

    /// Returns the next byte that is no white space, which stays to be read.
    fn peek(&mut self) -> Result<Option<u8>, FormatError> {
        loop {
            let rest = &self.buffer[self.at..];
            self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if let Some(byte) = self.buffer.get(self.at) {
                return Ok(Some(*byte));
            }
            if !self.refill()? {
                return Ok(None);
            }
        }
    }

    /// Returns the next value.
    fn value(&mut self) -> Result<&[u8], FormatError> {
        self.peek()?;
        loop {
            let end = value_end(&self.buffer[self.at..]).map_err(|error| self.broken(&error))?;
            match end {
                // A number at the end of what is read may go on.
                Some(length) if self.ended || self.at + length < self.buffer.len() => {
                    let start = self.at;
                    self.at += length;
                    return Ok(&self.buffer[start..self.at]);
                }
                _ if !self.refill()? && end.is_none() => {
                    return Err(self.broken("the document ends too early"));
                }
                _ => {}
            }
        }
    }

    /// Passes the elements of the array, or the one value, on as lines.
    fn rows(&mut self, emit: Emit<'_, Vec<u8>>) -> Result<(), FormatError> {
        let array = self.peek()? == Some(b'[');
        self.at += usize::from(array);
        let mut block = Vec::new();
        let outcome = self.fill_blocks(array, &mut block, emit);
        if let Ok(false) = outcome {
            return Ok(());
        }
        // Rows before a broken place are passed on, so that the first problem is said first.
        let wanted = emit(block);
        outcome?;
        if wanted && self.peek()?.is_some() {
            return Err(self.broken("something follows after the document"));
        }
        Ok(())
    }

    /// Returns false when no more is wanted.
    fn fill_blocks(
        &mut self,
        array: bool,
        block: &mut Vec<u8>,
        emit: Emit<'_, Vec<u8>>,
    ) -> Result<bool, FormatError> {
        loop {
            let next = self.peek()?;
            self.row += 1;
            match next {
                Some(b']') if array && self.row == 1 => {
                    self.at += 1;
                    return Ok(true);
                }
                None => return Err(self.broken("the document ends too early")),
                _ => {}
            }
            let row = self.value()?;
            // A line end within JSON is white space: in a text it is escaped.
            block.extend(row.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
            block.push(b'\n');
            if block.len() >= BlockCutter::BLOCK_BYTES && !emit(std::mem::take(block)) {
                return Ok(false);
            }
            if !array {
                return Ok(true);
            }
            let end = self.peek()?;
            self.at += 1;
            match end {
                Some(b',') => {}
                Some(b']') => return Ok(true),
                Some(_) => return Err(self.broken("expected `,` or `]` after it")),
                None => return Err(self.broken("the document ends too early")),
            }
        }
    }
}

/// Passes the lines of JSON lines, or of a document made so, on.
fn produce<S: ByteSource>(
    source: S,
    format: Format,
    emit: Emit<'_, Vec<u8>>,
) -> Result<(), FormatError> {
    let path = source.path().to_owned();
    let text = text(source)?;
    if format == Format::Json {
        return Document::new(text, path).rows(emit);
    }
    let mut cutter = BlockCutter::new(text, None, None, path);
    while let Some(block) = cutter.next_block()? {
        if !emit(block) {
            break;
        }
    }
    Ok(())
}

/// What is wrong with a row of a block: how many rows come before it, its column, why.
type Wrong = (u64, String, String);

/// Gives each complete line to `take`, with the number of lines before it: a row, or why it is none.
/// Returns the tail and the number of lines that were given.
fn each_line<'b>(
    block: &'b [u8],
    mut take: impl FnMut(u64, Result<Node<'b>, String>) -> bool,
) -> (usize, u64) {
    let (mut at, mut rows) = (0, 0_u64);
    while let Some(length) = memchr::memchr(b'\n', &block[at..]) {
        let line = block[at..at + length].trim_ascii();
        at += length + 1;
        if line.is_empty() {
            continue;
        }
        let node = std::str::from_utf8(line)
            .map_err(|_| "it is not UTF-8".to_owned())
            .and_then(Node::from_json)
            .and_then(|node| match node {
                Node::Object(_) => Ok(node),
                other => Err(format!("the row is {}, not an object", other.sort())),
            });
        let wanted = take(rows, node);
        rows += 1;
        if !wanted {
            break;
        }
    }
    (at, rows)
}

/// The rows of a block, each with its number.
#[derive(Default)]
struct Rows<'b> {
    nodes: Vec<Node<'b>>,
    /// From 1.
    numbers: Vec<u64>,
    bad: Bad,
    wrong: Option<Wrong>,
}

impl<'b> Rows<'b> {
    /// Reads the complete lines of a block, at most `most`. What is no row is left out or null where
    /// that is asked for, and else ends the rows.
    fn read(block: &'b [u8], bad_rows: BadRows, most: Option<u64>) -> (Self, usize, u64) {
        let mut rows = Self::default();
        let (tail, count) = each_line(block, |before, node| {
            let number = before + 1;
            match (node, bad_rows) {
                (Ok(node), _) => rows.push(node, number),
                (Err(why), BadRows::Skip) => rows.bad.rows.add("", number, || why),
                (Err(why), BadRows::Null) => {
                    rows.bad.blanked.add("", number, || why);
                    rows.push(Node::Object(Vec::new()), number);
                }
                (Err(why), BadRows::Fail | BadRows::Reject) => {
                    rows.wrong = Some((before, String::new(), why));
                    return false;
                }
            }
            most.is_none_or(|most| number < most)
        });
        let tail = if rows.wrong.is_some() { block.len() } else { tail };
        (rows, tail, count)
    }

    fn push(&mut self, node: Node<'b>, number: u64) {
        self.nodes.push(node);
        self.numbers.push(number);
    }
}

fn wrong(path: &str, format: Format, before: u64, (row, column, message): Wrong) -> FormatError {
    let row = before + row + 1;
    if column.is_empty() {
        return broken(path, format, format!("row {row}: {message}"));
    }
    FormatError::Value { path: path.to_owned(), row, column, message }
}

/// Looks at the types of rows.
struct Looker<'a> {
    most_rows: Option<u64>,
    stated: &'a StatedTypes,
    bad_rows: BadRows,
}

impl ParseBlock for Looker<'_> {
    type Output = (Members, Bad, Option<Wrong>);

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Self::Output> {
        let mut members = Members::default();
        let (mut rows, tail, count) = Rows::read(&block, self.bad_rows, self.most_rows);
        let fitting = self.stated.check(&rows.nodes, &rows.numbers, self.bad_rows);
        match fitting {
            Ok((left_out, bad)) => {
                rows.bad.merge(&bad);
                let kept = rows.nodes.iter().enumerate();
                for (index, node) in kept.filter(|(index, _)| !left_out.contains(index)) {
                    if let Node::Object(object) = node {
                        members.add_row(object, rows.numbers[index] - 1);
                    }
                }
            }
            Err(BadValue { row, column, message }) => {
                let before = rows.numbers.get(row).map_or(0, |number| number - 1);
                rows.wrong = Some((before, column, message));
            }
        }
        let (bad, wrong) = (rows.bad, rows.wrong);
        drop(rows.nodes);
        let tail = if wrong.is_some() { block.len() } else { tail };
        Parsed { output: (members, bad, wrong), block, tail, rows: count }
    }
}

/// Columns whose types are stated.
pub(crate) struct StatedTypes {
    schema: SchemaRef,
}

impl StatedTypes {
    pub(crate) fn new(types: &BTreeMap<String, ColumnType>) -> Self {
        let field =
            |(name, data_type): (&String, &ColumnType)| Field::new(name, data_type.0.clone(), true);
        Self { schema: Arc::new(ArrowSchema::new(types.iter().map(field).collect::<Vec<_>>())) }
    }

    /// Returns which rows are left out because of a value that does not fit, and what is bad.
    pub(crate) fn check(
        &self,
        rows: &[Node<'_>],
        numbers: &[u64],
        bad_rows: BadRows,
    ) -> Result<(BTreeSet<usize>, Bad), BadValue> {
        if self.schema.fields().is_empty() {
            return Ok((BTreeSet::new(), Bad::default()));
        }
        let mut builder = Builder::new(&self.schema, bad_rows);
        builder.batch(rows, numbers)?;
        Ok((builder.left_out().clone(), std::mem::take(&mut builder.bad)))
    }

    /// Returns the columns that were found, those whose types are stated with these.
    pub(crate) fn applied_to(&self, found: Vec<Field>) -> Schema {
        let typed = |field: Field| match self.schema.field_with_name(field.name()) {
            Ok(stated) => stated.clone(),
            Err(_) => field,
        };
        let fields: Vec<Field> = found.into_iter().map(typed).collect();
        Schema::from_arrow(&ArrowSchema::new(fields))
    }
}

/// The schema of JSON.
pub(crate) struct Found {
    pub(crate) schema: Schema,
    /// How many rows were looked at, without those that are left out.
    pub(crate) rows: u64,
    pub(crate) complete: bool,
    pub(crate) bad: Bad,
    /// The columns of text that nearly have another type.
    pub(crate) nearly: Vec<NearlyTyped>,
}

/// Looks at every row, or at the first `rows`.
pub(crate) fn infer(
    source: &dyn ByteSource,
    format: &FileFormat,
    most_rows: Option<u64>,
    bad_rows: BadRows,
) -> Result<Found, FormatError> {
    let path = source.path();
    let stated = StatedTypes::new(&format.types);
    let format = format.format;
    let looker = || Looker { most_rows, stated: &stated, bad_rows };
    let threads = if most_rows.is_some() { 1 } else { THREADS };
    pipeline::scoped(
        threads,
        |emit| produce(source, format, emit),
        || {
            let mut looker = looker();
            move |block| looker.parse(block)
        },
        |results| {
            let mut ordered = InOrder::new(results, looker(), path.to_owned(), format.as_str());
            let (mut members, mut bad, mut rows) = (Members::default(), Bad::default(), 0);
            let mut complete = true;
            while let Some(next) = ordered.next() {
                let ((part, part_bad, failed), before) = next?;
                if let Some(failed) = failed {
                    return Err(wrong(path, format, before, failed));
                }
                members.merge(before, &part);
                bad.add_part(part_bad, path, before);
                rows = ordered.rows();
                if most_rows.is_some_and(|most| rows >= most) {
                    complete = ordered.nothing_left();
                    break;
                }
            }
            if members.too_many() {
                let message = format!("its rows have more than {MAX_KEYS} different keys");
                return Err(broken(path, format, message));
            }
            let (schema, nearly) = (stated.applied_to(members.fields()), members.nearly());
            Ok(Found { schema, rows: rows - bad.rows.count, complete, bad, nearly })
        },
    )
}

/// Adds the keys of rows that are no columns of their table.
pub(crate) fn add_unknown(bad: &mut Bad, rows: &[Node<'_>], known: &HashSet<String>) {
    for row in rows {
        let Node::Object(members) = row else { continue };
        for (key, _) in members.iter().filter(|(key, _)| !known.contains(key.as_ref())) {
            bad.add_unknown(key, "");
        }
    }
}

/// Builds batches.
struct Decoder {
    schema: SchemaRef,
    bad_rows: BadRows,
    batch_rows: usize,
    /// All columns of the table.
    known: Option<Arc<HashSet<String>>>,
}

impl ParseBlock for Decoder {
    type Output = BlockBatches<Wrong>;

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Self::Output> {
        let (mut rows, tail, count) = Rows::read(&block, self.bad_rows, None);
        let mut builder = Builder::new(&self.schema, self.bad_rows);
        let mut batches = Vec::new();
        let chunks = rows.nodes.chunks(self.batch_rows).zip(rows.numbers.chunks(self.batch_rows));
        for (nodes, numbers) in chunks {
            match builder.batch(nodes, numbers) {
                Ok(batch) => batches.push(batch),
                Err(BadValue { row, column, message }) => {
                    let before = numbers.get(row).map_or(0, |number| number - 1);
                    rows.wrong = Some((before, column, message));
                    break;
                }
            }
        }
        let (mut bad, failed) = (rows.bad, rows.wrong);
        bad.merge(&builder.bad);
        if let Some(known) = &self.known {
            add_unknown(&mut bad, &rows.nodes, known);
        }
        drop(rows.nodes);
        let tail = if failed.is_some() { block.len() } else { tail };
        Parsed { output: BlockBatches { batches, failed, bad }, block, tail, rows: count }
    }
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    format: Format,
    options: &DecodeOptions,
) -> Batches {
    let path = source.path().to_owned();
    let known = options.known_columns();
    let decoder = || Decoder {
        schema: Arc::clone(&options.schema),
        bad_rows: options.bad_rows,
        batch_rows: options.batch_rows.max(1),
        known: known.clone(),
    };
    let parser = || {
        let mut decoder = decoder();
        move |block| decoder.parse(block)
    };
    let results =
        pipeline::spawn(options.threads, move |emit| produce(source, format, emit), parser);
    let ordered = InOrder::new(results, decoder(), path.clone(), format.as_str());
    let named = path.clone();
    let error = move |before, failed| wrong(&named, format, before, failed);
    batches::in_order(ordered, path, Arc::clone(&options.bad), error)
}
