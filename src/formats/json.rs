//! JSON documents and JSON lines, as rows of nested values.
//!
//! A document's rows, the elements of its array or the one object, are passed on as lines, so that
//! both are read alike: in blocks, by several threads, in the order of the file.

use std::io::{self, Read};
use std::sync::Arc;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};

use super::batches::{self, BlockBatches};
use super::blocks::{BlockCutter, InOrder, MAX_ROW_BYTES, ParseBlock, Parsed};
use super::bytes::{ByteSource, size_of_buffer};
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
use crate::engines::job_spec::BadRows;
use crate::engines::schema::Schema;
use crate::engines::table::{Format, TextEncoding};

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

/// Gives each complete line to `take`; returns the tail and the number of rows.
fn each_line<'b>(
    block: &'b [u8],
    mut take: impl FnMut(Node<'b>) -> bool,
) -> (usize, u64, Option<Wrong>) {
    let (mut at, mut rows) = (0, 0_u64);
    while let Some(length) = memchr::memchr(b'\n', &block[at..]) {
        let line = block[at..at + length].trim_ascii();
        at += length + 1;
        if line.is_empty() {
            continue;
        }
        let node = std::str::from_utf8(line)
            .map_err(|_| "it is not UTF-8".to_owned())
            .and_then(Node::from_json);
        let wanted = match node {
            Ok(node @ Node::Object(_)) => take(node),
            Ok(other) => {
                let message = format!("the row is {}, not an object", other.sort());
                return (block.len(), rows, Some((rows, String::new(), message)));
            }
            Err(message) => return (block.len(), rows, Some((rows, String::new(), message))),
        };
        rows += 1;
        if !wanted {
            break;
        }
    }
    (at, rows, None)
}

fn wrong(path: &str, format: Format, before: u64, (row, column, message): Wrong) -> FormatError {
    let row = before + row + 1;
    if column.is_empty() {
        return broken(path, format, format!("row {row}: {message}"));
    }
    FormatError::Value { path: path.to_owned(), row, column, message }
}

/// Looks at the types of rows.
struct Looker {
    most_rows: Option<u64>,
}

impl ParseBlock for Looker {
    type Output = (Members, Option<Wrong>);

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Self::Output> {
        let mut members = Members::default();
        let mut seen = 0;
        let most = self.most_rows;
        let (tail, rows, wrong) = each_line(&block, |node| {
            if let Node::Object(object) = &node {
                members.add_row(object, seen);
            }
            seen += 1;
            most.is_none_or(|most| seen < most)
        });
        Parsed { output: (members, wrong), block, tail, rows }
    }
}

/// The schema of JSON.
pub(crate) struct Found {
    pub(crate) schema: Schema,
    pub(crate) rows: u64,
    pub(crate) complete: bool,
    /// The columns of text that nearly have another type.
    pub(crate) nearly: Vec<NearlyTyped>,
}

/// Looks at every row, or at the first `rows`.
pub(crate) fn infer(
    source: &dyn ByteSource,
    format: Format,
    most_rows: Option<u64>,
) -> Result<Found, FormatError> {
    let path = source.path();
    let threads = if most_rows.is_some() { 1 } else { THREADS };
    pipeline::scoped(
        threads,
        |emit| produce(source, format, emit),
        || {
            let mut looker = Looker { most_rows };
            move |block| looker.parse(block)
        },
        |results| {
            let looker = Looker { most_rows };
            let mut ordered = InOrder::new(results, looker, path.to_owned(), format.as_str());
            let (mut members, mut rows) = (Members::default(), 0);
            let mut complete = true;
            while let Some(next) = ordered.next() {
                let ((part, failed), before) = next?;
                if let Some(failed) = failed {
                    return Err(wrong(path, format, before, failed));
                }
                members.merge(before, &part);
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
            let schema = Schema::from_arrow(&ArrowSchema::new(members.fields()));
            Ok(Found { schema, rows, complete, nearly: members.nearly() })
        },
    )
}

/// Builds batches.
struct Decoder {
    schema: SchemaRef,
    bad_rows: BadRows,
    batch_rows: usize,
}

impl ParseBlock for Decoder {
    type Output = BlockBatches<Wrong>;

    fn parse(&mut self, block: Vec<u8>) -> Parsed<Self::Output> {
        let mut nodes = Vec::new();
        let (tail, rows, mut failed) = each_line(&block, |node| {
            nodes.push(node);
            true
        });
        let mut builder = Builder::new(&self.schema, self.bad_rows);
        let mut batches = Vec::new();
        for (index, chunk) in nodes.chunks(self.batch_rows).enumerate() {
            match builder.batch(chunk) {
                Ok(batch) => batches.push(batch),
                Err(BadValue { row, column, message }) => {
                    let row = size_of_buffer(index * self.batch_rows + row);
                    failed = Some((row, column, message));
                    break;
                }
            }
        }
        let nulled = builder.nulled;
        drop(nodes);
        Parsed { output: BlockBatches { batches, failed, nulled }, block, tail, rows }
    }
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    format: Format,
    options: &DecodeOptions,
) -> Batches {
    let path = source.path().to_owned();
    let decoder = || Decoder {
        schema: Arc::clone(&options.schema),
        bad_rows: options.bad_rows,
        batch_rows: options.batch_rows.max(1),
    };
    let parser = || {
        let mut decoder = decoder();
        move |block| decoder.parse(block)
    };
    let results =
        pipeline::spawn(options.threads, move |emit| produce(source, format, emit), parser);
    let ordered = InOrder::new(results, decoder(), path.clone(), format.as_str());
    let error = move |before, failed| wrong(&path, format, before, failed);
    batches::in_order(ordered, Arc::clone(&options.nulled), error)
}
